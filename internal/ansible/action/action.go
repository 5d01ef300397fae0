// Package action is the part of a task that runs on the controller: what Ansible calls action
// plugins. Most tasks have none: their module is run on the host and that is all. An action
// reads local files, sends them, calls modules (several, when it must), and makes the result.
//
// In: a Task, whose arguments are rendered already, and a Target to reach the host. Out: the
// task's result. Actions that only concern the play itself (debug, set_fact, include_tasks,
// add_host, ...) are not here: the play's machine does them.
package action

import (
	"context"
	"io"

	"tutti/internal/ansible/module"
)

// Task is one task for one host and loop item.
type Task struct {
	// Module is the name as it was resolved: "ansible.builtin.copy".
	Module string `json:"module"`
	// Host is the inventory's name of the host; fetch keeps files below it.
	Host string `json:"host,omitempty"`
	// Args are the rendered arguments as JSON values; free form text is "_raw_params".
	Args        map[string]any    `json:"args,omitempty"`
	CheckMode   bool              `json:"check,omitempty"`
	Diff        bool              `json:"diff,omitempty"`
	Verbosity   int               `json:"verbosity,omitempty"`
	NoLog       bool              `json:"no_log,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	// Async is for how many seconds at most the task may run in the background; 0 in the
	// foreground. Poll is every how many seconds the play looks for its end; 0 never.
	Async int `json:"async,omitempty"`
	Poll  int `json:"poll,omitempty"`
	// Search are the folders in which relative local files are looked for, in order: the
	// role's, the including file's, the playbook's. "copy" looks in files/ below each first,
	// "template" in templates/.
	Search []string `json:"search,omitempty"`
	// Vault decrypts local files; empty when there are no secrets. In order of trial.
	Vault []Secret `json:"vault,omitempty"`
	// Facts are the few facts that some actions decide by: ansible_pkg_mgr, ansible_service_mgr,
	// ansible_os_family, ansible_distribution, ansible_distribution_major_version,
	// ansible_system, ansible_python_interpreter. Absent when not gathered.
	Facts map[string]any `json:"facts,omitempty"`
	// Rendered is the text of a template that the play rendered, for the template module.
	Rendered *string `json:"rendered,omitempty"`
}

// Secret is one vault password.
type Secret struct {
	ID       string `json:"id"`
	Password string `json:"password"`
}

// Action does a task. An error is what Ansible calls unreachable, when it is (or wraps) an
// *Unreachable, and a fault of ours otherwise; a task that fails gives a Result that says so.
type Action func(ctx context.Context, t Target, task Task) (module.Result, error)

// Target is the host that a task is about, as the user that become says. It is safe for use
// by several goroutines.
type Target interface {
	// Run carries a native module out on the host, in one round trip.
	Run(ctx context.Context, r module.Request) (module.Result, error)
	// Exec runs a program on the host without any module, as "raw" does.
	Exec(ctx context.Context, c Command) (module.Output, error)
	// Put copies to a new temporary file on the host that the become user can read, and
	// gives its path. name is a hint for people.
	Put(ctx context.Context, name string, content io.Reader) (path string, err error)
	// Get reads a file of the host.
	Get(ctx context.Context, path string) (io.ReadCloser, error)
	// Remove takes away what Put made; errors are of no interest.
	Remove(ctx context.Context, path string)
	// Reset closes what is open to the host; the next call connects again.
	Reset(ctx context.Context) error
	// Local tells that the host is this machine and no other user.
	Local() bool
}

// Command is a line for the host's shell, or a program with its arguments.
type Command struct {
	// Shell is given to the shell Executable -c when Argv is empty.
	Shell      string
	Executable string // "" is /bin/sh
	Argv       []string
	Stdin      []byte
	Env        map[string]string
	Dir        string
}

// Unreachable is the error of a host that cannot be talked to.
type Unreachable struct {
	// Message is Ansible's sentence, such as "Failed to connect to the host via ssh: …".
	Message string
}

// Error implements error.
func (u *Unreachable) Error() string { return u.Message }
