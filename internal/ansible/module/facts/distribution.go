package facts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// releaseFile is one of the files by which distributions are told apart. They are tried in
// the order of releaseFiles; the first that fits decides.
type releaseFile struct {
	path, name string
	// empty: that the file is there decides, whatever is in it.
	empty bool
	// search is a text that makes it this distribution; without it the first word is the name.
	search string
	// alias is a text that has to be in the file.
	alias string
	parse func(h *host, d *release) bool
}

// release is what is known so far while release files are tried.
type release struct {
	path, data string
	// base are the facts that os-release gave, found those that this file adds.
	base, found facts
	id          string
}

func releaseFiles() []releaseFile {
	return []releaseFile{
		{path: "/etc/altlinux-release", name: "Altlinux", search: "ALT"},
		{path: "/etc/oracle-release", name: "OracleLinux", search: "Oracle Linux"},
		{path: "/etc/slackware-version", name: "Slackware", parse: slackware},
		{path: "/etc/centos-release", name: "CentOS", parse: centos},
		{path: "/etc/redhat-release", name: "RedHat", search: "Red Hat"},
		{path: "/etc/vmware-release", name: "VMwareESX", empty: true},
		{path: "/etc/openwrt_release", name: "OpenWrt", parse: openwrt},
		{path: "/etc/os-release", name: "Amazon", parse: amazon},
		{path: "/etc/system-release", name: "Amazon", parse: amazon},
		{path: "/etc/alpine-release", name: "Alpine", parse: alpine},
		{path: "/etc/arch-release", name: "Archlinux", empty: true},
		{path: "/etc/os-release", name: "Archlinux", alias: "Arch Linux"},
		{path: "/etc/os-release", name: "SUSE", parse: suse},
		{path: "/etc/SuSE-release", name: "SUSE", parse: suse},
		{path: "/etc/gentoo-release", name: "Gentoo"},
		{path: "/etc/os-release", name: "Debian", parse: debian},
		{path: "/etc/lsb-release", name: "Debian", parse: debian},
		{path: "/etc/lsb-release", name: "Mandriva", parse: mandriva},
		{path: "/etc/sourcemage-release", name: "SMGL", search: "Source Mage GNU/Linux"},
		{path: "/usr/lib/os-release", name: "ClearLinux", parse: clearLinux},
		{path: "/etc/coreos/update.conf", name: "Coreos", parse: coreos},
		{path: "/etc/os-release", name: "Flatcar", parse: flatcar},
		{path: "/etc/os-release", name: "NA", parse: unknownDistribution},
	}
}

// families tell which distributions belong together.
func families() map[string][]string {
	return map[string][]string{
		"RedHat": {"RedHat", "RHEL", "Fedora", "CentOS", "Scientific", "SLC", "Ascendos", "CloudLinux", "PSBM", "OracleLinux",
			"OVS", "OEL", "Amazon", "Amzn", "Virtuozzo", "XenServer", "Alibaba", "EulerOS", "openEuler", "AlmaLinux", "Rocky",
			"TencentOS", "EuroLinux", "Kylin Linux Advanced Server", "MIRACLE"},
		"Debian": {"Debian", "Ubuntu", "Raspbian", "Neon", "KDE neon", "Linux Mint", "SteamOS", "Devuan", "Kali", "Cumulus Linux",
			"Pop!_OS", "Parrot", "Pardus GNU/Linux", "Uos", "Deepin", "OSMC", "Linux Mint Debian Edition"},
		"Suse": {"SuSE", "SLES", "SLED", "openSUSE", "openSUSE Tumbleweed", "SLES_SAP", "SUSE_LINUX", "openSUSE Leap",
			"ALP-Dolomite", "SL-Micro", "openSUSE MicroOS"},
		"Archlinux":  {"Archlinux", "Antergos", "Manjaro"},
		"Mandrake":   {"Mandrake", "Mandriva"},
		"Gentoo":     {"Gentoo", "Funtoo"},
		"ClearLinux": {"Clear Linux OS", "Clear Linux Mix"},
	}
}

