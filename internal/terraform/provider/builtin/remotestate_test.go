package builtin

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
)

const state4 = `{"version":4,"outputs":{"a":{"value":1,"type":"number"},"l":{"value":["x",2],"type":["tuple",["string","number"]]},"secret":{"value":"hush","type":"string","sensitive":true}}}`

func remote(backend, config, defaults, workspace cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"backend": backend, "config": config, "defaults": defaults, "workspace": workspace, "outputs": cty.NullVal(cty.DynamicPseudoType)})
}

func path(name string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"path": cty.StringVal(name)})
}

func read(t *testing.T, opts Options, config cty.Value) (cty.Value, diag.List) {
	t.Helper()
	got, diags := New(opts).ReadData(t.Context(), provider.ReadDataRequest{TypeName: remoteStateType, Config: config})
	return got.State, diags
}

func TestRemoteStateOfFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "terraform.tfstate.d", "other"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "terraform.tfstate"), state4)
	write(t, filepath.Join(dir, "terraform.tfstate.d", "other", "terraform.tfstate"), strings.ReplaceAll(state4, "hush", "other"))
	null, local := cty.NullVal(cty.DynamicPseudoType), cty.StringVal("local")
	defaults := cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(5), "b": cty.NumberIntVal(6)})

	got, diags := read(t, Options{Dir: dir}, remote(local, null, defaults, cty.NullVal(cty.String)))
	ok(t, diags)
	want := cty.ObjectVal(map[string]cty.Value{
		"a": cty.NumberIntVal(1), "b": cty.NumberIntVal(6), "l": cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.NumberIntVal(2)}), "secret": cty.StringVal("hush"),
	})
	if !got.GetAttr("outputs").RawEquals(want) {
		t.Errorf("outputs %#v", got.GetAttr("outputs"))
	}
	got, diags = read(t, Options{Dir: dir}, remote(local, null, null, cty.StringVal("other")))
	ok(t, diags)
	if !got.GetAttr("outputs").GetAttr("secret").RawEquals(cty.StringVal("other")) {
		t.Errorf("outputs of workspace other: %#v", got)
	}
}

func TestRemoteStateRefusals(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "old"), `{"version":3}`)
	write(t, filepath.Join(dir, "junk"), `{`)
	null, local, none := cty.NullVal(cty.DynamicPseudoType), cty.StringVal("local"), cty.NullVal(cty.String)
	tests := []struct {
		name, headline, detail string
		config                 cty.Value
	}{
		{"no file", "Unable to find remote state", "none", remote(local, path("none"), null, none)},
		{"no workspace", "Unable to find remote state", `"w"`, remote(local, null, null, cty.StringVal("w"))},
		{"no backend", "Invalid backend configuration", `"locall"`, remote(cty.StringVal("locall"), null, null, none)},
		{"bad attribute", "Invalid backend configuration", `Did you mean "path"?`, remote(local, cty.ObjectVal(map[string]cty.Value{"pat": cty.True}), null, none)},
		{"no object", "Invalid backend configuration", "object is required", remote(local, cty.StringVal("x"), null, none)},
		{"bad defaults", "Invalid default values", "object", remote(local, path("old"), cty.TupleVal([]cty.Value{cty.True}), none)},
		{"old state", "Unable to read remote state", "version 3", remote(local, path("old"), null, none)},
		{"junk", "Unable to read remote state", "not a state", remote(local, path("junk"), null, none)},
	}
	for _, test := range tests {
		_, diags := read(t, Options{Dir: dir}, test.config)
		if len(diags) != 1 || diags[0].Headline != test.headline || !strings.Contains(diags[0].Detail, test.detail) {
			t.Errorf("%s: %v", test.name, diags.Err())
		}
	}
}

func TestRemoteStateOfOtherBackends(t *testing.T) {
	opts := Options{ReadState: func(_ context.Context, backend string, config cty.Value, workspace string) (map[string]cty.Value, error) {
		if backend != "s3" {
			return nil, ErrNoBackend
		}
		return map[string]cty.Value{"where": cty.StringVal(backend + "/" + config.GetAttr("path").AsString() + "/" + workspace)}, nil
	}}
	null := cty.NullVal(cty.DynamicPseudoType)
	got, diags := read(t, opts, remote(cty.StringVal("s3"), path("k"), null, cty.NullVal(cty.String)))
	ok(t, diags)
	if !got.GetAttr("outputs").GetAttr("where").RawEquals(cty.StringVal("s3/k/default")) {
		t.Errorf("outputs %#v", got)
	}
	if _, diags = read(t, opts, remote(cty.StringVal("gcs"), path("k"), null, cty.NullVal(cty.String))); !diags.HasErrors() {
		t.Error("any backend is taken")
	}
}
