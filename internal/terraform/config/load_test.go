package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/diag"
)

// archive reads a txtar file as a folder of configuration.
func archive(t testing.TB, name string) Snapshot {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := Snapshot{}
	for _, f := range txtar.Parse(data).Files {
		files[filepath.Clean(f.Name)] = f.Data
	}
	return files
}

func text(diags diag.List) string {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.Severity.String() + " " + d.Error() + "\n")
	}
	return b.String()
}

// TestGoodConfigurations loads every folder that holds no mistake.
func TestGoodConfigurations(t *testing.T) {
	names, _ := filepath.Glob("testdata/good/*.txtar")
	if len(names) < 5 {
		t.Fatalf("only %d good configurations found", len(names))
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			c, diags := Load(Options{Files: archive(t, name)})
			if diags.HasErrors() {
				t.Fatal(text(diags))
			}
			if len(c.Module.Order) == 0 {
				t.Error("nothing was read")
			}
		})
	}
}
