package service

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tutti/internal/ansible/module/attribute"
)

// enable sees to it that the service starts at boot, or does not. done tells that nothing else
// is to be said, which is so in check mode when something would change.
func (m *manager) enable() (done bool, err error) {
	wanted := m.call.Bool("enabled")
	switch m.enabler {
	case viaUpstart:
		return m.override(wanted)
	case viaLinks:
		return false, m.links(wanted)
	case viaInsserv:
		return m.insserv(wanted)
	}
	differs, argv, err := m.enabling(wanted)
	m.changed = differs
	if err != nil || !differs {
		return false, err
	}
	if m.call.CheckMode {
		return true, nil
	}
	a := ask(m.ctx, argv...)
	if a.code != 0 {
		verb := argv[1]
		if m.enabler == viaChkconfig {
			verb = argv[2]
		}
		if a.err != "" {
			return false, attribute.Failed(fmt.Sprintf("Error when trying to %s %s: rc=%d %s", verb, m.name, a.code, a.err))
		}
		return false, attribute.Failed(fmt.Sprintf("Failure for %s %s: rc=%d %s", verb, m.name, a.code, a.out))
	}
	return false, nil
}

// enabling tells whether the wanted differs from what is, and the command that changes it.
func (m *manager) enabling(wanted bool) (differs bool, argv []string, err error) {
	program := m.enablerProgram
	switch m.enabler {
	case viaSystemd:
		a := ask(m.ctx, program, "is-enabled", m.name)
		enabled := a.code == 0
		if a.code != 0 && !strings.HasPrefix(a.out, "disabled") && exists("/etc/init.d/"+m.name) {
			enabled = startsAtBoot(m.name, "")
		}
		return enabled != wanted, []string{program, map[bool]string{true: "enable", false: "disable"}[wanted], m.name}, nil
	case viaOpenRC:
		level := m.call.String("runlevel")
		enabled := false
		for _, line := range strings.Split(ask(m.ctx, program, "show").out, "\n") {
			if name, levels, ok := strings.Cut(line, "|"); ok && strings.TrimSpace(name) == m.name {
				enabled = slices.Contains(strings.Fields(levels), level)
			}
		}
		return enabled != wanted, []string{program, map[bool]string{true: "add", false: "delete"}[wanted], m.name, level}, nil
	default:
		verb := map[bool]string{true: "on", false: "off"}[wanted]
		a := ask(m.ctx, program, "--list", m.name)
		if strings.Contains(a.err, "chkconfig --add "+m.name) {
			ask(m.ctx, program, "--add", m.name)
			a = ask(m.ctx, program, "--list", m.name)
		}
		if !strings.Contains(a.out, m.name) {
			return false, nil, attribute.Failed(fmt.Sprintf("service %s does not support chkconfig", m.name))
		}
		same := strings.Contains(a.out, "3:"+verb) && strings.Contains(a.out, "5:"+verb)
		return !same, []string{program, m.name, verb}, nil
	}
}

// links are Debian's: update-rc.d makes those of a new service by other words than those of
// one that was disabled.
func (m *manager) links(wanted bool) error {
	found, _ := filepath.Glob("/etc/rc?.d/S??" + m.name)
	m.changed = (len(found) > 0) != wanted
	if !m.changed || m.call.CheckMode {
		return nil
	}
	verbs := []string{"disable"}
	if wanted {
		verbs = []string{"enable"}
		if stops, _ := filepath.Glob("/etc/rc?.d/K??" + m.name); len(stops) == 0 {
			verbs = []string{"defaults", "enable"}
		}
	}
	for _, verb := range verbs {
		if a := ask(m.ctx, m.enablerProgram, m.name, verb); a.code != 0 {
			if a.err != "" {
				return attribute.Failed(a.err)
			}
			return attribute.Failed(a.out)
		}
	}
	return nil
}

func (m *manager) insserv(wanted bool) (done bool, err error) {
	try, change := []string{"-n", "-v", m.name}, []string{m.name}
	word, verb := "enable service", "install"
	if !wanted {
		try, change = []string{"-n", "-r", "-v", m.name}, []string{"-r", m.name}
		word, verb = "remove service", "remove"
	}
	a := ask(m.ctx, append([]string{m.enablerProgram}, try...)...)
	m.changed = strings.Contains(a.err, word)
	if m.call.CheckMode {
		return true, nil
	}
	if !m.changed {
		return false, nil
	}
	a = ask(m.ctx, append([]string{m.enablerProgram}, change...)...)
	if a.code != 0 || a.err != "" {
		return false, attribute.Failed(fmt.Sprintf("Failed to %s service. rc: %d, out: %s, err: %s", verb, a.code, a.out, a.err))
	}
	return false, nil
}

// override is upstart's file beside a job's own in which "manual" keeps it from starting.
func (m *manager) override(wanted bool) (done bool, err error) {
	line, pattern := "manual\n", regexp.MustCompile(`(?im)^manual\s*$`)
	if a := ask(m.ctx, m.initctl, "version"); a.code == 0 && !atLeast(a.out, 0, 6, 7) {
		line, pattern = "start on manual\n", regexp.MustCompile(`(?im)^start on manual\s*$`)
	}
	config, err := os.ReadFile("/etc/init/" + m.name + ".conf")
	if err != nil {
		return false, err
	}
	if pattern.Match(config) {
		return false, attribute.Failed("manual stanza not supported in a .conf file")
	}
	file := "/etc/init/" + m.name + ".override"
	data, err := os.ReadFile(file)
	text := string(data)
	there := err == nil
	switch manual := pattern.MatchString(text); {
	case there && wanted && manual:
		text = pattern.ReplaceAllString(text, "")
		m.changed = true
	case there && !wanted && !manual:
		text += "\n" + line
		m.changed = true
	case !there && !wanted:
		text = line
		m.changed = true
	}
	if m.call.CheckMode {
		return true, nil
	}
	if m.changed && os.WriteFile(file, []byte(text), 0o644) != nil {
		return false, attribute.Failed("Could not modify override file")
	}
	return false, nil
}

// atLeast tells that a text names a version, in "(upstart 1.2.3)", that is not older.
func atLeast(text string, version ...int) bool {
	m := regexp.MustCompile(`\(upstart (\d+)(?:\.(\d+))?(?:\.(\d+))?`).FindStringSubmatch(text)
	if m == nil {
		return false
	}
	for i, want := range version {
		have := 0
		_, _ = fmt.Sscan(m[i+1], &have)
		if have != want {
			return have > want
		}
	}
	return true
}
