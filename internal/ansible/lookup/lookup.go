// Package lookup holds the lookups of ansible.builtin as templates see them: the functions
// lookup, query and q, and the old loops that are lookups (with_items and its kin).
//
// Register puts the functions into an environment of package jinja. Terms and options go in,
// a list of results comes out, or an error in Ansible's words. The package is pure: what can
// be told from terms and variables alone is told here, and for all else the Caller has a
// worker ask package world, whose answer is recorded.
//
// Read on in term.go (the lookups that need nothing but their terms), sequence.go, file.go
// (those that are prepared here and carried out by a worker) and with.go (loops).
package lookup

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// Caller is what whoever evaluates a template gives as the context's Data. It also is a
// filter.World, which the lookup env asks.
type Caller interface {
	// Variable gives a variable, which may be or hold a template.
	jinja.Variables
	// Names gives the names of all variables.
	Names() []string
	// Reach has a worker carry out a lookup of package world, or one of the caller's own. An
	// answer that is not there yet is a *jinja.Pending error.
	Reach(r Request) ([]any, error)
	// Knows tells whether there is a lookup of this name that is not one of Ansible's own.
	Knows(name string) bool
	// Inside gives the context for the text of a file that is a template: with variables on
	// top, and a folder in which what it includes is looked for first.
	Inside(variables *value.Dict, folder string) jinja.Context
}

// Request is a lookup that reaches the world. Terms and options are rendered.
type Request struct {
	// Name is the short name, such as "file".
	Name    string
	Terms   []any
	Options *value.Dict
	// Subfolder is where the lookup first_found looks first, when a loop asks: "templates",
	// "vars" or "files". Otherwise it is empty.
	Subfolder string
}

// own are the arguments that no lookup sees.
const (
	argWantList = "wantlist"
	argErrors   = "errors"
	// argAction is given by With: the action of the task whose loop this is.
	argAction = "_loop_of"
)

// takes says that the functions deal with everything that their arguments may be.
const takes = jinja.TakesUndefined | jinja.TakesInside | jinja.TakesUnknown | jinja.TakesEmbedded

// Register puts the functions lookup, query and q into an environment.
func Register(e *jinja.Environment) {
	r := &runner{env: e}
	e.Function("lookup", jinja.Spec{Signature: "_lookup(plugin_name, *args, **kwargs)", Takes: takes, Run: r.lookup})
	for _, name := range []string{"query", "q"} {
		e.Function(name, jinja.Spec{Signature: "_query(plugin_name, *args, **kwargs)", Takes: takes, Run: r.query})
	}
}

// runner carries out lookups for the templates of one environment.
type runner struct{ env *jinja.Environment }

func (r *runner) lookup(c *jinja.Call) (any, error) { return r.run(c, false) }
func (r *runner) query(c *jinja.Call) (any, error)  { return r.run(c, true) }

// invocation is one call of a lookup.
type invocation struct {
	*jinja.Call
	env *jinja.Environment
	// short is the name without its collection.
	short   string
	terms   []any
	options *value.Dict
	// loop tells that a task's loop asks; action is that task's.
	loop   bool
	action string
}

// caller gives who evaluates the template.
func (v *invocation) caller() (Caller, error) {
	w, ok := v.Data().(Caller)
	if !ok {
		return nil, errors.New("needs the play that it stands in, which cannot be reached here")
	}
	return w, nil
}

// run carries out a lookup and shapes its result.
func (r *runner) run(c *jinja.Call, wantList bool) (any, error) {
	name, ok := c.Args[0].(string)
	switch n := c.Args[0].(type) {
	case *value.Undefined, *value.Unknown:
		return n, nil
	}
	if !ok {
		return nil, &jinja.Plain{Message: fmt.Sprintf("The lookup plugin %s failed to load: unsupported type <class '%s'>", value.Repr(c.Args[0]), value.TypeName(c.Args[0]))}
	}
	v := &invocation{Call: c, env: r.env, terms: c.Args[1:], options: &value.Dict{}, short: shortName(name)}
	onError := any("strict")
	for _, k := range c.Kwargs {
		switch k.Name {
		case argWantList:
			wantList = wantList || python.Truth(k.Value)
		case argErrors:
			onError = k.Value
		case argAction:
			v.loop, v.action = true, value.String(k.Value)
		default:
			v.options.Set(k.Name, k.Value)
		}
	}
	p := pluginOf(v.short)
	if p.run == nil {
		w, isCaller := c.Data().(Caller)
		if !isCaller || !w.Knows(name) {
			return nil, &jinja.Plain{Message: fmt.Sprintf("The lookup plugin %s was not found.", value.Repr(name))}
		}
		v.short, p = name, plugin{run: reach}
	}
	if instead := v.unusable(p); instead != nil {
		return instead, nil
	}
	list, err := p.run(v)
	if err != nil {
		return v.failed(name, err, onError, wantList)
	}
	return shape(list, wantList), nil
}

