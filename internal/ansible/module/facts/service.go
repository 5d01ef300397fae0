package facts

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ServiceManager tells what manages the services of this machine: "systemd", "sysvinit",
// "openrc", ...
func ServiceManager(ctx context.Context) string {
	h := newHost(ctx, hostOptions{})
	h.remember(facts{"system": kernelName().system})
	h.remember(h.distribution())
	name, _ := h.serviceManager()["service_mgr"].(string)
	return name
}

// Names gives the full name of this machine and the one that the kernel has.
func Names(ctx context.Context) (full, node string) {
	node = kernelName().node
	return newHost(ctx, hostOptions{}).fullName(node), node
}

// Identity gives the identifier of the distribution, such as "Debian", "Centos" or "Redhat",
// and its version, as os-release has them.
func Identity(ctx context.Context) (id, version string) {
	found := newHost(ctx, hostOptions{}).guessDistribution()
	id, _ = found["distribution"].(string)
	version, _ = found["distribution_version"].(string)
	return id, version
}

// Chrooted tells that this process does not see the root of the machine's first process.
func Chrooted(ctx context.Context) bool { return newHost(ctx, hostOptions{}).isChroot() }

// SystemdManaged tells that systemd runs the machine.
func SystemdManaged(ctx context.Context) bool { return newHost(ctx, hostOptions{}).systemdRuns() }

func (h *host) systemdRuns() bool {
	if h.program("systemctl") == "" {
		return false
	}
	return h.exists("/run/systemd/system/") || h.exists("/dev/.run/systemd/") || h.exists("/dev/.systemd/")
}

func (h *host) systemdOffline() bool {
	return h.program("systemctl") != "" && path.Base(h.link("/sbin/init")) == "systemd"
}

// serviceManager collects what manages services: what the first process is called, or what is
// installed when that says nothing.
func (h *host) serviceManager() facts {
	first := h.text("/proc/1/comm")
	if first == "" {
		first = h.link("/sbin/init")
	}
	first = strings.TrimSpace(path.Base(first))
	if first != "." && first != "" && first != "init" && !strings.HasSuffix(first, "sh") {
		known := map[string]string{"procd": "openwrt_init", "runit-init": "runit", "svscan": "svc", "openrc-init": "openrc"}
		if name, ok := known[first]; ok {
			first = name
		}
		return facts{"service_mgr": first}
	}
	name := "service"
	switch distribution := h.fact("distribution"); {
	case distribution == "OpenWrt":
		name = "openwrt_init"
	case distribution == "SMGL":
		name = "simpleinit_msb"
	case h.systemdRuns():
		name = "systemd"
	case h.program("initctl") != "" && h.exists("/etc/init/"):
		name = "upstart"
	case h.exists("/sbin/openrc"):
		name = "openrc"
	case h.systemdOffline():
		name = "systemd"
	case h.exists("/etc/init.d/"):
		name = "sysvinit"
	case h.exists("/etc/dinit.d/"):
		name = "dinit"
	}
	return facts{"service_mgr": name}
}

func (h *host) systemd() facts {
	if !h.systemdRuns() {
		return nil
	}
	out, ok := h.run(h.program("systemctl"), "--version")
	all := strings.Split(out, "\n")
	words := strings.Split(out, " ")
	if !ok || len(all) < 2 || len(words) < 2 {
		return nil
	}
	version, ok := number(words[1])
	if !ok {
		return nil
	}
	return facts{"systemd": map[string]any{"features": all[1], "version": version}}
}

// packageManager collects the name of the last package manager of the list that is there.
func (h *host) packageManager() facts {
	name := "unknown"
	osFamily := h.fact("os_family")
	for _, p := range [][2]string{
		{"/usr/bin/rpm-ostree", "atomic_container"}, {"/usr/bin/yum", "dnf"}, {"/usr/bin/dnf-3", "dnf"},
		{"/usr/bin/dnf5", "dnf5"}, {"/usr/bin/apt-get", "apt"}, {"/usr/bin/zypper", "zypper"},
		{"/usr/sbin/urpmi", "urpmi"}, {"/usr/bin/pacman", "pacman"}, {"/bin/opkg", "opkg"},
		{"/usr/pkg/bin/pkgin", "pkgin"}, {"/opt/local/bin/pkgin", "pkgin"}, {"/opt/tools/bin/pkgin", "pkgin"},
		{"/opt/local/bin/port", "macports"}, {"/usr/local/bin/brew", "homebrew"}, {"/opt/homebrew/bin/brew", "homebrew"},
		{"/sbin/apk", "apk"}, {"/usr/sbin/pkg", "pkgng"}, {"/usr/sbin/swlist", "swdepot"}, {"/usr/bin/emerge", "portage"},
		{"/usr/sbin/pkgadd", "svr4pkg"}, {"/usr/bin/pkg", "pkg5"}, {"/usr/bin/xbps-install", "xbps"},
		{"/usr/local/sbin/pkg", "pkgng"}, {"/usr/bin/swupd", "swupd"}, {"/usr/sbin/sorcery", "sorcery"},
		{"/usr/bin/installp", "installp"},
	} {
		if h.exists(p[0]) && (osFamily != "Altlinux" || p[0] != "/usr/bin/pkg") {
			name = p[1]
		}
	}
	switch {
	case osFamily == "RedHat":
		name = h.redHatPackages()
	case osFamily == "Debian":
		name = "apt"
	case osFamily == "Altlinux" && name == "apt":
		name = "apt_rpm"
	}
	if name == "apt" && h.exists("/usr/bin/rpm") && h.program("rpm") != "" {
		if _, ok := h.run("/usr/bin/rpm", "-q", "--whatprovides", "/usr/bin/apt-get"); ok {
			name = "apt_rpm"
		}
	}
	return facts{"pkg_mgr": name}
}

func (h *host) redHatPackages() string {
	if h.exists("/run/ostree-booted") {
		return "atomic_container"
	}
	for _, file := range []string{"/usr/bin/dnf", "/usr/bin/microdnf"} {
		if _, err := os.Stat(h.path(file)); err != nil {
			continue
		}
		if target, _ := filepath.EvalSymlinks(h.path(file)); target == h.path("/usr/bin/dnf5") {
			return "dnf5"
		}
		return "dnf"
	}
	return "unknown"
}
