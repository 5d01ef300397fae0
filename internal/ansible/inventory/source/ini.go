package source

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/inventory/literal"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// The states of an INI inventory: what the section that we are in holds.
const (
	holdsHosts    = "hosts"
	holdsVars     = "vars"
	holdsChildren = "children"
)

// iniReader reads an inventory in INI form, line by line.
type iniReader struct {
	loader *loader
	path   string
	number int
	group  string
	state  string
	// pending are groups that are spoken of but not declared yet, in order.
	pending []*pendingGroup
}

type pendingGroup struct {
	name    string
	line    int
	state   string
	parents []string
}

var (
	iniSection = regexp.MustCompile(`^\[([^:\]\s]+)(?::([\pL\pN_]+))?\]\s*(?:#.*)?$`)
	iniGroup   = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

func (l *loader) ini(path string) error {
	text, err := l.read(path)
	if err != nil {
		return err
	}
	r := &iniReader{loader: l, path: path, group: inventory.Ungrouped, state: holdsHosts}
	for line := range strings.Lines(string(text)) {
		r.number++
		if err := r.line(strings.TrimSpace(line)); err != nil {
			return r.placed(err)
		}
	}
	if len(r.pending) > 0 {
		p := r.pending[0]
		r.number = p.line
		if p.state == holdsVars {
			return r.placed(fmt.Errorf("Section [%s:vars] not valid for undefined group '%s'.", p.name, p.name))
		}
		return r.placed(fmt.Errorf("Section [%s:children] includes undefined group '%s'.", p.parents[len(p.parents)-1], p.name))
	}
	return nil
}

func (r *iniReader) origin() value.Origin { return value.Origin{File: r.path, Line: r.number} }

func (r *iniReader) placed(err error) error {
	var d *diag.Diagnostic
	if errors.As(err, &d) {
		return err
	}
	return diag.Errorf(document.RangeOf(r.origin()), Unparsed, "Failed to parse inventory: %s", err.Error())[0]
}

func (r *iniReader) line(line string) error {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return nil
	}
	if !utf8.ValidString(line) {
		return errors.New("the line is not UTF-8")
	}
	if m := iniSection.FindStringSubmatch(line); m != nil {
		return r.section(m[1], m[2])
	}
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		return fmt.Errorf("Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
	}
	switch r.state {
	case holdsHosts:
		return r.host(line)
	case holdsVars:
		return r.variable(line)
	default:
		return r.child(line)
	}
}

func (r *iniReader) section(name, state string) error {
	if state == "" {
		state = holdsHosts
	}
	inv := r.loader.inv
	r.group, r.state = inv.SafeName(name), state
	if state != holdsHosts && state != holdsVars && state != holdsChildren {
		return fmt.Errorf("Section [%s:%s] has unknown type: %s", name, state, state)
	}
	pending := r.find(r.group)
	if inv.Group(r.group) == nil {
		if state == holdsVars && pending == nil {
			pending = &pendingGroup{name: r.group, line: r.number, state: state}
			r.pending = append(r.pending, pending)
		}
		if _, err := inv.AddGroup(r.group); err != nil {
			return err
		}
	}
	if pending != nil && state != holdsVars {
		if pending.state == holdsChildren {
			return r.addPending(pending)
		}
		r.drop(pending)
	}
	return nil
}

func (r *iniReader) find(name string) *pendingGroup {
	for _, p := range r.pending {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (r *iniReader) drop(done *pendingGroup) {
	for i, p := range r.pending {
		if p == done {
			r.pending = append(r.pending[:i], r.pending[i+1:]...)
			return
		}
	}
}

// addPending puts a group that is now declared below those that spoke of it.
func (r *iniReader) addPending(p *pendingGroup) error {
	r.drop(p)
	for _, parent := range p.parents {
		if err := r.loader.inv.AddChild(parent, p.name); err != nil {
			return err
		}
		if up := r.find(parent); up != nil && up.state == holdsChildren {
			if err := r.addPending(up); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *iniReader) child(line string) error {
	m := iniGroup.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("Expected group name, got: %s", line)
	}
	name := m[1]
	if r.loader.inv.Group(name) != nil {
		return r.loader.inv.AddChild(r.group, name)
	}
	p := r.find(name)
	if p == nil {
		p = &pendingGroup{name: name, line: r.number, state: holdsChildren}
		r.pending = append(r.pending, p)
	}
	p.parents = append(p.parents, r.group)
	return nil
}

func (r *iniReader) variable(line string) error {
	k, v, ok := strings.Cut(line, "=")
	if !ok {
		return fmt.Errorf("Expected key=value, got: %s", line)
	}
	return r.loader.inv.SetVariable(r.group, strings.TrimSpace(k), r.value(strings.TrimSpace(v)))
}

// host reads "web[01:20]:2222 key=value key2='other value' # comment".
func (r *iniReader) host(line string) error {
	words, err := shellWords(line)
	if err != nil {
		return fmt.Errorf("Error parsing host definition '%s': %w", line, err)
	}
	if len(words) == 0 {
		return fmt.Errorf("Error parsing host definition '%s': there is no host in it", line)
	}
	names, port, err := inventory.Expand(words[0])
	if err != nil {
		return err
	}
	if strings.HasSuffix(strings.TrimSpace(words[0]), ":") && port == 0 {
		return fmt.Errorf("Invalid host pattern '%s' supplied, ending in ':' is not allowed, this character is reserved to provide a port.", words[0])
	}
	for _, n := range names {
		if strings.TrimSpace(n) == "---" {
			return fmt.Errorf("Invalid host pattern '%s' supplied, '---' is normally a sign this is a YAML file.", words[0])
		}
	}
	vars := &value.Dict{}
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("Expected key=value host variable assignment, got: %s", w)
		}
		vars.Set(k, r.value(v))
	}
	return r.loader.populate(names, port, r.group, vars)
}

// value reads a literal of Python, or text that means itself.
func (r *iniReader) value(text string) any {
	v, ok := literal.Parse(text)
	if !ok {
		v = text
	}
	return r.trusted(v)
}

// trusted makes templates of all text within a value.
func (r *iniReader) trusted(v any) any {
	switch v := v.(type) {
	case string:
		return document.TextValue(v, r.origin())
	case *value.List:
		for i, item := range v.Items {
			v.Items[i] = r.trusted(item)
		}
	case *value.Dict:
		d := &value.Dict{}
		for k, item := range v.All() {
			d.Set(k, r.trusted(item))
		}
		return d
	}
	return v
}

// shellWords splits a line as a shell would, with comments. It is Python's shlex, where a #
// begins a comment even within a word.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case '#':
			i = len(line)
		case ' ', '\t', '\r', '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\\':
			if i++; i >= len(line) {
				return nil, errors.New("No escaped character")
			}
			word.WriteByte(line[i])
			inWord = true
		case '\'', '"':
			n := quotedPart(&word, line[i+1:], c)
			if n < 0 {
				return nil, errors.New("No closing quotation")
			}
			i += n
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quotedPart writes what stands up to the closing quote, and gives its length with the
// quote, or -1.
func quotedPart(word *strings.Builder, text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return i + 1
		case c == '\\' && quote == '"':
			if i++; i >= len(text) {
				return -1
			}
			if text[i] != '"' && text[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(text[i])
		default:
			word.WriteByte(c)
		}
	}
	return -1
}
