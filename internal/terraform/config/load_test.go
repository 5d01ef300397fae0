package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"tutti/internal/diag"
	"tutti/internal/expr"
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

// TestSharedParts: only blocks that can have instances have parts that are shared by
// them, and what is read rather than evaluated stays as it is.
func TestSharedParts(t *testing.T) {
	const src = `
resource "t" "x" {
  count = length(var.n)
  size  = length(var.n)
  list  = [count.index]
  lifecycle {
    replace_triggered_by = [t.y[*].id]
    precondition {
      condition     = upper(var.n) != ""
      error_message = "No."
    }
  }
}
module "m" {
  source = trimspace("./m")
  in     = t.x[*].id
}
locals {
  once = length(var.n)
}
`
	body, d := parseFile([]byte(src), "main.tf")
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	var got []string
	_ = hclsyntax.VisitAll(body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		if s, ok := n.(*expr.Shared); ok {
			got = append(got, string(s.Range().SliceBytes([]byte(src))))
		}
		return nil
	})
	slices.Sort(got)
	if want := []string{"length(var.n)", "t.x[*].id", "upper(var.n)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
