package terraform

import (
	"context"
	"errors"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
)

var errNoProvider = errors.New(`expected provider["HOST/NAMESPACE/TYPE"]`)

// providedFunction gives provider::LOCAL::NAME or provider::LOCAL::ALIAS::NAME.
func (m *module) providedFunction(ctx context.Context, _ object.Scope, name string) (ctyfunction.Function, diag.List) {
	parts := strings.Split(name, "::")
	local, fn := parts[1], parts[len(parts)-1]
	source := m.cfg.Module.SourceOf(local)
	sc, d := m.root.session.schemasOf(ctx, source)
	if d.HasErrors() {
		return ctyfunction.Function{}, d
	}
	sig := sc.raw.Functions[fn]
	if sig == nil {
		var names []string
		for n := range sc.raw.Functions {
			names = append(names, n)
		}
		return ctyfunction.Function{}, diag.Errorf(nil, "Function not found in provider", "The provider %s has no function %q.%s", source.ForDisplay(), fn, diag.DidYouMean(fn, names))
	}
	p, d := m.root.session.plain(ctx, source)
	if d.HasErrors() {
		return ctyfunction.Function{}, d
	}
	return provided(ctx, p, fn, sig), nil
}

// provided makes a function of the language of a provider's.
func provided(ctx context.Context, p provider.Provider, name string, sig *provider.Function) ctyfunction.Function {
	spec := &ctyfunction.Spec{Description: sig.Summary, Type: ctyfunction.StaticReturnType(sig.Return)}
	for _, prm := range sig.Parameters {
		spec.Params = append(spec.Params, parameter(prm))
	}
	if sig.Variadic != nil {
		v := parameter(*sig.Variadic)
		spec.VarParam = &v
	}
	spec.Impl = func(args []cty.Value, ret cty.Type) (cty.Value, error) {
		for _, a := range args {
			if !a.IsWhollyKnown() {
				return cty.UnknownVal(ret), nil
			}
		}
		v, err := p.CallFunction(ctx, name, args)
		var fe *provider.FunctionError
		if errors.As(err, &fe) && fe.Argument >= 0 {
			return cty.UnknownVal(ret), ctyfunction.NewArgErrorf(fe.Argument, "%s", fe.Text)
		}
		return v, err
	}
	return ctyfunction.New(spec)
}

func parameter(p provider.Parameter) ctyfunction.Parameter {
	return ctyfunction.Parameter{Name: p.Name, Type: p.Type, AllowNull: p.AllowNull, AllowUnknown: true, Description: p.Description}
}
