package playbook

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// The headlines of what may be wrong with playbooks.
const (
	Invalid  = "Invalid playbook"
	Misused  = "Invalid use in a playbook"
	Missing  = "File or role not found"
	TooDeep  = "Imports without end"
	Unused   = "Nothing to do"
	Outdated = "Outdated playbook syntax"
)

// Limits on what playbooks may be.
const (
	// MaxImports is how deep imports, and the dependencies of roles, may lie in each other.
	MaxImports = 60
	// MaxIncludes is how deep dynamic includes may lie in each other while a play runs.
	MaxIncludes = 1000
	// MaxBlocks is how deep blocks may lie in each other.
	MaxBlocks = 200
	// MaxTasks is how many tasks one loader gives numbers to.
	MaxTasks = 5_000_000
)

// Loader reads playbooks and what they include. It numbers tasks: the same calls with the same
// files give the same numbers. A call that ends with an error (not: diagnostics) has changed
// nothing and can be made again. It is for one goroutine.
type Loader struct {
	files Files
	o     Options
	// next is the number of the next task.
	next int
	// parsed are the files read so far.
	parsed map[string]parsed
	// folders are the names in folders that the present call has listed.
	folders map[string][]string
}

// parsed is a file's document, as long as its text stays the same.
type parsed struct {
	text []byte
	node *document.Node
	said diag.List
}

// New makes a loader.
func New(files Files, o Options) *Loader {
	return &Loader{files: files, o: o, next: 1, parsed: map[string]parsed{}, folders: map[string][]string{}}
}

// reading is one call of the loader.
type reading struct {
	l     *Loader
	diags diag.List
	// err is the first error of Files that is not about the text.
	err error
	// stopped ends everything: going on would not end.
	stopped bool
	play    *Play
	// role is the one whose files are being read.
	role *Role
	// dir is the folder of the playbook.
	dir string
	// imports is how many imports and roles we are within, blocks how many blocks.
	imports, blocks int
	handlers        bool
	// include is the number of the include task that all this is for.
	include int
	// given are variables that hold at the place of the include.
	given *value.Dict
}

func (l *Loader) reading() *reading { return &reading{l: l} }

// done ends a call. What was listed is forgotten, for folders change while plays run; after
// an error it is kept, because the same call comes again.
func (r *reading) done(next int) (diag.List, error) {
	if r.err != nil {
		r.l.next = next
		return nil, r.err
	}
	clear(r.l.folders)
	return r.diags, nil
}

// Playbook reads a playbook with all that it imports.
func (l *Loader) Playbook(name string) (*Playbook, diag.List, error) {
	r, next := l.reading(), l.next
	pb := &Playbook{File: name}
	r.playbook(pb, name, nil, nil)
	diags, err := r.done(next)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range pb.Plays {
		p.Index = i
	}
	return pb, diags, nil
}

// Vars reads a file of variables. Nothing in it is an empty dict.
func (l *Loader) Vars(name string) (*value.Dict, diag.List, error) {
	r := l.reading()
	d := r.varsFile(l.expand(name))
	diags, err := r.done(l.next)
	return d, diags, err
}

// VarsFiles reads the first of these files that is there, for one item of a play's
// vars_files. file is "" when there is none.
func (l *Loader) VarsFiles(p *Play, names []string) (vars *value.Dict, file string, diags diag.List, err error) {
	r := l.reading()
	for _, name := range names {
		for _, candidate := range l.varsCandidates(p.Dir, name) {
			if r.isFile(candidate) {
				vars = r.varsFile(candidate)
				diags, err = r.done(l.next)
				return vars, candidate, diags, err
			}
		}
	}
	diags, err = r.done(l.next)
	return &value.Dict{}, "", diags, err
}

// varsCandidates are where a play's file of variables may lie.
func (l *Loader) varsCandidates(dir, name string) []string {
	if full := l.expand(name); path.IsAbs(full) {
		return []string{full}
	}
	first, _, _ := strings.Cut(name, "/")
	if first == "vars" {
		return []string{path.Join(dir, name)}
	}
	return []string{path.Join(dir, "vars", name), path.Join(dir, name)}
}

