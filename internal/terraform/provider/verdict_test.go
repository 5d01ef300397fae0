package provider

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/provider/tfplugin6"
)

// TestValidatedOnce: a provider that is gone is not missed for what it found valid
// before, warnings included; of anything else it is asked.
func TestValidatedOnce(t *testing.T) {
	p, err := Launch(t.Context(), LaunchOptions{Path: providertest.Faulty(t), CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	s, d := p.Schema(t.Context())
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	config := func(name, fault string) cty.Value {
		attrs := map[string]cty.Value{}
		for attr, ty := range s.Types.Type(Managed, "faulty_thing").Block.ImpliedType().AttributeTypes() {
			if attrs[attr] = cty.NullVal(ty); ty.IsListType() {
				attrs[attr] = cty.ListValEmpty(ty.ElementType())
			}
		}
		attrs["name"], attrs["fault"] = cty.StringVal(name), cty.StringVal(fault)
		return cty.ObjectVal(attrs)
	}
	validate := func(name, fault string) (headlines string) {
		for _, x := range p.ValidateResource(t.Context(), Managed, "faulty_thing", config(name, fault)) {
			headlines += x.Headline + "."
		}
		return headlines
	}
	for _, tc := range [][3]string{{"a", "", ""}, {"a", "validate_warning", "Odd name."}, {"a", "validate_error", "Bad name."}} {
		if got := validate(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%s, %s: %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
	p.(*client).process.Load().kill()
	for _, tc := range [][3]string{{"a", "", ""}, {"a", "validate_warning", "Odd name."},
		{"a", "validate_error", "Provider crashed."}, {"b", "", "Provider crashed."}} {
		if got := validate(tc[0], tc[1]); got != tc[2] {
			t.Errorf("afterwards %s, %s: %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

// TestVerdicts keeps kinds, types and configurations apart, and not too many.
func TestVerdicts(t *testing.T) {
	var v verdicts
	value := &tfplugin6.DynamicValue{Msgpack: []byte{0x80}}
	mine := verdictKey(Managed, "a", value)
	v.keep(mine, nil)
	for _, other := range []verdict{verdictKey(Data, "a", value), verdictKey(Managed, "b", value), verdictKey(Managed, "a", &tfplugin6.DynamicValue{Msgpack: []byte{0xc0}})} {
		if _, ok := v.find(other); ok {
			t.Error("another configuration has the verdict too")
		}
	}
	if _, ok := v.find(mine); !ok {
		t.Error("the verdict is lost")
	}
	for i := range 3 * maxVerdicts {
		v.keep(verdictKey(Managed, "a", &tfplugin6.DynamicValue{Msgpack: []byte{byte(i), byte(i >> 8)}}), nil)
		if len(v.said) > maxVerdicts {
			t.Fatalf("%d are kept", len(v.said))
		}
	}
}
