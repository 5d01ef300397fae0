// Package playbook turns playbook files and roles into a tree: plays, blocks and tasks with
// their keywords as they were written. Everything static is resolved (import_tasks,
// import_role, import_playbook, the play's roles with their dependencies); everything dynamic
// (include_tasks, include_role, include_vars) stays a task, and the play's machine asks this
// package for the included part when it comes to it.
//
// In: a Files, which gives texts and folders. Out: the tree, or diagnostics that name file,
// line, the keyword and what was expected. The package is pure: what lies behind Files is the
// caller's business (the disk at first, the journal when a run is taken up again), and an
// error of Files passes through unchanged. It renders no template except in import arguments,
// for which the caller gives a Renderer. It must not know hosts, machines or modules' work.
//
// Read on in loader.go, then keyword.go for what may be written where and who inherits it.
package playbook

import (
	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// Files is how the package reads. Paths are slash-separated and absolute, or relative to the
// folder the command was started in. An implementation may answer with an error that says
// "not yet": it is passed on, and the call is repeated when the file is there.
type Files interface {
	// Read gives a file's content, decrypted when it was a vault. A file that is not there
	// is an error for which errors.Is(err, fs.ErrNotExist).
	Read(path string) ([]byte, error)
	// List gives the names in a folder, sorted, with a slash behind those of folders.
	List(path string) ([]string, error)
}

// Renderer renders the arguments of imports with the variables known before any host is:
// extra variables, and vars of the play and of what imports. An error that is a Pending
// passes through the loader unchanged, as those of Files do; any other is about the text and
// becomes a diagnostic.
type Renderer func(v any, vars *value.Dict) (any, error)

// Pending is an error that says "not yet": what asked is to ask again later.
type Pending interface {
	error
	Pending() bool
}

// Playbook is one file's plays in order, those of imported playbooks included.
type Playbook struct {
	File  string
	Plays []*Play
}

// Keywords are what was written at a play, role, block or task, unrendered: "when",
// "become", "vars", "tags", ... A short form is normalised: "tags", "when", "changed_when",
// "failed_when", "until", "notify", "environment" and "module_defaults" are lists, the keys
// of module_defaults are full names, "user" is "remote_user" and "async_val" is "async".
// What a Task, Block or Play has a field for (args, loop, tasks, ...) is not here, except
// name and vars.
type Keywords map[string]Keyword

// Keyword is one keyword's raw value and where it stands.
type Keyword struct {
	Value  any
	Origin value.Origin
}

// Node is what plays, blocks and tasks have in common.
type Node struct {
	Keywords Keywords
	// Parent is what keywords are inherited from; nil for a play. For a static import it is
	// a Block without tasks of its own; for a role's blocks a Block that stands for the
	// use of the role.
	Parent *Block
	Origin value.Origin
}

// Play is one play.
type Play struct {
	Node
	// Hosts is the raw pattern: text, a list, or a template.
	Hosts any
	// Vars are the play's own; those of vars_files and vars_prompt are read later.
	Vars *value.Dict
	// Roles, in order, with dependencies inside; each has its blocks.
	Roles     []*Role
	PreTasks  []*Block
	Tasks     []*Block
	PostTasks []*Block
	// Handlers are the play's own, behind those of its roles.
	Handlers []*Block
	// Imported are the roles that import_role brought in somewhere in the play: they run
	// where that stands, but their variables and handlers (which are behind Handlers
	// already) are the play's.
	Imported []*Role
	// Conditions are the "when" of the import_playbook that brought the play in: they are
	// part of the blocks' "when" already, and hold for the gathering of facts.
	Conditions []any
	// VarsFiles and VarsPrompt are raw: a list of texts or lists, and a list of dicts.
	VarsFiles  []any
	VarsPrompt []*value.Dict
	// Dir is the folder of the play's file: playbook_dir.
	Dir string
	// Index is the play's place in the run, from 0.
	Index int
}

// Role is one use of a role in a play (or by import_role, include_role, or a dependency).
type Role struct {
	Name string // as it was asked for; with its collection when it is in one
	Path string // the role's folder
	// Params are the variables given where the role is used: level "role params" or, for
	// include_role and import_role, "include vars" (the task's vars).
	Params *value.Dict
	// Defaults and Vars are those of the role's files.
	Defaults, Vars *value.Dict
	// Arguments are meta/argument_specs.yml; nil when there are none.
	Arguments *value.Dict
	// Dependencies were run before this role.
	Dependencies []*Role
	// Parents are the roles that this one was reached through, outermost first.
	Parents []*Role
	// AllowDuplicates, Public as written.
	AllowDuplicates, Public bool
	// Block holds the use's keywords and the role's tasks.
	Block *Block
	// Handlers of the role.
	Handlers []*Block
	// From is tasks_from, "main" mostly.
	From string
	// Collection is the collection that the role is in; "" for none.
	Collection string
	// Included tells that import_role or include_role brought it in.
	Included bool
	// from holds tasks, vars, defaults, handlers and the names given for them.
	from map[string]string
}

// Block is a list of tasks with rescue and always; or what stands for an import or a role.
type Block struct {
	Node
	Name    any
	Vars    *value.Dict
	Tasks   []Item
	Rescue  []Item
	Always  []Item
	Role    *Role
	Play    *Play
	Implied bool // no block was written: it stands for a file, a role or a section
	// File is the file that the block stands for when it stands for an imported or included
	// file of tasks; relative local files are looked for beside it, too.
	File string
	// Include is the include_tasks or include_role that brought in what is below; its vars
	// (with those of its loop) are Vars, which hold as include parameters too.
	Include *Task
	// Import is the import_tasks or import_role that this block stands for.
	Import *Task
	// dir is the folder that names of files below are looked for in first: that of the
	// file of an include or import, as it was written, or a role's.
	dir string
}

// Item is a *Task or a *Block.
type Item interface{ item() }

func (*Task) item()  {}
func (*Block) item() {}

// Task is one task or handler.
type Task struct {
	Node
	// Number is unique within the playbook's run and the same whenever it is loaded again
	// with the same files in the same order.
	Number int
	// Name is raw; nil when there is none.
	Name any
	// Action is the name as it was written, Module what it was resolved to
	// ("ansible.builtin.copy", "community.general.ufw"); a template stays as it is and is
	// resolved when it is rendered.
	Action, Module string
	// Args are raw; free form text is under "_raw_params".
	Args *value.Dict
	Vars *value.Dict
	// Loop is the raw list of loop or with_x; nil for none. With is x, "" for loop.
	Loop any
	With string
	// LoopAt is where the loop's value stands.
	LoopAt value.Origin
	// HasLoop tells a loop over nothing from no loop.
	HasLoop bool
	// LoopControl is raw, nil for none.
	LoopControl *value.Dict
	// Handler tasks run when notified; Listen are the topics beside the name.
	Handler bool
	Listen  []string
	Role    *Role
	Play    *Play
	// Implicit tells that nobody wrote it: the gathering of facts, a flush of handlers.
	Implicit bool
	// File is the file in which it stands.
	File string
	// Included is the number of the include task that brought it in; 0 for static ones.
	Included int
}

// Options say how playbooks are read.
type Options struct {
	// RolesPath are the folders in which roles are looked for after that of the playbook.
	RolesPath       []string
	CollectionsPath []string
	// Home is what a ~ at the beginning of a path stands for.
	Home string
	// Known tells whether a module name exists, and gives its full name. nil knows all.
	Known func(name string, collections []string) (full string, ok bool)
	// Lookup tells whether there is a lookup plugin of this name, for with_x. nil knows
	// those of ansible.builtin.
	Lookup func(name string) bool
	// Suggest gives names near one that is not known, for the message.
	Suggest func(name string) []string
	Render  Renderer
	// Extra are the extra variables (-e).
	Extra *value.Dict
	// MergeDicts is hash_behaviour=merge: a variable of several files keeps the keys of all.
	MergeDicts bool
	// UnknownAttributes only warns of attributes that a task does not have
	// (invalid_task_attribute_failed=false).
	UnknownAttributes bool
	// Duplicates says what a key that a dict has twice is.
	Duplicates document.Duplicates
}
