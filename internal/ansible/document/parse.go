package document

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// Limits on a document.
const (
	// MaxBytes is how long a text may be.
	MaxBytes = 64 << 20
	// MaxDepth is how deep values may lie in each other.
	MaxDepth = 500
	// MaxNodes is how many values a document may have; an alias counts with all that it
	// stands for, so a few lines of aliases of aliases cannot fill the memory.
	MaxNodes = 5_000_000
	// maxWarnings is how many duplicate keys are told of.
	maxWarnings = 100
)

// Duplicates says what a key that a dict has twice is; the last one always counts.
type Duplicates uint8

// What DUPLICATE_YAML_DICT_KEY of Ansible's configuration may say.
const (
	WarnDuplicates Duplicates = iota
	RefuseDuplicates
	IgnoreDuplicates
)

// Options are the ways of reading. The zero value is how playbooks are read.
type Options struct {
	// Untrusted is for text that nobody wrote as a template (what a script printed): none
	// of it becomes a *value.Template.
	Untrusted bool
	// PlainTags is for text that knows no !vault and no !unsafe, as the filter from_yaml.
	PlainTags bool
	// YAMLOnly leaves out the attempt to read JSON first.
	YAMLOnly   bool
	Duplicates Duplicates
}

// Parse reads one document: JSON when the text is such, YAML otherwise. An empty text is a
// null. The name is the file's, for origins and messages. The node is nil beside errors;
// warnings may come with a node.
func Parse(text []byte, name string, o Options) (*Node, diag.List) {
	r := &reader{name: name, text: text, options: o}
	if diags := r.fits(); diags != nil {
		return nil, diags
	}
	if !o.YAMLOnly {
		if n, ok := r.json(); ok {
			return n, nil
		}
	}
	all := r.documents(1)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	if len(all) == 0 {
		return &Node{Kind: Scalar, Origin: r.at(1, 1)}, r.diags
	}
	return all[0], r.diags
}

// ParseAll reads all YAML documents of a text.
func ParseAll(text []byte, name string, o Options) ([]*Node, diag.List) {
	r := &reader{name: name, text: text, options: o}
	if diags := r.fits(); diags != nil {
		return nil, diags
	}
	all := r.documents(MaxNodes)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return all, r.diags
}

// Value reads one document and gives its plain value.
func Value(text []byte, name string, o Options) (any, diag.List) {
	n, diags := Parse(text, name, o)
	return n.Value(), diags
}

// reader makes nodes of one text.
type reader struct {
	name    string
	text    []byte
	options Options
	diags   diag.List
	// unsafe counts the !unsafe tags that we are below.
	unsafe int
	// made are the nodes of anchors; one that is nil is being made.
	made map[*yaml.Node]*Node
	size int
}

func (r *reader) at(line, column int) value.Origin {
	return value.Origin{File: r.name, Line: line, Column: column}
}

func (r *reader) fits() diag.List {
	if len(r.text) > MaxBytes {
		return diag.Errorf(RangeOf(r.at(1, 1)), Failed, "The text is larger than %d bytes.", MaxBytes)
	}
	if utf8.Valid(r.text) {
		return nil
	}
	line, column := r.position(func(c rune, size int) bool { return c == utf8.RuneError && size == 1 })
	return diag.Errorf(RangeOf(r.at(line, column)), Failed, "This file must be UTF-8 encoded.")
}

// position finds the first character of the text for which the condition holds.
func (r *reader) position(holds func(c rune, size int) bool) (line, column int) {
	line, column = 1, 1
	for i := 0; i < len(r.text); {
		c, size := utf8.DecodeRune(r.text[i:])
		switch {
		case holds(c, size):
			return line, column
		case c == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		i += size
	}
	return line, column
}

// documents reads up to so many documents; one more is an error.
func (r *reader) documents(most int) []*Node {
	loader, err := yaml.NewLoader(bytes.NewReader(directives(r.text)), yaml.WithV4Defaults())
	if err != nil {
		panic("document: invariant broken: the YAML library refuses its own defaults: " + err.Error())
	}
	var all []*Node
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			r.syntax(err)
			return nil
		}
		if len(all) == most {
			line, column := r.separator(&doc)
			r.fail(line, column, "Expected a single document in the stream but found another document.")
			return nil
		}
		r.made = map[*yaml.Node]*Node{}
		n := &Node{Kind: Scalar, Origin: r.at(1, 1)}
		if len(doc.Content) > 0 {
			n = r.node(doc.Content[0], 1)
		}
		if n == nil {
			return nil
		}
		all = append(all, n)
	}
}

// directives has text that says it is YAML 1.2 pass for 1.1, which is how it is read; the
// library would refuse it.
func directives(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("%YAML 1.2")) {
		return append([]byte("%YAML 1.1"), text[len("%YAML 1.2"):]...)
	}
	return text
}

// separator finds the --- that begins a document, or else the first line that it holds.
func (r *reader) separator(doc *yaml.Node) (line, column int) {
	until := doc.Line
	if len(doc.Content) > 0 {
		until = doc.Content[0].Line
	}
	number := 0
	for text := range bytes.Lines(r.text) {
		if number++; number > until {
			break
		}
		switch trimmed := bytes.TrimSpace(text); {
		case bytes.HasPrefix(text, []byte("---")):
			line = number
		case len(trimmed) > 0 && trimmed[0] != '#' && trimmed[0] != '%' && number < until:
			line = 0
		}
	}
	if line == 0 {
		line = until
	}
	return line, 1
}

// JSON reads text that has to be JSON; it reports whether it is. Of text within it templates
// are made.
func JSON(text []byte, name string) (*Node, bool) {
	r := &reader{name: name, text: text}
	if r.fits() != nil {
		return nil, false
	}
	return r.json()
}
