package function

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// addCollections adds the functions on collections that differ from cty's own of
// the same name, or that cty does not have.
func addCollections(t map[string]function.Function) {
	t["length"] = lengthFunction()
	t["alltrue"] = truthFunction(false)
	t["anytrue"] = truthFunction(true)
	t["coalesce"] = coalesceFunction()
	t["contains"] = containsFunction()
	t["index"] = indexFunction()
	t["lookup"] = lookupFunction()
	t["matchkeys"] = matchkeysFunction()
	t["one"] = oneFunction()
	t["sum"] = sumFunction()
	t["transpose"] = transposeFunction()
	t["list"] = removedFunction("list", "tolist([ ... ])", "a literal list")
	t["map"] = removedFunction("map", "tomap({ ... })", "a literal map")
}

// lengthFunction counts the elements of a collection, the attributes of an
// object, or the characters (grapheme clusters, UAX #29) of a string. What is
// inside does not matter: only marks of the value itself reach the result.
func lengthFunction() function.Function {
	p := whatever("value")
	p.AllowNull = false
	return function.New(&function.Spec{
		Params:       []function.Parameter{p},
		RefineResult: notNull,
		Type: func(args []cty.Value) (cty.Type, error) {
			ty := args[0].Type()
			if ty == cty.String || ty == cty.DynamicPseudoType || ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType() {
				return cty.Number, nil
			}
			return cty.Number, function.NewArgErrorf(0, "must be a string, a collection or an object, not %s", ty.FriendlyName())
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			switch ty := v.Type(); {
			case ty == cty.DynamicPseudoType:
				return cty.UnknownVal(cty.Number).WithSameMarks(v), nil
			case ty == cty.String:
				return stdlib.Strlen(v)
			case ty.IsTupleType():
				return cty.NumberIntVal(int64(ty.Length())).WithSameMarks(v), nil
			case ty.IsObjectType():
				return cty.NumberIntVal(int64(len(ty.AttributeTypes()))).WithSameMarks(v), nil
			default:
				return v.Length(), nil
			}
		},
	})
}

// truthFunction looks for the given truth value in a list of booleans: anytrue
// is whether a true is there, alltrue that no false is. A null counts as false.
// An element that decides makes the result known even beside unknown ones.
func truthFunction(wanted bool) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			unknown := false
			for _, v := range args[0].Elements() {
				if !v.IsKnown() {
					unknown = true
					continue
				}
				if truth := !v.IsNull() && v.True(); truth == wanted {
					return cty.BoolVal(wanted), nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(!wanted), nil
		},
	})
}

// coalesceFunction gives the first argument that is neither null nor an empty
// string (cty's own of that name takes empty strings).
func coalesceFunction() function.Function {
	p := whatever("vals")
	p.AllowMarked = false
	return function.New(&function.Spec{
		VarParam:     &p,
		RefineResult: notNull,
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) == 0 {
				return cty.NilType, errors.New("at least one argument is required")
			}
			types := make([]cty.Type, len(args))
			for i, v := range args {
				types[i] = v.Type()
			}
			ty, _ := convert.UnifyUnsafe(types)
			if ty == cty.NilType {
				return cty.NilType, errors.New("all arguments must have the same type")
			}
			return ty, nil
		},
		Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
			for i, v := range args {
				v, err := convert.Convert(v, ty)
				if err != nil {
					return cty.NilVal, function.NewArgError(i, err)
				}
				if !v.IsKnown() {
					return cty.UnknownVal(ty), nil
				}
				if v.IsNull() || ty == cty.String && v.AsString() == "" {
					continue
				}
				return v, nil
			}
			return cty.NilVal, errors.New("every argument is null or an empty string; give a last argument that always has a value")
		},
	})
}

