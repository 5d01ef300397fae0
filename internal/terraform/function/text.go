package function

import (
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// maxIndent is how many spaces indent may put before each line.
const maxIndent = 10_000

// addTexts adds the functions on strings that cty does not have.
func addTexts(t map[string]function.Function) {
	t["startswith"] = startsWith()
	t["endswith"] = textToBool([]function.Parameter{text("str"), text("suffix")}, func(a []string) (bool, error) {
		return strings.HasSuffix(a[0], a[1]), nil
	})
	t["strcontains"] = textToBool([]function.Parameter{text("str"), text("substr")}, func(a []string) (bool, error) {
		return strings.Contains(a[0], a[1]), nil
	})
	t["replace"] = textToText([]function.Parameter{text("str"), text("substr"), text("replace")}, replace)
	t["indent"] = indentFunction()
}

// startsWith also answers for a text of which only the beginning is known.
func startsWith() function.Function {
	str := text("str")
	str.AllowUnknown = true
	return function.New(&function.Spec{
		Params:       []function.Parameter{str, text("prefix")},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix := args[1].AsString()
			if args[0].IsKnown() {
				return cty.BoolVal(strings.HasPrefix(args[0].AsString(), prefix)), nil
			}
			known := args[0].Range().StringPrefix()
			if strings.HasPrefix(known, prefix) {
				return cty.True, nil
			}
			if !strings.HasPrefix(prefix, known) {
				return cty.False, nil
			}
			return cty.UnknownVal(cty.Bool), nil
		},
	})
}

// replace takes a text, or a regular expression between slashes (RE2 syntax, with
// $1 and ${name} for groups in the replacement).
func replace(args []string) (string, error) {
	str, old, with := args[0], args[1], args[2]
	if len(old) < 2 || old[0] != '/' || old[len(old)-1] != '/' {
		return strings.ReplaceAll(str, old, with), nil
	}
	re, err := regexp.Compile(old[1 : len(old)-1])
	if err != nil {
		return "", function.NewArgErrorf(1, "is between slashes and so must be a regular expression: %w", err)
	}
	return re.ReplaceAllString(str, with), nil
}

// indentFunction is cty's own, for numbers of spaces that make sense.
func indentFunction() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{number("spaces"), text("str")},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			n, err := smallNumber(args[0], 0)
			if err != nil {
				return cty.NilVal, err
			}
			if n < 0 || n > maxIndent {
				return cty.NilVal, function.NewArgErrorf(0, "must be from 0 to %d", maxIndent)
			}
			return stdlib.Indent(args[0], args[1])
		},
	})
}
