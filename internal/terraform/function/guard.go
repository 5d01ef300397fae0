package function

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tutti/internal/object"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// guard wraps a function so that its error text tells nothing of arguments that
// must not be shown. The libraries quote arguments freely in their errors, and a
// new function easily does too, so this is done here for all of them instead of
// in each. Signature and results stay as they are.
func guard(name string, f function.Function, description string) function.Function {
	params := f.Params()
	for i := range params {
		params[i] = open(params[i])
	}
	variadic := f.VarParam()
	if variadic != nil {
		*variadic = open(*variadic)
	}
	return function.New(&function.Spec{
		Description: description,
		Params:      params,
		VarParam:    variadic,
		Type: func(args []cty.Value) (cty.Type, error) {
			if allSettled(args) {
				// The call below finds the type as well; asking twice would, for
				// example, parse a JSON document twice.
				return cty.DynamicPseudoType, nil
			}
			ty, err := f.ReturnTypeForValues(args)
			return ty, hush(clearer(name, err), args, f)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			return v, hush(clearer(name, err), args, f)
		},
	})
}

// open lets everything but null through to the wrapped function, which does its
// own checks.
func open(p function.Parameter) function.Parameter {
	p.AllowMarked, p.AllowUnknown, p.AllowDynamicType = true, true, true
	return p
}

// allSettled is whether a call would find the type. Without arguments nothing is
// saved by not asking, and it is how the type is asked for in a listing.
func allSettled(args []cty.Value) bool {
	if len(args) == 0 {
		return false
	}
	for _, a := range args {
		if !a.IsKnown() || a.Type() == cty.DynamicPseudoType {
			return false
		}
	}
	return true
}

// discreet marks an error whose text holds no value of an argument. It never
// leaves hush.
type discreet struct{ error }

// hush replaces an error about a marked argument by one that names the argument
// and not its value.
func hush(err error, args []cty.Value, f function.Function) error {
	if err == nil {
		return nil
	}
	if d, ok := err.(discreet); ok {
		return d.error // HCL looks at the type of the error itself
	}
	i, kind := firstHidden(args)
	if kind == "" {
		return withoutStack(err)
	}
	return function.NewArgErrorf(i, "the value of %q is %s, so the reason why it does not fit is not shown", parameterName(f, i), kind)
}

// clearer adds to the errors of the decoders of cty, which speak of the text as if
// it were clear which, the argument and the format.
func clearer(name string, err error) error {
	format := map[string]string{"jsondecode": "JSON", "csvdecode": "CSV", "yamldecode": "YAML"}[name]
	if _, isArg := err.(function.ArgError); format == "" || err == nil || isArg {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	return function.NewArgErrorf(0, "must be %s text: %w", format, err)
}

// withoutStack makes a plain error of a panic that cty caught: its functions
// panic, for example, where a result is not a number, and a stack of our program
// tells the author of a configuration nothing.
func withoutStack(err error) error {
	var p function.PanicError
	if errors.As(err, &p) {
		return fmt.Errorf("these arguments have no result: %v", p.Value)
	}
	return err
}

// firstHidden finds the first argument with something in it that must not be
// shown, and names what is special about it; "" when there is none.
func firstHidden(args []cty.Value) (int, string) {
	for i, a := range args {
		if !a.ContainsMarked() {
			continue
		}
		if kind := hidden(a); kind != "" {
			return i, kind
		}
	}
	return 0, ""
}

// hidden says which marks at any depth keep a value from being shown: "",
// "sensitive", "ephemeral" or both.
func hidden(v cty.Value) string {
	var kinds []string
	if v.HasMarkDeep(object.Ephemeral) {
		kinds = append(kinds, "ephemeral")
	}
	if v.HasMarkDeep(object.Sensitive) {
		kinds = append(kinds, "sensitive")
	}
	return strings.Join(kinds, " and ")
}

func parameterName(f function.Function, i int) string {
	if params := f.Params(); i < len(params) {
		return params[i].Name
	}
	return f.VarParam().Name
}
