package view

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"tutti/internal/addr"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider"
)

// TestConfiguration writes what OpenTofu writes.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/configuration.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := config.Snapshot{}
	var want any
	for _, f := range a.Files {
		if f.Name != "want.json" {
			files[f.Name] = f.Data
		} else if err := json.Unmarshal(f.Data, &want); err != nil {
			t.Fatal(err)
		}
	}
	c, d := config.Load(config.Options{Files: files})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	text, err := json.Marshal(configurationOf(c, func(string, addr.Name) (*provider.Block, int64) { return nil, 0 }))
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := json.Marshal(configurationOf(nil, nil)); err != nil || string(text) != `{"root_module":{}}` {
		t.Errorf("of none: %s, %v", text, err)
	}
}

// TestConfigurationBlocks writes nested blocks by their nesting.
func TestConfigurationBlocks(t *testing.T) {
	t.Parallel()
	inner := &provider.Block{Attributes: map[string]*provider.Attribute{"x": {Type: cty.String}}}
	schema := &provider.Block{Attributes: inner.Attributes, Blocks: map[string]*provider.NestedBlock{
		"one": {Block: inner, Nesting: provider.NestingSingle}, "list": {Block: inner, Nesting: provider.NestingList}, "map": {Block: inner, Nesting: provider.NestingMap}}}
	f, d := hclsyntax.ParseConfig([]byte("x = 1\none {\n  x = var.a\n}\nlist {\n}\nlist {\n  x = 2\n}\nmap \"k\" {\n  x = data.d.e[0].f\n}\nmap \"l\" {\n}\n"), "a.tf", hcl.InitialPos)
	if d.HasErrors() {
		t.Fatal(d)
	}
	text, err := json.Marshal(body(f.Body, schema))
	const want = `{"list":[{},{"x":{"constant_value":2}}],"map":{"k":{"x":{"references":["data.d.e[0].f","data.d.e[0]","data.d.e"]}},"l":{}},"one":{"x":{"references":["var.a"]}},"x":{"constant_value":1}}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
