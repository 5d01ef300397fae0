package main

import (
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// values are an object's attributes; nil stands for a null object.
type values map[string]tftypes.Value

func unpack(d *tfprotov6.DynamicValue, ty tftypes.Type) (values, error) {
	if d == nil {
		return nil, nil
	}
	v, err := d.Unmarshal(ty)
	if err != nil || v.IsNull() || !v.IsKnown() {
		return nil, err
	}
	out := values{}
	return out, v.As((*map[string]tftypes.Value)(&out))
}

func pack(v values, ty tftypes.Type) (*tfprotov6.DynamicValue, error) {
	object := tftypes.NewValue(ty, nil)
	if v != nil {
		object = tftypes.NewValue(ty, map[string]tftypes.Value(v))
	}
	d, err := tfprotov6.NewDynamicValue(ty, object)
	return &d, err
}

// text gives a string attribute, "" when it is null or unknown.
func (v values) text(name string) string {
	var s string
	if a, ok := v[name]; ok && a.IsKnown() && !a.IsNull() {
		_ = a.As(&s)
	}
	return s
}

func (v values) number(name string) int64 {
	var f big.Float
	if a, ok := v[name]; ok && a.IsKnown() && !a.IsNull() {
		_ = a.As(&f)
	}
	n, _ := f.Int64()
	return n
}

func str(s string) tftypes.Value   { return tftypes.NewValue(tftypes.String, s) }
func num(n int64) tftypes.Value    { return tftypes.NewValue(tftypes.Number, n) }
func noString() tftypes.Value      { return tftypes.NewValue(tftypes.String, nil) }
func unknownString() tftypes.Value { return tftypes.NewValue(tftypes.String, tftypes.UnknownValue) }
func unknownNumber() tftypes.Value { return tftypes.NewValue(tftypes.Number, tftypes.UnknownValue) }

func failure(summary, detail string) []*tfprotov6.Diagnostic {
	return []*tfprotov6.Diagnostic{{Severity: tfprotov6.DiagnosticSeverityError, Summary: summary, Detail: detail}}
}

func warning(summary, detail string) []*tfprotov6.Diagnostic {
	return []*tfprotov6.Diagnostic{{Severity: tfprotov6.DiagnosticSeverityWarning, Summary: summary, Detail: detail}}
}
