// Package argument holds a module's or role's arguments against their specification, as
// Ansible's AnsibleModule and validate_argument_spec do: aliases, defaults, conversion of
// types, choices, and which options need or exclude each other, with Ansible's own messages.
//
// In: a Spec and arguments as plain JSON values (nil, bool, int64, float64, string, []any,
// map[string]any). Out: arguments with every option filled in and of its type, or what is
// wrong with them. The package is pure, so that machines may use it: what only the host can
// tell (its environment, where ~ is) comes in as a Host.
package argument

// Type is what an option's value has to be, or to become.
type Type string

// The types of options. The zero value is Str.
const (
	Str     Type = "str"
	Bool    Type = "bool"
	Int     Type = "int"
	Float   Type = "float"
	Path    Type = "path"    // ~ and variables of the environment are expanded
	List    Type = "list"    // text is split at commas
	Dict    Type = "dict"    // text is read as JSON or k=v pairs
	Raw     Type = "raw"     // as it is
	JSONArg Type = "jsonarg" // becomes JSON text
	Bytes   Type = "bytes"   // "10K" becomes a number of bytes
	Bits    Type = "bits"
)

// Option is one argument.
type Option struct {
	Name     string
	Type     Type
	Elements Type
	// Default is the value when none is given; it has the option's type already.
	Default  any
	Required bool
	// Choices are what the value (each element of a list) may be.
	Choices []any
	Aliases []string
	NoLog   bool
	// Options are those of a dict, or of each element of a list of dicts.
	Options *Spec
	// ApplyDefaults makes a dict that is not given out of the defaults of its Options.
	ApplyDefaults bool
	// Fallback names variables of the host's environment that give the value when no
	// argument does.
	Fallback []string
	// Removed says in which version the option goes, for the deprecation notice; mostly "".
	Removed string
	// DeprecatedAliases are those of Aliases that go, with the version.
	DeprecatedAliases map[string]string
}

// Spec is what a module accepts.
type Spec struct {
	Options           []Option
	MutuallyExclusive [][]string
	RequiredTogether  [][]string
	RequiredOneOf     [][]string
	RequiredIf        []Condition
	// RequiredBy names for an option those that must be there when it is.
	RequiredBy map[string][]string
	// FreeForm modules take a text beside their options, under the name "_raw_params".
	FreeForm bool
	// FileAttributes adds the options that all modules share which make files: mode, owner,
	// group, seuser, serole, selevel, setype, attributes (attr), unsafe_writes.
	FileAttributes bool
	// Check tells that the module can tell what it would do without doing it; others are
	// skipped in check mode.
	Check bool
}

// Condition says: when Option is Value, all of Then are required, or one of them when Any.
type Condition struct {
	Option string
	Value  any
	Then   []string
	Any    bool
}

// Host is what the check asks of the machine that the arguments are for. The zero value
// expands nothing and has an empty environment.
type Host struct {
	// Expand replaces ~ and variables in a path.
	Expand func(path string) string
	// Getenv looks a variable of the environment up.
	Getenv func(name string) (value string, found bool)
}

// Checked is what came of a check.
type Checked struct {
	// Args has every option of the spec as a key, nil when it has no value; aliases that
	// were given are there too, as in Ansible.
	Args map[string]any
	// Problems are Ansible's messages in the order in which Ansible looks. A module tells the
	// first, by Message; validate_argument_spec tells all.
	Problems []Problem
	// Warnings tell of options that were given by two names.
	Warnings []string
	// Deprecations tell of options and aliases that go.
	Deprecations []Deprecation
	// Secrets are the values of NoLog options, for Hide.
	Secrets []string
}

// Problem is one thing that is wrong with arguments.
type Problem struct {
	Text string
	// Unsupported tells that Text begins with names that the spec does not have.
	Unsupported bool
}

// Deprecation is a notice about something that goes in a version.
type Deprecation struct{ Msg, Version string }

// Message gives the first problem as the module of that name tells it; "" when there is none.
func (c Checked) Message(module string) string {
	if len(c.Problems) == 0 {
		return ""
	}
	p := c.Problems[0]
	if p.Unsupported {
		return "Unsupported parameters for (" + module + ") module: " + p.Text
	}
	return p.Text
}

// Messages gives the texts of all problems.
func (c Checked) Messages() []string {
	var list []string
	for _, p := range c.Problems {
		list = append(list, p.Text)
	}
	return list
}

// Accepts tells whether the spec has an option, or an alias of one, with that name.
func (s Spec) Accepts(name string) bool {
	for _, o := range s.options() {
		if o.Name == name {
			return true
		}
		for _, a := range o.Aliases {
			if a == name {
				return true
			}
		}
	}
	return s.FreeForm && name == "_raw_params"
}

// options gives all options, those that file-making modules share among them.
func (s Spec) options() []Option {
	if !s.FileAttributes {
		return s.Options
	}
	list := s.Options[:len(s.Options):len(s.Options)]
	for _, shared := range fileAttributes() {
		if !has(s.Options, shared.Name) {
			list = append(list, shared)
		}
	}
	return list
}

func has(options []Option, name string) bool {
	for i := range options {
		if options[i].Name == name {
			return true
		}
	}
	return false
}

func fileAttributes() []Option {
	return []Option{
		{Name: "mode", Type: Raw},
		{Name: "owner"},
		{Name: "group"},
		{Name: "seuser"},
		{Name: "serole"},
		{Name: "selevel"},
		{Name: "setype"},
		{Name: "attributes", Aliases: []string{"attr"}},
		{Name: "unsafe_writes", Type: Bool, Default: false, Fallback: []string{"ANSIBLE_UNSAFE_WRITES"}},
	}
}
