package function

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxFormatNumber is the greatest width or precision that a verb of a format may
// have. Without a bound, a pattern of ten characters fills the memory.
const maxFormatNumber = 65_535

// bounded wraps a function whose first argument is a format.
func bounded(f function.Function) function.Function {
	params, variadic := f.Params(), f.VarParam()
	for i := range params {
		params[i] = open(params[i])
	}
	if variadic != nil {
		*variadic = open(*variadic)
	}
	return function.New(&function.Spec{
		Params:   params,
		VarParam: variadic,
		Type: func(args []cty.Value) (cty.Type, error) {
			pattern, _ := args[0].Unmark()
			if pattern.IsKnown() && pattern.Type() == cty.String {
				if err := checkFormat(pattern.AsString()); err != nil {
					return cty.NilType, err
				}
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// checkFormat looks at the numbers in the verbs of a format; all else is for the
// function itself to judge.
func checkFormat(pattern string) error {
	for {
		_, verb, found := strings.Cut(pattern, "%")
		if !found {
			return nil
		}
		n := 0
		for verb != "" && strings.IndexByte("+-# .0123456789[]*", verb[0]) >= 0 {
			if digit := verb[0]; digit >= '0' && digit <= '9' {
				n = 10*n + int(digit-'0')
			} else {
				n = 0
			}
			if n > maxFormatNumber {
				return function.NewArgErrorf(0, "a width or precision must not be greater than %d", maxFormatNumber)
			}
			verb = verb[1:]
		}
		if verb == "" {
			return nil
		}
		pattern = verb[1:] // the verb's letter may be a second %
	}
}