// containsFunction tells whether a value is in a list, tuple or set. It is not
// cty's own because that one never comes to know whether a literal null, which
// has no type, is there.
func containsFunction() function.Function {
	value := whatever("value")
	value.AllowMarked, value.AllowUnknown = false, false
	return function.New(&function.Spec{
		Params:       []function.Parameter{anything("list"), value},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			list, wanted := args[0], args[1]
			switch ty := list.Type(); {
			case ty.IsSetType() && ty.ElementType().Equals(wanted.Type()):
				return list.HasElement(wanted), nil
			case !ty.IsListType() && !ty.IsTupleType() && !ty.IsSetType():
				return cty.NilVal, function.NewArgErrorf(0, "must be a list, tuple or set, not %s", ty.FriendlyName())
			}
			unknown := false
			for _, v := range list.Elements() {
				eq := v.Equals(wanted)
				if eq.IsKnown() && eq.True() {
					return cty.True, nil
				}
				unknown = unknown || !eq.IsKnown()
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.False, nil
		},
	})
}

// indexFunction finds where in a list a value stands.
func indexFunction() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{anything("list"), anything("value")},
		Type:         function.StaticReturnType(cty.Number),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list or tuple, not %s", ty.FriendlyName())
			}
			if args[0].LengthInt() == 0 {
				return cty.NilVal, function.NewArgErrorf(0, "cannot search an empty list")
			}
			for i, v := range args[0].Elements() {
				eq := v.Equals(args[1])
				if !eq.IsKnown() {
					return cty.UnknownVal(cty.Number), nil
				}
				if eq.True() {
					return i, nil
				}
			}
			return cty.NilVal, function.NewArgErrorf(1, "no element of the list equals the given value")
		},
	})
}

// matchkeysFunction picks the values whose keys, at the same place in a second
// list, are in a third.
func matchkeysFunction() function.Function {
	list := cty.List(cty.DynamicPseudoType)
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "values", Type: list}, {Name: "keys", Type: list}, {Name: "searchset", Type: list}},
		RefineResult: notNull,
		Type: func(args []cty.Value) (cty.Type, error) {
			if ty, _ := convert.UnifyUnsafe([]cty.Type{args[1].Type(), args[2].Type()}); ty == cty.NilType {
				return cty.NilType, function.NewArgErrorf(2, "keys and searchset must be of the same type")
			}
			return args[0].Type(), nil
		},
		Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
			if n, m := args[0].LengthInt(), args[1].LengthInt(); n != m {
				return cty.NilVal, function.NewArgErrorf(1, "must have as many elements as values: there are %d keys for %d values", m, n)
			}
			return matchKeys(args[0], args[1], args[2], ty)
		},
	})
}

func matchKeys(values, keys, searchset cty.Value, ty cty.Type) (cty.Value, error) {
	unified, _ := convert.UnifyUnsafe([]cty.Type{keys.Type(), searchset.Type()})
	keys, err := convert.Convert(keys, unified)
	if err != nil {
		return cty.NilVal, function.NewArgError(1, err)
	}
	searchset, err = convert.Convert(searchset, unified)
	if err != nil {
		return cty.NilVal, function.NewArgError(2, err)
	}
	if searchset.LengthInt() == 0 {
		return cty.ListValEmpty(ty.ElementType()), nil
	}
	if !values.IsWhollyKnown() || !keys.IsWhollyKnown() || !searchset.IsWhollyKnown() {
		return cty.UnknownVal(ty), nil
	}
	// A set finds each key in constant time; the lists may both be long.
	wanted := cty.SetVal(searchset.AsValueSlice())
	var out []cty.Value
	all := values.AsValueSlice()
	for i, key := range keys.AsValueSlice() {
		if wanted.HasElement(key).True() {
			out = append(out, all[i])
		}
	}
	if len(out) == 0 {
		return cty.ListValEmpty(ty.ElementType()), nil
	}
	return cty.ListVal(out), nil
}

// errNotOne is what one() says of a wrong argument.
const errNotOne = "must be a list, set, or tuple value with either zero or one elements"