// distribution collects what the distribution is.
func (h *host) distribution() facts {
	found := h.guessDistribution()
	base := found["distribution"].(string)
	for _, f := range releaseFiles() {
		info, err := os.Stat(h.path(f.path))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if f.empty {
			found["distribution"], found["distribution_file_path"], found["distribution_file_variety"] = f.name, f.path, f.name
			break
		}
		if info.Size() == 0 {
			continue
		}
		d := &release{path: f.path, data: strings.Trim(h.text(f.path), `'"\`), base: found, found: facts{}, id: base}
		if !f.fits(h, d) {
			continue
		}
		found["distribution"], found["distribution_file_path"], found["distribution_file_variety"] = f.name, f.path, f.name
		found["distribution_file_parsed"] = true
		for k, v := range d.found {
			found[k] = v
		}
		break
	}
	name, _ := found["distribution"].(string)
	found["os_family"] = family(name)
	return found
}

func family(distribution string) string {
	for f, members := range families() {
		for _, m := range members {
			if m == distribution {
				return f
			}
		}
	}
	return distribution
}

func (f releaseFile) fits(h *host, d *release) bool {
	switch {
	case f.search != "" && strings.Contains(d.data, f.search):
		d.found["distribution"], d.found["distribution_file_search_string"] = f.name, f.search
		return true
	case f.search != "":
		words := strings.Fields(d.data)
		if len(words) == 0 {
			return false
		}
		d.found["distribution"] = words[0]
		return true
	case f.alias != "":
		if !strings.Contains(d.data, f.alias) {
			return false
		}
		d.found["distribution"] = f.name
		return true
	case f.parse != nil:
		return f.parse(h, d)
	default:
		return false
	}
}

// set keeps the first group of a pattern under a name, when it is in the file.
func (d *release) set(name, pattern string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(d.data)
	if m == nil {
		return ""
	}
	d.found[name] = m[1]
	return m[1]
}

func (d *release) setMajor(version string) {
	if version != "" {
		d.found["distribution_major_version"], _, _ = strings.Cut(version, ".")
	}
}

func slackware(_ *host, d *release) bool {
	if !strings.Contains(d.data, "Slackware") {
		return false
	}
	d.found["distribution"] = "Slackware"
	d.set("distribution_version", `(\w+[.]\w+\+?)`)
	return true
}

func amazon(_ *host, d *release) bool {
	if !strings.Contains(d.data, "Amazon") {
		return false
	}
	d.found["distribution"] = "Amazon"
	if d.path != "/etc/os-release" {
		d.found["distribution_version"] = "NA"
		for _, word := range strings.Fields(d.data) {
			if strings.Trim(word, "0123456789") == "" {
				d.found["distribution_version"] = word
				break
			}
		}
		return true
	}
	if version := d.set("distribution_version", `VERSION_ID="(.*)"`); version != "" {
		major, minor, ok := strings.Cut(version, ".")
		if !ok {
			minor = "NA"
		}
		d.found["distribution_major_version"], d.found["distribution_minor_version"] = major, minor
	}
	return true
}

func openwrt(_ *host, d *release) bool {
	if !strings.Contains(d.data, "OpenWrt") {
		return false
	}
	d.found["distribution"] = "OpenWrt"
	d.set("distribution_version", `DISTRIB_RELEASE="(.*)"`)
	d.set("distribution_release", `DISTRIB_CODENAME="(.*)"`)
	return true
}

func alpine(_ *host, d *release) bool {
	d.found["distribution"], d.found["distribution_version"] = "Alpine", d.data
	return true
}

func suse(h *host, d *release) bool {
	lower := strings.ToLower(d.data)
	if !strings.Contains(lower, "suse") {
		return false
	}
	if d.path == "/etc/os-release" {
		suseOSRelease(d, lower)
	} else {
		suseRelease(d, lower)
	}
	variants := map[string]string{"server-sap": "SLES_SAP", "sles-sap": "SLES_SAP", "transactional": "SL-Micro"}
	if m := regexp.MustCompile(`(?m)^VARIANT_ID="?([^"\n]*)"?`).FindStringSubmatch(d.data); m != nil {
		if name := variants[m[1]]; name != "" {
			d.found["distribution"] = name
		}
		return true
	}
	product, _ := filepath.EvalSymlinks(h.path("/etc/products.d/baseproduct"))
	if h.link("/etc/products.d/baseproduct") != "" {
		switch filepath.Base(product) {
		case "SLES_SAP.prod":
			d.found["distribution"] = "SLES_SAP"
		case "SL-Micro.prod":
			d.found["distribution"] = "SL-Micro"
		}
	}
	return true
}

