package config

import (
	"strings"
	"testing"
	"tutti/internal/addr"
	"tutti/internal/expr"
)

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
		refs, diags := expr.BodyReferences(m.Resources[addr.Name{Kind: addr.Resource, Type: "shop_x", Name: name}].Body)
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
