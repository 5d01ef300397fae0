package facts

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// hardware collects processors, memory, firmware, block devices, volumes and mounts. The
// parts that may wait for something run beside the others.
func (h *host) hardware() facts {
	parts := []func() facts{h.processor, h.memory, h.firmware, h.mainframeModel, h.devices, h.uptime, h.volumes, h.mounts}
	results := make([]facts, len(parts))
	var wait sync.WaitGroup
	for i, part := range parts {
		wait.Go(func() {
			results[i] = h.attempt(collector{name: "hardware", collect: func(*host) facts { return part() }})
		})
	}
	wait.Wait()
	found := facts{}
	for _, r := range results {
		for k, v := range r {
			found[k] = v
		}
	}
	return found
}

// memory collects megabytes of what /proc/meminfo tells.
func (h *host) memory() facts {
	found, stats := facts{}, map[string]any{}
	for _, line := range h.lines("/proc/meminfo") {
		key, rest, _ := strings.Cut(line, ":")
		words := strings.Fields(rest)
		if len(words) == 0 {
			continue
		}
		kilobytes, ok := number(words[0])
		if !ok {
			continue
		}
		switch key {
		case "MemTotal", "SwapTotal", "MemFree", "SwapFree":
			found[strings.ToLower(key)+"_mb"] = kilobytes / 1024
			stats[key] = kilobytes / 1024
		case "Buffers", "Cached", "SwapCached":
			stats[key] = kilobytes / 1024
		}
	}
	if len(stats) == 0 {
		return nil
	}
	// difference and sum are unknown (nil) when a part of them is.
	difference := func(a, b any) any {
		x, ok1 := a.(int)
		y, ok2 := b.(int)
		if !ok1 || !ok2 {
			return nil
		}
		return x - y
	}
	var free any
	if cached, ok := stats["Cached"].(int); ok {
		buffers, _ := stats["Buffers"].(int)
		unused, _ := stats["MemFree"].(int)
		free = cached + unused + buffers
	}
	found["memory_mb"] = map[string]any{
		"real":    map[string]any{"total": stats["MemTotal"], "used": difference(stats["MemTotal"], stats["MemFree"]), "free": stats["MemFree"]},
		"nocache": map[string]any{"free": free, "used": difference(stats["MemTotal"], free)},
		"swap": map[string]any{"total": stats["SwapTotal"], "free": stats["SwapFree"],
			"used": difference(stats["SwapTotal"], stats["SwapFree"]), "cached": stats["SwapCached"]},
	}
	return found
}

func (h *host) uptime() facts {
	seconds, _, _ := strings.Cut(h.text("/proc/uptime"), " ")
	v, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return nil
	}
	return facts{"uptime_seconds": int(v)}
}

// counts are what /proc/cpuinfo says of how many there are.
type counts struct {
	listed, vendors, models, processors int
	sockets, cores                      ordered
	mainframe, threads                  int
	paravirtual                         bool
}

// ordered is a map that knows which key came first.
type ordered struct {
	first  string
	values map[string]int
}

func (o *ordered) set(key string, value int) {
	if o.values == nil {
		o.values, o.first = map[string]int{}, key
	}
	o.values[key] = value
}

func (o *ordered) has(key string) bool { _, ok := o.values[key]; return ok }

// processor collects the processors: their names, and sockets, cores and threads.
func (h *host) processor() facts {
	text := h.text("/proc/cpuinfo")
	if text == "" {
		return nil
	}
	xen := h.exists("/proc/xen") || strings.HasPrefix(h.text("/sys/hypervisor/type"), "xen")
	found := facts{}
	list := []any{}
	var n counts
	socket, core := "0", "0"
	for _, line := range lines(text) {
		key, value, _ := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		amount, _ := strconv.Atoi(value)
		switch key {
		case "flags":
			n.paravirtual = n.paravirtual || xen && !strings.Contains(value, "vme")
			flags := []any{}
			for _, f := range strings.Fields(value) {
				flags = append(flags, f)
			}
			found["flags"] = flags
		case "model name", "Processor", "vendor_id", "cpu", "Vendor", "processor":
			list = append(list, value)
			n.count(key)
		case "physical id":
			socket = value
			if !n.sockets.has(socket) {
				n.sockets.set(socket, 1)
			}
		case "core id":
			core = value
			if !n.sockets.has(core) {
				n.cores.set(core, 1)
			}
		case "cpu cores":
			n.sockets.set(socket, amount)
		case "siblings":
			n.cores.set(core, amount)
		case "# processors":
			n.mainframe = amount
		case "max thread id":
			n.threads = amount + 1
		case "ncpus active":
			n.listed = amount
		}
	}
	found["processor"] = list
	n.tell(found, h.fact("architecture"))
	if available := affinity(); available > 0 {
		found["processor_nproc"] = available
	}
	return found
}

func (n *counts) count(key string) {
	n.listed++
	switch key {
	case "vendor_id":
		n.vendors++
	case "model name":
		n.models++
	case "processor":
		n.processors++
	}
}