// oneFunction gives the only element of a collection, or null for an empty one.
func oneFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anything("list")},
		Type: func(args []cty.Value) (cty.Type, error) {
			ty := args[0].Type()
			switch {
			case ty.IsListType() || ty.IsSetType():
				return ty.ElementType(), nil
			case ty.IsTupleType() && ty.Length() == 0:
				return cty.DynamicPseudoType, nil
			case ty.IsTupleType() && ty.Length() == 1:
				return ty.TupleElementType(0), nil
			}
			return cty.NilType, function.NewArgErrorf(0, errNotOne)
		},
		Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
			n := args[0].Length()
			if !n.IsKnown() { // a set with unknown elements, which may turn out equal
				return cty.UnknownVal(ty), nil
			}
			switch args[0].LengthInt() {
			case 0:
				return cty.NullVal(ty), nil
			case 1:
				return args[0].AsValueSlice()[0], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "%s: it has %d", errNotOne, args[0].LengthInt())
		},
	})
}

// sumFunction adds up numbers, and strings that hold numbers.
func sumFunction() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{anything("list")},
		Type:         function.StaticReturnType(cty.Number),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			ty := args[0].Type()
			if !ty.IsListType() && !ty.IsSetType() && !ty.IsTupleType() {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list, set or tuple of numbers, not %s", ty.FriendlyName())
			}
			if args[0].LengthInt() == 0 {
				return cty.NilVal, function.NewArgErrorf(0, "cannot sum an empty list")
			}
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			return sumOf(args[0].AsValueSlice())
		},
	})
}

func sumOf(values []cty.Value) (total cty.Value, err error) {
	defer func() { // big.Float panics when it meets both infinities
		if r := recover(); r != nil {
			if _, ok := r.(big.ErrNaN); !ok {
				panic(r)
			}
			total, err = cty.NilVal, function.NewArgErrorf(0, "the sum of opposing infinities is not a number")
		}
	}()
	total = cty.Zero
	for i, v := range values {
		n, err := convert.Convert(v, cty.Number)
		if err != nil || n.IsNull() {
			return cty.NilVal, function.NewArgErrorf(0, "must hold only numbers: element %d is not one", i)
		}
		total = total.Add(n)
	}
	return total, nil
}

// transposeFunction swaps the keys and values of a map of lists of strings.
func transposeFunction() function.Function {
	ty := cty.Map(cty.List(cty.String))
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "values", Type: ty}},
		Type:         function.StaticReturnType(ty),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(ty), nil
			}
			turned := map[string][]string{}
			for key, list := range args[0].Elements() {
				if list.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "the list at [%q] is null", key.AsString())
				}
				for i, v := range list.Elements() {
					if v.IsNull() {
						return cty.NilVal, function.NewArgErrorf(0, "the string at [%q][%s] is null", key.AsString(), i.AsBigFloat().Text('f', 0))
					}
					turned[v.AsString()] = append(turned[v.AsString()], key.AsString())
				}
			}
			return mapOfLists(turned), nil
		},
	})
}

func mapOfLists(m map[string][]string) cty.Value {
	if len(m) == 0 {
		return cty.MapValEmpty(cty.List(cty.String))
	}
	out := make(map[string]cty.Value, len(m))
	for key, names := range m {
		slices.Sort(names)
		out[key] = stringList(names)
	}
	return cty.MapVal(out)
}

func stringList(texts []string) cty.Value {
	if len(texts) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	out := make([]cty.Value, len(texts))
	for i, s := range texts {
		out[i] = cty.StringVal(s)
	}
	return cty.ListVal(out)
}

// removedFunction keeps the name of a function that the language no longer has,
// to say what stands in its place.
func removedFunction(name, instead, makes string) function.Function {
	err := fmt.Errorf("the function %q is no longer part of the language; write %s for %s", name, instead, makes)
	p := whatever("vals")
	return function.New(&function.Spec{
		VarParam: &p,
		Type:     func([]cty.Value) (cty.Type, error) { return cty.NilType, discreet{err} },
		Impl:     func([]cty.Value, cty.Type) (cty.Value, error) { return cty.NilVal, discreet{err} },
	})
}
