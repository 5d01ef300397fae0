package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// show writes references as the golden file has them.
func show(refs Refs, diags diag.List) string {
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
		expr, hd := hclsyntax.ParseExpression([]byte(f.Name), "x", hcl.InitialPos)
		if hd.HasErrors() {
			t.Fatalf("%s: %s", f.Name, hd)
		}
		got := show(References(expr))
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

// TestBodyReferences goes into nested and dynamic blocks, whose iterators are not
// references, in both syntaxes.
func TestBodyReferences(t *testing.T) {
	files := Snapshot{
		"a.tf": []byte(`
resource "shop_x" "native" {
  count    = local.n
  provider = shop.eu
  plain    = shop_y.a.id
  nested {
    deep = data.shop_z.b[0]
  }
  dynamic "rule" {
    for_each = var.rules
    content {
      port = rule.value + rule.key
      who  = shop_y.c[rule.key].name
      dynamic "part" {
        for_each = rule.value.parts
        iterator = it
        labels   = [it.key]
        content {
          x = it.value + rule.value + each.key
        }
      }
    }
  }
}
`),
		"b.tf.json": []byte(`{"resource": {"shop_x": {"json": {
  "plain": "${shop_y.a.id}",
  "nested": [{"deep": "${data.shop_z.b[0]}"}],
  "dynamic": {"rule": {"for_each": "${var.rules}", "iterator": "it", "content": {"port": "${it.value + shop_y.c.name}"}}},
  "provider": "shop.eu"
}}}}`),
	}
	m, diags := LoadDir(files, ".")
	if diags.HasErrors() {
		t.Fatal(text(diags))
	}
	want := map[string]string{
		"native": "shop_y.a data.shop_z.b[0] var.rules shop_y.c each.key",
		"json":   "var.rules shop_y.c data.shop_z.b[0] shop_y.a",
	}
	for name, want := range want {
		refs, diags := BodyReferences(m.Resources[addr.Name{Kind: addr.Resource, Type: "shop_x", Name: name}].Body)
		if diags.HasErrors() {
			t.Fatal(text(diags))
		}
		var got []string
		for _, r := range refs.Objects {
			got = append(got, r.Subject.String()+r.Key.String())
		}
		for _, s := range refs.Specials {
			got = append(got, s.Root+"."+s.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s\nwant %s", name, strings.Join(got, " "), want)
		}
	}
}
