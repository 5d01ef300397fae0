package facts

import (
	"context"
	"debug/elf"
	"net"
	"os"
	"strings"
	"time"
)

// lookupTimeout bounds how long the name servers may take to tell this host's full name.
const lookupTimeout = 5 * time.Second

// platform collects what the kernel and the host's name are.
func (h *host) platform() facts {
	u := kernelName()
	name := h.fullName(u.node)
	short, _, _ := strings.Cut(u.node, ".")
	_, domain, _ := strings.Cut(name, ".")
	found := facts{
		"system": u.system, "kernel": u.release, "kernel_version": u.version, "machine": u.machine,
		"architecture": u.machine, "fqdn": name, "hostname": short, "nodename": u.node, "domain": domain,
	}
	py := h.installedPython()
	if py != nil {
		found["python_version"] = py.version()
	}
	bits := "64"
	if py != nil && py.class == elf.ELFCLASS32 || py == nil && strings.HasSuffix(u.machine, "86") {
		bits = "32"
	}
	found["userspace_bits"] = bits
	intel := len(u.machine) == 4 && u.machine[0] == 'i' && strings.HasSuffix(u.machine, "86")
	if intel {
		found["architecture"] = "i386"
	}
	if u.machine == "x86_64" || intel {
		found["userspace_architecture"] = map[string]string{"64": "x86_64", "32": "i386"}[bits]
	}
	for _, file := range []string{"/var/lib/dbus/machine-id", "/etc/machine-id"} {
		if all := h.lines(file); len(all) > 0 {
			found["machine_id"] = all[0]
			break
		}
	}
	return found
}

// fullName is the first name with a point in it that this host's name leads to, by way of its
// address; or the name itself.
func (h *host) fullName(name string) string {
	candidates := h.namesOf(name)
	for _, n := range candidates {
		if strings.Contains(n, ".") {
			return n
		}
	}
	if len(candidates) > 0 {
		return candidates[0]
	}
	return name
}

func (h *host) namesOf(name string) []string {
	type entry struct {
		address string
		names   []string
	}
	var entries []entry
	address := ""
	for _, line := range h.lines("/etc/hosts") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		entries = append(entries, entry{words[0], words[1:]})
		for _, n := range words[1:] {
			if address == "" && strings.EqualFold(n, name) {
				address = words[0]
			}
		}
	}
	if address == "" {
		ctx, stop := context.WithTimeout(h.ctx, lookupTimeout)
		defer stop()
		found, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil || len(found) == 0 {
			return nil
		}
		address = found[0]
		for _, e := range entries {
			if e.address == address {
				return e.names
			}
		}
		reverse, _ := net.DefaultResolver.LookupAddr(ctx, address)
		for i, n := range reverse {
			reverse[i] = strings.TrimSuffix(n, ".")
		}
		return reverse
	}
	for _, e := range entries {
		if e.address == address {
			return e.names
		}
	}
	return nil
}

func (h *host) environment() facts {
	env := map[string]any{}
	for k, v := range h.env {
		env[k] = v
	}
	return facts{"env": env}
}

// user collects who the module runs as. The name is what the environment says, as a shell's
// user expects.
func (h *host) user() facts {
	name := ""
	for _, variable := range []string{"LOGNAME", "USER", "LNAME", "USERNAME"} {
		if name = h.env[variable]; name != "" {
			break
		}
	}
	var entry passwd
	ok := false
	if name != "" {
		entry, ok = h.passwd(func(e passwd) bool { return e.name == name })
	}
	if !ok {
		uid := os.Getuid()
		entry, ok = h.passwd(func(e passwd) bool { return e.uid == uid })
		if name == "" {
			name = entry.name
		}
		if !ok {
			entry = passwd{uid: uid, gid: os.Getgid()}
		}
	}
	return facts{
		"user_id": name, "user_uid": entry.uid, "user_gid": entry.gid, "user_gecos": entry.gecos,
		"user_dir": entry.home, "user_shell": entry.shell,
		"real_user_id": os.Getuid(), "effective_user_id": os.Geteuid(),
		"real_group_id": os.Getgid(), "effective_group_id": os.Getgid(),
	}
}

// passwd is a line of /etc/passwd.
type passwd struct {
	name, gecos, home, shell string
	uid, gid                 int
}

func (h *host) passwd(fits func(passwd) bool) (passwd, bool) {
	for _, line := range h.lines("/etc/passwd") {
		if e, ok := parsePasswd(line); ok && fits(e) {
			return e, true
		}
	}
	// The account may come from a directory service, which only the C library can ask.
	if getent := h.program("getent"); getent != "" {
		out, _ := h.run(getent, "passwd")
		for _, line := range lines(out) {
			if e, ok := parsePasswd(line); ok && fits(e) {
				return e, true
			}
		}
	}
	return passwd{}, false
}

func parsePasswd(line string) (passwd, bool) {
	f := strings.Split(line, ":")
	if len(f) < 7 {
		return passwd{}, false
	}
	uid, ok1 := number(f[2])
	gid, ok2 := number(f[3])
	return passwd{name: f[0], uid: uid, gid: gid, gecos: f[4], home: f[5], shell: f[6]}, ok1 && ok2
}