// tell makes facts of the counts. Kinds of processors differ in what they list.
func (n *counts) tell(found facts, architecture string) {
	listed := n.listed
	if n.vendors > 0 && n.vendors == n.models {
		listed = n.vendors
	}
	for _, p := range []string{"armv", "aarch", "ppc"} {
		if strings.HasPrefix(architecture, p) {
			listed = n.processors
		}
	}
	sockets, cores, threads, total, usable := listed, 1, 1, 0, n.processors
	switch {
	case architecture == "s390x":
		sockets, cores, threads = 1, round(n.mainframe, n.threads), n.threads
		total, usable = n.mainframe, n.mainframe
	case n.paravirtual:
		cores, total, usable = listed, listed, listed
	default:
		if len(n.sockets.values) > 0 {
			sockets = len(n.sockets.values)
			cores = max(n.sockets.values[n.sockets.first], 1)
		}
		threads = round(1, cores)
		if len(n.cores.values) > 0 {
			threads = round(n.cores.values[n.cores.first], cores)
		}
		total = threads * sockets * cores
	}
	found["processor_count"], found["processor_cores"], found["processor_threads_per_core"] = sockets, cores, threads
	found["processor_vcpus"], found["processor_nproc"] = total, usable
}

// round divides and rounds halves to even numbers.
func round(a, b int) int {
	if b == 0 {
		return 0
	}
	return int(math.RoundToEven(float64(a) / float64(b)))
}

// firmwareFacts are the facts of the firmware, the kernel's file for each, and dmidecode's
// name of it.
func firmwareFacts() [][3]string {
	return [][3]string{
		{"bios_date", "bios_date", "bios-release-date"}, {"bios_vendor", "bios_vendor", "bios-vendor"},
		{"bios_version", "bios_version", "bios-version"}, {"board_asset_tag", "board_asset_tag", "baseboard-asset-tag"},
		{"board_name", "board_name", "baseboard-product-name"}, {"board_serial", "board_serial", "baseboard-serial-number"},
		{"board_vendor", "board_vendor", "baseboard-manufacturer"}, {"board_version", "board_version", "baseboard-version"},
		{"chassis_asset_tag", "chassis_asset_tag", "chassis-asset-tag"},
		{"chassis_serial", "chassis_serial", "chassis-serial-number"},
		{"chassis_vendor", "chassis_vendor", "chassis-manufacturer"}, {"chassis_version", "chassis_version", "chassis-version"},
		{"form_factor", "chassis_type", "chassis-type"}, {"product_name", "product_name", "system-product-name"},
		{"product_serial", "product_serial", "system-serial-number"}, {"product_uuid", "product_uuid", "system-uuid"},
		{"product_version", "product_version", "system-version"}, {"system_vendor", "sys_vendor", "system-manufacturer"},
	}
}

// firmware collects what the machine says it is.
func (h *host) firmware() facts {
	const dir = "/sys/devices/virtual/dmi/id/"
	found := facts{}
	if h.exists(dir + "product_name") {
		for _, f := range firmwareFacts() {
			found[f[0]] = orNA(h.text(dir + f[1]))
		}
		if kind, ok := number(found["form_factor"].(string)); ok {
			found["form_factor"] = formFactor(kind)
		}
		return found
	}
	program := h.program("dmidecode")
	for _, f := range firmwareFacts() {
		found[f[0]] = "NA"
		if program == "" {
			continue
		}
		if out, ok := h.run(program, "-s", f[2]); ok {
			value := ""
			for _, line := range lines(out) {
				if !strings.HasPrefix(line, "#") {
					value += line
				}
			}
			found[f[0]] = value
		}
	}
	return found
}

func formFactor(kind int) string {
	names := []string{"Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower",
		"Portable", "Laptop", "Notebook", "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving",
		"Lunch Box", "Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis",
		"RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
		"Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC"}
	if kind < 0 || kind >= len(names) {
		return fmt.Sprintf("unknown (%d)", kind)
	}
	return names[kind]
}

// mainframeModel collects what IBM Z tells instead of a firmware table.
func (h *host) mainframeModel() facts {
	text := h.text("/proc/sysinfo")
	if text == "" {
		return nil
	}
	found := facts{"system_vendor": "NA", "product_version": "NA", "product_serial": "NA", "product_name": "NA", "product_uuid": "NA"}
	for name, pattern := range map[string]string{"system_vendor": `Manufacturer:\s+(.+)`, "product_name": `Type:\s+(.+)`,
		"product_serial": `Sequence Code:\s+0+(.+)`} {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			found[name] = m[1]
		}
	}
	return found
}

// volumes collects what LVM's tools tell, when they are installed and root asks.
func (h *host) volumes() facts {
	program := h.program("vgs")
	if program == "" || effectiveUser() != 0 {
		return facts{"lvm": "N/A"}
	}
	rows := func(program string, columns int) [][]string {
		if program == "" {
			return nil
		}
		out, _ := h.run(program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",")
		var list [][]string
		for _, line := range lines(out) {
			if row := strings.Split(strings.TrimSpace(line), ","); len(row) >= columns {
				list = append(list, row)
			}
		}
		return list
	}
	groups, logical, physical := map[string]any{}, map[string]any{}, map[string]any{}
	for _, r := range rows(program, 4) {
		groups[r[0]] = map[string]any{"size_g": r[len(r)-2], "free_g": r[len(r)-1], "num_lvs": r[2], "num_pvs": r[1]}
	}
	for _, r := range rows(h.program("lvs"), 4) {
		logical[r[0]] = map[string]any{"size_g": r[3], "vg": r[1]}
	}
	for _, r := range rows(h.program("pvs"), 6) {
		name := r[0]
		if device, ok := strings.CutPrefix(name, "/dev/dm-"); ok {
			if mapped := h.text("/sys/block/dm-" + device + "/dm/name"); mapped != "" {
				name = "/dev/mapper/" + mapped
			}
		}
		physical[name] = map[string]any{"size_g": r[4], "free_g": r[5], "vg": r[1]}
	}
	return facts{"lvm": map[string]any{"lvs": logical, "vgs": groups, "pvs": physical}}
}