func suseOSRelease(d *release, lower string) {
	if name := d.set("distribution", `(?m)^NAME=(.*)`); name != "" {
		d.found["distribution"] = strings.Trim(name, `"`)
	}
	d.setMajor(d.set("distribution_version", `(?m)^VERSION_ID="?([0-9]+\.?[0-9]*)"?`))
	minor := regexp.MustCompile(`(?m)^VERSION_ID="?[0-9]+\.?([0-9]*)"?`).FindStringSubmatch(d.data)
	switch {
	case minor == nil:
	case strings.Contains(lower, "open"):
		d.found["distribution_release"] = minor[1]
	case strings.Contains(lower, "enterprise"):
		d.found["distribution_release"] = minor[1]
		if minor[1] == "" {
			d.found["distribution_release"] = "0"
		}
	}
}

func suseRelease(d *release, lower string) {
	words := strings.Fields(d.data)
	switch {
	case strings.Contains(lower, "open"):
		d.found["distribution"] = words[0]
		if name := d.set("distribution_release", `CODENAME *= *([^\n]+)`); name != "" {
			d.found["distribution_release"] = strings.TrimSpace(name)
		}
	case strings.Contains(lower, "enterprise"):
		if strings.Contains(d.data, "Server") {
			d.found["distribution"] = "SLES"
		} else if strings.Contains(d.data, "Desktop") {
			d.found["distribution"] = "SLED"
		}
		if patch := d.set("distribution_release", `PATCHLEVEL = ([0-9]+)`); patch != "" {
			d.found["distribution_version"] = d.base["distribution_version"].(string) + "." + patch
		}
	}
}

func mandriva(_ *host, d *release) bool {
	if !strings.Contains(d.data, "Mandriva") {
		return false
	}
	d.found["distribution"] = "Mandriva"
	d.set("distribution_version", `DISTRIB_RELEASE="(.*)"`)
	d.set("distribution_release", `DISTRIB_CODENAME="(.*)"`)
	return true
}

func clearLinux(_ *host, d *release) bool {
	if m := regexp.MustCompile(`NAME="(.*)"`).FindStringSubmatch(d.data); m != nil {
		if !strings.Contains(m[1], "Clear Linux") {
			return false
		}
		d.found["distribution"] = m[1]
	}
	if version := d.set("distribution_version", `VERSION_ID=(.*)`); version != "" {
		d.found["distribution_major_version"] = version
	}
	d.set("distribution_release", `ID=(.*)`)
	return true
}

func coreos(_ *host, d *release) bool {
	if !strings.EqualFold(d.id, "coreos") || d.data == "" {
		return false
	}
	if name := d.set("distribution_release", `^GROUP=(.*)`); name != "" {
		d.found["distribution_release"] = strings.Trim(name, `"`)
	}
	return true
}

func flatcar(_ *host, d *release) bool {
	if !strings.EqualFold(d.id, "flatcar") || d.data == "" {
		return false
	}
	if version := strings.Trim(d.set("distribution_version", `VERSION=(.*)`), `"`); version != "" {
		d.found["distribution_version"] = version
		d.setMajor(version)
	}
	return true
}

func centos(_ *host, d *release) bool {
	switch {
	case strings.Contains(d.data, "CentOS Stream"):
		d.found["distribution_release"] = "Stream"
		return true
	case strings.Contains(d.data, "TencentOS Server"):
		d.found["distribution"] = "TencentOS"
		return true
	default:
		return false
	}
}

func unknownDistribution(_ *host, d *release) bool {
	if name := d.set("distribution", `(?m)^NAME=(.*)`); name != "" {
		d.found["distribution"] = strings.Trim(name, `"`)
	}
	if d.base["distribution_version"] == "NA" {
		if version := d.set("distribution_version", `(?m)^VERSION=(.*)`); version != "" {
			d.found["distribution_version"] = strings.Trim(version, `"`)
		}
	}
	return true
}
