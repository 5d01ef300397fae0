package definition_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// Each archive in testdata/check holds definitions, each followed by what is found in
// it. The name says how the definition is made of the text:
//
//	x.json, x.yaml       as it stands
//	x.state.json         the state "A" of a machine, which begins on line 2
//	x.query.json         the same, in JSONata
//	x.express.json       as it stands, of an express workflow
//	x.strange.json       as it stands, of integrations that nobody recognises
//	x.given.json, .yaml  with the substitutions n = 3 and name = order
func TestCheck(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives: ", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkArchive(t, file)
		})
	}
}

func checkArchive(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for i, f := range a.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		got := found(f)
		want := ""
		if i+1 < len(a.Files) && a.Files[i+1].Name == f.Name+".want" {
			want = string(a.Files[i+1].Data)
		}
		if got != want && !*update {
			t.Errorf("%s:\n%s\ngot:\n%s\nwant:\n%s", f.Name, f.Data, got, want)
		}
		out = append(out, f, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
	}
	if *update {
		a.Files = out
		if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func found(f txtar.File) string {
	text, o := strings.TrimRight(string(f.Data), "\n"), definition.Options{}
	switch {
	case strings.Contains(f.Name, ".state."):
		text = `{"StartAt":"S","States":{"S":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":"Z"},"Z":{"Type":"Succeed"},"A":` + "\n" + text + `}}`
	case strings.Contains(f.Name, ".query."):
		text = `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Choice","Choices":[{"Condition":true,"Next":"A"}],"Default":"Z"},"Z":{"Type":"Succeed"},"A":` + "\n" + text + `}}`
	case strings.Contains(f.Name, ".express."):
		o.Express = true
	case strings.Contains(f.Name, ".strange."):
		o.Recognise = func(r definition.Resource) string { return r.Service + " is strange. Did you mean sqs?" }
	case strings.Contains(f.Name, ".given."):
		o.Substitutions = map[string]string{"n": "3", "name": "order"}
	}
	m, findings := definition.Check(f.Name, []byte(text), o)
	if (m == nil) != definition.Diagnostics(findings).HasErrors() {
		return "there is a machine and there are errors, or neither\n"
	}
	return describe(findings)
}

func describe(findings []definition.Finding) string {
	if len(findings) == 0 {
		return "valid\n"
	}
	var b strings.Builder
	for _, f := range findings {
		kind := "error"
		if f.Diagnostic.Severity == diag.Warning {
			kind = "warning"
		}
		r := f.Diagnostic.Subject
		fmt.Fprintf(&b, "%s %s at %s: %s\n  %d:%d-%d:%d %s\n  %s\n", kind, f.Code, f.Location, f.Message,
			r.Start.Line, r.Start.Column, r.End.Line, r.End.Column, f.Diagnostic.Headline, f.Diagnostic.Detail)
	}
	return b.String()
}
