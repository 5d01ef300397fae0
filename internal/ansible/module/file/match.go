package file

import (
	"strings"

	"tutti/internal/ansible/regex"
)

// matcher tells whether a name matches a pattern.
type matcher func(name string) bool

// glob compiles a pattern of Python's fnmatch. Every text is one.
func glob(pattern string) (matcher, error) {
	rest, star := strings.CutPrefix(pattern, "*")
	if !strings.ContainsAny(rest, "*?[") {
		// The usual ones: "*", "*.conf", "name".
		return func(name string) bool {
			return strings.HasSuffix(name, rest) && (star || name == rest)
		}, nil
	}
	re, err := regex.Compile("(?s:"+translateGlob(pattern)+`)\Z`, 0)
	if err != nil {
		return nil, err
	}
	return anchored(re), nil
}

func anchored(re *regex.Regex) matcher {
	return func(name string) bool {
		m, err := re.Search(name)
		if m == nil || err != nil {
			return false
		}
		start, _ := m.Span(0)
		return start == 0
	}
}

func translateGlob(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		i++
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			end := i
			if end < len(pattern) && pattern[end] == '!' {
				end++
			}
			if end < len(pattern) && pattern[end] == ']' {
				end++
			}
			for end < len(pattern) && pattern[end] != ']' {
				end++
			}
			if end >= len(pattern) {
				b.WriteString(`\[`)
				continue
			}
			set := strings.ReplaceAll(pattern[i:end], `\`, `\\`)
			i = end + 1
			switch {
			case strings.HasPrefix(set, "!"):
				set = "^" + set[1:]
			case strings.HasPrefix(set, "^") || strings.HasPrefix(set, "["):
				set = `\` + set
			}
			b.WriteString("[" + set + "]")
		default:
			b.WriteString(regex.Escape(pattern[i-1 : i]))
		}
	}
	return b.String()
}

// matchers compiles all patterns of a list.
func matchers(patterns []string, isRegex bool) ([]matcher, error) {
	var list []matcher
	for _, p := range patterns {
		if !isRegex {
			m, err := glob(p)
			if err != nil {
				return nil, err
			}
			list = append(list, m)
			continue
		}
		re, err := regex.Compile(`\A(?:`+p+`)`, 0)
		if err != nil {
			if re, err = regex.Compile(p, 0); err != nil {
				return nil, err
			}
		}
		list = append(list, anchored(re))
	}
	return list, nil
}

func anyOf(list []matcher, name string) bool {
	for _, m := range list {
		if m(name) {
			return true
		}
	}
	return false
}
