package expr

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// MaxInstances bounds count: more is surely a mistake, and would not fit.
const MaxInstances = 10_000_000

// Count gives the instances of a count argument's value. The range is where it
// stands.
func Count(v cty.Value, rng hcl.Range) (object.Expansion, diag.List) {
	x := object.Expansion{Shape: object.Count}
	v, d := plain(v, "count", rng)
	if d.HasErrors() {
		return x, d
	}
	v, err := convert.Convert(v, cty.Number)
	if err != nil {
		return x, diag.Errorf(&rng, "Invalid count argument", "The count must be a whole number: %s.", err)
	}
	if v.IsNull() {
		return x, diag.Errorf(&rng, "Invalid count argument", "The count is null. Give a whole number from 0 on.")
	}
	if !v.IsKnown() {
		x.Unknown = true
		return x, nil
	}
	var n int
	if err := gocty.FromCtyValue(v, &n); err != nil {
		return x, diag.Errorf(&rng, "Invalid count argument", "The count must be a whole number: %s.", err)
	}
	if n < 0 || n > MaxInstances {
		return x, diag.Errorf(&rng, "Invalid count argument", "The count is %d. It must be from 0 to %d.", n, MaxInstances)
	}
	x.Instances = make([]object.Instance, n)
	for i := range x.Instances {
		x.Instances[i].Key = addr.IntKey(i)
	}
	return x, nil
}

// ForEach gives the instances of a for_each argument's value.
func ForEach(v cty.Value, rng hcl.Range) (object.Expansion, diag.List) {
	x := object.Expansion{Shape: object.ForEach}
	v, d := plain(v, "for_each", rng)
	if d.HasErrors() {
		return x, d
	}
	const headline = "Invalid for_each argument"
	ty := v.Type()
	switch {
	case v.IsNull():
		return x, diag.Errorf(&rng, headline, "The for_each value is null. Give a map or a set of strings; an empty one makes no instances.")
	case ty != cty.DynamicPseudoType && !ty.IsMapType() && !ty.IsObjectType() && !ty.IsSetType():
		return x, diag.Errorf(&rng, headline, "The for_each value must be a map or a set of strings, and this is %s. A list becomes a set by toset().", ty.FriendlyName())
	case !v.IsKnown():
		x.Unknown = true
		return x, nil
	case ty.IsSetType():
		return eachOfSet(v, x, rng)
	}
	for it := v.ElementIterator(); it.Next(); {
		k, val := it.Element()
		k, _ = k.Unmark()
		x.Instances = append(x.Instances, object.Instance{Key: addr.StringKey(k.AsString()), Value: val})
	}
	slices.SortFunc(x.Instances, func(a, b object.Instance) int { return a.Key.Compare(b.Key) })
	return x, nil
}

func eachOfSet(v cty.Value, x object.Expansion, rng hcl.Range) (object.Expansion, diag.List) {
	const headline = "Invalid for_each set argument"
	if ety := v.Type().ElementType(); ety != cty.String && v.LengthInt() > 0 {
		return x, diag.Errorf(&rng, headline, "The set must hold strings, and this one holds %s.", ety.FriendlyName())
	}
	if !v.IsWhollyKnown() {
		x.Unknown = true
		return x, nil
	}
	for it := v.ElementIterator(); it.Next(); {
		_, val := it.Element()
		if val.IsNull() {
			return x, diag.Errorf(&rng, headline, "The set holds null. Every element must be a string.")
		}
		x.Instances = append(x.Instances, object.Instance{Key: addr.StringKey(val.AsString()), Value: val})
	}
	slices.SortFunc(x.Instances, func(a, b object.Instance) int { return a.Key.Compare(b.Key) })
	return x, nil
}

// Enabled gives one instance or none, by the value of an enabled argument.
func Enabled(v cty.Value, rng hcl.Range) (object.Expansion, diag.List) {
	v, d := plain(v, "enabled", rng)
	if d.HasErrors() {
		return object.Expansion{}, d
	}
	v, err := convert.Convert(v, cty.Bool)
	switch {
	case err != nil:
		return object.Expansion{}, diag.Errorf(&rng, "Invalid enabled argument", "The value must be true or false: %s.", err)
	case v.IsNull():
		return object.Expansion{}, diag.Errorf(&rng, "Invalid enabled argument", "The value is null. Give true or false.")
	case !v.IsKnown():
		return object.Expansion{Unknown: true}, nil
	case v.True():
		return object.One(), nil
	default:
		return object.Expansion{}, nil
	}
}

// plain refuses marks: an address shows how many instances there are.
func plain(v cty.Value, arg string, rng hcl.Range) (cty.Value, diag.List) {
	headline := "Invalid " + arg + " argument"
	if object.HasMark(v, object.Ephemeral) {
		return v, diag.Errorf(&rng, headline, "The value is ephemeral, and so may differ between plan and apply: %s must be the same in both.", arg)
	}
	if v.IsMarked() || arg != "for_each" && v.ContainsMarked() {
		return v, diag.Errorf(&rng, headline, "Sensitive values, or values derived from sensitive values, cannot be used as %s arguments: they would become visible in addresses. If it is safe to show this one, wrap it in nonsensitive().", arg)
	}
	return v, nil
}
