// Package constraint holds versions of providers and modules and the
// constraints that configurations put on them, by Terraform's rules: at most
// three numbers, "~>", and a pre-release only where a constraint names it
// exactly.
//
// In: text. Out: versions, and sets of constraints that say which versions they
// allow and that have the one text form that the dependency lock file holds. It
// must not know where versions come from.
package constraint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	goversion "github.com/hashicorp/go-version"
)

// Version is an exact version: three numbers, perhaps a pre-release and metadata.
// The zero value is invalid; ParseVersion makes one.
type Version struct{ v *goversion.Version }

// ParseVersion reads an exact version such as "1.2.0-beta1+linux".
func ParseVersion(s string) (Version, error) {
	if strings.HasPrefix(s, "v") {
		return Version{}, fmt.Errorf("version %q must not begin with \"v\"", s)
	}
	core, _, _ := strings.Cut(s, "+")
	core, _, _ = strings.Cut(core, "-")
	if strings.Count(core, ".") != 2 {
		return Version{}, fmt.Errorf("version %q must have three numbers, as in 1.2.0", s)
	}
	v, err := goversion.NewSemver(s)
	if err != nil {
		return Version{}, fmt.Errorf("version %q is not a semantic version", s)
	}
	return Version{v}, nil
}

// String gives the version as it stands in paths and lock files.
func (v Version) String() string {
	if v.v == nil {
		return ""
	}
	return v.v.String()
}

// IsZero reports whether there is no version.
func (v Version) IsZero() bool { return v.v == nil }

// Prerelease reports whether the version is one.
func (v Version) Prerelease() bool { return v.v.Prerelease() != "" }

// Compare orders versions by precedence and, where that is equal, by metadata,
// so that the order is total.
func (v Version) Compare(o Version) int {
	if c := v.v.Compare(o.v); c != 0 {
		return c
	}
	return strings.Compare(v.v.Metadata(), o.v.Metadata())
}

// operator is a comparison. The values are in the order in which the lock file
// lists conditions with the same version.
type operator uint8

const (
	greater operator = iota + 1
	atLeast
	equal
	samePatchLine // ~> with three numbers
	sameMinorLine // ~> with one or two numbers
	atMost
	less
	notEqual
)

func (o operator) symbol() string {
	switch o {
	case greater:
		return "> "
	case atLeast:
		return ">= "
	case equal:
		return ""
	case samePatchLine, sameMinorLine:
		return "~> "
	case atMost:
		return "<= "
	case less:
		return "< "
	case notEqual:
		return "!= "
	default:
		panic(fmt.Sprintf("constraint: invalid operator %d", o))
	}
}

type condition struct {
	op       operator
	boundary Version
}

func (c condition) String() string {
	text := c.boundary.String()
	if c.op == sameMinorLine {
		n := c.boundary.v.Segments()
		text = fmt.Sprintf("%d.%d", n[0], n[1])
	}
	return c.op.symbol() + text
}

func (c condition) allows(v Version) bool {
	d := v.v.Compare(c.boundary.v)
	have, want := v.v.Segments(), c.boundary.v.Segments()
	switch c.op {
	case greater:
		return d > 0
	case atLeast:
		return d >= 0
	case equal:
		// Metadata counts only here: it tells two builds of one version apart.
		return d == 0 && v.v.Metadata() == c.boundary.v.Metadata()
	case samePatchLine:
		return d >= 0 && have[0] == want[0] && have[1] == want[1]
	case sameMinorLine:
		return d >= 0 && have[0] == want[0]
	case atMost:
		return d <= 0
	case less:
		return d < 0
	case notEqual:
		return d != 0
	default:
		panic(fmt.Sprintf("constraint: invalid operator %d", c.op))
	}
}

// Set is a conjunction of conditions, without doubles, in the lock file's order.
// The zero value allows every release. It is immutable.
type Set struct{ conditions []condition }

