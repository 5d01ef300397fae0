package expr_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"tutti/internal/diag"
	"tutti/internal/expr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// show writes references as the golden file has them.
func show(refs expr.Refs, diags diag.List) string {
	var b strings.Builder
	for _, r := range refs.Objects {
		fmt.Fprintf(&b, "%s%s", r.Subject, r.Key)
		if r.Index != nil {
			b.WriteString(" index")
		}
		if len(r.Remaining) > 0 {
			fmt.Fprintf(&b, " then %s", diag.Traversal(r.Remaining))
		}
		fmt.Fprintf(&b, " at %d-%d\n", r.Range.Start.Column, r.Range.End.Column)
	}
	for _, s := range refs.Specials {
		fmt.Fprintf(&b, "special %s.%s\n", s.Root, s.Name)
	}
	for _, f := range refs.Functions {
		fmt.Fprintf(&b, "function %s\n", f.FullName())
	}
	for _, d := range diags {
		fmt.Fprintf(&b, "error at %d-%d: %s\n", d.Subject.Start.Column, d.Subject.End.Column, d.Detail)
	}
	return b.String()
}

// TestReferences reads testdata/references.txtar: each file's name is an
// expression, its content what the expression refers to.
func TestReferences(t *testing.T) {
	const name = "testdata/references.txtar"
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range a.Files {
		x, hd := hclsyntax.ParseExpression([]byte(f.Name), "x", hcl.InitialPos)
		if hd.HasErrors() {
			t.Fatalf("%s: %s", f.Name, hd)
		}
		got := show(expr.References(x))
		if got != string(f.Data) {
			t.Errorf("%s: got\n%swant\n%s", f.Name, got, f.Data)
		}
		a.Files[i].Data = []byte(got)
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
