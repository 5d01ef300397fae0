package provider

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider/tfplugin6"
)

// encode puts a value into its wire form. cty.NilVal stands for null. A value
// that does not fit the type is the caller's fault and gives an error that names
// the attribute but not what is in it.
func encode(v cty.Value, ty cty.Type) (*tfplugin6.DynamicValue, error) {
	if v == cty.NilVal {
		v = cty.NullVal(ty)
	}
	raw, err := msgpack.Marshal(v, ty)
	if err != nil {
		return nil, pathError(err)
	}
	return &tfplugin6.DynamicValue{Msgpack: raw}, nil
}

// decode reads a value; a message that was left out means null. What the decoder
// panics about, such as a list whose elements have several types, is an error
// too: the bytes are the provider's, and no fault of ours.
func decode(d *tfplugin6.DynamicValue, ty cty.Type) (v cty.Value, err error) {
	defer func() {
		if why := recover(); why != nil {
			v, err = cty.NilVal, fmt.Errorf("the encoded value cannot be decoded: %v", why)
		}
	}()
	switch {
	case len(d.GetMsgpack()) > 0:
		v, err = msgpack.Unmarshal(d.Msgpack, ty)
	case len(d.GetJson()) > 0:
		v, err = ctyjson.Unmarshal(d.Json, ty)
	default:
		return cty.NullVal(ty), nil
	}
	if err != nil {
		return cty.NilVal, pathError(err)
	}
	// The msgpack decoder takes an empty object for an object of any type.
	if got := v.Type(); !got.Equals(ty) {
		if errs := got.TestConformance(ty); len(errs) > 0 {
			return cty.NilVal, pathError(errs[0])
		}
	}
	return v, nil
}

// pathError puts the path, if an error has one, before its text.
func pathError(err error) error {
	if pe, ok := err.(cty.PathError); ok && len(pe.Path) > 0 {
		return fmt.Errorf("%s: %w", pathText(pe.Path), err)
	}
	return err
}

// pathText writes a path as it would stand after a resource's address.
func pathText(p cty.Path) string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			b.WriteString("." + s.Name)
		case cty.IndexStep:
			switch {
			case s.Key.IsKnown() && !s.Key.IsNull() && s.Key.Type() == cty.String:
				fmt.Fprintf(&b, "[%q]", s.Key.AsString())
			case s.Key.IsKnown() && !s.Key.IsNull() && s.Key.Type() == cty.Number:
				b.WriteString("[" + s.Key.AsBigFloat().Text('f', -1) + "]")
			default:
				b.WriteString("[...]")
			}
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

func decodePath(p *tfplugin6.AttributePath) cty.Path {
	if len(p.GetSteps()) == 0 {
		return nil
	}
	out := make(cty.Path, 0, len(p.Steps))
	for _, step := range p.Steps {
		switch s := step.Selector.(type) {
		case *tfplugin6.AttributePath_Step_AttributeName:
			out = append(out, cty.GetAttrStep{Name: s.AttributeName})
		case *tfplugin6.AttributePath_Step_ElementKeyString:
			out = append(out, cty.IndexStep{Key: cty.StringVal(s.ElementKeyString)})
		case *tfplugin6.AttributePath_Step_ElementKeyInt:
			out = append(out, cty.IndexStep{Key: cty.NumberVal(new(big.Float).SetInt64(s.ElementKeyInt))})
		}
	}
	return out
}

// decodeDiagnostics gives the provider's own words. Its summary becomes the
// headline: what it holds is beyond our control.
func decodeDiagnostics(in []*tfplugin6.Diagnostic) diag.List {
	if len(in) == 0 {
		return nil
	}
	out := make(diag.List, 0, len(in))
	for _, d := range in {
		severity := diag.Error
		if d.Severity == tfplugin6.Diagnostic_WARNING {
			severity = diag.Warning
		}
		headline, detail := strings.TrimSpace(d.Summary), strings.TrimSpace(d.Detail)
		if headline == "" {
			headline = "Provider reported a problem"
		}
		out = append(out, &diag.Diagnostic{Severity: severity, Headline: headline, Detail: detail, Attribute: decodePath(d.Attribute)})
	}
	return out
}

func decodeDeferred(d *tfplugin6.Deferred) Deferred {
	if d == nil {
		return ""
	}
	switch d.Reason {
	case tfplugin6.Deferred_RESOURCE_CONFIG_UNKNOWN:
		return DeferredResourceConfigUnknown
	case tfplugin6.Deferred_PROVIDER_CONFIG_UNKNOWN:
		return DeferredProviderConfigUnknown
	case tfplugin6.Deferred_ABSENT_PREREQ:
		return DeferredAbsentPrereq
	default:
		return DeferredUnknown
	}
}
