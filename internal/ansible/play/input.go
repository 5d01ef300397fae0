package play

import (
	"encoding/json"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/inventory"
)

// MachinePlay is the name of this machine in a store.
const MachinePlay = "play"

// Input is what a Machine is started with. Everything that the play may look at without
// asking lies in it, so that a run that is taken up again sees what it saw.
type Input struct {
	// Playbooks are the paths, in order.
	Playbooks []string `json:"playbooks"`
	// Dir is the folder in which the command was started, absolute; Home what ~ stands for.
	Dir  string `json:"dir"`
	Home string `json:"home,omitempty"`
	// Host and User are this machine's name and who started the run.
	Host string `json:"host,omitempty"`
	User string `json:"user,omitempty"`
	// Files are the files and folders that were read before the start, by "read:" or "list:"
	// and the path.
	Files map[string]Recorded `json:"files,omitempty"`
	// Inventory is inventory.Inventory in its JSON form; Sources are what it was read from.
	Inventory json.RawMessage `json:"inventory"`
	Sources   []string        `json:"sources,omitempty"`
	// Beside are the variables of group_vars and host_vars beside playbooks, by folder.
	Beside map[string]*inventory.Vars `json:"beside,omitempty"`
	// Extra are the extra variables, in the form of value.Encode.
	Extra json.RawMessage `json:"extra,omitempty"`
	// Facts and Set are what hosts have from before, in the form of value.JSON: gathered facts
	// (of a fact cache), and what was registered or set in the run that this one goes on from.
	Facts map[string]json.RawMessage `json:"facts,omitempty"`
	Set   map[string]json.RawMessage `json:"set,omitempty"`
	// Secrets are the vault passwords, in order of trial.
	Secrets  []action.Secret `json:"secrets,omitempty"`
	Options  Options         `json:"options"`
	Settings Settings        `json:"settings"`
	// Modules are the full names of modules that are not native and can be run all the same.
	Modules []string `json:"modules,omitempty"`
	// Plugins are the filters, tests and lookups in Python that a helper process answers
	// for: "filter:name", "test:name", "lookup:name". AnyPlugin is that nobody can tell.
	Plugins []string `json:"plugins,omitempty"`
}

// AnyPlugin stands in an Input's Plugins when there are folders of plugins and no Python that
// could tell their names: who uses one is told so then.
const AnyPlugin = "*"

// Options are what the user asked for on the command line, or a playbook block in its
// attributes.
type Options struct {
	// Limit are patterns, already read from files; nil is none. LimitText is what was asked.
	Limit         []string `json:"limit,omitempty"`
	LimitText     string   `json:"limit_text,omitempty"`
	Tags          []string `json:"tags,omitempty"`
	SkipTags      []string `json:"skip_tags,omitempty"`
	Check         bool     `json:"check,omitempty"`
	Diff          bool     `json:"diff,omitempty"`
	Forks         int      `json:"forks"`
	Verbosity     int      `json:"verbosity,omitempty"`
	StartAtTask   string   `json:"start_at_task,omitempty"`
	Step          bool     `json:"step,omitempty"`
	ForceHandlers bool     `json:"force_handlers,omitempty"`
	// Guess has check mode take what it did not run for skipped, as Ansible does, instead of
	// keeping it unknown.
	Guess bool `json:"guess,omitempty"`
	// Connection holds what the command line says about reaching hosts; what a variable says
	// wins.
	Connection connection.Spec `json:"connection"`
	// Wait is for how many seconds the first play waits until its hosts answer; 0 not at all.
	Wait int `json:"wait,omitempty"`
	// Become tells that every task becomes another user unless it says otherwise.
	Become bool `json:"become,omitempty"`
	// Plan has the machine only tell the plays, tasks or tags and carry nothing out.
	Plan string `json:"plan,omitempty"`
}

// Settings are the keys of ansible.cfg that a play decides by, with their defaults filled in.
type Settings struct {
	RolesPath             []string `json:"roles_path,omitempty"`
	CollectionsPath       []string `json:"collections_path,omitempty"`
	ConfigFile            string   `json:"config_file,omitempty"`
	Gathering             string   `json:"gathering,omitempty"` // implicit, explicit, smart
	GatherSubset          []string `json:"gather_subset,omitempty"`
	GatherTimeout         int      `json:"gather_timeout,omitempty"`
	FactPath              string   `json:"fact_path,omitempty"`
	HashMerge             bool     `json:"hash_merge,omitempty"`
	InjectFacts           bool     `json:"inject_facts,omitempty"`
	AnyErrorsFatal        bool     `json:"any_errors_fatal,omitempty"`
	ErrorOnMissingHandler bool     `json:"error_on_missing_handler,omitempty"`
	BrokenConditionals    bool     `json:"broken_conditionals,omitempty"`
	UnknownAttributes     bool     `json:"unknown_attributes,omitempty"`
	Strategy              string   `json:"strategy,omitempty"`
	PollInterval          int      `json:"poll_interval,omitempty"`
	TaskTimeout           int      `json:"task_timeout,omitempty"`
	// Python is the interpreter of the controller, for ansible_playbook_python.
	Python string `json:"python,omitempty"`
	NoLog  bool   `json:"no_log,omitempty"`
	// Extensions are the Jinja extensions that are switched on.
	Extensions     []string `json:"extensions,omitempty"`
	AnsibleManaged string   `json:"ansible_managed,omitempty"`
	BecomeMethod   string   `json:"become_method,omitempty"`
	// PluginFolders are the configured folders of plugins in Python, by kind ("filter").
	PluginFolders map[string][]string `json:"plugin_folders,omitempty"`
	// Library and ModuleUtils are the configured folders of modules that are not native, and of
	// what those import.
	Library     []string `json:"library,omitempty"`
	ModuleUtils []string `json:"module_utils,omitempty"`
	// Duplicates is what a key that a dict has twice is: warn, error, ignore.
	Duplicates string `json:"duplicates,omitempty"`
}

