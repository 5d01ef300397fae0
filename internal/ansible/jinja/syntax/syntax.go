// Package syntax reads Jinja 3.1: text goes in, a tree of statements and expressions comes
// out, or an *Error in the words that Jinja itself uses.
//
// It knows nothing of values, variables or filters: whether a filter exists is found out
// by whoever evaluates the tree. It is pure, and its trees are never changed, so that one
// may be shared by all who evaluate it.
//
// Read on in lex.go (text to tokens), parse.go (statements), expression.go, tree.go.
package syntax

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/value"
)

// Options say how a template is written. The zero value is Jinja's own default; Default
// gives what Ansible uses.
type Options struct {
	// Delimiters; an empty one is Jinja's default.
	BlockStart, BlockEnd       string
	VariableStart, VariableEnd string
	CommentStart, CommentEnd   string
	// LineStatement and LineComment are prefixes that make a line a statement or a comment;
	// none if empty.
	LineStatement, LineComment string
	// TrimBlocks takes away the newline behind a block.
	TrimBlocks bool
	// LstripBlocks takes away blanks before a block that begins its line.
	LstripBlocks bool
	// KeepTrailingNewline leaves the one newline at the end, which Jinja takes away.
	KeepTrailingNewline bool
	// Newline is what every line break of the text becomes; "\n" if empty.
	Newline string
	// KeepBackslashes leaves backslashes in strings within {{ }} as they are: text from a
	// playbook has gone through YAML's escapes already.
	KeepBackslashes bool
	// Do and LoopControls allow {% do %}, and {% break %} and {% continue %}.
	Do, LoopControls bool
}

// Default gives the options of Ansible for text in playbooks.
func Default() Options { return Options{TrimBlocks: true, KeepBackslashes: true} }

func (o Options) filled() Options {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&o.BlockStart, "{%"}, {&o.BlockEnd, "%}"},
		{&o.VariableStart, "{{"}, {&o.VariableEnd, "}}"},
		{&o.CommentStart, "{#"}, {&o.CommentEnd, "#}"},
		{&o.Newline, "\n"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return o
}

// Override is the line that may begin a template and sets options of its own:
// #jinja2:trim_blocks:False,lstrip_blocks:True
const Override = "#jinja2:"

// Override reads the text's own options, if it begins with such a line, and gives the rest.
func (o Options) Override(text string) (Options, string, error) {
	if !strings.HasPrefix(text, Override) {
		return o, text, nil
	}
	line, rest, found := strings.Cut(text[len(Override):], "\n")
	if !found {
		return o, text, fmt.Errorf("Missing newline after '%s' override.", Override) // Ansible's words
	}
	for pair := range strings.SplitSeq(line, ",") {
		if strings.TrimSpace(pair) == "" {
			return o, text, fmt.Errorf("Empty '%s' override pair not allowed.", Override) // Ansible's words
		}
		key, val, found := strings.Cut(pair, ":")
		if !found {
			return o, text, fmt.Errorf("Missing key-value separator `:` in '%s' override pair '%s'.", Override, pair) // Ansible's words
		}
		e, err := ParseExpression(strings.TrimSpace(val), Options{})
		c, ok := e.(*Const)
		if err != nil || !ok {
			return o, text, fmt.Errorf("the value of %s in a '%s' line is to be a string, True or False, not %s", strings.TrimSpace(key), Override, val)
		}
		if err := o.Set(strings.TrimSpace(key), c.Value); err != nil {
			return o, text, err
		}
	}
	return o, rest, o.Check()
}

// Set sets one option by the name that Jinja and the template module give it.
func (o *Options) Set(key string, v any) error {
	texts := map[string]*string{
		"block_start_string": &o.BlockStart, "block_end_string": &o.BlockEnd,
		"variable_start_string": &o.VariableStart, "variable_end_string": &o.VariableEnd,
		"comment_start_string": &o.CommentStart, "comment_end_string": &o.CommentEnd,
		"line_statement_prefix": &o.LineStatement, "line_comment_prefix": &o.LineComment,
		"newline_sequence": &o.Newline,
	}
	flags := map[string]*bool{
		"trim_blocks": &o.TrimBlocks, "lstrip_blocks": &o.LstripBlocks, "keep_trailing_newline": &o.KeepTrailingNewline,
	}
	if field, ok := texts[key]; ok {
		s, ok := v.(string)
		if v != nil && !ok {
			return fmt.Errorf("TemplateOverrides.%s must be <class 'str'> instead of <class '%s'>", key, value.TypeName(v))
		}
		*field = s
		return nil
	}
	field, ok := flags[key]
	if !ok {
		return fmt.Errorf("Invalid '%s' override key '%s'.", Override, key) // Ansible's words
	}
	b, ok := v.(bool)
	if !ok {
		return fmt.Errorf("TemplateOverrides.%s must be <class 'bool'> instead of <class '%s'>", key, value.TypeName(v))
	}
	*field = b
	return nil
}

// Extend adds what one of Jinja's extensions allows, such as "jinja2.ext.do". Names that
// Jinja 3 knows and that change nothing here are taken.
func (o *Options) Extend(extension string) error {
	switch extension {
	case "jinja2.ext.do", "do":
		o.Do = true
	case "jinja2.ext.loopcontrols", "loopcontrols":
		o.LoopControls = true
	case "jinja2.ext.with_", "jinja2.ext.autoescape", "jinja2.ext.debug", "":
	default:
		return fmt.Errorf("the Jinja extension %s is not supported: there are jinja2.ext.do and jinja2.ext.loopcontrols", extension)
	}
	return nil
}

// Check finds delimiters that cannot be told apart.
func (o Options) Check() error {
	f := o.filled()
	if f.BlockStart == f.VariableStart || f.VariableStart == f.CommentStart || f.CommentStart == f.BlockStart {
		return fmt.Errorf("Block, variable and comment start strings must be different.") // Ansible's words
	}
	if f.Newline != "\n" && f.Newline != "\r\n" && f.Newline != "\r" {
		return fmt.Errorf(`newline_sequence needs to be one of: \n, \r or \r\n`)
	}
	return nil
}

// Holds tells whether a text has anything that would be evaluated.
func (o Options) Holds(text string) bool {
	f := o.filled()
	return strings.HasPrefix(text, Override) || strings.Contains(text, f.VariableStart) ||
		strings.Contains(text, f.BlockStart) || strings.Contains(text, f.CommentStart)
}

// Error is a mistake in a template's text.
type Error struct {
	Message string
	// Line counts from 1 in the template's text.
	Line int
}

func (e *Error) Error() string { return e.Message }
