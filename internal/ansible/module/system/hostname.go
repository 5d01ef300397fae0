package system

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/facts"
)

// hostnameLimit is the longest name that systemd takes.
const hostnameLimit = 64

func hostnameSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true},
			{Name: "use", Choices: []any{"alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc",
				"redhat", "sles", "solaris", "systemd"}},
		},
		Check: true,
	}
}

// naming is how a kind of system keeps its name: the one that it has now and the one that it
// will start with.
type naming interface {
	current() (string, error)
	permanent() (string, error)
	setCurrent(name string) error
	setPermanent(name string) error
}

// hostname is the module.
func hostname(ctx context.Context, c *module.Call) module.Result {
	n, err := namingOf(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	name := c.String("name")
	current, err := n.current()
	if err != nil {
		return attribute.Result(err)
	}
	permanent, err := n.permanent()
	if err != nil {
		return attribute.Result(err)
	}
	before := permanent
	if current != name {
		before = current
	}
	if err := rename(n, name, current, permanent, c.CheckMode); err != nil {
		return attribute.Result(err)
	}
	full, _ := facts.Names(ctx)
	_, domain, _ := strings.Cut(full, ".")
	short, _, _ := strings.Cut(name, ".")
	changed := current != name || permanent != name
	r := module.Result{"changed": changed, "name": name, "ansible_facts": map[string]any{"ansible_hostname": short,
		"ansible_nodename": name, "ansible_fqdn": full, "ansible_domain": domain}}
	if changed {
		r["diff"] = map[string]any{"after": "hostname = " + name + "\n", "before": "hostname = " + before + "\n"}
	}
	return r
}

// rename sets what differs. The name to start with comes first: a network manager that sees
// the current one change looks there.
func rename(n naming, name, current, permanent string, check bool) error {
	if check {
		return nil
	}
	if permanent != name {
		if err := n.setPermanent(name); err != nil {
			return err
		}
	}
	if current != name {
		return n.setCurrent(name)
	}
	return nil
}

func namingOf(ctx context.Context, c *module.Call) (naming, error) {
	distribution, _ := facts.Identity(ctx)
	use := c.String("use")
	switch use {
	case "":
		if facts.SystemdManaged(ctx) {
			use = "systemd"
		} else {
			use = namingByDistribution(distribution)
		}
	case "debian":
		use = "systemd"
	}
	switch use {
	case "systemd":
		program, err := require(ctx, "hostnamectl")
		return &systemdName{ctx, program}, err
	case "file":
		return &fileName{path: "/etc/hostname", call: c, ctx: ctx}, nil
	case "sles":
		return &fileName{path: "/etc/HOSTNAME", call: c, ctx: ctx}, nil
	case "alpine":
		return &fileName{path: "/etc/hostname", call: c, ctx: ctx, apply: true}, nil
	case "redhat":
		return &settingName{path: "/etc/sysconfig/network", key: "HOSTNAME", call: c, ctx: ctx, add: true}, nil
	case "openrc":
		return &settingName{path: "/etc/conf.d/hostname", key: "hostname", quote: `"`, call: c, ctx: ctx}, nil
	default:
		return nil, attribute.Failed(fmt.Sprintf("hostname module cannot be used on platform Linux (%s)", distribution))
	}
}

// namingByDistribution tells where systems without systemd keep their name.
func namingByDistribution(distribution string) string {
	for use, members := range map[string][]string{
		"redhat": {"Redhat", "Centos", "Anolis", "Cloudlinuxserver", "Cloudlinux", "Alinux", "Scientific", "Oracle", "Virtuozzo",
			"Amazon", "Altlinux", "Eurolinux"},
		"file": {"Debian", "Kylin", "Cumulus-linux", "Kali", "Parrot", "Ubuntu", "Linuxmint", "Linaro", "Devuan", "Raspbian", "Uos",
			"Deepin", "Neon", "Void", "Pop"},
		"openrc": {"Gentoo"},
		"alpine": {"Alpine"},
		"sles":   {"Sles"},
	} {
		for _, m := range members {
			if m == distribution {
				return use
			}
		}
	}
	return "unknown"
}

func commandFailed(out outcome) error {
	return attribute.Failed(fmt.Sprintf("Command failed rc=%d, out=%s, err=%s", out.code, out.stdout, out.stderr))
}

// systemdName keeps the names by hostnamectl.
type systemdName struct {
	ctx     context.Context
	program string
}

var _ naming = (*systemdName)(nil)

func (s *systemdName) get(kind string) (string, error) {
	out := ask(s.ctx, s.program, kind, "status")
	if out.code != 0 {
		return "", commandFailed(out)
	}
	return strings.TrimSpace(out.stdout), nil
}

func (s *systemdName) set(name string, args ...string) error {
	if len(name) > hostnameLimit {
		return attribute.Failed("name cannot be longer than 64 characters on systemd servers, try a shorter name")
	}
	out := ask(s.ctx, append(append([]string{s.program}, args...), "set-hostname", name)...)
	if out.code != 0 {
		return commandFailed(out)
	}
	return nil
}

func (s *systemdName) current() (string, error)       { return s.get("--transient") }
func (s *systemdName) permanent() (string, error)     { return s.get("--static") }
func (s *systemdName) setCurrent(name string) error   { return s.set(name, "--transient") }
func (s *systemdName) setPermanent(name string) error { return s.set(name, "--pretty", "--static") }

// fileName keeps the name as the content of a file, which stands for the current one, too.
type fileName struct {
	ctx  context.Context
	call *module.Call
	path string
	// apply has the program hostname read the file.
	apply bool
}

var _ naming = (*fileName)(nil)

func (f *fileName) current() (string, error) { return f.permanent() }

func (f *fileName) permanent() (string, error) {
	data, err := os.ReadFile(f.path)
	if err != nil && !os.IsNotExist(err) {
		return "", attribute.Failed("failed to read hostname: " + err.Error())
	}
	return strings.TrimSpace(string(data)), nil
}

func (f *fileName) setCurrent(string) error {
	if !f.apply {
		return nil
	}
	program, err := require(f.ctx, "hostname")
	if err != nil {
		return err
	}
	if out := ask(f.ctx, program, "-F", f.path); out.code != 0 {
		return commandFailed(out)
	}
	return nil
}

func (f *fileName) setPermanent(name string) error {
	return writeName(f.ctx, f.call, f.path, name+"\n")
}

func writeName(ctx context.Context, c *module.Call, path, text string) error {
	_, statErr := os.Stat(path)
	file, err := attribute.Temporary(c, []byte(text))
	if err != nil {
		return err
	}
	if err := attribute.AtomicMove(ctx, file, path, attribute.Move{Unsafe: true}); err != nil {
		return attribute.Failed("failed to update hostname: " + err.Error())
	}
	if statErr != nil {
		return os.Chmod(path, 0o644)
	}
	return nil
}

// settingName keeps the name as one setting among others.
type settingName struct {
	ctx              context.Context
	call             *module.Call
	path, key, quote string
	// add puts the setting at the end when the file has none.
	add bool
}

var _ naming = (*settingName)(nil)

func (s *settingName) current() (string, error) { return s.permanent() }

func (s *settingName) permanent() (string, error) {
	data, err := os.ReadFile(s.path)
	if err != nil && !os.IsNotExist(err) {
		return "", attribute.Failed("failed to read hostname: " + err.Error())
	}
	for _, line := range splitLines(string(data)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == s.key {
			return strings.Trim(strings.TrimSpace(v), `"`), nil
		}
	}
	if s.add {
		return "", attribute.Failed(fmt.Sprintf("Unable to locate %s entry in %s", s.key, s.path))
	}
	return "", nil
}

func (s *settingName) setCurrent(string) error { return nil }

func (s *settingName) setPermanent(name string) error {
	data, err := os.ReadFile(s.path)
	if err != nil && !os.IsNotExist(err) {
		return attribute.Failed("failed to update hostname: " + err.Error())
	}
	line := s.key + "=" + s.quote + name + s.quote
	pattern := regexp.MustCompile(`(?m)^\s*` + s.key + `=.*$`)
	text := string(data)
	if pattern.MatchString(text) {
		text = pattern.ReplaceAllLiteralString(text, line)
	} else if s.add {
		text += line + "\n"
	}
	return writeName(s.ctx, s.call, s.path, text)
}
