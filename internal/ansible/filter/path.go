package filter

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// pathText is what Python takes as a path.
func pathText(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("expected str, bytes or os.PathLike object, not %s", value.TypeName(v))
	}
	return s, nil
}

// onPath makes a filter of a function of one path.
func onPath(f func(string) any) function {
	return func(_ *jinja.Call, a []any) (any, error) {
		p, err := pathText(a[0])
		if err != nil {
			return nil, err
		}
		return f(p), nil
	}
}

func basename(p string) any { return p[strings.LastIndexByte(p, '/')+1:] }

func dirname(p string) any {
	head := p[:strings.LastIndexByte(p, '/')+1]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		return trimmed
	}
	return head
}

func splitext(p string) any {
	slash, dot := strings.LastIndexByte(p, '/'), strings.LastIndexByte(p, '.')
	if dot > slash {
		for i := slash + 1; i < dot; i++ {
			if p[i] != '.' {
				return value.NewTuple(p[:dot], p[dot:])
			}
		}
	}
	return value.NewTuple(p, "")
}

// normpath is posixpath.normpath: as path.Clean, but two leading slashes stay.
func normpath(p string) any {
	if p == "" {
		return "."
	}
	clean := path.Clean(p)
	if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
		clean = "/" + clean
	}
	return clean
}

// JoinPath is os.path.join.
func JoinPath(parts ...string) string {
	joined := ""
	for i, p := range parts {
		switch {
		case i == 0 || strings.HasPrefix(p, "/"):
			joined = p
		case joined == "" || strings.HasSuffix(joined, "/"):
			joined += p
		default:
			joined += "/" + p
		}
	}
	return joined
}

func pathJoin(_ *jinja.Call, a []any) (any, error) {
	if s, ok := a[0].(string); ok {
		return s, nil
	}
	items, ok := sequence(a[0])
	if !ok {
		return nil, fmt.Errorf("|path_join expects string or sequence, got %s instead.", class(a[0])) // Ansible's own words
	}
	if len(items) == 0 {
		return nil, errors.New("join() missing 1 required positional argument: 'a'")
	}
	parts := make([]string, len(items))
	for i, x := range items {
		s, ok := x.(string)
		if !ok && i == 0 {
			_, err := pathText(x)
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("join() argument must be str, bytes, or os.PathLike object, not %s", value.Repr(value.TypeName(x)))
		}
		parts[i] = s
	}
	return JoinPath(parts...), nil
}

func commonpath(_ *jinja.Call, a []any) (any, error) {
	items, ok := sequence(a[0])
	if !ok {
		return nil, fmt.Errorf("|commonpath expects sequence, got %s instead.", class(a[0])) // Ansible's own words
	}
	if len(items) == 0 {
		return nil, errors.New("commonpath() arg is an empty sequence")
	}
	var common []string
	absolute := 0
	for i, x := range items {
		p, err := pathText(x)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p, "/") {
			absolute++
		}
		var parts []string
		for _, part := range strings.Split(p, "/") {
			if part != "" && part != "." {
				parts = append(parts, part)
			}
		}
		if i == 0 {
			common = parts
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	if absolute != 0 && absolute != len(items) {
		return nil, errors.New("Can't mix absolute and relative paths") // Python's own words
	}
	joined := strings.Join(common, "/")
	if absolute > 0 {
		joined = "/" + joined
	}
	return joined, nil
}

// drive cuts a Windows path behind its drive or share.
func drive(p string) (string, string) {
	n := strings.ReplaceAll(p, "/", `\`)
	switch {
	case strings.HasPrefix(n, `\\`):
		start := 2
		if strings.HasPrefix(strings.ToUpper(n), `\\?\UNC\`) {
			start = 8
		}
		i := strings.IndexByte(n[start:], '\\')
		if i < 0 {
			return p, ""
		}
		j := strings.IndexByte(n[start+i+1:], '\\')
		if j < 0 {
			return p, ""
		}
		return p[:start+i+1+j], p[start+i+1+j:]
	case len(n) > 1 && n[1] == ':':
		return p[:2], p[2:]
	}
	return "", p
}

func winSplitdrive(p string) any {
	d, rest := drive(p)
	return value.NewTuple(d, rest)
}

func winBasename(p string) any {
	_, rest := drive(p)
	return rest[strings.LastIndexAny(rest, `/\`)+1:]
}

func winDirname(p string) any {
	d, rest := drive(p)
	head := rest[:strings.LastIndexAny(rest, `/\`)+1]
	if trimmed := strings.TrimRight(head, `/\`); trimmed != "" {
		head = trimmed
	}
	return d + head
}

// Expand replaces $name and ${name} by what the environment says; what it does not know
// stays as it is.
func Expand(p string, get func(name string) (string, bool, error)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] != '$' {
			b.WriteByte(p[i])
			continue
		}
		name, end := "", i+1
		if end < len(p) && p[end] == '{' {
			if n := strings.IndexByte(p[end:], '}'); n > 0 {
				name, end = p[end+1:end+n], end+n+1
			}
		} else {
			for end < len(p) && (p[end] == '_' || p[end] >= '0' && p[end] <= '9' || p[end]|0x20 >= 'a' && p[end]|0x20 <= 'z') {
				end++
			}
			name = p[i+1 : end]
		}
		if name == "" {
			b.WriteByte('$')
			continue
		}
		v, ok, err := get(name)
		if err != nil {
			return "", err
		}
		if !ok {
			v = p[i:end]
		}
		b.WriteString(v)
		i = end - 1
	}
	return b.String(), nil
}

func expandvars(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	return Expand(p, func(name string) (string, bool, error) {
		v, err := ask(c, AskEnvironment, name)
		s, ok := v.(string)
		return s, ok, err
	})
}

func expanduser(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil || !strings.HasPrefix(p, "~") {
		return p, err
	}
	user, rest, slash := strings.Cut(p[1:], "/")
	if slash {
		rest = "/" + rest
	}
	home, err := ask(c, AskHome, user)
	if err != nil {
		return nil, err
	}
	s, ok := home.(string)
	if !ok {
		return p, nil
	}
	if s = strings.TrimRight(s, "/") + rest; s == "" {
		s = "/"
	}
	return s, nil
}

func relpath(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	if p == "" {
		return nil, errors.New("no path specified")
	}
	start := "."
	if a[1] != nil {
		if start, err = pathText(a[1]); err != nil {
			return nil, err
		}
	}
	here := ""
	if !strings.HasPrefix(p, "/") || !strings.HasPrefix(start, "/") {
		v, err := ask(c, AskFolder)
		if err != nil {
			return nil, err
		}
		here = value.String(v)
	}
	from, to := elements(JoinPath(here, start)), elements(JoinPath(here, p))
	n := 0
	for n < len(from) && n < len(to) && from[n] == to[n] {
		n++
	}
	var out []string
	for range from[n:] {
		out = append(out, "..")
	}
	if out = append(out, to[n:]...); len(out) == 0 {
		return ".", nil
	}
	return strings.Join(out, "/"), nil
}

func elements(p string) []string {
	return strings.FieldsFunc(path.Clean(p), func(r rune) bool { return r == '/' })
}

func realpath(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	return ask(c, AskRealPath, p, python.Truth(a[1]))
}

func fileglob(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	return ask(c, AskGlob, p)
}
