package lookup

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// environment gives variables of the environment; the option default may be undefined.
func environment(v *invocation) ([]any, error) {
	w, ok := v.Data().(filter.World)
	if !ok {
		return nil, errors.New("needs the machine that the play is run from, which cannot be reached here")
	}
	standard, _ := v.options.Get("default")
	if standard == nil {
		standard = ""
	}
	out := make([]any, 0, len(v.terms))
	for _, t := range v.terms {
		switch t.(type) {
		case *value.Undefined, *value.Unknown:
			return nil, &verdict{t}
		}
		text, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("'%s' object has no attribute 'split'", value.TypeName(t))
		}
		words := strings.Fields(text)
		if len(words) == 0 {
			return nil, errors.New("list index out of range")
		}
		found, err := w.Ask(filter.AskEnvironment, words[0])
		switch {
		case err != nil:
			return nil, err
		case found != nil:
			out = append(out, found)
			continue
		}
		if u, ok := standard.(*value.Undefined); ok {
			if u.Name == "" && u.Hint == anonymous {
				u = &value.Undefined{Hint: "The environment variable " + value.Repr(words[0]) + " is not set."}
			}
			return nil, &verdict{u}
		}
		out = append(out, standard)
	}
	return out, nil
}

// anonymous is what undef() says that was given no hint.
const anonymous = "Mandatory variable has not been overridden"

// firstFound gives the first file of several that is there.
func firstFound(v *invocation) ([]any, error) {
	if u, _ := within(v.options); u != nil {
		return nil, &verdict{u}
	}
	terms := v.terms
	if v.loop {
		terms = definedOnly(terms)
	}
	if u, unknown := within(value.NewList(terms...)); u != nil {
		return nil, &verdict{u}
	} else if unknown != nil {
		return nil, &verdict{unknown}
	}
	s := search{v: v, o: v.options}
	if len(terms) == 0 {
		o, err := s.read()
		if err != nil {
			return nil, err
		}
		for _, f := range o.Texts("files") {
			terms = append(terms, f)
		}
	}
	if err := s.add(terms); err != nil {
		return nil, err
	}
	o, err := s.read()
	if err != nil {
		return nil, err
	}
	w, err := v.caller()
	if err != nil {
		return nil, err
	}
	found, err := w.Reach(Request{Name: v.short, Terms: s.files, Options: &value.Dict{}, Subfolder: v.subfolder()})
	switch {
	case err != nil || len(found) > 0:
		return found, err
	case o.Bool("skip"):
		return []any{}, nil
	}
	return nil, errors.New("No file was found when using first_found.") // Ansible's own words
}

// subfolder is where a loop of a task looks first, by what the task does.
func (v *invocation) subfolder() string {
	if !v.loop {
		return ""
	}
	for _, kind := range []string{"template", "var"} {
		if strings.Contains(v.action, kind) {
			return kind + "s"
		}
	}
	return "files"
}

// definedOnly leaves out what is undefined, at every depth.
func definedOnly(terms []any) []any {
	out := make([]any, 0, len(terms))
	for _, t := range terms {
		switch x := t.(type) {
		case *value.Undefined:
			continue
		case *value.List:
			t = &value.List{Items: definedOnly(x.Items), Tuple: x.Tuple}
		case *value.Dict:
			d := &value.Dict{}
			for k, y := range x.All() {
				if kept := definedOnly([]any{y}); len(kept) == 1 {
					d.Set(k, kept[0])
				}
			}
			t = d
		}
		out = append(out, t)
	}
	return out
}

// search collects the files that first_found looks for.
type search struct {
	v *invocation
	// o are the options that count: those of the call, then those of the last dict among
	// the terms, as in Ansible.
	o     *value.Dict
	files []any
}

func (s *search) read() (*Options, error) {
	empty := value.NewList()
	return NewOptions("first_found", s.o, Option{"files", Items, empty}, Option{"paths", Items, empty}, Option{"skip", Bool, false})
}

