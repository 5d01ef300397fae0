// Package jinja evaluates Jinja 3.1 as ansible-core 2.19 does: templates give native values,
// variables are rendered when they are used, what is undefined may be passed on but not used.
//
// Text and variables go in, values (of package value) or errors in Ansible's words come out.
// An Environment knows filters, tests and globals; Parse, File and Condition make a Template
// of a text; Native, Render and Resolve evaluate one in a Context.
//
// The package is pure, as what a deterministic machine calls has to be: it reaches no file,
// asks no clock and draws no numbers of its own. What it needs of the world is in the Context.
// An Environment and all that is made from it serve one goroutine at a time.
//
// Beyond Jinja, a value may be unknown until a play really runs: whatever is made of it is
// unknown too (see unknown.go). And a Function may be Pending: its answer has to be fetched
// first, whereupon the caller evaluates once more.
//
// Go's Jinja libraries were no ground to stand on: they render text only, with unordered,
// reflection based values, and know neither native types nor lazy templates nor unknowns.
//
// Read on in context.go, eval.go (expressions), exec.go (statements), lazy.go (variables
// that are templates), call.go (filters, tests, functions). Package syntax reads the text,
// python holds the operators and methods of Python's types, builtin Jinja's own filters.
package jinja

import (
	"strings"

	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Options set up an Environment.
type Options struct {
	// Syntax is how templates are written that File is not told otherwise about. The zero
	// value is what Ansible uses; whoever changes something begins with syntax.Default().
	Syntax syntax.Options
	// Plugin finds filters and tests that are not registered, such as those that Python has;
	// nil if there are none.
	Plugin func(kind Kind, name string) (Spec, bool)
}

// Kind is what a name in a template is looked up as.
type Kind string

// The kinds of plugins.
const (
	FilterKind Kind = "filter"
	TestKind   Kind = "test"
)

// maxParsed bounds how many parsed templates an Environment remembers, maxParsedText how
// many bytes of text they may have together. It forgets all when it has more.
const (
	maxParsed     = 8192
	maxParsedText = 64 << 20
)

// Environment holds what templates may use.
type Environment struct {
	options Options
	filters map[string]*plugin
	tests   map[string]*plugin
	globals map[string]any
	parsed  map[parseKey]*Template
	// parsedText is how many bytes of text the parsed templates have.
	parsedText int
}

type parseKey struct {
	source, name string
	how          mode
	o            syntax.Options
}

// mode is what kind of text a template is.
type mode uint8

const (
	textMode mode = iota
	expressionMode
	conditionMode
)

// New gives an Environment without filters and tests; package builtin makes one with
// Jinja's own.
func New(o Options) *Environment {
	if o.Syntax == (syntax.Options{}) {
		o.Syntax = syntax.Default()
	}
	e := &Environment{options: o, filters: map[string]*plugin{}, tests: map[string]*plugin{},
		globals: map[string]any{}, parsed: map[parseKey]*Template{}}
	e.addGlobals()
	return e
}

// Filter registers a filter; a name that is there is replaced.
func (e *Environment) Filter(name string, s Spec) { e.filters[name] = newPlugin(FilterKind, name, s) }

// Test registers a test.
func (e *Environment) Test(name string, s Spec) { e.tests[name] = newPlugin(TestKind, name, s) }

// Global registers a variable that every template sees.
func (e *Environment) Global(name string, v any) { e.globals[name] = v }

// Function registers a function that every template can call.
func (e *Environment) Function(name string, s Spec) {
	e.globals[name] = &function{newPlugin("", name, s)}
}

// plugin finds a filter or a test.
func (e *Environment) plugin(kind Kind, name string) (*plugin, error) {
	table := e.filters
	if kind == TestKind {
		table = e.tests
	}
	if p := table[name]; p != nil {
		return p, nil
	}
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if short, ok := strings.CutPrefix(name, prefix); ok && table[short] != nil {
			return table[short], nil
		}
	}
	if e.options.Plugin != nil {
		if s, ok := e.options.Plugin(kind, name); ok {
			p := newPlugin(kind, name, s)
			p.full = name
			table[name] = p
			return p, nil
		}
	}
	return nil, &missingPlugin{kind, name, closest(name, table)}
}

// Template is a parsed text.
type Template struct {
	env  *Environment
	name string
	how  mode
	o    syntax.Options
	tree *syntax.Tree
	// expression is set instead of a body where the whole text is one.
	expression syntax.Expr
	// newlines is how many the text ends with; newline is what is written for each that got
	// lost.
	newlines int
	newline  string
	// source and origin are what an error is about.
	source string
	origin value.Origin
}

// Parse reads text from a playbook, in which a backslash within {{ }} is just that. The
// name is that of the file that it stands in.
func (e *Environment) Parse(source, name string) (*Template, error) {
	return e.parse(source, value.Origin{File: name}, textMode, e.options.Syntax)
}

// ParseTemplate is Parse for a value.
func (e *Environment) ParseTemplate(t *value.Template) (*Template, error) {
	return e.parse(t.Text, t.Origin, textMode, e.options.Syntax)
}

// File reads the text of a template file, with options of its own. Backslashes in strings
// are escapes.
func (e *Environment) File(source, name string, o syntax.Options) (*Template, error) {
	o.KeepBackslashes = false
	return e.parse(source, value.Origin{File: name}, textMode, o)
}

// FileOptions are the syntax options that a template file has if it says nothing else.
func (e *Environment) FileOptions() syntax.Options {
	o := e.options.Syntax
	o.KeepBackslashes = false
	return o
}

// Expression reads an expression without delimiters, such as debug's var.
func (e *Environment) Expression(source string, at value.Origin) (*Template, error) {
	return e.parse(source, at, expressionMode, e.options.Syntax)
}

func (e *Environment) parse(source string, at value.Origin, how mode, o syntax.Options) (*Template, error) {
	if how == conditionMode {
		o.KeepBackslashes = false
	}
	key := parseKey{source, at.File, how, o}
	if t := e.parsed[key]; t != nil {
		if t.origin == at {
			return t, nil
		}
		again := *t
		again.origin = at
		return &again, nil
	}
	t := &Template{env: e, name: at.File, how: how, o: o, source: source, origin: at}
	if err := t.read(); err != nil {
		return nil, t.syntaxError(err)
	}
	if e.parsedText += len(source); len(e.parsed) >= maxParsed || e.parsedText > maxParsedText {
		clear(e.parsed)
		e.parsedText = len(source)
	}
	e.parsed[key] = t
	return t, nil
}

func (t *Template) read() error {
	if t.how != textMode {
		var err error
		t.expression, t.tree, err = syntax.Expression(t.source, t.o)
		return err
	}
	o, rest, err := t.o.Override(t.source)
	if err != nil {
		return err
	}
	if t.newline = t.o.Newline; t.newline == "" {
		t.newline = "\n"
	}
	t.newlines = len(t.source) - len(strings.TrimRight(t.source, "\n"))
	t.o = o
	t.tree, err = syntax.Parse(rest, o)
	return err
}

// Omit is what the global omit stands for: a container drops it, and an argument of a task
// that is it counts as not given.
type Omit struct{}

// PythonType names the type.
func (Omit) PythonType() string { return "Omit" }

func (Omit) String() string { return "<Omit>" }
