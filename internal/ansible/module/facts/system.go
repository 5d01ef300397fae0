package facts

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

func number(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil
}

// lsb collects what the Linux Standard Base's command says, or the file that stands for it.
func (h *host) lsb() facts {
	info := h.lsbRelease()
	found := map[string]any{}
	if release, ok := info["release"]; ok {
		found["major_release"], _, _ = strings.Cut(release, ".")
	}
	for k, v := range info {
		found[k] = strings.Trim(v, `'"\`)
	}
	return facts{"lsb": found}
}

func (h *host) lsbRelease() map[string]string {
	info := map[string]string{}
	if program := h.program("lsb_release"); program != "" {
		if h.debianScript(program) {
			return h.lsbFromRelease()
		}
		if out, ok := h.run(program, "-a"); ok {
			for _, line := range lines(out) {
				key, value, _ := strings.Cut(line, ":")
				name := map[string]string{"LSB Version": "release", "Distributor ID": "id", "Description": "description",
					"Release": "release", "Codename": "codename"}[strings.TrimSpace(key)]
				if name != "" {
					info[name] = strings.TrimSpace(value)
				}
			}
		}
	}
	if len(info) > 0 {
		return info
	}
	for _, line := range h.lines("/etc/lsb-release") {
		key, value, _ := strings.Cut(line, "=")
		for variable, name := range map[string]string{"DISTRIB_ID": "id", "DISTRIB_RELEASE": "release",
			"DISTRIB_DESCRIPTION": "description", "DISTRIB_CODENAME": "codename"} {
			if key == variable {
				info[name] = strings.TrimSpace(value)
			}
		}
	}
	return info
}

// debianScript tells that lsb_release is the shell script that Debian and Ubuntu have had since
// 2022, which only writes os-release in another way. Starting it would take longer than all
// other facts together.
func (h *host) debianScript(program string) bool {
	script := h.text(program)
	return len(script) < 1<<16 && strings.HasPrefix(script, "#!/bin/sh") && strings.Contains(script, `. "$os_release"`) &&
		strings.Contains(script, "LSB_OS_RELEASE") && strings.Contains(script, `display_line "Distributor ID" "${ID:-n/a}"`)
}

func (h *host) lsbFromRelease() map[string]string {
	info := h.osRelease()
	or := func(s string) string {
		if s == "" {
			return "n/a"
		}
		return s
	}
	id := info["id"]
	if id != "" {
		id = strings.ToUpper(id[:1]) + id[1:]
	}
	if name := info["name"]; strings.EqualFold(name, id) {
		id = name
	}
	return map[string]string{"id": or(id), "description": or(info["pretty_name"]), "release": or(info["version_id"]),
		"codename": or(info["version_codename"])}
}

// selinux collects whether it is on. Ansible can tell only where its library is installed;
// without it these facts say so, which roles test for.
func (h *host) selinux() facts {
	library := false
	for _, dir := range []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
		"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"} {
		library = library || h.exists(path.Join(dir, "libselinux.so.1"))
	}
	if !library {
		return facts{"selinux": map[string]any{"status": "Missing selinux Python library"}, "selinux_python_present": false}
	}
	if !h.exists("/sys/fs/selinux/enforce") {
		return facts{"selinux": map[string]any{"status": "disabled"}, "selinux_python_present": true}
	}
	config := map[string]string{}
	for _, line := range h.lines("/etc/selinux/config") {
		if k, v, ok := strings.Cut(line, "="); ok {
			config[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	unknown := func(s string) string {
		if s == "" {
			return "unknown"
		}
		return s
	}
	found := map[string]any{"status": "enabled", "policyvers": "unknown", "mode": "permissive",
		"config_mode": unknown(strings.ToLower(config["SELINUX"])), "type": unknown(config["SELINUXTYPE"])}
	if v, ok := number(h.text("/sys/fs/selinux/policyvers")); ok {
		found["policyvers"] = v
	}
	if h.text("/sys/fs/selinux/enforce") == "1" {
		found["mode"] = "enforcing"
	}
	return facts{"selinux": found, "selinux_python_present": true}
}

func (h *host) apparmor() facts {
	status := "disabled"
	if h.exists("/sys/kernel/security/apparmor") {
		status = "enabled"
	}
	return facts{"apparmor": map[string]any{"status": status}}
}

func (h *host) chroot() facts { return facts{"is_chroot": h.isChroot()} }

func (h *host) isChroot() bool {
	if h.env["debian_chroot"] != "" {
		return true
	}
	own, err := os.Stat(h.path("/"))
	if err != nil {
		return false
	}
	if first, err := os.Stat(h.path("/proc/1/root/.")); err == nil {
		return !os.SameFile(own, first)
	}
	// Only root may look there. A file system's own root has a number of its own.
	return inode(own) != rootInode(h.path("/"))
}

func (h *host) fips() facts {
	return facts{"fips": h.text("/proc/sys/crypto/fips_enabled") == "1"}
}

func (h *host) capabilities() facts {
	found := facts{"system_capabilities_enforced": "N/A", "system_capabilities": "N/A"}
	program := h.program("capsh")
	if program == "" {
		return found
	}
	out, ok := h.run(program, "--print")
	if !ok {
		return found
	}
	// How a set of capabilities is written differs between the versions of its library, so its
	// own tool is asked.
	list, enforced := []any{}, "NA"
	for _, line := range lines(out) {
		rest, ok := strings.CutPrefix(line, "Current:")
		if !ok {
			continue
		}
		if strings.TrimSpace(rest) == "=ep" {
			enforced = "False"
			continue
		}
		enforced = "True"
		parts := strings.Split(line, "=")
		if len(parts) < 2 {
			continue
		}
		for _, name := range strings.Split(parts[1], ",") {
			list = append(list, strings.TrimSpace(name))
		}
	}
	found["system_capabilities_enforced"], found["system_capabilities"] = enforced, list
	return found
}

// commandLine collects what the kernel was started with: once with the last value of each
// name, once with all of them.
func (h *host) commandLine() facts {
	text := h.text("/proc/cmdline")
	if text == "" {
		return nil
	}
	last, all := map[string]any{}, map[string]any{}
	for _, piece := range kernelWords(text) {
		name, value, ok := strings.Cut(piece, "=")
		if !ok {
			last[name], all[name] = true, true
			continue
		}
		last[name] = value
		switch before := all[name].(type) {
		case nil:
			all[name] = value
		case []any:
			all[name] = append(before, value)
		default:
			all[name] = []any{before, value}
		}
	}
	return facts{"cmdline": last, "proc_cmdline": all}
}

// kernelWords cuts at white space; a word that begins with a quote goes to the next one.
func kernelWords(text string) []string {
	var words []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return words
		}
		end := strings.IndexAny(text, " \t\r\n")
		if text[0] == '"' || text[0] == '\'' {
			if end = strings.IndexByte(text[1:], text[0]); end < 0 {
				return nil
			}
			end += 2
		}
		if end < 0 {
			end = len(text)
		}
		words = append(words, text[:end])
		text = text[end:]
	}
}

// dateTime collects the clock in many writings.
func (h *host) dateTime() facts { return facts{"date_time": dateTimeOf(time.Now())} }

func dateTimeOf(now time.Time) map[string]any {
	utc := now.UTC()
	micro := fmt.Sprintf("%06d", now.Nanosecond()/1000)
	weekday := int(now.Weekday())
	// Weeks begin on Monday; the days before the first one are week 0.
	week := (now.YearDay() + 6 - (weekday+6)%7) / 7
	zone, _ := now.Zone()
	epoch := strconv.FormatInt(now.Unix(), 10)
	return map[string]any{
		"year": now.Format("2006"), "month": now.Format("01"), "day": now.Format("02"),
		"weekday": now.Weekday().String(), "weekday_number": strconv.Itoa(weekday), "weeknumber": fmt.Sprintf("%02d", week),
		"hour": now.Format("15"), "minute": now.Format("04"), "second": now.Format("05"),
		"epoch": epoch, "epoch_int": epoch, "date": now.Format("2006-01-02"), "time": now.Format("15:04:05"),
		"iso8601_micro": utc.Format("2006-01-02T15:04:05.") + micro + "Z", "iso8601": utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_basic": now.Format("20060102T150405") + micro, "iso8601_basic_short": now.Format("20060102T150405"),
		"tz": zone, "tz_dst": summerZone(now), "tz_offset": now.Format("-0700"),
	}
}

// summerZone is the name of the zone in the half of the year that has the later clock.
func summerZone(now time.Time) string {
	const year = (365*24 + 6) * 3600
	begin := now.Unix() / year * year
	winter, winterOffset := time.Unix(begin, 0).In(now.Location()).Zone()
	summer, summerOffset := time.Unix(begin+year/2, 0).In(now.Location()).Zone()
	if winterOffset > summerOffset {
		return winter
	}
	return summer
}

func (h *host) load() facts {
	averages, ok := loadAverages()
	if !ok {
		return nil
	}
	return facts{"loadavg": map[string]any{"1m": averages[0], "5m": averages[1], "15m": averages[2]}}
}

// hostKeys collects the public keys of this host's SSH server.
func (h *host) hostKeys() facts {
	found := facts{}
	for _, dir := range []string{"/etc/ssh", "/etc/openssh", "/etc"} {
		for _, kind := range []string{"dsa", "rsa", "ecdsa", "ed25519"} {
			name := "ssh_host_key_" + kind + "_public"
			if found[name] != nil {
				return found
			}
			words := strings.Fields(h.text(dir + "/ssh_host_" + kind + "_key.pub"))
			if len(words) < 2 {
				continue
			}
			found[name], found[name+"_keytype"] = words[1], words[0]
		}
	}
	return found
}

func (h *host) dns() facts {
	found := map[string]any{}
	tail := func(words []string) []any {
		list := []any{}
		for _, w := range words {
			list = append(list, w)
		}
		return list
	}
	for _, line := range h.lines("/etc/resolv.conf") {
		words := strings.Fields(line)
		if len(words) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		switch words[0] {
		case "nameserver":
			before, _ := found["nameservers"].([]any)
			found["nameservers"] = append(before, tail(words[1:])...)
		case "domain":
			if len(words) > 1 {
				found["domain"] = words[1]
			}
		case "search", "sortlist":
			found[words[0]] = tail(words[1:])
		case "options":
			options := map[string]any{}
			for _, o := range words[1:] {
				name, value, _ := strings.Cut(o, ":")
				options[name] = true
				if value != "" {
					options[name] = value
				}
			}
			found["options"] = options
		}
	}
	return facts{"dns": found}
}

func (h *host) iscsi() facts {
	return facts{"iscsi_iqn": strings.TrimPrefix(h.firstLine("/etc/iscsi/initiatorname.iscsi", "InitiatorName="), "InitiatorName=")}
}

func (h *host) nvme() facts {
	return facts{"hostnqn": h.firstLine("/etc/nvme/hostnqn", "nqn.")}
}

func (h *host) firstLine(file, prefix string) string {
	for _, line := range h.lines(file) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}

func (h *host) fibreChannel() facts {
	list := []any{}
	for _, name := range h.list("/sys/class/fc_host") {
		for _, line := range h.lines("/sys/class/fc_host/" + name + "/port_name") {
			list = append(list, strings.TrimPrefix(line, "0x"))
		}
	}
	return facts{"fibre_channel_wwn": list}
}
