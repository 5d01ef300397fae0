package play

import (
	"errors"
	"fmt"
	gostrings "strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/vault"
)

// verdict is what a condition came to.
type verdict uint8

const (
	isFalse verdict = iota
	isTrue
	isUnknown
)

// unknownError is the error of something that only the real run can tell.
type unknownError struct{ u *value.Unknown }

// Error implements error.
func (e *unknownError) Error() string { return "unknown until applied: it depends on " + e.u.Why }

// unknownIn gives the unknown value that an error is about; nil when it is about another thing.
func unknownIn(err error) *value.Unknown {
	var mine *unknownError
	var theirs *jinja.UnknownError
	switch {
	case errors.As(err, &mine):
		return mine.u
	case errors.As(err, &theirs):
		return theirs.Unknown
	}
	return nil
}

// unknowns tells whether what check mode does not run stays unknown.
func (m *Machine) unknowns(s *scope) bool { return s.checkMode() && !m.in.Options.Guess }

// environment makes the Jinja that the whole run uses.
func (m *Machine) environment() *jinja.Environment {
	e := builtin.New(jinja.Options{Plugin: m.pythonPlugin})
	m.addFilters(e)
	m.addLookups(e)
	return e
}

// context is what a template of this scope is evaluated in.
func (s *scope) context() jinja.Context {
	return jinja.Context{Variables: s, Now: s.m.now, Seed: s.seed(), Load: s.loadTemplate, Decrypt: s.m.decrypt, Data: s}
}

// seed gives every evaluation its own randomness, the same one when it is made again because
// something had to be asked.
func (s *scope) seed() uint64 {
	n := s.m.seed ^ uint64(s.m.now.UnixNano())
	if s.task != nil {
		n += uint64(s.task.Number) * 0x9e3779b97f4a7c15
	}
	if s.host != nil {
		for _, c := range []byte(s.host.name) {
			n = (n ^ uint64(c)) * 0x100000001b3
		}
	}
	if d := s.desk; d != nil {
		if d.seed == 0 {
			d.seed = n
		}
		return d.seed
	}
	return n
}

// render gives a value with all templates in it rendered.
func (s *scope) render(v any) (any, error) { return s.m.jinja.Resolve(s.context(), v) }

// expression evaluates text that is an expression.
func (s *scope) expression(text string) (any, error) {
	t, err := s.m.jinja.Expression(text, value.Origin{})
	if err != nil {
		return nil, err
	}
	return t.Native(s.context())
}

// lookup gives a variable, rendered.
func (s *scope) lookup(name string) (v any, found bool, err error) {
	v, found, err = s.Variable(name)
	if err != nil || !found {
		return nil, found, err
	}
	v, err = s.render(v)
	return v, true, err
}

// condition judges one condition.
func (s *scope) condition(cond any) (verdict, error) {
	at := value.Origin{}
	if s.task != nil {
		at = s.task.Origin
	}
	if t, ok := cond.(*value.Template); ok {
		at = t.Origin
	}
	v, err := s.m.jinja.Condition(s.context(), cond, at, jinja.Conditions{AllowBroken: s.m.in.Settings.BrokenConditionals,
		Warn: func(message string, at value.Origin) {
			s.m.note(Note{Kind: NoteDeprecated, Text: message, Path: at.String()})
		}})
	switch v := v.(type) {
	case bool:
		if v {
			return isTrue, err
		}
		return isFalse, err
	case *value.Unknown:
		return isUnknown, err
	}
	if u := unknownIn(err); u != nil {
		return isUnknown, nil
	}
	return isFalse, err
}

// conditionList judges conditions, all of which must hold.
func (s *scope) conditionList(conds []any) (verdict, error) {
	out := isTrue
	for _, c := range conds {
		v, err := s.condition(c)
		switch {
		case err != nil:
			return isFalse, err
		case v == isFalse:
			return isFalse, nil
		case v == isUnknown:
			out = isUnknown
		}
	}
	return out, nil
}

// when judges the task's "when" and all around it. Beside a false verdict it gives the
// condition, beside an unknown one the *value.Unknown.
func (s *scope) when() (verdict, any, error) {
	out := isTrue
	var why any
	for _, c := range s.conditions() {
		v, err := s.condition(c)
		switch {
		case err != nil:
			return isFalse, nil, err
		case v == isFalse:
			return isFalse, plainText(c), nil
		case v == isUnknown && out == isTrue:
			out, why = isUnknown, &value.Unknown{Why: fmt.Sprintf("the condition %q", value.String(plainText(c)))}
		}
	}
	return out, why, nil
}

// lenient renders text for people: where something is undefined it says so.
func (s *scope) lenient(v any) (string, error) {
	text := value.String(plainText(v))
	out, errs := "", 0
	for {
		start := gostrings.Index(text, "{{")
		end := gostrings.Index(text[max(0, start):], "}}")
		if start < 0 || end < 0 {
			return out + text, nil
		}
		end += start + len("}}")
		out += text[:start]
		part, err := s.render(&value.Template{Text: text[start:end]})
		switch hint, undefined := undefinedHint(err); {
		case err == nil:
			out += value.String(part)
		case pendingError(err):
			return "", err
		case undefined:
			errs++
			out += fmt.Sprintf("<< error %d - %s >>", errs, hint)
		default:
			out += text[start:end]
		}
		text = text[end:]
	}
}

// undefinedHint gives the sentence of an error about something undefined.
func undefinedHint(err error) (string, bool) {
	if err != nil && jinja.IsUndefined(err) {
		return err.Error(), true
	}
	return "", false
}

