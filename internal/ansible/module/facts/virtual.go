package facts

import (
	"regexp"
	"slices"
	"strings"
)

// virtualisation is what is known so far about who runs whom. The first sign decides what is
// told as "the" type and role; all signs are told as technologies.
type virtualisation struct {
	kind, role  string
	found       bool
	guest, host set
}

func (v *virtualisation) asGuest(tech string) { v.as(tech, "guest", v.guest) }
func (v *virtualisation) asHost(tech string)  { v.as(tech, "host", v.host) }

func (v *virtualisation) as(tech, role string, techs set) {
	techs[tech] = true
	if !v.found {
		v.kind, v.role, v.found = tech, role, true
	}
}

// virtual collects whether this is a container, a virtual machine, or a host of them.
func (h *host) virtual() facts {
	v := &virtualisation{guest: set{}, host: set{}}
	h.containers(v)
	h.machines(v)
	h.lateSigns(v)
	if !v.found {
		v.kind, v.role = "NA", "NA"
	}
	list := func(s set) []any {
		out := []any{}
		for _, n := range s.sorted() {
			out = append(out, n)
		}
		return out
	}
	return facts{"virtualization_type": v.kind, "virtualization_role": v.role,
		"virtualization_tech_guest": list(v.guest), "virtualization_tech_host": list(v.host)}
}

// containers looks for the signs that container engines leave.
func (h *host) containers(v *virtualisation) {
	docker := regexp.MustCompile(`/docker(/|-[0-9a-f]+\.scope)`)
	for _, line := range h.lines("/proc/1/cgroup") {
		if docker.MatchString(line) {
			v.asGuest("docker")
		}
		if strings.Contains(line, "/lxc/") || strings.Contains(line, "/machine.slice/machine-lxc") {
			v.asGuest("lxc")
		}
		if strings.Contains(line, "/system.slice/containerd.service") {
			v.asGuest("containerd")
		}
	}
	for _, entry := range strings.Split(h.text("/proc/1/environ"), "\x00") {
		if strings.Contains(entry, "container=lxc") {
			v.asGuest("lxc")
		}
		if strings.Contains(entry, "container=podman") {
			v.asGuest("podman")
		}
		if strings.HasPrefix(entry, "container=") && len(entry) > len("container=") {
			v.asGuest("container")
		}
	}
	if h.exists("/proc/vz") && !h.exists("/proc/lve") {
		if h.exists("/proc/bc") {
			v.asHost("openvz")
		} else {
			v.asGuest("openvz")
		}
		v.kind = "openvz"
	}
	engine := h.text("/run/systemd/container")
	if engine != "" {
		v.asGuest(engine)
	}
	if h.exists("/.dockerenv") || h.exists("/.dockerinit") {
		v.asGuest("docker")
	}
	for _, tech := range []string{"docker", "lxc", "podman", "openvz", "containerd"} {
		if v.guest[tech] || engine != "" {
			v.guest["container"] = true
		}
	}
}

// machines looks at what the firmware says of itself.
func (h *host) machines(v *virtualisation) {
	if h.exists("/proc/xen") {
		control := strings.Contains(h.text("/proc/xen/capabilities"), "control_d")
		if control {
			v.asHost("xen")
		} else if !v.found {
			v.kind, v.role, v.found = "xen", "guest", true
		}
	}
	id := func(name string) string { return h.text("/sys/devices/virtual/dmi/id/" + name) }
	product, vendor, productFamily, bios := id("product_name"), id("sys_vendor"), id("product_family"), id("bios_vendor")
	for _, sign := range []struct {
		there bool
		tech  string
	}{
		{slices.Contains([]string{"KVM", "KVM Server", "Bochs", "AHV", "CloudStack KVM Hypervisor"}, product), "kvm"},
		{vendor == "oVirt", "oVirt"},
		{vendor == "Red Hat" && productFamily == "RHV", "RHV"},
		{vendor == "Red Hat" && productFamily != "RHV" && product == "RHEV Hypervisor", "RHEV"},
		{strings.HasPrefix(product, "VMware"), "VMware"},
		{product == "OpenStack Compute" || product == "OpenStack Nova", "openstack"},
		{bios == "Xen", "xen"},
		{bios == "innotek GmbH", "virtualbox"},
		{slices.Contains([]string{"Amazon EC2", "DigitalOcean", "Hetzner", "Linode"}, bios), "kvm"},
		{slices.Contains([]string{"QEMU", "Amazon EC2", "DigitalOcean", "Google", "Scaleway", "Nutanix"}, vendor), "kvm"},
		{vendor == "KubeVirt", "KubeVirt"},
		{vendor == "Microsoft Corporation", "VirtualPC"},
		{vendor == "Parallels Software International Inc.", "parallels"},
		{vendor == "OpenStack Foundation", "openstack"},
	} {
		if sign.there {
			v.asGuest(sign.tech)
		}
	}
	for _, line := range h.lines("/proc/self/status") {
		if rest, ok := strings.CutPrefix(line, "VxID:"); ok {
			if strings.HasPrefix(strings.TrimSpace(rest), "0") {
				v.asHost("linux_vserver")
			} else {
				v.asGuest("linux_vserver")
			}
		}
	}
	h.processors(v)
}

