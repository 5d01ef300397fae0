package facts

import (
	"path"
	"regexp"
	"sort"
	"strings"
)

// guessDistribution reads os-release and the like, which is right for most distributions.
// releaseFiles correct it.
func (h *host) guessDistribution() facts {
	info := h.osRelease()
	id := h.distributionID(info)
	version := h.distributionVersion(info, id)
	name := capitalise(id)
	switch name {
	case "Amzn":
		name = "Amazon"
	case "Rhel":
		name = "Redhat"
	case "":
		name = "OtherLinux"
	}
	found := facts{"distribution": name, "distribution_version": orNA(version), "distribution_release": h.codename(info)}
	major, _, _ := strings.Cut(orNA(version), ".")
	found["distribution_major_version"] = orNA(major)
	return found
}

func orNA(s string) string {
	if s == "" {
		return "NA"
	}
	return s
}

func capitalise(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}

// osRelease gives the assignments of os-release, names in lower case.
func (h *host) osRelease() map[string]string {
	file := "/etc/os-release"
	if !h.exists(file) {
		file = "/usr/lib/os-release"
	}
	info := map[string]string{}
	for _, line := range h.lines(file) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(k, "#") {
			info[strings.ToLower(k)] = unquote(v)
		}
	}
	if m := regexp.MustCompile(`\((\D+)\)|,\s*(\D+)`).FindStringSubmatch(info["version"]); m != nil {
		info["codename"] = m[1] + m[2]
	}
	for _, name := range []string{"ubuntu_codename", "version_codename"} {
		if v, ok := info[name]; ok {
			info["codename"] = v
		}
	}
	return info
}

// unquote takes the quotes of a shell's assignment away.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		double := s[0] == '"'
		s = s[1 : len(s)-1]
		if double {
			s = strings.NewReplacer(`\"`, `"`, `\\`, `\`, "\\`", "`", `\$`, `$`).Replace(s)
		}
	}
	return s
}

func (h *host) distributionID(info map[string]string) string {
	normal := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "_") }
	if id := normal(info["id"]); id != "" {
		switch id {
		case "ol":
			return "oracle"
		case "opensuse-leap":
			return "opensuse"
		}
		return id
	}
	if id := normal(h.lsbRelease()["id"]); id != "" {
		return id
	}
	id := normal(h.releaseFile()["id"])
	if id == "redhat" {
		return "rhel"
	}
	return id
}

// distributionVersion is the first that is known, except for those distributions that tell
// more elsewhere than in os-release.
func (h *host) distributionVersion(info map[string]string, id string) string {
	candidates := []func() string{
		func() string { return info["version_id"] },
		func() string { return h.lsbRelease()["release"] },
		func() string { return h.releaseFile()["version_id"] },
		func() string { return releaseLine(info["pretty_name"])["version_id"] },
	}
	if id != "centos" && id != "debian" {
		for _, c := range candidates {
			if v := c(); v != "" {
				return v
			}
		}
		return ""
	}
	if id == "debian" {
		candidates = append(candidates, func() string { return h.text("/etc/debian_version") })
	}
	best := ""
	for i, c := range candidates {
		if i == 1 && best != "" {
			// lsb_release says the same as os-release here, and costs a process.
			continue
		}
		if v := c(); v != "" && (best == "" || strings.Count(v, ".") > strings.Count(best, ".")) {
			best = v
		}
	}
	if id == "centos" {
		parts := strings.Split(best, ".")
		return strings.Join(parts[:min(2, len(parts))], ".")
	}
	return best
}

// codename is that of os-release, which may be empty on purpose; "NA" when nothing has one.
func (h *host) codename(info map[string]string) string {
	for _, name := range []string{"version_codename", "ubuntu_codename", "codename"} {
		if v, ok := info[name]; ok {
			return v
		}
	}
	if v := h.lsbRelease()["codename"]; v != "" {
		return v
	}
	return orNA(h.releaseFile()["codename"])
}

// releaseFile reads the first file of /etc that is named after a distribution.
func (h *host) releaseFile() map[string]string {
	pattern := regexp.MustCompile(`^(\w+)[-_](release|version)$`)
	ignored := map[string]bool{"debian_version": true, "lsb-release": true, "oem-release": true, "os-release": true,
		"system-release": true, "plesk-release": true, "iredmail-release": true, "board-release": true, "ec2_version": true}
	found := h.list("/etc")
	sort.Strings(found)
	for _, name := range found {
		m := pattern.FindStringSubmatch(name)
		if m == nil || ignored[name] || h.isFolder(path.Join("/etc", name)) {
			continue
		}
		all := h.lines(path.Join("/etc", name))
		if len(all) == 0 {
			continue
		}
		info := releaseLine(all[0])
		if info["name"] == "" {
			continue
		}
		info["id"] = m[1]
		if strings.Contains(strings.ToLower(info["name"]), "cloudlinux") {
			info["id"] = "cloudlinux"
		}
		return info
	}
	return nil
}

// releaseLine takes "CentOS Linux release 7.9.2009 (Core)" apart.
func releaseLine(line string) map[string]string {
	line = strings.TrimSpace(line)
	m := regexp.MustCompile(`^(.+?)\s*(?:release\s+)?(\d[\d.+\-a-z]*|\d)\s*(?:LTS)?\s*(?:\((.*)\))?$`).FindStringSubmatch(line)
	if m == nil {
		return map[string]string{"name": line}
	}
	return map[string]string{"name": m[1], "version_id": m[2], "codename": m[3]}
}