func omitted(v any) bool {
	_, is := v.(jinja.Omit)
	return is
}

// unknownWithin gives the first unknown value inside another.
func unknownWithin(v any) *value.Unknown {
	switch v := v.(type) {
	case *value.Unknown:
		return v
	case *value.List:
		for _, x := range v.Items {
			if u := unknownWithin(x); u != nil {
				return u
			}
		}
	case *value.Dict:
		for _, x := range v.All() {
			if u := unknownWithin(x); u != nil {
				return u
			}
		}
	}
	return nil
}

// decrypt opens text of the vault with the run's secrets.
func (m *Machine) decrypt(v *value.Vaulted) (string, error) {
	if m.vault == nil {
		m.vault = &vault.Cache{}
		for _, s := range m.in.Secrets {
			m.vault.Vault.Secrets = append(m.vault.Vault.Secrets, vault.Secret{ID: s.ID, Password: []byte(s.Password)})
		}
	}
	text, err := m.vault.Decrypt(v.Text)
	return string(text), err
}

// loadTemplate finds the text of a template that another one includes.
func (s *scope) loadTemplate(name string) (string, error) {
	paths := s.candidates("templates", name)
	if s.templateDir != "" {
		paths = append([]string{s.templateDir + "/" + name}, paths...)
	}
	for _, path := range paths {
		text, err := (files{m: s.m, desk: s.desk, fresh: true}).Read(path)
		if err == nil {
			return string(text), nil
		}
		if pendingError(err) {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: %s", jinja.ErrNotFound, name)
}

// candidates are the places where a local file may lie: in a folder of a kind (files,
// templates, vars) below each folder of the search path, then in that itself.
func (s *scope) candidates(kind, name string) []string {
	if gostrings.HasPrefix(name, "~/") && s.m.in.Home != "" {
		name = s.m.in.Home + name[1:]
	}
	if gostrings.HasPrefix(name, "/") {
		return []string{name}
	}
	var out []string
	for _, dir := range s.searchPath() {
		// A file below tasks/ has the role's folders beside it.
		if cut, ok := gostrings.CutSuffix(dir, "/tasks"); ok {
			out = append(out, cut+"/"+kind+"/"+name)
		}
		out = append(out, dir+"/"+kind+"/"+name, dir+"/"+name)
	}
	return out
}

func emptyDict() *value.Dict { return &value.Dict{} }

// loader gives the reader of playbooks, which asks what it does not know at this desk.
func (m *Machine) loader(d *desk, fresh bool) *playbook.Loader {
	if m.load == nil {
		m.files = &files{m: m}
		m.load = playbook.New(m.files, playbook.Options{
			RolesPath: m.in.Settings.RolesPath, CollectionsPath: m.in.Settings.CollectionsPath, Home: m.in.Home,
			Known: m.knownModule, Lookup: func(name string) bool { return m.hasPlugin("lookup", name) }, Render: m.renderImport, Extra: m.extra, MergeDicts: m.in.Settings.HashMerge,
			UnknownAttributes: m.in.Settings.UnknownAttributes, Duplicates: duplicates(m.in.Settings.Duplicates),
		})
	}
	m.files.desk, m.files.fresh = d, fresh
	return m.load
}

func duplicates(word string) document.Duplicates {
	switch word {
	case "error":
		return document.RefuseDuplicates
	case "ignore":
		return document.IgnoreDuplicates
	default:
		return document.WarnDuplicates
	}
}

// renderImport renders what an import names.
func (m *Machine) renderImport(v any, vars *value.Dict) (any, error) {
	s := m.newScope(nil, nil, m.files.desk)
	s.own = vars
	return s.render(v)
}

// knownModule tells whether there is a module or action of a name. Of a name that nobody has
// asked for yet it says so for the time being: see sure.
func (m *Machine) knownModule(name string, collections []string) (string, bool) {
	if m.modules == nil {
		m.modules = map[string]string{}
		for _, full := range m.in.Modules {
			m.modules[full] = full
		}
	}
	short := shortName(name)
	if full := "ansible.builtin." + short; m.modules[full] != "" || localActions(short) != nil || machineActions[short] {
		return full, true
	}
	for _, candidate := range append(qualified(name, collections), name) {
		full, asked := m.modules[candidate]
		switch {
		case full != "":
			return full, true
		case !asked:
			m.unsure = append(m.unsure, candidate)
			return candidate, true
		}
	}
	return "", false
}

// sure reads something, and again once all modules that it names have been looked for.
func (m *Machine) sure(d *desk, read func() error) error {
	for {
		m.unsure = nil
		if err := read(); err != nil {
			return err
		}
		if len(m.unsure) == 0 {
			return nil
		}
		for _, name := range m.unsure {
			a, err := d.asked(Ask{Kind: AskModule, Name: name, Search: []string{m.baseDir()}})
			if err != nil {
				return err
			}
			full, err := a.value()
			if err != nil {
				return err
			}
			m.modules[name], _ = full.(string)
		}
	}
}

// machineActions are those that the machine does beside localActions.
var machineActions = map[string]bool{"meta": true, "gather_facts": true, "import_tasks": true, "import_role": true, "import_playbook": true}

// qualified gives the full names that a short one may mean.
func qualified(name string, collections []string) []string {
	if gostrings.Contains(name, ".") {
		return nil
	}
	var out []string
	for _, c := range collections {
		out = append(out, c+"."+name)
	}
	return out
}
