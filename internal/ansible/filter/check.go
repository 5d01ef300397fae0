package filter

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"tutti/internal/ansible/filter/version"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/regex"
	"tutti/internal/ansible/value"
)

// result is the result of a task that a test looks at.
func result(v any, test string) (get func(key string) any, err error) {
	switch d := v.(type) {
	case *value.Dict:
		return func(key string) any { x, _ := d.Get(key); return x }, nil
	case python.Mapping:
		return func(key string) any { x, _, _ := d.Item(key); return x }, nil
	}
	return nil, fmt.Errorf("The '%s' test expects a dictionary", test) // Ansible's own words
}

// flag makes a test of a key of a result. What is unknown there makes the test unknown.
func flag(test, key string, wanted bool) function {
	return func(c *jinja.Call, a []any) (any, error) {
		get, err := result(a[0], test)
		if err != nil {
			return nil, err
		}
		is, err := c.Truth(get(key))
		return is == wanted, err
	}
}

// asynchronous makes a test of a key that only tasks with async have.
func asynchronous(key string) function {
	return func(c *jinja.Call, a []any) (any, error) {
		get, err := result(a[0], key)
		if err != nil {
			return nil, err
		}
		if found, _ := python.Contains(a[0], key); found {
			return c.Truth(get(key))
		}
		warn(c, fmt.Sprintf("The '%s' test expects an async task, but a non-async task was tested", key))
		return true, nil
	}
}

func isChanged(c *jinja.Call, a []any) (any, error) {
	get, err := result(a[0], "changed")
	if err != nil {
		return nil, err
	}
	if found, _ := python.Contains(a[0], "changed"); found {
		return c.Truth(get("changed"))
	}
	l, ok := get("results").(*value.List)
	if !ok || l.Tuple {
		return false, nil
	}
	if len(l.Items) == 0 {
		return nil, errors.New("list index out of range")
	}
	if _, ok := l.Items[0].(*value.Dict); !ok {
		return false, nil
	}
	for _, x := range l.Items {
		d, ok := x.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("'%s' object has no attribute 'get'", value.TypeName(x))
		}
		v, _ := d.Get("changed")
		if is, err := c.Truth(v); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

func isTimedOut(c *jinja.Call, a []any) (any, error) {
	get, err := result(a[0], "timedout")
	if err != nil {
		return nil, err
	}
	v := get("timedout")
	if is, err := c.Truth(v); !is || err != nil {
		return false, err
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'get'", value.TypeName(v))
	}
	period, _ := d.Get("period")
	return c.Truth(period)
}

// matcher makes a test of a pattern; how is the way to match if the call does not say.
func matcher(how string) function {
	return func(_ *jinja.Call, a []any) (any, error) {
		way := how
		if len(a) > 4 {
			way = value.String(a[4])
		}
		return matches(a[0], a[1], flags(a[2], a[3]), way)
	}
}

func matches(v, pattern any, f regex.Flags, how string) (any, error) {
	text, ok := pattern.(string)
	if !ok {
		return nil, errors.New("first argument must be string or compiled pattern")
	}
	re, err := regex.Compile(text, f)
	if err != nil {
		return nil, err
	}
	var m *regex.Match
	switch subject := value.String(v); how {
	case "match":
		m, err = re.Match(subject)
	case "fullmatch":
		m, err = re.FullMatch(subject)
	case "search":
		m, err = re.Search(subject)
	case "findall", "finditer":
		m, err = re.Search(subject)
	default:
		return nil, errors.New("'str' object is not callable")
	}
	return m != nil, err
}

func contains(_ *jinja.Call, a []any) (any, error) { return python.Contains(a[0], a[1]) }

// within makes a test of two sets: does the second hold all of the first (or, when turned,
// the first all of the second)?
func within(turned bool) function {
	return func(_ *jinja.Call, a []any) (any, error) {
		x, err := set(a[0])
		if err != nil {
			return nil, err
		}
		y, err := set(a[1])
		if err != nil {
			return nil, err
		}
		if turned {
			x, y = y, x
		}
		in := newMembers(y)
		for _, v := range x {
			if !in.has(v) {
				return false, nil
			}
		}
		return true, nil
	}
}

// quantified is any or all: it stops at the first item that decides.
func quantified(decides bool) function {
	return func(c *jinja.Call, a []any) (any, error) {
		items, err := python.Items(a[0])
		if err != nil {
			return nil, err
		}
		for _, x := range items {
			if is, err := c.Truth(x); err != nil || is == decides {
				return decides, err
			}
		}
		return !decides, nil
	}
}

func isNaN(_ *jinja.Call, a []any) (any, error) {
	f, err := asFloat(a[0])
	return err == nil && math.IsNaN(f), nil
}

// truthy makes the tests truthy and falsy.
func truthy(wanted bool) function {
	return func(_ *jinja.Call, a []any) (any, error) {
		v := a[0]
		if python.Truth(a[1]) {
			if b, ok := boolean(v); ok {
				v = b
			}
		}
		return python.Truth(v) == wanted, nil
	}
}

// boolean is what Ansible takes as a boolean when it converts arguments.
func boolean(v any) (result, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "y", "yes", "on", "1", "true", "t":
			return true, true
		case "n", "no", "off", "0", "false", "f":
			return false, true
		}
	case int64, float64:
		if value.Equal(v, int64(1)) {
			return true, true
		}
		if value.Equal(v, int64(0)) {
			return false, true
		}
	}
	return false, false
}

