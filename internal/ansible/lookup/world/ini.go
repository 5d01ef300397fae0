package world

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/lookup/configfile"
	"tutti/internal/ansible/regex"
	"tutti/internal/ansible/value"
)

// iniOptions are the options of the lookup ini. Those with more than one name are folded.
func iniOptions(r Request) (*lookup.Options, error) {
	given := r.Options.Shallow()
	if v, ok := given.Get("allow_none"); ok && !given.Has("allow_no_value") {
		given.Set("allow_no_value", v)
	}
	o, err := lookup.NewOptions(r.Name, given, lookup.Option{Name: "type", Default: "ini"}, lookup.Option{Name: "file", Default: "ansible.ini"},
		lookup.Option{Name: "section", Default: "global"}, lookup.Option{Name: "re", Type: lookup.Bool, Default: false},
		lookup.Option{Name: "encoding", Default: "utf-8"}, lookup.Option{Name: "default", Default: ""},
		lookup.Option{Name: "case_sensitive", Default: false}, lookup.Option{Name: "allow_no_value", Type: lookup.Bool, Default: false},
		lookup.Option{Name: "interpolation", Type: lookup.Bool, Default: true})
	if err != nil {
		return nil, err
	}
	if kind := o.Text("type"); kind != "ini" && kind != "properties" {
		return nil, fmt.Errorf("Invalid value %s for config 'type' for 'ini' lookup plugin.", value.Repr(o.Get("type"))) // Ansible's own words
	}
	return o, nil
}

func (m *Machine) ini(r Request) ([]any, error) {
	o, err := iniOptions(r)
	if err != nil {
		return nil, err
	}
	f := configfile.New(configfile.Options{AllowNoValue: o.Bool("allow_no_value"), Interpolate: o.Bool("interpolation"),
		CaseSensitive: value.Truth(o.Get("case_sensitive"))})
	out := []any{}
	for _, t := range r.Terms {
		term, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("argument of type '%s' is not iterable", value.TypeName(t))
		}
		key := term
		if strings.Contains(term, "=") || strings.Contains(strings.TrimSpace(term), " ") {
			if key, err = iniTerm(o, term); err != nil {
				return nil, err
			}
		}
		if err := m.readINI(r, o, f); err != nil {
			return nil, err
		}
		found, err := iniValues(o, f, key)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// iniKeys are the options that a term may name.
func iniKeys() []string {
	return []string{"type", "file", "section", "re", "encoding", "default", "case_sensitive", "allow_no_value", "allow_none", "interpolation"}
}

// iniTerm takes the options out of a term such as "user section=integration file=users.ini".
// Blanks belong to the option before them.
func iniTerm(o *lookup.Options, term string) (string, error) {
	params := map[string]string{}
	var order []string
	current := "key"
	for i, phrase := range strings.Fields(term) {
		if strings.Contains(phrase, "=") {
			for _, k := range iniKeys() {
				if strings.Contains(phrase, k+"=") {
					current = k
				}
			}
		}
		if i == 0 || params[current] == "" {
			params[current] = phrase
			order = append(order, current)
		} else {
			params[current] += " " + phrase
		}
	}
	list := value.NewList()
	for _, k := range order {
		list.Items = append(list.Items, params[k])
	}
	key, found := term, false
	for _, x := range list.Items {
		p := x.(string)
		switch parts := strings.Split(p, "="); {
		case len(parts) > 2:
			return "", fmt.Errorf("Could not use %s from %s: too many values to unpack (expected 2)", value.Repr(p), value.Repr(list)) // Ansible's own words
		case len(parts) == 2 && !o.Has(parts[0]):
			return "", fmt.Errorf("%s is not a valid option.", value.Repr(parts[0])) // Ansible's own words
		case len(parts) == 2:
			if err := o.Set(parts[0], parts[1]); err != nil {
				return "", err
			}
		case key == term:
			key, found = p, true
		}
	}
	if !found {
		return "", fmt.Errorf("No key to look up was provided as first term within string inline options: %s", term) // Ansible's own words
	}
	return key, nil
}

func (m *Machine) readINI(r Request, o *lookup.Options, f *configfile.File) error {
	file := m.find(r, "files", o.Text("file"))
	if file == "" {
		return errors.New("Invalid filename None.") // Ansible's own words
	}
	text, err := m.read(file)
	if err != nil {
		return err
	}
	if o.Text("type") == "properties" {
		text = "[java_properties]\n" + text
		if err := o.Set("section", "java_properties"); err != nil {
			return err
		}
	}
	err = f.Read(text)
	var twice *configfile.DuplicateOptionError
	if errors.As(err, &twice) {
		return fmt.Errorf("Duplicate option in %s: %w", value.Repr(o.Get("file")), err) // Ansible's own words
	}
	return err
}

func iniValues(o *lookup.Options, f *configfile.File, key string) ([]any, error) {
	section := o.Text("section")
	missing := func(err error) error {
		if errors.Is(err, configfile.ErrNoSection) {
			return fmt.Errorf("No section %s in %s.", value.Repr(section), value.Repr(o.Get("file"))) // Ansible's own words
		}
		return err
	}
	if o.Bool("re") {
		all, err := f.Items(section)
		if err != nil {
			return nil, missing(err)
		}
		re, err := regex.Compile(key, 0)
		if err != nil {
			return nil, err
		}
		var out []any
		for k, v := range all.All() {
			if m, err := re.Match(value.String(k)); err != nil {
				return nil, err
			} else if m != nil {
				out = append(out, v)
			}
		}
		return out, nil
	}
	v, found, err := f.Get(section, key)
	if err != nil {
		return nil, missing(err)
	}
	if !found {
		v = o.Get("default")
	}
	if v == nil {
		return nil, nil
	}
	if l, ok := v.(*value.List); ok {
		return l.Items, nil
	}
	return []any{v}, nil
}
