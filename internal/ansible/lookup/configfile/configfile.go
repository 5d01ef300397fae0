// Package configfile reads INI files as Python's configparser does, for the lookup ini: text
// goes in, sections with their options come out, with the words of its errors. The package
// is pure.
package configfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tutti/internal/ansible/value"
)

// Options are the ways of reading.
type Options struct {
	// AllowNoValue lets an option stand without a value, which is nil then.
	AllowNoValue bool
	// CaseSensitive keeps the case of options; otherwise they are in small letters.
	CaseSensitive bool
	// Interpolate replaces %(name)s.
	Interpolate bool
}

// maxInterpolation bounds how deep values refer to each other.
const maxInterpolation = 10

// DefaultSection holds options that every section has.
const DefaultSection = "DEFAULT"

// ErrNoSection says that a section is not there.
var ErrNoSection = errors.New("no such section")

// DuplicateOptionError says that an option stands twice in a section.
type DuplicateOptionError struct{ text string }

func (d *DuplicateOptionError) Error() string { return d.text }

// File is what was read. The zero value is not usable; make one with New.
type File struct {
	o        Options
	sections map[string]*value.Dict
	// names are those of the sections, in order.
	names []string
}

// New gives an empty file.
func New(o Options) *File {
	return &File{o: o, sections: map[string]*value.Dict{DefaultSection: {}}, names: []string{DefaultSection}}
}

var (
	header     = regexp.MustCompile(`^\[(.+)\]`)
	optionLine = regexp.MustCompile(`^(.*?)\s*(?:([=:])\s*(.*))?$`)
	reference  = regexp.MustCompile(`^%\(([^)]+)\)s`)
)

// reader goes through the lines of one text.
type reader struct {
	f *File
	// section and option are where the reader is.
	name    string
	section *value.Dict
	option  string
	indent  int
	// seen are the sections and options of this text.
	seen   map[[2]string]bool
	faults []string
}