func (s *search) add(terms []any) error {
	for _, t := range terms {
		var files []string
		switch x := t.(type) {
		case *value.Dict:
			s.o = x
		case string:
			files = []string{x}
		case *value.List:
			if err := s.add(x.Items); err != nil {
				return err
			}
			continue
		default:
			return fmt.Errorf("Invalid term supplied. A string, dict or list is required, not '%s').", value.TypeName(t)) // Ansible's own words
		}
		o, err := s.read()
		if err != nil {
			return err
		}
		if files == nil {
			files = o.Texts("files")
		}
		s.combine(splitAll(files, ",;"), splitAll(o.Texts("paths"), ",:;"))
	}
	return nil
}

func (s *search) combine(files, paths []string) {
	if len(paths) == 0 {
		paths = []string{""}
	}
	for _, p := range paths {
		for _, f := range files {
			s.files = append(s.files, filter.JoinPath(p, f))
		}
	}
}

func splitAll(texts []string, at string) []string {
	var out []string
	for _, t := range texts {
		start := 0
		for i := range len(t) {
			if strings.IndexByte(at, t[i]) >= 0 {
				out = append(out, t[start:i])
				start = i + 1
			}
		}
		out = append(out, t[start:])
	}
	return out
}

// template renders files. A worker finds and reads them; what it gives of each is a dict of
// its path, its text and the variables that describe it.
func template(v *invocation) ([]any, error) {
	w, err := v.caller()
	if err != nil {
		return nil, err
	}
	o, err := NewOptions("template", v.options, Option{"variable_start_string", Text, "{{"}, Option{"variable_end_string", Text, "}}"},
		Option{"comment_start_string", Text, "{#"}, Option{"comment_end_string", Text, "#}"}, Option{"trim_blocks", Bool, true},
		Option{"template_vars", Mapping, &value.Dict{}})
	if err != nil {
		return nil, err
	}
	// One at a time: what follows a file that is not there is not looked for.
	out := make([]any, 0, len(v.terms))
	for _, t := range v.terms {
		found, err := w.Reach(Request{Name: v.short, Terms: []any{t}, Options: &value.Dict{}})
		if err != nil {
			return nil, err
		}
		f, ok := found[0].(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("the answer about the file %s is no dict but %s", value.String(t), value.TypeName(found[0]))
		}
		x, err := v.renderFile(w, f, o)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// The keys of what a worker tells of a file that is a template.
const (
	FilePath      = "path"
	FileText      = "text"
	FileVariables = "variables"
)

func (v *invocation) renderFile(w Caller, f *value.Dict, o *Options) (any, error) {
	text, _ := f.Get(FileText)
	at, _ := f.Get(FilePath)
	vars := &value.Dict{}
	if d, ok := f.Get(FileVariables); ok {
		vars.Update(d.(*value.Dict))
	}
	if _, set, err := w.Variable("ansible_managed"); set && err == nil {
		vars.Delete("ansible_managed") // the user's own counts more
	}
	vars.Update(o.Get("template_vars").(*value.Dict))
	syntax := v.env.FileOptions()
	syntax.VariableStart, syntax.VariableEnd = o.Text("variable_start_string"), o.Text("variable_end_string")
	syntax.CommentStart, syntax.CommentEnd = o.Text("comment_start_string"), o.Text("comment_end_string")
	syntax.TrimBlocks = o.Bool("trim_blocks")
	file := value.String(at)
	t, err := v.env.File(value.String(text), file, syntax)
	var x any
	if err == nil {
		x, err = t.Native(w.Inside(vars, path.Dir(file)))
	}
	var inner *jinja.Error
	if errors.As(err, &inner) {
		// It is the file's own, not one of the lookup: errors=ignore does not hide it.
		return nil, &verdict{&value.Undefined{Err: err}}
	}
	return x, err
}
