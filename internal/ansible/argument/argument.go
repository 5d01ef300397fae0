// Package argument holds a module's or role's arguments against their specification, as
// Ansible's AnsibleModule and validate_argument_spec do: aliases, defaults, conversion of
// types, choices, and which options need or exclude each other, with Ansible's own messages.
//
// In: a Spec and arguments as plain JSON values (nil, bool, int64, float64, string, []any,
// map[string]any). Out: arguments with every option filled in and of its type, or what is
// wrong with them. The package is pure, so that machines may use it.
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
	// Removed says in which version the option went, for the deprecation notice; mostly "".
	Removed string
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
