package definition_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/stepfunctions/definition"
)

// Whatever the text, reading ends, every finding has a place in the file, and there is
// a machine exactly when there is no error.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(everything), false, true)
	files, _ := filepath.Glob("testdata/check/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range txtar.Parse(text).Files {
			f.Add(part.Data, filepath.Ext(part.Name) == ".yaml", false)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, yaml, given bool) {
		name := "x.json"
		if yaml {
			name = "x.yaml"
		}
		var o definition.Options
		if given {
			o.Substitutions = map[string]string{"n": "3", "name": "${name}"}
		}
		m, findings := definition.Check(name, text, o)
		if (m == nil) != definition.Diagnostics(findings).HasErrors() {
			t.Fatal("there is a machine and there are errors, or neither")
		}
		for _, found := range findings {
			r := found.Diagnostic.Subject
			if r == nil || r.Start.Byte < 0 || r.End.Byte > len(text) || r.End.Byte < r.Start.Byte {
				t.Fatalf("%s: %v is no place in %d bytes", found.Diagnostic, r, len(text))
			}
		}
	})
}
