package playbook

import (
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// Inheritance is how a keyword of a task takes in what stands around it.
type Inheritance uint8

// The ways of inheriting. The zero value is not at all.
const (
	Own     Inheritance = iota
	Nearest             // the innermost that says anything
	Extend              // all, the task's own first
	Prepend             // all, the outermost first
)

// place is a set of the things that keywords are written at.
type place uint16

const (
	atPlay place = 1 << iota
	atBlock
	atTask
	atHandler
	atRole
	atMeta
	atLoop
	atImport

	tasks   = atTask | atHandler
	bases   = atPlay | atBlock | tasks | atRole | atMeta | atImport
	wrapped = atBlock | tasks | atRole // what may be delegated
)

// String gives the name of the thing as Ansible has it in its messages.
func (p place) String() string {
	switch p {
	case atPlay:
		return "Play"
	case atBlock:
		return "Block"
	case atTask:
		return "Task"
	case atHandler:
		return "Handler"
	case atRole:
		return "RoleInclude"
	case atMeta:
		return "RoleMetadata"
	case atLoop:
		return "LoopControl"
	case atImport:
		return "PlaybookInclude"
	default:
		panic("playbook: invalid place")
	}
}

// form is what a keyword's value has to look like when it is read; most are only looked at
// when they are rendered.
type form uint8

const (
	anything   form = iota
	text            // no list and no dict
	listed          // one value stands for a list of it
	tagged          // a list, or text that is split at commas
	dict            // a dict, or nothing
	structural      // read by the loader itself, never in Keywords
)

// keyword is one thing that may be written.
type keyword struct {
	name    string
	at      place
	inherit Inheritance
	form    form
}

// keywords is every keyword of the language.
var keywords = []keyword{
	{"name", bases, Own, text},
	{"connection", bases, Nearest, text},
	{"port", bases, Nearest, anything},
	{"remote_user", bases, Nearest, text},
	{"vars", bases, Own, dict},
	{"module_defaults", bases, Prepend, listed},
	{"environment", bases, Prepend, listed},
	{"no_log", bases, Nearest, anything},
	{"run_once", bases, Nearest, anything},
	{"ignore_errors", bases, Nearest, anything},
	{"ignore_unreachable", bases, Nearest, anything},
	{"check_mode", bases, Nearest, anything},
	{"diff", bases, Nearest, anything},
	{"any_errors_fatal", bases, Nearest, anything},
	{"throttle", bases, Nearest, anything},
	{"timeout", bases, Nearest, anything},
	{"debugger", bases, Nearest, text},
	{"become", bases, Nearest, anything},
	{"become_method", bases, Nearest, text},
	{"become_user", bases, Nearest, text},
	{"become_flags", bases, Nearest, text},
	{"become_exe", bases, Nearest, text},

	{"tags", bases &^ atMeta, Extend, tagged},
	{"when", wrapped | atImport, Prepend, listed},
	{"collections", atPlay | wrapped | atMeta, Nearest, listed},
	{"delegate_to", wrapped, Nearest, text},
	{"delegate_facts", wrapped, Nearest, anything},
	{"notify", atBlock | tasks, Nearest, listed},

	{"hosts", atPlay, Own, structural},
	{"gather_facts", atPlay, Own, anything},
	{"gather_subset", atPlay, Own, anything},
	{"gather_timeout", atPlay, Own, anything},
	{"fact_path", atPlay, Own, text},
	{"vars_files", atPlay, Own, structural},
	{"vars_prompt", atPlay, Own, structural},
	{"roles", atPlay, Own, structural},
	{"handlers", atPlay, Own, structural},
	{"pre_tasks", atPlay, Own, structural},
	{"post_tasks", atPlay, Own, structural},
	{"tasks", atPlay, Own, structural},
	{"force_handlers", atPlay, Own, anything},
	{"max_fail_percentage", atPlay, Own, anything},
	{"serial", atPlay, Own, listed},
	{"strategy", atPlay, Own, text},
	{"order", atPlay, Own, text},
	{"user", atPlay, Own, structural}, // remote_user by its old name

	{"block", atBlock, Own, structural},
	{"rescue", atBlock, Own, structural},
	{"always", atBlock, Own, structural},

	{"action", tasks, Own, structural},
	{"local_action", tasks, Own, structural},
	{"args", tasks, Own, structural},
	{"async", tasks, Own, anything},
	{"async_val", tasks, Own, anything},
	{"changed_when", tasks, Own, listed},
	{"delay", tasks, Own, anything},
	{"failed_when", tasks, Own, listed},
	{"loop", tasks, Own, structural},
	{"loop_control", tasks, Own, structural},
	{"loop_with", tasks, Own, structural},
	{"poll", tasks, Own, anything},
	{"register", tasks, Own, text},
	{"retries", tasks, Own, anything},
	{"until", tasks, Own, listed},
	{"listen", atHandler, Own, listed},

	{"role", atRole, Own, structural},

	{"allow_duplicates", atMeta, Own, structural},
	{"dependencies", atMeta, Own, structural},
	{"galaxy_info", atMeta, Own, structural},
	{"argument_specs", atMeta, Own, structural},

	{"loop_var", atLoop, Own, text},
	{"index_var", atLoop, Own, text},
	{"label", atLoop, Own, text},
	{"pause", atLoop, Own, anything},
	{"extended", atLoop, Own, anything},
	{"extended_allitems", atLoop, Own, anything},
	{"break_when", atLoop, Own, listed},

	{"import_playbook", atImport, Own, structural},
	{"ansible.builtin.import_playbook", atImport, Own, structural},
	{"ansible.legacy.import_playbook", atImport, Own, structural},
}

// includeKeywords are all that may stand at an include_tasks or include_role.
var includeKeywords = []string{"action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control", "loop_with",
	"name", "no_log", "register", "run_once", "tags", "timeout", "vars", "when"}

// find gives the keyword of a name.
func find(name string, at place) (keyword, bool) {
	for _, k := range keywords {
		if k.name == name && k.at&at != 0 {
			return k, true
		}
	}
	return keyword{}, false
}

// taskKeyword reports whether a key of a task is none of a module, whatever its value: the
// parser of actions asks it. "static" was a keyword once.
func taskKeyword(name string) bool {
	_, ok := find(name, tasks)
	return ok || name == "static"
}

// names gives what may be written at a place, for "did you mean".
func (p place) names() []string {
	var all []string
	for _, k := range keywords {
		if k.at&p != 0 && k.name != "loop_with" && k.name != "async_val" {
			all = append(all, k.name)
		}
	}
	return all
}

// keywordsOf reads the keywords of a dict that stands at a place. Keys for which skip says
// so are somebody else's.
func (r *reading) keywordsOf(n *document.Node, at place, skip func(string) bool) Keywords {
	return r.keywordsAs(n, at, at.String(), skip)
}

// keywordsAs is keywordsOf for a thing that Ansible calls by a name of its own.
func (r *reading) keywordsAs(n *document.Node, at place, class string, skip func(string) bool) Keywords {
	if n == nil || n.Kind != document.Dict {
		return nil
	}
	out := make(Keywords, len(n.Keys))
	for i, key := range n.Keys {
		name, ok := key.Text()
		switch {
		case ok && skip != nil && skip(name):
			continue
		case !ok:
			r.unknownKeyword(value.String(key.Scalar), at, class, key)
			continue
		}
		k, known := find(name, at)
		switch {
		case !known:
			r.unknownKeyword(name, at, class, key)
		case k.form == structural:
		default:
			r.keyword(out, k, at, n, n.Items[i])
		}
	}
	return out
}

// keyword reads one keyword's value. What is null is as if it was not written, except where
// that ends what would be inherited.
func (r *reading) keyword(out Keywords, k keyword, at place, n, v *document.Node) {
	origin := v.Origin
	switch {
	case k.form == text && (v.Kind == document.List || v.Kind == document.Dict):
		r.fail(n, "The field '%s' is supposed to be a string type, however the incoming data structure is a %s", k.name, v.TypeName())
		return
	case k.name == "name" && v.Null():
		return
	}
	switch k.name {
	case "vars":
		out[k.name] = Keyword{r.vars(v, at.String()), origin}
	case "module_defaults":
		out[k.name] = Keyword{r.moduleDefaults(v), origin}
	case "register":
		if !v.Null() && !validName(v.Scalar) {
			r.fail(v, "Invalid 'register' specified: %s", invalidName(v.Scalar))
		}
		out[k.name] = Keyword{v.Value(), origin}
	case "async_val":
		out["async"] = Keyword{v.Value(), origin}
	default:
		switch k.form {
		case tagged:
			out[k.name] = Keyword{r.tags(v), origin}
		case listed:
			out[k.name] = Keyword{asList(v), origin}
			if slices.Contains(conditional, k.name) {
				out[k.name] = Keyword{asList(conditions(v)), origin}
			}
			if k.name == "collections" || k.name == "listen" {
				r.texts(k.name, v)
			}
		default:
			out[k.name] = Keyword{v.Value(), origin}
		}
	}
}

// conditional are the keywords whose texts are expressions.
var conditional = []string{"when", "changed_when", "failed_when", "until"}

// conditions is a node whose plain texts know where they stand: they are expressions, and
// errors in them are told with their place.
func conditions(v *document.Node) *document.Node {
	c := *v
	if text, ok := v.Scalar.(string); ok && v.Kind == document.Scalar {
		c.Scalar = &value.Template{Text: text, Origin: v.Origin}
	}
	if v.Kind == document.List {
		c.Items = make([]*document.Node, len(v.Items))
		for i, item := range v.Items {
			c.Items[i] = item
			if item.Kind == document.Scalar {
				c.Items[i] = conditions(item)
			}
		}
	}
	return &c
}

// asList is a value as a list: itself, or the one item of it; nothing is an empty list.
func asList(v *document.Node) *value.List {
	switch {
	case v.Null():
		return value.NewList()
	case v.Kind == document.List:
		return &value.List{Items: v.Value().(*value.List).Items}
	default:
		return value.NewList(v.Value())
	}
}

// texts checks that all items of a list are text.
func (r *reading) texts(name string, v *document.Node) {
	items := v.Items
	if v.Kind != document.List {
		items = []*document.Node{v}
	}
	for _, item := range items {
		if _, ok := item.Text(); !ok && !v.Null() {
			r.fail(item, "Keyword '%s' items must be of type 'str', not '%s'.", name, item.TypeName())
		}
	}
}

// tags reads a list of tags, or text with commas between them.
func (r *reading) tags(v *document.Node) *value.List {
	if v.Kind == document.List {
		return asList(v)
	}
	text, ok := v.Text()
	if !ok {
		r.misuse(v, "tags must be specified as a list")
		return value.NewList()
	}
	_, trusted := v.Scalar.(*value.Template)
	out := value.NewList()
	for part := range strings.SplitSeq(text, ",") {
		out.Items = append(out.Items, written(strings.TrimSpace(part), trusted, v.Origin))
	}
	return out
}

// written is a part of a text: a template when the whole was one and the part still is.
func written(text string, trusted bool, at value.Origin) any {
	if trusted {
		return document.TextValue(text, at)
	}
	return text
}

// vars reads a dict of variables.
func (r *reading) vars(v *document.Node, of string) *value.Dict {
	switch {
	case v.Null():
		return &value.Dict{}
	case v.Kind != document.Dict:
		r.fail(v, "Vars in a %s must be specified as a dictionary.", of)
		return &value.Dict{}
	}
	for _, key := range v.Keys {
		if !validName(key.Scalar) {
			r.misuse(key, "%s", invalidName(key.Scalar))
		}
	}
	return v.Value().(*value.Dict)
}

// moduleDefaults reads the default arguments of modules; their names become full ones.
func (r *reading) moduleDefaults(v *document.Node) *value.List {
	all := []*document.Node{v}
	switch {
	case v.Null():
		return value.NewList()
	case v.Kind == document.List:
		all = v.Items
	}
	out := value.NewList()
	for _, n := range all {
		if n.Kind != document.Dict {
			r.fail(n, "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, "+
				"the keys of which must be static action, module, or group names. Only the values may contain "+
				"templates. For example: {'ping': \"{{ ping_defaults }}\"}")
			continue
		}
		d := &value.Dict{}
		for i, key := range n.Keys {
			name, _ := key.Text()
			if !strings.HasPrefix(name, "group/") {
				full, ok := r.l.known(name, nil)
				if !ok {
					r.fail(key, "Could not resolve action %s in module_defaults", name)
					continue
				}
				name = full
			}
			d.Set(name, n.Items[i].Value())
		}
		out.Items = append(out.Items, d)
	}
	return out
}

// notNames are identifiers that Jinja has other uses for.
var notNames = []string{"true", "false", "none", "True", "False", "None", "not"}

// validName reports whether a variable may be called so.
func validName(name any) bool {
	s, ok := name.(string)
	if !ok || s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return !slices.Contains(notNames, s)
}

func invalidName(name any) string {
	kind := ""
	if t, ok := name.(*value.Template); ok {
		name = t.Text
	} else if _, ok := name.(string); !ok {
		kind = " of type '" + value.TypeName(name) + "'"
	}
	return "Invalid variable name '" + value.String(name) + "'" + kind + ". Variable names must be strings starting with a letter or " +
		"underscore character, and contain only letters, numbers and underscores."
}
