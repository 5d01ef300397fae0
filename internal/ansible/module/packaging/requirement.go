package packaging

import (
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/filter/version"
)

// vcs are names that say where a package's sources are.
var vcs = regexp.MustCompile(`^(svn|git|hg|bzr)\+`)

// requirement is what pip is to install: a name with specifiers, or anything else as it is
// (a URL, a file).
type requirement struct {
	// text is what to give pip when it is not a plain name.
	text string
	// name is the canonical one.
	name, written, extras, marker string
	specifiers                    []specifier
}

type specifier struct{ operator, version string }

var (
	requirementForm = regexp.MustCompile(`^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;\s*(.+))?$`)
	specifierForm   = regexp.MustCompile(`^\s*(===|~=|==|!=|<=|>=|<|>)\s*([A-Za-z0-9.*+!_-]+)\s*$`)
	separators      = regexp.MustCompile(`[-_.]+`)
)

// canonical writes a package's name as indexes do.
func canonical(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

func parseRequirement(text string) requirement {
	as := requirement{text: text, name: text}
	m := requirementForm.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(m[1], "-") || strings.HasSuffix(m[1], ".") {
		return as
	}
	r := requirement{name: canonical(m[1]), written: m[1], marker: m[4]}
	if m[2] != "" {
		list := strings.Split(strings.Trim(m[2], "[]"), ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		sort.Strings(list)
		r.extras = "[" + strings.Join(list, ",") + "]"
	}
	if strings.TrimSpace(m[3]) == "" {
		return r
	}
	for _, s := range strings.Split(m[3], ",") {
		f := specifierForm.FindStringSubmatch(s)
		if f == nil {
			return as
		}
		r.specifiers = append(r.specifiers, specifier{f[1], f[2]})
	}
	sort.Slice(r.specifiers, func(i, j int) bool {
		a, b := r.specifiers[i], r.specifiers[j]
		return a.operator+a.version < b.operator+b.version
	})
	return r
}

// String is the requirement as pip gets it.
func (r requirement) String() string {
	if r.written == "" {
		return r.text
	}
	words := make([]string, len(r.specifiers))
	for i, s := range r.specifiers {
		words[i] = s.operator + s.version
	}
	text := r.written + r.extras + strings.Join(words, ",")
	if r.marker != "" {
		text += "; " + r.marker
	}
	return text
}

// accepts tells that an installed version is one that is wanted.
func (r requirement) accepts(installed string) bool {
	if r.written == "" {
		return false
	}
	for _, s := range r.specifiers {
		if !s.accepts(installed) {
			return false
		}
	}
	return true
}

func (s specifier) accepts(installed string) bool {
	if s.operator == "===" {
		return installed == s.version
	}
	if prefix, ok := strings.CutSuffix(s.version, ".*"); ok {
		return strings.HasPrefix(installed+".", prefix+".") == (s.operator == "==")
	}
	order, err := version.Compare(version.PEP440, installed, s.version)
	if err != nil {
		return false
	}
	switch s.operator {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	}
	// ~=: at least the version, and the same but for its last number.
	prefix := s.version
	if dot := strings.LastIndexByte(prefix, '.'); dot > 0 {
		prefix = prefix[:dot]
	}
	return order >= 0 && strings.HasPrefix(installed+".", prefix+".")
}

// joined puts names and their specifiers together again that a comma parted.
func joined(names []string) []string {
	var all, list []string
	for _, n := range names {
		all = append(all, strings.Split(n, ",")...)
	}
	brackets := false
	for _, n := range all {
		first := strings.TrimLeft(n, " ")
		isName := first == "" || !strings.ContainsRune("<>=!~", rune(first[0]))
		if len(list) == 0 || isName && !brackets {
			list = append(list, n)
		} else {
			list[len(list)-1] += "," + n
		}
		if strings.Contains(n, "[") {
			brackets = true
		}
		if strings.Contains(n, "]") {
			brackets = false
		}
	}
	return list
}
