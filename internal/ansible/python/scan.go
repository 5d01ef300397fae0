package python

import (
	"regexp"
	"strings"
)

// An import is one name that a file imports, as dots and words: the module, and for "from" the
// name taken out of it, which may be a module too.
type imported struct {
	module string
	name   string // "" when the module itself is imported
}

var (
	importLine = regexp.MustCompile(`^\s*import\s+(.+)$`)
	fromLine   = regexp.MustCompile(`^\s*(?:\S.*:\s*)?from\s+(\.*)\s*([\w.]*)\s+import\s+(.+)$`)
)

// scan finds the imports of module_utils in a file. unit is the file as Python imports it, and
// pack tells that it is the __init__ of a package: relative imports begin there. Statements in
// strings count too: what is packed for nothing does no harm.
func scan(text []byte, unit string, pack bool) []imported {
	var list []imported
	lines := logicalLines(string(text))
	for _, line := range lines {
		if !strings.Contains(line, "import") {
			continue
		}
		if m := fromLine.FindStringSubmatch(line); m != nil {
			module := absolute(m[1], m[2], unit, pack)
			if !ours(module + ".") {
				continue
			}
			for _, name := range names(m[3]) {
				list = append(list, imported{module, name})
			}
		} else if m := importLine.FindStringSubmatch(line); m != nil {
			for _, module := range names(m[1]) {
				if ours(module + ".") {
					list = append(list, imported{module: module})
				}
			}
		}
	}
	return list
}

// ours tells that a module is one that is sent along.
func ours(module string) bool {
	return strings.HasPrefix(module, "ansible.module_utils.") || strings.HasPrefix(module, "ansible_collections.")
}

// names splits "a, b as c" into a and b; comments and brackets do not count.
func names(text string) []string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, ";")
	text = strings.Trim(text, " \t()")
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if words := strings.Fields(strings.Trim(part, " \t()")); len(words) > 0 {
			list = append(list, words[0])
		}
	}
	return list
}

// absolute resolves dots before a module's name.
func absolute(dots, module, unit string, pack bool) string {
	if dots == "" {
		return module
	}
	parts := strings.Split(unit, ".")
	up := len(dots)
	if pack {
		up--
	}
	if up > len(parts) {
		return ""
	}
	base := strings.Join(parts[:len(parts)-up], ".")
	switch {
	case module == "":
		return base
	case base == "":
		return module
	}
	return base + "." + module
}

// maxStatement is how long an import may be: a bracket in a text may never close.
const maxStatement = 20_000

var importStart = regexp.MustCompile(`^\s*(?:\S.*:\s*)?(?:from\s|import\s)`)

// logicalLines gives the lines that may be imports, joined where they go on: by a backslash, or
// inside brackets.
func logicalLines(text string) []string {
	var list []string
	open := ""
	for line := range strings.SplitSeq(text, "\n") {
		if open == "" && !importStart.MatchString(line) {
			continue
		}
		code, _, _ := strings.Cut(line, "#")
		code = strings.TrimSpace(code)
		more := strings.HasSuffix(code, "\\")
		open += " " + strings.TrimSuffix(code, "\\")
		more = more || strings.Count(open, "(") > strings.Count(open, ")")
		if more && len(open) < maxStatement {
			continue
		}
		list = append(list, open)
		open = ""
	}
	if open != "" {
		list = append(list, open)
	}
	return list
}