// processors looks for virtual processors.
func (h *host) processors(v *virtualisation) {
	for _, line := range h.lines("/proc/cpuinfo") {
		key, value, _ := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		switch {
		case key == "model name" && strings.Contains(value, "QEMU Virtual CPU"),
			key == "machine" && strings.Contains(value, "CHRP IBM pSeries (emulated by qemu)"):
			v.asGuest("kvm")
		case key == "vendor_id" && strings.Contains(value, "User Mode Linux"), key == "model name" && strings.Contains(value, "UML"):
			v.asGuest("uml")
		case key == "vendor_id" && strings.Contains(value, "PowerVM Lx86"):
			v.asGuest("powervm_lx86")
		case key == "vendor_id" && strings.Contains(value, "IBM/S390"):
			h.mainframe(v)
		}
	}
}

func (h *host) mainframe(v *virtualisation) {
	v.as("PR/SM", "LPAR", v.guest)
	program := h.program("lscpu")
	if program == "" {
		v.guest["ibm_systemz"] = true
		return
	}
	out, _ := h.run(program)
	for _, line := range lines(out) {
		if value, ok := strings.CutPrefix(line, "Hypervisor:"); ok {
			tech := strings.TrimSpace(value)
			v.guest[tech] = true
			if v.kind == "PR/SM" {
				v.kind, v.role = tech, "guest"
			}
		}
	}
}

// lateSigns looks at the kernel's modules and devices.
func (h *host) lateSigns(v *virtualisation) {
	loaded := set{}
	for _, line := range h.lines("/proc/modules") {
		name, _, _ := strings.Cut(line, " ")
		loaded[name] = true
	}
	if loaded["kvm"] {
		first := !v.found
		v.asHost("kvm")
		if h.isFolder("/rhev/") && h.processNamed("vdsm", "vdsmd") {
			v.host["RHEV"] = true
			if first {
				v.kind = "RHEV"
			}
		}
	}
	if loaded["vboxdrv"] {
		v.asHost("virtualbox")
	}
	if loaded["virtio"] {
		// It is told as a host technology, too, although the role is that of a guest.
		v.as("kvm", "guest", v.host)
	}
	if program := h.program("dmidecode"); program != "" {
		if out, ok := h.run(program, "-s", "system-product-name"); ok {
			name := ""
			for _, line := range lines(out) {
				if !strings.HasPrefix(line, "#") {
					name += strings.TrimSpace(line)
				}
			}
			if strings.HasPrefix(name, "VMware") {
				v.asGuest("VMware")
			}
			if strings.Contains(out, "BHYVE") {
				v.asGuest("bhyve")
			}
		}
	}
	if h.exists("/dev/kvm") {
		v.asHost("kvm")
	}
}

func (h *host) processNamed(names ...string) bool {
	for _, pid := range h.list("/proc") {
		if strings.Trim(pid, "0123456789") == "" && slices.Contains(names, h.text("/proc/"+pid+"/comm")) {
			return true
		}
	}
	return false
}