// fail notes what is wrong with a node.
func (r *reading) fail(n *document.Node, format string, args ...any) {
	var rng value.Origin
	if n != nil {
		rng = n.Origin
	}
	r.failAt(rng, Invalid, format, args...)
}

// misuse is fail for what Ansible ends with another exit code.
func (r *reading) misuse(n *document.Node, format string, args ...any) {
	r.failAt(n.Origin, Misused, format, args...)
}

func (r *reading) failAt(at value.Origin, headline, format string, args ...any) {
	r.diags = append(r.diags, diag.Errorf(document.RangeOf(at), headline, "%s", fmt.Sprintf(format, args...))...)
}

func (r *reading) warn(at value.Origin, headline, format string, args ...any) {
	r.diags = append(r.diags, diag.Warnf(document.RangeOf(at), headline, "%s", fmt.Sprintf(format, args...))...)
}

// unknownKeyword says that something may not be written where it is.
func (r *reading) unknownKeyword(name string, at place, class string, key *document.Node) {
	if at&tasks == 0 {
		r.fail(key, "'%s' is not a valid attribute for a %s%s", name, class, didYouMean(name, at.names()))
		return
	}
	r.invalidAttribute(name, class, key, didYouMean(name, at.names()))
	if !r.l.o.UnknownAttributes {
		r.diags[len(r.diags)-1].Detail += "\nThis error can be suppressed as a warning using the \"invalid_task_attribute_failed\" configuration"
	}
}

func (r *reading) invalidAttribute(name, class string, n *document.Node, hint string) {
	if r.l.o.UnknownAttributes {
		r.warn(n.Origin, Invalid, "Ignoring invalid attribute: %s", name)
		return
	}
	r.fail(n, "'%s' is not a valid attribute for a %s%s", name, class, hint)
}

// didYouMean is what follows a sentence about a name that is not known.
func didYouMean(name string, known []string) string {
	if near := diag.Suggest(name, known); near != "" {
		return ". Did you mean '" + near + "'?"
	}
	return ""
}

// trouble takes an error of Files or of the renderer: "not yet" and failures of the world end
// the call, in time. A file that is not there is told.
func (r *reading) trouble(err error) {
	if r.err == nil {
		r.err = err
	}
}

// document reads and parses a file; nil when that failed.
func (r *reading) document(name string, from value.Origin) *document.Node {
	text, err := r.l.files.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.failAt(from, Missing, "Unable to retrieve file contents.\nCould not find or access '%s' on the Ansible Controller.", name)
		return nil
	case err != nil:
		r.trouble(err)
		return nil
	}
	p, ok := r.l.parsed[name]
	if !ok || !bytes.Equal(p.text, text) {
		p = parsed{text: text}
		p.node, p.said = document.Parse(text, name, document.Options{Duplicates: r.l.o.Duplicates})
		r.l.parsed[name] = p
	}
	r.diags = append(r.diags, p.said...)
	if p.said.HasErrors() {
		return nil
	}
	return p.node
}

// varsFile reads a file of variables.
func (r *reading) varsFile(name string) *value.Dict {
	n := r.document(name, value.Origin{})
	switch {
	case n.Null():
		return &value.Dict{}
	case n.Kind == document.List: // a list of dicts was allowed once, and still is
		out := &value.Dict{}
		for _, item := range n.Items {
			if item.Kind != document.Dict {
				r.fail(item, "Invalid vars_files file '%s': variables must be a dictionary, not a %s.", name, item.TypeName())
				continue
			}
			out.Update(item.Value().(*value.Dict))
		}
		return out
	case n.Kind != document.Dict:
		r.fail(n, "Invalid vars_files file '%s': variables must be a dictionary, not a %s.", name, n.TypeName())
		return &value.Dict{}
	}
	return n.Value().(*value.Dict)
}

// expand makes a path of a name: ~ is the user's folder.
func (l *Loader) expand(name string) string {
	if l.o.Home != "" && (name == "~" || strings.HasPrefix(name, "~/")) {
		name = l.o.Home + name[1:]
	}
	return path.Clean(name)
}

