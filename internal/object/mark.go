package object

import "github.com/zclconf/go-cty/cty"

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
	pvm := make([]cty.PathValueMarks, 0, len(paths))
	for _, p := range paths {
		pvm = append(pvm, cty.PathValueMarks{Path: p, Marks: cty.NewValueMarks(m)})
	}
	return v.MarkWithPaths(pvm)
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