// kinds are the types of version that the test knows, in the order in which it names them.
func kinds() []string { return []string{"loose", "strict", "semver", "semantic", "pep440"} }

func versionKind(name string) version.Kind {
	switch name {
	case "loose":
		return version.Loose
	case "strict":
		return version.Strict
	case "semver", "semantic":
		return version.Semantic
	case "pep440":
		return version.PEP440
	}
	return 0
}

// operators are how versions are compared, in the order in which the test names them.
func operators() []string {
	return []string{"==", "=", "eq", "<", "lt", "<=", "le", ">", "gt", ">=", "ge", "!=", "<>", "ne"}
}

func holds(operator string, n int) (is, known bool) {
	switch operator {
	case "==", "=", "eq":
		return n == 0, true
	case "<", "lt":
		return n < 0, true
	case "<=", "le":
		return n <= 0, true
	case ">", "gt":
		return n > 0, true
	case ">=", "ge":
		return n >= 0, true
	case "!=", "<>", "ne":
		return n != 0, true
	}
	return false, false
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = value.Repr(n)
	}
	return strings.Join(out, ", ")
}

func compareVersions(_ *jinja.Call, a []any) (any, error) {
	kind, err := chosenKind(a[3], a[4])
	switch {
	case a[3] != nil && a[4] != nil:
		return nil, errors.New("Cannot specify both 'strict' and 'version_type'") // Ansible's own words
	case !python.Truth(a[0]):
		return nil, errors.New("Input version value cannot be empty") // Ansible's own words
	case !python.Truth(a[1]):
		return nil, errors.New("Version parameter to compare against cannot be empty") // Ansible's own words
	case err != nil:
		return nil, err
	}
	operator, _ := a[2].(string)
	if _, known := holds(operator, 0); !known {
		return nil, fmt.Errorf("Invalid operator type (%s). Must be one of %s", value.String(a[2]), quoted(operators())) // Ansible's own words
	}
	n, err := version.Compare(kind, value.String(a[0]), value.String(a[1]))
	if err != nil {
		return nil, fmt.Errorf("Version comparison failed: %w", err) // Ansible's own words
	}
	is, _ := holds(operator, n)
	return is, nil
}

func chosenKind(strict, name any) (version.Kind, error) {
	if python.Truth(strict) {
		return version.Strict, nil
	}
	if !python.Truth(name) {
		return version.Loose, nil
	}
	text, _ := name.(string)
	kind := versionKind(text)
	if kind == 0 {
		return 0, fmt.Errorf("Invalid version type (%s). Must be one of %s", value.String(name), quoted(kinds())) // Ansible's own words
	}
	return kind, nil
}

func isAbsolute(_ *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	return strings.HasPrefix(p, "/"), err
}

func uri(_ *jinja.Call, a []any) (any, error) {
	_, ok := isURI(a[0], a[1])
	return ok, nil
}

func isURL(_ *jinja.Call, a []any) (any, error) {
	u, ok := isURI(a[0], a[1])
	return ok && (u.netloc != "" || u.scheme == "file"), nil
}

func isURN(_ *jinja.Call, a []any) (any, error) {
	_, ok := isURI(a[0], value.NewList("urn"))
	return ok, nil
}

// onFile makes a test of what lies at a path, which the world answers.
func onFile(question, call string) function {
	return func(c *jinja.Call, a []any) (any, error) {
		switch p := a[0].(type) {
		case string:
			v, err := ask(c, question, p)
			return v, err
		case int64, bool:
			if call == "stat" {
				return false, nil // Python takes it as the number of an open file
			}
		}
		takes := "string, bytes or os.PathLike"
		if call == "stat" {
			takes = "string, bytes, os.PathLike or integer"
		}
		return nil, fmt.Errorf("%s: path should be %s, not %s", call, takes, value.TypeName(a[0]))
	}
}

func sameFile(c *jinja.Call, a []any) (any, error) {
	first, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	second, err := pathText(a[1])
	if n, ok := asIndex(a[1]); ok {
		err = fmt.Errorf("[Errno 9] Bad file descriptor: %d", n)
	}
	if err != nil {
		return nil, err
	}
	return ask(c, AskSameFile, first, second)
}
