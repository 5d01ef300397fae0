package function

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/crypto/bcrypt"
)

// addRandoms adds the functions whose results nobody can foresee.
func addRandoms(t map[string]function.Function, opts Options) {
	t["uuid"] = impure(textToText(nil, func([]string) (string, error) { return opts.UUID(), nil }), opts)
	t["bcrypt"] = impure(bcryptFunction(), opts)
}

// bcryptFunction hashes a password with a salt of its own. The optional cost is
// the logarithm to base 2 of the number of rounds, from 4 to 31, by default 10.
func bcryptFunction() function.Function {
	cost := number("cost")
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("str")},
		VarParam:     &cost,
		RefineResult: notNull,
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) > 2 {
				return cty.NilType, function.NewArgErrorf(2, "bcrypt takes no more than two arguments")
			}
			return cty.String, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			rounds := bcrypt.DefaultCost
			if len(args) == 2 {
				n, err := smallNumber(args[1], 1)
				if err != nil {
					return cty.NilVal, err
				}
				rounds = n
			}
			out, err := bcrypt.GenerateFromPassword([]byte(args[0].AsString()), rounds)
			switch {
			case errors.Is(err, bcrypt.ErrPasswordTooLong):
				return cty.NilVal, function.NewArgErrorf(0, "must not be longer than 72 bytes, as bcrypt reads no more")
			case err != nil:
				return cty.NilVal, function.NewArgError(1, err)
			}
			return cty.StringVal(string(out)), nil
		},
	})
}
