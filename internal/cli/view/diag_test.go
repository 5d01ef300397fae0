package view

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"tutti/internal/diag"
)

// diagText is a diagnostic as the files in testdata write it; Wrong is the text in
// the file that it is about.
type diagText struct {
	Severity, Headline, Detail, Address, File, Wrong string
	Values                                           []string
}

func (d diagText) diagnostic(t *testing.T, sources map[string][]byte) *diag.Diagnostic {
	t.Helper()
	out := &diag.Diagnostic{Severity: diag.Error, Headline: d.Headline, Detail: d.Detail, Address: d.Address, Values: d.Values}
	if d.Severity == "warning" {
		out.Severity = diag.Warning
	}
	if d.File == "" {
		return out
	}
	src := sources[d.File]
	i := bytes.Index(src, []byte(d.Wrong))
	if src != nil && i < 0 {
		t.Fatalf("%q does not stand in %s", d.Wrong, d.File)
	}
	pos := func(at int) hcl.Pos {
		if src == nil {
			return hcl.InitialPos
		}
		return hcl.Pos{Line: bytes.Count(src[:at], []byte("\n")) + 1, Column: at - bytes.LastIndexByte(src[:at], '\n'), Byte: at}
	}
	out.Subject = &hcl.Range{Filename: d.File, Start: pos(max(i, 0)), End: pos(max(i, 0) + len(d.Wrong))}
	return out
}

// TestDiags holds each file in testdata/diag against its golden parts. What comes
// before them are the diagnostics, as JSON, and the files that they are about.
func TestDiags(t *testing.T) {
	files, err := filepath.Glob("testdata/diag/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no diagnostics in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var in []diagText
			if err := json.Unmarshal(ar.Files[0].Data, &in); err != nil {
				t.Fatal(err)
			}
			sources := map[string][]byte{}
			whole := *ar
			var kept []txtar.File
			for _, f := range ar.Files {
				if strings.Contains(f.Name, ".") && f.Name != "diags.json" {
					sources[f.Name] = f.Data
				}
			}
			var list diag.List
			for _, d := range in {
				list = append(list, d.diagnostic(t, sources))
			}
			for i, f := range whole.Files {
				if i > 0 && !strings.Contains(f.Name, ".") {
					got := strings.ReplaceAll(renderDiags(t, f.Name, list, sources), "\x1b", "␛")
					if *update {
						f.Data = []byte(got)
					} else if string(f.Data) != got {
						t.Errorf("%s differs; -update rewrites it. Got:\n%s", f.Name, got)
					}
				}
				kept = append(kept, f)
			}
			whole.Files = kept
			if *update {
				writeArchive(t, file, &whole)
			}
		})
	}
}

func renderDiags(t *testing.T, name string, list diag.List, sources map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	switch name {
	case "plain":
		Style{}.Diags(&b, list, sources)
	case "color":
		Style{Color: true}.Diags(&b, list, sources)
	case "narrow":
		Style{Width: 40}.Diags(&b, list, sources)
	case "compact":
		Style{}.Compact(&b, list, sources)
	case "json":
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		if err := e.Encode(JSONDiags(list, sources)); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("unknown golden part %q", name)
	}
	return b.String()
}

// A file that has become shorter since it was read must not break the view.
func TestDiagOutsideFile(t *testing.T) {
	d := &diag.Diagnostic{Severity: diag.Error, Headline: "Gone", Subject: &hcl.Range{Filename: "a.tf", Start: hcl.Pos{Line: 9, Column: 1, Byte: 90}, End: hcl.Pos{Line: 9, Column: 3, Byte: 92}}}
	var b bytes.Buffer
	Style{}.Diags(&b, diag.List{d}, map[string][]byte{"a.tf": []byte("x = 1\n")})
	if !strings.Contains(b.String(), "on a.tf line 9") {
		t.Errorf("got %s", b.String())
	}
}
