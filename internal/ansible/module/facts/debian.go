package facts

import (
	"regexp"
	"strings"
)

// debian tells Debian and its many children apart by what their os-release or lsb-release
// says.
func debian(h *host, d *release) bool {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d.data, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("Debian", "Raspbian"):
		plainDebian(h, d)
	case has("Ubuntu"):
		d.found["distribution"] = "Ubuntu"
	case has("SteamOS"):
		d.found["distribution"] = "SteamOS"
	case has("Kali"):
		d.found["distribution"] = "Kali"
		d.set("distribution_release", `DISTRIB_RELEASE=(.*)`)
	case has("Parrot"):
		d.found["distribution"] = "Parrot"
		d.set("distribution_release", `DISTRIB_RELEASE=(.*)`)
	case has("Devuan"):
		d.found["distribution"] = "Devuan"
		d.set("distribution_release", `PRETTY_NAME="?[^("]+ \(?([^) "]+)\)?`)
		if version := d.set("distribution_version", `VERSION_ID="(.*)"`); version != "" {
			d.found["distribution_major_version"] = version
		}
	case has("Cumulus"):
		d.found["distribution"] = "Cumulus Linux"
		d.setMajor(d.set("distribution_version", `VERSION_ID=(.*)`))
		d.set("distribution_release", `VERSION="(.*)"`)
	case has("Mint"):
		d.found["distribution"] = "Linux Mint"
		d.setMajor(d.set("distribution_version", `VERSION_ID="(.*)"`))
	case has("UOS", "Uos", "uos"):
		codenamed(d, "Uos")
	case has("Deepin", "deepin"):
		codenamed(d, "Deepin")
	case has("LMDE"):
		d.found["distribution"] = "Linux Mint Debian Edition"
	default:
		return false
	}
	return true
}

func codenamed(d *release, name string) {
	d.found["distribution"] = name
	d.set("distribution_release", `VERSION_CODENAME="?([^"]+)"?`)
	d.setMajor(d.set("distribution_version", `VERSION_ID="(.*)"`))
}

func plainDebian(h *host, d *release) {
	d.found["distribution"] = "Debian"
	named := d.set("distribution_release", `PRETTY_NAME=[^(]+ \(?([^)]+?)\)`)
	if named == "" && d.base["distribution_release"] == "NA" && strings.Contains(d.data, "Debian") {
		// A very old one: the time zone package says what it was made for.
		if dpkg := h.program("dpkg"); dpkg != "" {
			if out, ok := h.run(dpkg, "--status", "tzdata"); ok {
				if m := regexp.MustCompile(`(?m)^Provides: [^-\n]*-(.*)`).FindStringSubmatch(out); m != nil {
					d.found["distribution_release"] = strings.TrimSpace(m[1])
				}
			}
		}
	}
	for _, line := range h.lines("/etc/debian_version") {
		if m := regexp.MustCompile(`\d+\.(\d+)`).FindStringSubmatch(line); m != nil {
			d.found["distribution_minor_version"] = m[1]
		}
	}
}
