// Package connection reaches hosts: it opens what a Spec describes, once for a whole run, and
// gives an action.Target for it.
//
// Over SSH a small program of ours is put onto the host (once, checked by its hash) and speaks
// frames over one channel; one of it runs for every user that tasks become. Where no such
// program fits the host, its shell and SFTP serve for files and raw commands, and modules that
// need more say so. The package must not know playbooks or variables.
package connection

// Spec is how a host is reached. All fields are rendered variables of the host. It is a plain
// value and travels within activities.
type Spec struct {
	// Kind is "local" or "ssh" ("smart" and "paramiko" mean ssh); others are refused with what
	// could be done.
	Kind string `json:"kind"`
	// Name is the inventory's name of the host, for messages.
	Name           string `json:"name,omitempty"`
	Host           string `json:"host,omitempty"`
	Port           int    `json:"port,omitempty"`
	User           string `json:"user,omitempty"`
	Password       string `json:"password,omitempty"`
	PrivateKeyFile string `json:"private_key_file,omitempty"`
	// PrivateKey is a key itself (ansible_ssh_private_key), Passphrase what opens it.
	PrivateKey string `json:"private_key,omitempty"`
	Passphrase string `json:"passphrase,omitempty"`
	// HostKeyChecking is false only when the user switched it off.
	HostKeyChecking bool `json:"host_key_checking"`
	// Arguments are those of ssh_args, ssh_common_args and ssh_extra_args together; the ones
	// with a meaning here (-o Option=…, -F, -i, -J, -p, -l, -W in ProxyCommand, -C, -4, -6, -v)
	// are followed and the rest is warned of.
	Arguments []string `json:"arguments,omitempty"`
	// Timeout is for connecting, in seconds; 0 is 10.
	Timeout   int    `json:"timeout,omitempty"`
	RemoteTmp string `json:"remote_tmp,omitempty"` // "" is ~/.ansible/tmp
	// Shell is the login shell's executable for raw commands; "" is /bin/sh.
	Shell string `json:"shell,omitempty"`
	// Python is the interpreter for modules that are not native; "" looks for one.
	Python string `json:"python,omitempty"`
	Become Become `json:"become,omitzero"`
}

// Become is how a task becomes another user. The zero value is not at all.
type Become struct {
	// Method is "sudo", "su", "doas" (or "runuser"); "" is not to become anybody.
	Method   string `json:"method,omitempty"`
	User     string `json:"user,omitempty"` // "" is root
	Password string `json:"password,omitempty"`
	// Exe and Flags are become_exe and become_flags; "" is the method's own.
	Exe   string `json:"exe,omitempty"`
	Flags string `json:"flags,omitempty"`
}