// Read adds the sections of a text. What is in it twice is an error; what was read before is
// replaced.
func (f *File) Read(text string) error {
	r := reader{f: f, seen: map[[2]string]bool{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := r.line(line, number); err != nil {
			return err
		}
	}
	if r.faults != nil {
		return fmt.Errorf("Source contains parsing errors: '<???>'%s", strings.Join(r.faults, "")) // Python's own words
	}
	for _, name := range f.names {
		s := f.sections[name]
		for k, v := range s.All() {
			s.Set(k, finished(v))
		}
	}
	return nil
}

// finished joins the lines of a value.
func finished(v any) any {
	l, ok := v.(*value.List)
	if !ok {
		return v
	}
	lines := make([]string, len(l.Items))
	for i, x := range l.Items {
		lines[i] = value.String(x)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \t\n\r\f\v")
}

const blanks = " \t\r\n\f\v"

func (r *reader) line(line string, number int) error {
	text := strings.Trim(line, blanks)
	comment := strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";")
	if comment || text == "" {
		// An empty line belongs to a value of several lines; a comment does not.
		if l, ok := r.current(); ok && text == "" {
			l.Items = append(l.Items, "")
		} else if text == "" {
			r.indent = 1 << 30
		}
		return nil
	}
	indent := len(line) - len(strings.TrimLeft(line, blanks))
	if l, ok := r.current(); ok && indent > r.indent {
		l.Items = append(l.Items, text)
		return nil
	}
	r.indent = indent
	if m := header.FindStringSubmatch(text); m != nil {
		return r.enter(m[1], number)
	}
	if r.section == nil {
		return fmt.Errorf("File contains no section headers.\nfile: '<???>', line: %d\n%s", number, value.Repr(line)) // Python's own words
	}
	return r.assign(text, line, number)
}

// current gives the value that a line may go on with.
func (r *reader) current() (*value.List, bool) {
	if r.section == nil || r.option == "" {
		return nil, false
	}
	v, _ := r.section.Get(r.option)
	l, ok := v.(*value.List)
	return l, ok
}

func (r *reader) enter(name string, number int) error {
	if r.seen[[2]string{name}] {
		return fmt.Errorf("While reading from '<???>' [line %2d]: section %s already exists", number, value.Repr(name)) // Python's own words
	}
	if name != DefaultSection {
		r.seen[[2]string{name}] = true
	}
	if r.f.sections[name] == nil {
		r.f.sections[name] = &value.Dict{}
		r.f.names = append(r.f.names, name)
	}
	r.name, r.section, r.option = name, r.f.sections[name], ""
	return nil
}

func (r *reader) assign(text, line string, number int) error {
	m := optionLine.FindStringSubmatch(text)
	if m == nil || m[2] == "" && !r.f.o.AllowNoValue || m[1] == "" {
		r.faults = append(r.faults, fmt.Sprintf("\n\t[line %2d]: %s", number, value.Repr(line)))
		return nil
	}
	name := r.f.transform(strings.TrimRight(m[1], blanks))
	key := [2]string{r.name, name}
	if r.seen[key] {
		return &DuplicateOptionError{fmt.Sprintf("While reading from '<???>' [line %2d]: option %s in section %s already exists", number, value.Repr(name), value.Repr(r.name))}
	}
	r.seen[key] = true
	r.option = name
	if m[2] == "" {
		r.section.Set(name, nil)
		return nil
	}
	r.section.Set(name, value.NewList(strings.Trim(m[3], blanks)))
	return nil
}

func (f *File) transform(option string) string {
	if f.o.CaseSensitive {
		return option
	}
	return strings.ToLower(option)
}

// options gives those of a section with the defaults: the defaults first, as Python does.
func (f *File) options(section string) (*value.Dict, error) {
	own, ok := f.sections[section]
	if !ok {
		return nil, ErrNoSection
	}
	all := f.sections[DefaultSection].Shallow()
	all.Update(own)
	return all, nil
}

// Get gives the value of an option; found is false when the section does not have it.
func (f *File) Get(section, option string) (v any, found bool, err error) {
	all, err := f.options(section)
	if err != nil {
		return nil, false, err
	}
	name := f.transform(option)
	v, found = all.Get(name)
	if text, ok := v.(string); ok && f.o.Interpolate {
		v, err = f.interpolate(all, section, name, text, text, 1)
	}
	return v, found, err
}

// Items gives all options of a section with their values.
func (f *File) Items(section string) (*value.Dict, error) {
	all, err := f.options(section)
	if err != nil || !f.o.Interpolate {
		return all, err
	}
	out := &value.Dict{}
	for k, v := range all.All() {
		if text, ok := v.(string); ok {
			name := value.String(k)
			if v, err = f.interpolate(all, section, name, text, text, 1); err != nil {
				return nil, err
			}
		}
		out.Set(k, v)
	}
	return out, nil
}

func (f *File) interpolate(all *value.Dict, section, option, rest, raw string, depth int) (string, error) {
	if depth > maxInterpolation {
		return "", fmt.Errorf("Recursion limit exceeded in value substitution: option %s in section %s contains an interpolation key which cannot be substituted in %d steps. Raw value: %s", // Python's own words
			value.Repr(option), value.Repr(section), maxInterpolation, value.Repr(raw))
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			b.WriteString(rest)
			return b.String(), nil
		}
		b.WriteString(rest[:at])
		rest = rest[at:]
		switch m := reference.FindStringSubmatch(rest); {
		case strings.HasPrefix(rest, "%%"):
			b.WriteByte('%')
			rest = rest[2:]
		case m != nil:
			name := f.transform(m[1])
			v, ok := all.Get(name)
			if !ok {
				return "", fmt.Errorf("Bad value substitution: option %s in section %s contains an interpolation key %s which is not a valid option name. Raw value: %s", // Python's own words
					value.Repr(option), value.Repr(section), value.Repr(name), value.Repr(raw))
			}
			text, err := f.interpolate(all, section, option, value.String(v), raw, depth+1)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			rest = rest[len(m[0]):]
		case strings.HasPrefix(rest, "%("):
			return "", fmt.Errorf("bad interpolation variable reference %s", value.Repr(rest))
		default:
			return "", fmt.Errorf("'%%' must be followed by '%%' or '(', found: %s", value.Repr(rest))
		}
	}
}
