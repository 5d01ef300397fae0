package play

import (
	gostrings "strings"

	"github.com/google/shlex"

	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/value"
)

// connection gives how the host of a task is reached, or that which it is delegated to: what
// variables say counts more than keywords, and those more than the command line.
func (s *scope) connection(delegate string) (connection.Spec, error) {
	vars := s
	name := ""
	if s.host != nil {
		name = s.host.name
	}
	if delegate != "" && delegate != name {
		name = delegate
		vars = s.delegated(delegate)
	}
	r := specReader{s: s, vars: vars, spec: s.m.in.Options.Connection}
	r.spec.Name, r.spec.Host = name, name
	r.keywords()
	r.variables()
	r.become()
	if r.err != nil {
		return connection.Spec{}, r.err
	}
	if r.spec.Kind == "" || r.spec.Kind == "smart" || r.spec.Kind == "paramiko" || r.spec.Kind == "paramiko_ssh" {
		r.spec.Kind = "ssh"
		if delegate != "" && isLocalhost(name) && !s.m.defined(name) {
			r.spec.Kind = "local"
		}
	}
	return r.spec, nil
}

func isLocalhost(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// delegated is the scope of a host that a task is delegated to; a name that the inventory
// does not have stands for itself.
func (s *scope) delegated(name string) *scope {
	h, ok := s.m.known(name)
	if !ok {
		h = &host{name: name, vars: emptyDict(), facts: emptyDict(), injected: emptyDict(), set: emptyDict(), loaded: emptyDict()}
		if isLocalhost(name) {
			h.vars.Set("ansible_connection", "local")
		}
	}
	d := s.m.newScope(h, nil, s.desk)
	d.play, d.task = s.play, nil
	d.layers = s.m.layers(h, s.task)
	return d
}

// specReader collects the fields of a Spec; the first error stays.
type specReader struct {
	s, vars *scope
	spec    connection.Spec
	err     error
}

// keyword reads a keyword as text; "" when it is not there.
func (r *specReader) keyword(name string) string {
	if r.err != nil {
		return ""
	}
	text, err := r.s.text(name)
	if err != nil {
		r.err = err
	}
	return text
}

// word sets a field by a keyword that is there.
func (r *specReader) word(into *string, name string) {
	if v := r.keyword(name); v != "" {
		*into = v
	}
}

// variable reads the first variable of these names that is there.
func (r *specReader) variable(names ...string) (any, bool) {
	for _, name := range names {
		if r.err != nil {
			return nil, false
		}
		v, found, err := r.vars.lookup(name)
		if err != nil {
			r.err = err
			return nil, false
		}
		if found && v != nil && !omitted(v) {
			return v, true
		}
	}
	return nil, false
}

func (r *specReader) text(into *string, names ...string) {
	if v, ok := r.variable(names...); ok {
		*into = value.String(v)
	}
}

func (r *specReader) number(into *int, names ...string) {
	if v, ok := r.variable(names...); ok {
		if n, isNumber := integer(v); isNumber {
			*into = n
		}
	}
}

func (r *specReader) keywords() {
	r.word(&r.spec.Kind, "connection")
	r.word(&r.spec.User, "remote_user")
	if v := r.keyword("port"); v != "" {
		if n, ok := integer(v); ok {
			r.spec.Port = n
		}
	}
}

func (r *specReader) variables() {
	r.text(&r.spec.Kind, "ansible_connection")
	r.spec.Kind = shortName(r.spec.Kind)
	r.text(&r.spec.Host, "ansible_ssh_host", "ansible_host")
	r.text(&r.spec.User, "ansible_ssh_user", "ansible_user")
	r.text(&r.spec.Password, "ansible_ssh_password", "ansible_ssh_pass", "ansible_password")
	r.text(&r.spec.PrivateKeyFile, "ansible_private_key_file", "ansible_ssh_private_key_file")
	r.text(&r.spec.PrivateKey, "ansible_ssh_private_key")
	r.text(&r.spec.Passphrase, "ansible_ssh_private_key_passphrase")
	r.text(&r.spec.RemoteTmp, "ansible_remote_tmp")
	r.text(&r.spec.Shell, "ansible_shell_executable")
	r.text(&r.spec.Python, "ansible_python_interpreter")
	r.number(&r.spec.Port, "ansible_ssh_port", "ansible_port")
	r.number(&r.spec.Timeout, "ansible_ssh_timeout", "ansible_timeout")
	if v, ok := r.variable("ansible_ssh_host_key_checking", "ansible_host_key_checking"); ok {
		r.spec.HostKeyChecking, _ = boolean(v)
	}
	for _, name := range []string{"ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"} {
		var line string
		if r.text(&line, name); line != "" {
			words, err := shlex.Split(line)
			if err == nil {
				r.spec.Arguments = append(append([]string(nil), r.spec.Arguments...), words...)
			}
		}
	}
}

// become reads how the task becomes another user, if it does.
func (r *specReader) become() {
	line := r.spec.Become
	r.spec.Become = connection.Become{}
	if r.err != nil {
		return
	}
	on, err := r.s.flag("become", r.s.m.in.Options.Become)
	if err != nil {
		r.err = err
		return
	}
	if v, ok := r.variable("ansible_become"); ok {
		on, _ = boolean(v)
	}
	if !on {
		return
	}
	b := line
	r.word(&b.Method, "become_method")
	r.word(&b.User, "become_user")
	r.word(&b.Exe, "become_exe")
	r.word(&b.Flags, "become_flags")
	r.text(&b.Method, "ansible_become_method")
	if b.Method == "" {
		b.Method = r.s.m.in.Settings.BecomeMethod
	}
	if b.Method = shortName(b.Method); b.Method == "" {
		b.Method = "sudo"
	}
	of := "ansible_" + gostrings.ReplaceAll(b.Method, "-", "_") + "_"
	r.text(&b.User, of+"user", "ansible_become_user")
	r.text(&b.Password, of+"pass", of+"password", "ansible_become_pass", "ansible_become_password")
	r.text(&b.Exe, of+"exe", "ansible_become_exe")
	r.text(&b.Flags, of+"flags", "ansible_become_flags")
	if b.User == "" {
		b.User = "root"
	}
	r.spec.Become = b
}

// defined tells that the inventory itself has a host, and it is not only this machine's name.
func (m *Machine) defined(name string) bool {
	h := m.inv.Host(name)
	return h != nil && !h.Implicit
}
