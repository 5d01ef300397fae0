// Package service holds the modules that manage services: service, systemd (systemd_service),
// sysvinit and service_facts.
//
// In: a checked call. Out: what the real module returns. The service managers' own programs
// (systemctl, service, rc-service, initctl, ...) are asked and told. The module service finds
// out on the host itself what manages services there and does what the module for that does;
// Ansible asks for facts first, in another round trip. The package must not know playbooks or
// connections.
package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "service", Spec: serviceSpec(), Run: service},
		{Name: "systemd", Spec: systemdSpec(), Run: systemd},
		{Name: "systemd_service", Spec: systemdSpec(), Run: systemd},
		{Name: "sysvinit", Spec: sysvinitSpec(), Run: sysvinit},
		{Name: "service_facts", Spec: argument.Spec{Check: true}, Run: serviceFacts},
	}
}

// missing is the error about a service that is not there.
func missing(name, where string) error {
	return attribute.Failed(fmt.Sprintf("Could not find the requested service %s: %s", name, where))
}

// answer is what a program did.
type answer struct {
	code     int
	out, err string
}

// ask runs a program. What it starts goes on when the module ends, because nothing of it
// hangs on a pipe of ours.
func ask(ctx context.Context, argv ...string) answer {
	o := module.Exec(ctx, module.Command{Argv: argv, Dir: "/"})
	if o.Err != nil {
		return answer{code: 127, err: o.Err.Error()}
	}
	return answer{o.Code, o.Stdout, o.Stderr}
}

// tool finds a program of the service managers. Those of the system come before those of
// PATH; "" when there is none.
func tool(ctx context.Context, name string) string {
	for _, dir := range []string{"/sbin", "/usr/sbin", "/bin", "/usr/bin"} {
		if info, err := os.Stat(dir + "/" + name); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return dir + "/" + name
		}
	}
	return module.LookPath(ctx, name)
}

// require finds a program that the module cannot do without.
func require(ctx context.Context, name string) (string, error) {
	if file := module.LookPath(ctx, name); file != "" {
		return file, nil
	}
	path, _ := module.Getenv(ctx, "PATH")
	return "", attribute.Failed(fmt.Sprintf("Failed to find required executable %q in paths: %s", name, path))
}

// pause waits between stopping and starting.
func pause(ctx context.Context, seconds int64) {
	if seconds <= 0 {
		return
	}
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// script is the path of a service's init script.
func script(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/etc/init.d/" + name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// startsAtBoot tells that there are start links for an init script: at a run level, or at any
// when level is "".
func startsAtBoot(name, level string) bool {
	if level == "" {
		level = "?"
	}
	pattern := "/etc/rc" + level + ".d/S??" + name
	if !exists("/etc/rc0.d/") {
		pattern = "/etc/init.d/rc" + level + ".d/S??" + name
	}
	found, _ := filepath.Glob(pattern)
	return len(found) > 0
}

// processHas tells that a process has a text in its command line, as "ps auxww" shows it.
func processHas(pattern string) bool {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		data, err := os.ReadFile(dir + "/cmdline")
		if err != nil || filepath.Base(dir) == fmt.Sprint(os.Getpid()) {
			continue
		}
		line := strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
		if line == "" {
			name, _ := os.ReadFile(dir + "/comm")
			line = "[" + strings.TrimSpace(string(name)) + "]"
		}
		if strings.Contains(line, pattern) {
			return true
		}
	}
	return false
}
