package schema_test

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/schema"
)

// Whatever a body holds, decoding it does not panic, and what comes without
// errors has the block's type and is a proposal for itself.
func FuzzDecode(f *testing.F) {
	for _, src := range []string{
		"name = 1\nany = [1, true]\nsecret = secret\nold {\n  port = 1\n  deep {\n    x = text\n  }\n}",
		"name = text\nmany = [for n in unknown : { a = n }]\nbag = [{ a = secret }, { a = text }]\nkeyed = { k = { a = 1 } }",
		"name = 1\nsingle {\n  a = 1\n}\ngroup {}\nlist {\n  a = 1\n}\nset {\n  a = secret\n}\nset {\n  a = text\n}\nmap \"k\" {\n  a = 1\n}",
		"name = 1\ndyn {\n  v = 1\n}\ndyn {\n  v = null\n}\ndynm \"k\" {\n  v = unknown\n}\ntwice {}\ngone {}",
		"name = 1\ndynamic \"list\" {\n  for_each = hidden\n  content {\n    a = list.value\n  }\n}\ndynamic \"old\" {\n  for_each = unknown\n  content {\n    port = old.key\n  }\n}",
		"name = 1\ndynamic \"map\" {\n  for_each = names\n  labels = [map.value]\n  content {\n    a = 1\n  }\n}",
		`{"name": "n", "list": [{"a": "${text}"}], "map": {"k": {"a": "1"}}, "old": [{"port": 1}], "dynamic": {"set": {"for_each": "${names}", "content": {"a": "1"}}}}`,
	} {
		f.Add([]byte(src))
	}
	block := schema.New(everything())
	f.Fuzz(func(t *testing.T, src []byte) {
		var file *hcl.File
		var bad hcl.Diagnostics
		if len(src) > 0 && src[0] == '{' {
			file, bad = hcljson.Parse(src, "f.tf.json")
		} else {
			file, bad = hclsyntax.ParseConfig(src, "f.tf", hcl.InitialPos)
		}
		if bad.HasErrors() || file == nil {
			return
		}
		bound, d := block.Bind(file.Body)
		bound.Variables()
		bound.RangeOf(cty.GetAttrPath("list").IndexInt(0).GetAttr("a"))
		v, more := bound.Decode(evalContext())
		if d.HasErrors() || more.HasErrors() {
			return
		}
		if problems := block.Conforms(v); len(problems) > 0 {
			t.Fatalf("%s: %v", src, problems)
		}
		plain, _ := block.MarkSensitive(v).UnmarkDeep()
		if got := block.ProposedNew(plain, plain); len(block.CheckPlan(plain, plain, got)) > 0 {
			t.Fatalf("%#v is proposed for %#v", got, plain)
		}
	})
}
