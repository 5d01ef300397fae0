package addr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ParseInstance reads an instance's address as String writes it. A shell that
// dropped the quotes of a key is forgiven: a[x] is read as a["x"]. An address of
// module steps alone is that of an instance of the last call (Kind ModuleCall).
func ParseInstance(s string) (Instance, error) {
	if !utf8.ValidString(s) {
		return Instance{}, bad(s, fmt.Errorf("the text is not valid UTF-8"))
	}
	mod, rest, err := splitModule(s)
	if err != nil {
		return Instance{}, bad(s, err)
	}
	if rest == "" && !mod.IsRoot() {
		parent, step := mod.Call()
		return parent.CallOf(step.Name).Instance(step.Key), nil
	}
	name, rest, err := parseName(rest)
	if err != nil {
		return Instance{}, bad(s, err)
	}
	key, rest, err := parseKey(rest)
	if err != nil {
		return Instance{}, bad(s, err)
	}
	if rest != "" {
		return Instance{}, bad(s, fmt.Errorf("%q is left over after the name", rest))
	}
	return Instance{Object{mod, name}, key}, nil
}

// ParseObject reads an object's address; it has no key of its own.
func ParseObject(s string) (Object, error) {
	i, err := ParseInstance(s)
	if err != nil {
		return Object{}, err
	}
	if !i.Key.IsNone() {
		return Object{}, bad(s, fmt.Errorf("the key %s names one instance where the whole object is meant", i.Key))
	}
	return i.Object, nil
}

// ParseModule reads a module instance's address; "" is the root.
func ParseModule(s string) (Module, error) {
	if !utf8.ValidString(s) {
		return Module{}, bad(s, fmt.Errorf("the text is not valid UTF-8"))
	}
	mod, rest, err := splitModule(s)
	if err != nil {
		return Module{}, bad(s, err)
	}
	if rest != "" {
		return Module{}, bad(s, fmt.Errorf("%q is not a module", rest))
	}
	return mod, nil
}

// ParseConfig reads the address of an object as it stands in the files: no keys.
func ParseConfig(s string) (Config, error) {
	o, err := ParseObject(s)
	if err != nil {
		return Config{}, err
	}
	for _, st := range o.Module.Steps() {
		if !st.Key.IsNone() {
			return Config{}, bad(s, fmt.Errorf("the key %s names one instance where all are meant", st.Key))
		}
	}
	return o.Config(), nil
}

// ParseTarget reads what -target and its like take: a module, an object or an
// instance.
func ParseTarget(s string) (Target, error) {
	if mod, err := ParseModule(s); err == nil && s != "" {
		return Target{Module: mod}, nil
	}
	i, err := ParseInstance(s)
	if err != nil {
		return Target{}, err
	}
	return Target{Module: i.Module, Name: i.Name, Key: i.Key, Whole: i.Key.IsNone()}, nil
}

// Target selects a part of the graph: a module instance with all in it (Name is
// zero), an object with all its instances (Whole), or one instance.
type Target struct {
	Module Module
	Name   Name
	Key    Key
	Whole  bool
}

// Covers reports whether the instance lies in the part that the target selects.
// A module step or object without a key covers every key.
func (t Target) Covers(i Instance) bool {
	if !coversModule(t.Module, i.Module, t.Name == Name{}) {
		return false
	}
	if (t.Name == Name{}) {
		return true
	}
	return t.Name == i.Name && (t.Whole || t.Key == i.Key)
}

// String gives the text form.
func (t Target) String() string {
	if (t.Name == Name{}) {
		return t.Module.String()
	}
	return Instance{Object{t.Module, t.Name}, t.Key}.String()
}

func coversModule(want, have Module, inside bool) bool {
	if want == have || inside && want.Contains(have) {
		return true
	}
	ws, hs := want.Steps(), have.Steps()
	if len(hs) < len(ws) || !inside && len(hs) != len(ws) {
		return false
	}
	for i, w := range ws {
		if w.Name != hs[i].Name || !w.Key.IsNone() && w.Key != hs[i].Key {
			return false
		}
	}
	return true
}

func bad(s string, err error) error { return fmt.Errorf("address %q: %w", s, err) }

func splitModule(s string) (Module, string, error) {
	steps, rest, err := parseModule(s)
	if err != nil {
		return Module{}, "", err
	}
	mod := Module{}
	for _, st := range steps {
		mod = mod.Child(st.Name, st.Key)
	}
	return mod, rest, nil
}

// parseModule reads leading module steps and gives what follows them.
func parseModule(s string) ([]Step, string, error) {
	var steps []Step
	for strings.HasPrefix(s, "module.") {
		name, rest, err := ident(s[len("module."):])
		if err != nil {
			return nil, s, err
		}
		key, rest, err := parseKey(rest)
		if err != nil {
			return nil, s, err
		}
		steps = append(steps, Step{name, key})
		if rest == "" {
			return steps, "", nil
		}
		if rest[0] != '.' {
			return nil, s, fmt.Errorf("expected a dot before %q", rest)
		}
		if s = rest[1:]; s == "" {
			return nil, s, fmt.Errorf("a name is missing after the last dot")
		}
	}
	return steps, s, nil
}

func parseName(s string) (Name, string, error) {
	first, rest, err := ident(s)
	if err != nil {
		return Name{}, s, err
	}
	kind := kindOf(first)
	n := Name{Kind: kind}
	if kind == Resource && first != "resource" {
		n.Type = first
	} else if kind == Resource || kind.Typed() || kind == Provider {
		if n.Type, rest, err = dotIdent(rest); err != nil {
			return Name{}, s, err
		}
	}
	if kind == Provider && !strings.HasPrefix(rest, ".") {
		return n, rest, nil
	}
	n.Name, rest, err = dotIdent(rest)
	return n, rest, err
}

func dotIdent(s string) (string, string, error) {
	if !strings.HasPrefix(s, ".") {
		return "", s, fmt.Errorf("expected a dot and a name, as in TYPE.NAME, at %q", s)
	}
	return ident(s[1:])
}

func ident(s string) (string, string, error) {
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if !isPlain(s[:end]) && !hclsyntax.ValidIdentifier(s[:end]) {
		return "", s, fmt.Errorf("%q is not a name: letters, digits, _ and - are allowed, the first must be a letter or _", s[:end])
	}
	return s[:end], s[end:], nil
}

// isPlain answers for nearly all names what ValidIdentifier, which runs a whole
// scanner, is asked otherwise: plans of 100,000 actions are read back.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-'):
		default:
			return false
		}
	}
	return s != ""
}

func parseKey(s string) (Key, string, error) {
	if !strings.HasPrefix(s, "[") {
		return NoKey, s, nil
	}
	if strings.HasPrefix(s, `["`) {
		val, rest, err := unquote(s[1:])
		if err != nil {
			return NoKey, s, err
		}
		if !strings.HasPrefix(rest, "]") {
			return NoKey, s, fmt.Errorf("expected ] after the key %q", val)
		}
		return StringKey(val), rest[1:], nil
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return NoKey, s, fmt.Errorf("expected ] after the key")
	}
	text := s[1:end]
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && strconv.Itoa(n) == text {
		return IntKey(n), s[end+1:], nil
	}
	if hclsyntax.ValidIdentifier(text) {
		return StringKey(text), s[end+1:], nil
	}
	return NoKey, s, fmt.Errorf("the key [%s] is neither a whole number nor a quoted string", text)
}
