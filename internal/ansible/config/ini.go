package config

import (
	"fmt"
	"math"
	"strings"

	"tutti/internal/diag"

	"github.com/hashicorp/hcl/v2"
)

// entry is one value of an INI file with the line where it stands.
type entry struct {
	text string
	line int
}

// sections are what an INI file holds: sections, and in them values by their names in lower
// case.
type sections map[string]map[string]entry

// defaultSection holds what counts in every other section.
const defaultSection = "DEFAULT"

// get gives a value of a section.
func (s sections) get(section, key string) (entry, bool) {
	key = strings.ToLower(key)
	if in, ok := s[section]; ok {
		if e, ok := in[key]; ok {
			return e, true
		}
		e, ok := s[defaultSection][key]
		return e, ok
	}
	return entry{}, false
}

// iniReader reads an INI file as Python's configparser does: values may go on in lines that
// are indented deeper, ";" behind a blank begins a comment, and "#" only at the start.
type iniReader struct {
	name     string
	sections sections
	current  map[string]entry
	section  string
	option   string
	indent   int
	parts    []string // of the value that may go on
	diags    diag.List
}

func readINI(name, text string) (sections, diag.List) {
	r := &iniReader{name: name, sections: sections{defaultSection: {}}}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		r.line(strings.TrimRight(line, "\r\n"), number)
		if len(r.diags) > 0 {
			return nil, r.diags
		}
	}
	r.finish()
	return r.sections, r.diags
}

func (r *iniReader) fail(line int, text string, args ...any) {
	at := hcl.Pos{Line: line, Column: 1}
	r.diags = append(r.diags, diag.Errorf(&hcl.Range{Filename: r.name, Start: at, End: at}, Unreadable, "Error reading config file (%s): "+text, append([]any{r.name}, args...)...)...)
}

// commentStart finds where a comment begins, -1 when there is none.
func commentStart(line string) int {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";") {
		return 0
	}
	for i := range len(line) {
		if line[i] == ';' && (i == 0 || strings.IndexByte(" \t\v\f", line[i-1]) >= 0) {
			return i
		}
	}
	return -1
}

func (r *iniReader) line(line string, number int) {
	comment := commentStart(line)
	value := line
	if comment >= 0 {
		value = line[:comment]
	}
	if value = strings.TrimSpace(value); value == "" {
		if comment >= 0 {
			return
		}
		if r.option != "" { // an empty line may stand within a value
			r.parts = append(r.parts, "")
		} else {
			r.indent = math.MaxInt
		}
		return
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t\v\f"))
	if r.current != nil && r.option != "" && indent > r.indent {
		r.parts = append(r.parts, value)
		return
	}
	r.finish()
	r.indent = indent
	if end := strings.LastIndexByte(value, ']'); value[0] == '[' && end > 1 {
		r.begin(value[1:end], number)
		return
	}
	if r.current == nil {
		r.fail(number, "File contains no section headers: line %d is %q, and a line such as [defaults] has to come first.", number, value)
		return
	}
	r.value(value, number)
}

// begin begins a section.
func (r *iniReader) begin(section string, number int) {
	if section == defaultSection {
		r.section, r.current = section, r.sections[section]
		return
	}
	if r.sections[section] != nil {
		r.fail(number, "section '%s' already exists. Join the two.", section)
		return
	}
	r.current = map[string]entry{}
	r.sections[section] = r.current
	r.section = section
}

// value begins a value.
func (r *iniReader) value(line string, number int) {
	at := strings.IndexAny(line, "=:")
	if at < 0 {
		r.fail(number, "Source contains parsing errors: line %d is %q, and a value is written as name = value.", number, line)
		return
	}
	option := strings.ToLower(strings.TrimSpace(line[:at]))
	if option == "" {
		r.fail(number, "Source contains parsing errors: line %d has a value without a name.", number)
		return
	}
	if _, twice := r.current[option]; twice {
		r.fail(number, "option '%s' in section '%s' already exists. Remove one of them.", option, r.section)
		return
	}
	r.option, r.parts = option, []string{strings.TrimSpace(line[at+1:])}
	r.current[option] = entry{line: number}
}

// finish keeps the value that was being read.
func (r *iniReader) finish() {
	if r.option == "" {
		return
	}
	e := r.current[r.option]
	e.text = strings.TrimRight(strings.Join(r.parts, "\n"), " \t\r\n\v\f")
	r.current[r.option] = e
	r.option, r.parts = "", nil
}

// unquote takes quotes off that stand around a whole text.
func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// describe names a setting in ansible.cfg.
func describe(section, key string) string { return fmt.Sprintf("[%s] %s", section, key) }