// shortName takes the collection of Ansible's own plugins off a name.
func shortName(name string) string {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			return short
		}
	}
	return name
}

// failed makes of an error what the option errors says.
func (v *invocation) failed(name string, err error, onError any, wantList bool) (any, error) {
	var pending *jinja.Pending
	var limit *jinja.Limit
	var end *verdict
	switch {
	case errors.As(err, &pending), errors.As(err, &limit):
		return nil, err
	case errors.As(err, &end):
		return end.v, nil
	case onError == "warn":
		if w, ok := v.Data().(interface{ Warn(text string) }); ok {
			w.Warn(fmt.Sprintf("An error occurred while running the lookup plugin %s: %s", value.Repr(name), err))
		}
	case onError != "ignore":
		return nil, jinja.LookupError(name, err)
	}
	if wantList {
		return &value.List{Items: []any{}}, nil
	}
	return nil, nil
}

// verdict is the value, undefined or unknown, that a lookup gives in place of a result.
type verdict struct{ v any }

func (e *verdict) Error() string {
	if u, ok := e.v.(*value.Undefined); ok {
		return jinja.Use(u).Error()
	}
	return "unknown until applied"
}

// unusable gives what is undefined or unknown among the arguments, where the lookup does not
// deal with that itself.
func (v *invocation) unusable(p plugin) any {
	var unknown *value.Unknown
	look := func(x any) *value.Undefined {
		undefined, u := within(x)
		if u != nil && unknown == nil && !p.keepsUnknown {
			unknown = u
		}
		if p.takesUndefined {
			return nil
		}
		return undefined
	}
	for _, t := range v.terms {
		if u := look(t); u != nil {
			return u
		}
	}
	for _, o := range v.options.All() {
		if u := look(o); u != nil {
			return u
		}
	}
	if unknown != nil {
		return unknown
	}
	return nil
}

// within finds what is undefined or unknown in a value.
func within(v any) (undefined *value.Undefined, unknown *value.Unknown) {
	note := func(u *value.Undefined, w *value.Unknown) bool {
		if unknown == nil {
			unknown = w
		}
		undefined = u
		return u != nil
	}
	switch v := v.(type) {
	case *value.Undefined:
		if !v.Lenient {
			return v, nil
		}
	case *value.Unknown:
		return nil, v
	case *value.List:
		for _, x := range v.Items {
			if note(within(x)) {
				return
			}
		}
	case *value.Dict:
		for _, x := range v.All() {
			if note(within(x)) {
				return
			}
		}
	}
	return
}

// shape makes of a list of results what lookup gives: one result alone, texts joined with
// commas, or the list.
func shape(list []any, wantList bool) any {
	if wantList || len(list) == 0 {
		return &value.List{Items: list}
	}
	if len(list) == 1 {
		return list[0]
	}
	texts := make([]string, len(list))
	for i, x := range list {
		text, ok := x.(string)
		if !ok {
			return &value.List{Items: list}
		}
		texts[i] = text
	}
	return strings.Join(texts, ",")
}

// plugin is one lookup.
type plugin struct {
	run func(v *invocation) ([]any, error)
	// keepsUnknown tells that it only puts terms together, so that some may be unknown.
	keepsUnknown bool
	// takesUndefined tells that it deals with terms and options that are undefined.
	takesUndefined bool
}

// pluginOf gives the lookup of a name; its run is nil when there is none.
func pluginOf(name string) plugin {
	switch name {
	case "dict":
		return plugin{run: dict, keepsUnknown: true}
	case "items":
		return plugin{run: items, keepsUnknown: true}
	case "list":
		return plugin{run: list, keepsUnknown: true}
	case "nested":
		return plugin{run: nested, keepsUnknown: true}
	case "together":
		return plugin{run: together, keepsUnknown: true}
	case "indexed_items":
		return plugin{run: indexedItems, keepsUnknown: true}
	case "random_choice":
		return plugin{run: randomChoice, keepsUnknown: true}
	case "subelements":
		return plugin{run: subelements}
	case "sequence":
		return plugin{run: sequence}
	case "vars":
		return plugin{run: variables}
	case "varnames":
		return plugin{run: variableNames}
	case "inventory_hostnames":
		return plugin{run: inventoryHostnames}
	case "env":
		return plugin{run: environment, takesUndefined: true}
	case "first_found":
		return plugin{run: firstFound, takesUndefined: true}
	case "template":
		return plugin{run: template}
	case "file", "fileglob", "pipe", "lines", "csvfile", "ini", "password", "unvault", "url", "config":
		return plugin{run: reach}
	}
	return plugin{}
}

// reach has a worker carry out the lookup.
func reach(v *invocation) ([]any, error) {
	w, err := v.caller()
	if err != nil {
		return nil, err
	}
	return w.Reach(Request{Name: v.short, Terms: v.terms, Options: v.options})
}
