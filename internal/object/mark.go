package object

import (
	"strconv"

	"github.com/zclconf/go-cty/cty"
)

// Mark is what a value can carry across every language of the house.
type Mark string

// The marks.
const (
	// Sensitive values are encrypted at rest and never printed or logged.
	Sensitive Mark = "sensitive"
	// Ephemeral values are never stored at all: not in a plan, a state or a journal.
	Ephemeral Mark = "ephemeral"
)

// GoString names the mark in test output.
func (m Mark) GoString() string { return "object." + string(m) }

// Unmark gives the value without marks at any depth, and where they were.
func Unmark(v cty.Value) (cty.Value, []cty.PathValueMarks) {
	if v == cty.NilVal {
		return v, nil
	}
	return v.UnmarkDeepWithPaths()
}

// MarkPaths marks the value at each path. A path that does not exist in the
// value marks the nearest value above it, so that nothing becomes visible
// because a shape changed.
func MarkPaths(v cty.Value, paths []cty.Path, m Mark) cty.Value {
	if len(paths) == 0 || v == cty.NilVal {
		return v
	}
	return markPaths(v, paths, m)
}

// markPaths walks only into the parts that a path leads to.
func markPaths(v cty.Value, paths []cty.Path, m Mark) cty.Value {
	inner, _ := v.Unmark()
	parts, ok := partsOf(inner)
	byStep := make(map[string][]cty.Path, len(paths))
	for _, p := range paths {
		name, found := "", false
		if len(p) > 0 && ok {
			if name, found = stepName(p[0]); found {
				_, found = parts[name]
			}
		}
		if !found {
			v = v.Mark(m)
			continue
		}
		byStep[name] = append(byStep[name], p[1:])
	}
	if len(byStep) == 0 {
		return v
	}
	_, marks := v.Unmark()
	for name, rest := range byStep {
		parts[name] = markPaths(parts[name], rest, m)
	}
	return join(inner.Type(), parts).WithMarks(marks)
}

// partsOf takes a value with named parts to pieces; a set has none, nor has what
// is null or unknown.
func partsOf(v cty.Value) (map[string]cty.Value, bool) {
	if v.IsNull() || !v.IsKnown() {
		return nil, false
	}
	switch ty := v.Type(); {
	case ty.IsObjectType() || ty.IsMapType():
		parts := v.AsValueMap()
		return parts, parts != nil
	case ty.IsListType() || ty.IsTupleType():
		elems := v.AsValueSlice()
		parts := make(map[string]cty.Value, len(elems))
		for i, e := range elems {
			parts[strconv.Itoa(i)] = e
		}
		return parts, len(parts) > 0
	default:
		return nil, false
	}
}

// join puts the parts of a value of the type together again.
func join(ty cty.Type, parts map[string]cty.Value) cty.Value {
	switch {
	case ty.IsObjectType():
		return cty.ObjectVal(parts)
	case ty.IsMapType():
		return cty.MapVal(parts)
	}
	elems := make([]cty.Value, len(parts))
	for i := range elems {
		elems[i] = parts[strconv.Itoa(i)]
	}
	if ty.IsTupleType() {
		return cty.TupleVal(elems)
	}
	return cty.ListVal(elems)
}

func stepName(step cty.PathStep) (string, bool) {
	switch s := step.(type) {
	case cty.GetAttrStep:
		return s.Name, true
	case cty.IndexStep:
		switch {
		case s.Key.IsMarked() || s.Key.IsNull() || !s.Key.IsKnown():
		case s.Key.Type() == cty.String:
			return s.Key.AsString(), true
		case s.Key.Type() == cty.Number:
			return s.Key.AsBigFloat().Text('f', -1), true
		}
	}
	return "", false
}

// PathsMarked gives the paths of v at which the mark stands.
func PathsMarked(v cty.Value, m Mark) []cty.Path {
	if v == cty.NilVal {
		return nil
	}
	_, pvm := v.UnmarkDeepWithPaths()
	var out []cty.Path
	for _, p := range pvm {
		if _, ok := p.Marks[m]; ok {
			out = append(out, p.Path)
		}
	}
	return out
}

// HasMark reports whether the mark stands anywhere in the value.
func HasMark(v cty.Value, m Mark) bool {
	if v == cty.NilVal || !v.ContainsMarked() {
		return false
	}
	return len(PathsMarked(v, m)) > 0
}