// Parse reads conditions separated by commas, such as ">= 1.2, < 2.0.0". Empty
// text gives the set that allows every release.
func Parse(s string) (Set, error) {
	if strings.TrimSpace(s) == "" {
		return Set{}, nil
	}
	var out []condition
	for part := range strings.SplitSeq(s, ",") {
		c, err := parseCondition(strings.TrimSpace(part))
		if err != nil {
			return Set{}, err
		}
		out = append(out, c)
	}
	return newSet(out), nil
}

func newSet(conditions []condition) Set {
	slices.SortStableFunc(conditions, func(a, b condition) int {
		return cmp.Or(a.boundary.Compare(b.boundary), cmp.Compare(a.op, b.op))
	})
	return Set{slices.CompactFunc(conditions, func(a, b condition) bool { return a.String() == b.String() })}
}

func parseCondition(s string) (condition, error) {
	op, rest := splitOperator(s)
	if op == 0 || rest == "" {
		return condition{}, fmt.Errorf("%q is not a version condition: write a version, perhaps after one of = != > >= < <= ~>", s)
	}
	if strings.HasPrefix(rest, "v") {
		return condition{}, fmt.Errorf("in %q, write the version without the \"v\"", s)
	}
	core, suffix := rest, ""
	if i := strings.IndexAny(rest, "-+"); i >= 0 {
		core, suffix = rest[:i], rest[i:]
	}
	numbers := strings.Split(core, ".")
	if len(numbers) > 3 {
		return condition{}, fmt.Errorf("%q has more than the three numbers of a version (major, minor, patch)", s)
	}
	if op == samePatchLine && len(numbers) < 3 {
		op = sameMinorLine
	}
	for i, n := range numbers {
		if n == "" || strings.Trim(n, "0123456789") != "" {
			return condition{}, fmt.Errorf("%q is not a version condition: %q is not a number", s, n)
		}
		// Leading zeros are tolerated, as they have always been.
		numbers[i] = cmp.Or(strings.TrimLeft(n, "0"), "0")
	}
	for len(numbers) < 3 {
		numbers = append(numbers, "0")
	}
	v, err := ParseVersion(strings.Join(numbers, ".") + suffix)
	if err != nil {
		return condition{}, fmt.Errorf("%q is not a version condition: %w", s, err)
	}
	return condition{op, v}, nil
}

func splitOperator(s string) (operator, string) {
	end := 0
	for end < len(s) && strings.IndexByte("=!<>~", s[end]) >= 0 {
		end++
	}
	rest := strings.TrimSpace(s[end:])
	switch s[:end] {
	case "", "=":
		return equal, rest
	case "!=":
		return notEqual, rest
	case ">":
		return greater, rest
	case ">=":
		return atLeast, rest
	case "<":
		return less, rest
	case "<=":
		return atMost, rest
	case "~>":
		return samePatchLine, rest
	default:
		return 0, rest
	}
}

// And gives the set of both sets' conditions.
func (s Set) And(o Set) Set {
	return newSet(slices.Concat(s.conditions, o.conditions))
}

// Allows reports whether the version meets every condition. A pre-release is
// allowed only where some condition asks for exactly that version.
func (s Set) Allows(v Version) bool {
	named := !v.Prerelease()
	for _, c := range s.conditions {
		if !c.allows(v) {
			return false
		}
		named = named || c.op == equal
	}
	return named
}

// Newest gives the newest of the versions that the set allows.
func (s Set) Newest(versions []Version) (Version, bool) {
	var best Version
	for _, v := range versions {
		if s.Allows(v) && (best.IsZero() || v.Compare(best) > 0) {
			best = v
		}
	}
	return best, !best.IsZero()
}

// String gives the form that the lock file holds; Parse reads it back. It is ""
// for the set without conditions.
func (s Set) String() string {
	parts := make([]string, len(s.conditions))
	for i, c := range s.conditions {
		parts[i] = c.String()
	}
	return strings.Join(parts, ", ")
}