// below is a name as seen from a folder.
func (l *Loader) below(dir, name string) string {
	if full := l.expand(name); path.IsAbs(full) {
		return full
	}
	return path.Join(dir, name)
}

// list gives the names in a folder; nil when there is no such folder.
func (r *reading) list(dir string) []string {
	if dir == "" {
		dir = "."
	}
	if names, ok := r.l.folders[dir]; ok {
		return names
	}
	names, err := r.l.files.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.trouble(err)
		return nil
	}
	r.l.folders[dir] = names
	return names
}

func (r *reading) isFile(name string) bool {
	return slices.Contains(r.list(path.Dir(name)), path.Base(name))
}

func (r *reading) isFolder(name string) bool {
	if name == "." || name == "/" {
		return true
	}
	return slices.Contains(r.list(path.Dir(name)), path.Base(name)+"/") || path.Base(name) == ".." && r.list(name) != nil
}

// ExitCode is how a command ends that was given playbooks with errors: 4, as for all that
// cannot be read, or 1 for what Ansible tells in another way; 0 without errors.
func ExitCode(diags diag.List) int {
	for _, d := range diags {
		switch {
		case d.Severity != diag.Error:
		case d.Headline == Misused, d.Headline == Missing:
			return 1
		default:
			return 4
		}
	}
	return 0
}

// known asks for the full name of a module.
func (l *Loader) known(name string, collections []string) (string, bool) {
	short, ok := builtinName(name)
	if ok && slices.Contains(builtinTasks, short) {
		return "ansible.builtin." + short, true
	}
	if l.o.Known == nil {
		if ok {
			return "ansible.builtin." + short, true
		}
		return name, true
	}
	return l.o.Known(name, collections)
}

// builtinName gives the short name of what may be in ansible.builtin.
func builtinName(name string) (string, bool) {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
	return short, !strings.Contains(short, ".")
}

// is reports whether an action is one of these, by its short or full name.
func is(action string, names ...string) bool {
	short, ok := builtinName(action)
	return ok && slices.Contains(names, short)
}

// render renders what an import is given, with the variables that hold there.
func (r *reading) render(v any, vars func() *value.Dict, at value.Origin, what string) (any, bool) {
	if !templated(v) {
		return v, true
	}
	if r.l.o.Render == nil {
		r.failAt(at, Invalid, "Error when evaluating variable in %s %s. No variables are known here.", what, value.Repr(value.String(v)))
		return nil, false
	}
	got, err := r.l.o.Render(v, vars())
	var pending Pending
	switch {
	case err == nil:
		return got, true
	case errors.As(err, &pending):
		r.trouble(err)
	default:
		r.failAt(at, Invalid, "Error when evaluating variable in %s %s: %s\n"+
			"When using static imports, ensure that any variables used in their names are defined in vars/vars_files\n"+
			"or extra-vars passed in from the command line. Static imports cannot use variables from facts or inventory\n"+
			"sources like group or host vars.", what, value.Repr(value.String(v)), err)
	}
	return nil, false
}

// templated reports whether there is a template anywhere in a value.
func templated(v any) bool {
	switch v := v.(type) {
	case *value.Template:
		return true
	case *value.List:
		return slices.ContainsFunc(v.Items, templated)
	case *value.Dict:
		for k, item := range v.All() {
			if templated(k) || templated(item) {
				return true
			}
		}
	}
	return false
}

// text renders what has to become text.
func (r *reading) text(v any, vars func() *value.Dict, at value.Origin, what string) (string, bool) {
	got, ok := r.render(v, vars, at, what)
	if !ok {
		return "", false
	}
	s, ok := got.(string)
	if !ok {
		r.failAt(at, Invalid, "The %s must be text, not a value of type '%s'.", what, value.TypeName(got))
	}
	return s, ok
}

// deeper enters an import; it gives false when there seem to be imports without end.
func (r *reading) deeper(at value.Origin, format string, args ...any) bool {
	if r.stopped {
		return false
	}
	if r.imports++; r.imports > MaxImports {
		r.failAt(at, TooDeep, format, args...)
		r.stopped = true
		r.imports--
		return false
	}
	return true
}