// Recorded is what a file or folder held when it was first looked at.
type Recorded struct {
	// Content is a file's; Names are a folder's. Missing tells that there was nothing.
	Content []byte   `json:"content,omitempty"`
	Names   []string `json:"names,omitempty"`
	Missing bool     `json:"missing,omitempty"`
	// Failed is why it could not be read.
	Failed string `json:"failed,omitempty"`
}

// Output is what a play ends with, failed or not.
type Output struct {
	// Recap counts per host, in order.
	Recap []Tally `json:"recap"`
	// Registered holds for every host what was registered or set by set_fact, Facts what was
	// gathered, in the form of value.JSON.
	Registered map[string]json.RawMessage `json:"registered,omitempty"`
	Facts      map[string]json.RawMessage `json:"facts,omitempty"`
	// Stats are those of set_stats.
	Stats json.RawMessage `json:"stats,omitempty"`
	// Touched is what tasks were about, by host: every path, package, user ... once a host.
	Touched []Touched `json:"touched,omitempty"`
	// Code is the exit code of ansible-playbook: 0, 2 failed, 4 unreachable, 1 otherwise.
	Code int `json:"code"`
}

// Touched is one thing on a host that a task is about.
type Touched struct {
	Host   string `json:"host"`
	Action string `json:"action"`
	// About is the path or name that the task gave.
	About string `json:"about"`
	// Changed tells that a task changed it in this run.
	Changed bool `json:"changed,omitempty"`
}

// Activities that a play asks for.
const (
	// ActivityTask carries a task out on a host; its input is a Call, its output the
	// result as JSON, with "unreachable" when the host could not be reached.
	ActivityTask = "task"
	// ActivityAsk looks at something on the controller; its input is an Ask, its output an
	// Answer.
	ActivityAsk = "ask"
	// ActivityReset closes the connections of a host; its input is a Call without a task.
	ActivityReset = "reset"
)

// Call is one task for one host.
type Call struct {
	// Host and Name tell host and task to people; Item is its loop item's place, -1 without.
	Host string `json:"host"`
	Name string `json:"name"`
	Item int    `json:"item"`
	// To is how the host that it is carried out on is reached.
	To   connection.Spec `json:"to"`
	Task action.Task     `json:"task"`
	// Timeout is after how many seconds the task fails; 0 is never.
	Timeout int `json:"timeout,omitempty"`
	// Rerunnable tells that doing it again comes to the same, so that a call that was cut
	// off is simply made again.
	Rerunnable bool `json:"rerunnable,omitempty"`
}

// Ask is a question about the controller.
type Ask struct {
	// Kind is one of the Ask… constants.
	Kind string `json:"kind"`
	// Name is the lookup, filter or test; Path the file or folder.
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
	// Args and Options are in the form of value.Encode.
	Args    json.RawMessage `json:"args,omitempty"`
	Options json.RawMessage `json:"options,omitempty"`
	// Variables are what the answer needs to know of the host's variables, as a dict.
	Variables json.RawMessage `json:"variables,omitempty"`
	Search    []string        `json:"search,omitempty"`
	// Subfolder is that of lookup.Request.
	Subfolder string `json:"subfolder,omitempty"`
	// Prompt, Private, Default, Confirm belong to AskPerson.
	Prompt  string `json:"prompt,omitempty"`
	Private bool   `json:"private,omitempty"`
	Default string `json:"default,omitempty"`
	Confirm bool   `json:"confirm,omitempty"`
}

// The kinds of questions.
const (
	AskRead   = "read"   // the content of the file Path; the answer is a Recorded
	AskList   = "list"   // the names in the folder Path; the answer is a Recorded
	AskLookup = "lookup" // a lookup that reaches the world
	AskWorld  = "world"  // a filter or test that looks at the controller
	AskPlugin = "plugin" // a filter, test or lookup written in Python: Name is "filter:x"
	AskPerson = "person" // a prompt
	AskModule = "module" // whether there is a module of the name Name; the answer is its full name, or null
)

// Answer is what came of an Ask.
type Answer struct {
	// Value is in the form of value.Encode.
	Value json.RawMessage `json:"value,omitempty"`
	// Recorded answers AskRead and AskList.
	Recorded *Recorded `json:"recorded,omitempty"`
	// Error is why there is none, in the words of the lookup or filter.
	Error string `json:"error,omitempty"`
	// Warnings are shown.
	Warnings []string `json:"warnings,omitempty"`
}
