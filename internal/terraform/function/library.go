package function

import (
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// addLibrary adds the functions that the cty libraries have exactly as the
// language wants them.
func addLibrary(t map[string]function.Function) {
	addLibraryNumbers(t)
	addLibraryTexts(t)
	addLibraryCollections(t)
	t["csvdecode"] = stdlib.CSVDecodeFunc
	t["jsondecode"] = stdlib.JSONDecodeFunc
	t["jsonencode"] = stdlib.JSONEncodeFunc
	t["yamldecode"] = ctyyaml.YAMLDecodeFunc
	t["yamlencode"] = ctyyaml.YAMLEncodeFunc
	t["formatdate"] = stdlib.FormatDateFunc
	t["timeadd"] = stdlib.TimeAddFunc
}

func addLibraryNumbers(t map[string]function.Function) {
	t["abs"] = stdlib.AbsoluteFunc
	t["ceil"] = stdlib.CeilFunc
	t["floor"] = stdlib.FloorFunc
	t["log"] = stdlib.LogFunc
	t["max"] = stdlib.MaxFunc
	t["min"] = stdlib.MinFunc
	t["parseint"] = stdlib.ParseIntFunc
	t["pow"] = stdlib.PowFunc
	t["signum"] = stdlib.SignumFunc
}

func addLibraryTexts(t map[string]function.Function) {
	t["chomp"] = stdlib.ChompFunc
	t["format"] = bounded(stdlib.FormatFunc)
	t["formatlist"] = bounded(stdlib.FormatListFunc)
	t["join"] = stdlib.JoinFunc
	t["lower"] = stdlib.LowerFunc
	t["regex"] = stdlib.RegexFunc
	t["regexall"] = stdlib.RegexAllFunc
	t["split"] = stdlib.SplitFunc
	t["strrev"] = stdlib.ReverseFunc
	t["substr"] = stdlib.SubstrFunc
	t["title"] = stdlib.TitleFunc
	t["trim"] = stdlib.TrimFunc
	t["trimprefix"] = stdlib.TrimPrefixFunc
	t["trimspace"] = stdlib.TrimSpaceFunc
	t["trimsuffix"] = stdlib.TrimSuffixFunc
	t["upper"] = stdlib.UpperFunc
}

func addLibraryCollections(t map[string]function.Function) {
	t["chunklist"] = stdlib.ChunklistFunc
	t["coalescelist"] = stdlib.CoalesceListFunc
	t["compact"] = stdlib.CompactFunc
	t["concat"] = stdlib.ConcatFunc
	t["distinct"] = stdlib.DistinctFunc
	t["element"] = stdlib.ElementFunc
	t["flatten"] = stdlib.FlattenFunc
	t["keys"] = stdlib.KeysFunc
	t["merge"] = stdlib.MergeFunc
	t["range"] = stdlib.RangeFunc
	t["reverse"] = stdlib.ReverseListFunc
	t["setintersection"] = stdlib.SetIntersectionFunc
	t["setproduct"] = stdlib.SetProductFunc
	t["setsubtract"] = stdlib.SetSubtractFunc
	t["setunion"] = stdlib.SetUnionFunc
	t["slice"] = stdlib.SliceFunc
	t["sort"] = stdlib.SortFunc
	t["values"] = stdlib.ValuesFunc
	t["zipmap"] = stdlib.ZipmapFunc
}

// addExpressions adds the functions that take expressions rather than values.
// They are not guarded: HCL itself keeps marked values out of what they report.
func addExpressions(t map[string]function.Function, descriptions map[string]string) {
	for name, f := range map[string]function.Function{"can": tryfunc.CanFunc, "try": tryfunc.TryFunc} {
		f = f.WithNewDescriptions(descriptions[name], []string{""})
		t[name], t[Namespace+name] = f, f
	}
}

// text is a parameter that takes a string.
func text(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

// number is a parameter that takes a number.
func number(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.Number}
}

// anything is a parameter that takes a known value of any type.
func anything(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType}
}

// whatever is a parameter that takes every value, null, unknown and marked ones
// too: the function deals with them itself.
func whatever(name string) function.Parameter {
	return function.Parameter{
		Name: name, Type: cty.DynamicPseudoType,
		AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
	}
}

// notNull says of a result that it is never null, which lets an unknown result
// be compared with null before apply.
func notNull(b *cty.RefinementBuilder) *cty.RefinementBuilder { return b.NotNull() }

// textToText is a function from strings to a string.
func textToText(params []function.Parameter, do func(args []string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params:       params,
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := do(asStrings(args))
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(out), nil
		},
	})
}

// textToBool is a function from strings to true or false.
func textToBool(params []function.Parameter, do func(args []string) (bool, error)) function.Function {
	return function.New(&function.Spec{
		Params:       params,
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := do(asStrings(args))
			if err != nil {
				return cty.NilVal, err
			}
			return cty.BoolVal(out), nil
		},
	})
}

// asStrings gives the Go strings of known, unmarked string arguments.
func asStrings(args []cty.Value) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a.AsString()
	}
	return out
}
