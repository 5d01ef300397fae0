package function

import (
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// addTimes adds the functions on time; a moment is a string as in RFC 3339.
func addTimes(t map[string]function.Function, opts Options) {
	t["timestamp"] = impure(textToText(nil, func([]string) (string, error) {
		return opts.Now().UTC().Format(time.RFC3339), nil
	}), opts)
	t["plantimestamp"] = planTimestamp(opts)
	t["timecmp"] = timeCompare()
}

// planTimestamp is known as soon as there is a plan, so it does not ask for
// PureOnly: the moment is part of the plan.
func planTimestamp(opts Options) function.Function {
	return function.New(&function.Spec{
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			var at time.Time
			if opts.PlanTimestamp != nil {
				at = opts.PlanTimestamp()
			}
			if at.IsZero() {
				return cty.UnknownVal(cty.String), nil
			}
			return cty.StringVal(at.UTC().Format(time.RFC3339)), nil
		},
	})
}

// timeCompare gives -1, 0 or 1 as the first moment is before, at or after the
// second, whatever their UTC offsets.
func timeCompare() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("timestamp_a"), text("timestamp_b")},
		Type:         function.StaticReturnType(cty.Number),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var at [2]time.Time
			for i, v := range args {
				var err error
				if at[i], err = time.Parse(time.RFC3339, v.AsString()); err != nil {
					return cty.NilVal, function.NewArgErrorf(i, "%q is not a valid RFC 3339 timestamp, such as %q", v.AsString(), "2026-02-28T13:45:00Z")
				}
			}
			return cty.NumberIntVal(int64(at[0].Compare(at[1]))), nil
		},
	})
}
