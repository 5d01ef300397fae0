package facts

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
)

// linkTable tells for each kind of name which names a device has.
type linkTable map[string]map[string][]any

func (t linkTable) of(device string) map[string]any {
	found := map[string]any{}
	for kind, table := range t {
		list := table[device]
		if list == nil {
			list = []any{}
		}
		found[kind] = list
	}
	return found
}

// devices collects the block devices and their partitions.
func (h *host) devices() facts {
	found := map[string]any{}
	if !h.isFolder("/sys/block") {
		return facts{"devices": found}
	}
	links := linkTable{
		"ids":     h.linksIn("/dev/disk/by-id"),
		"uuids":   h.linksIn("/dev/disk/by-uuid"),
		"labels":  h.linksIn("/dev/disk/by-label"),
		"masters": h.masters(),
	}
	// A bus address leads to a description only with the program that has the tables.
	buses := sync.OnceValue(func() string {
		out := ""
		if program := h.program("lspci"); program != "" {
			out, _ = h.run(program, "-D")
		}
		return out
	})
	for _, block := range h.list("/sys/block") {
		found[block] = h.device(block, links, buses)
	}
	table := map[string]any{}
	for kind, names := range links {
		devices := map[string]any{}
		for d, list := range names {
			devices[d] = list
		}
		table[kind] = devices
	}
	return facts{"devices": found, "device_links": table}
}

func (h *host) linksIn(dir string) map[string][]any {
	found := map[string][]any{}
	names := h.list(dir)
	sort.Strings(names)
	for _, name := range names {
		if target := h.link(dir + "/" + name); target != "" {
			found[path.Base(target)] = append(found[path.Base(target)], name)
		}
	}
	return found
}

// masters tells which devices a device is a part of.
func (h *host) masters() map[string][]any {
	found := map[string][]any{}
	blocks := h.list("/sys/block")
	sort.Strings(blocks)
	for _, block := range blocks {
		for _, part := range h.list("/sys/block/" + block + "/slaves") {
			found[part] = append(found[part], block)
		}
	}
	return found
}

func (h *host) device(block string, links linkTable, buses func() string) map[string]any {
	dir := "/sys/block/" + block
	target := h.link(dir)
	virtual := 1
	if target == "" {
		for _, name := range h.list(dir) {
			if strings.Contains(name, "device") {
				virtual = 0
			}
		}
	}
	d := map[string]any{"virtual": virtual, "links": links.of(block), "host": ""}
	for _, key := range []string{"vendor", "model", "sas_address", "sas_device_handle"} {
		d[key] = h.value(dir + "/device/" + key)
	}
	if serial := h.serial(block); serial != "" {
		d["serial"] = serial
	}
	d["removable"] = h.value(dir + "/removable")
	d["support_discard"] = h.value(dir + "/queue/discard_granularity")
	if h.text(dir+"/queue/discard_max_hw_bytes") == "0" {
		d["support_discard"] = "0"
	}
	for _, id := range links["ids"][block] {
		if wwn, ok := strings.CutPrefix(id.(string), "wwn-"); ok {
			d["wwn"] = wwn
		}
	}
	d["partitions"] = h.partitions(block, dir, links)
	d["rotational"] = h.value(dir + "/queue/rotational")
	d["scheduler_mode"] = ""
	if _, rest, ok := strings.Cut(h.text(dir+"/queue/scheduler"), "["); ok {
		d["scheduler_mode"], _, _ = strings.Cut(rest, "]")
	}
	h.size(d, dir)
	bus := regexp.MustCompile(`.+/([a-f0-9]{4}:[a-f0-9]{2}:[0|1][a-f0-9]\.[0-7])/`).FindStringSubmatch("/sys/block/" + target)
	if bus != nil {
		for _, line := range lines(buses()) {
			if rest, ok := strings.CutPrefix(line, bus[1]+" "); ok {
				d["host"] = rest
				break
			}
		}
	}
	d["holders"] = h.holders(dir)
	return d
}

func (h *host) serial(block string) string {
	program := h.program("sg_inq")
	if program == "" {
		return h.text("/sys/block/" + block + "/device/serial")
	}
	out, _ := h.run(program, "/dev/"+block)
	if m := regexp.MustCompile(`(?:Unit serial|Serial) number:\s+(\w+)`).FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return ""
}

// size adds sector size, sectors and size. The kernel counts sectors of 512 bytes, whatever
// the device's own are.
func (h *host) size(d map[string]any, dir string) {
	var unit any = 512
	for _, name := range []string{"logical_block_size", "hw_sector_size"} {
		if v := h.text(dir + "/queue/" + name); v != "" {
			unit = v
			break
		}
	}
	bytes, ok := number(fmt.Sprint(unit))
	if !ok || bytes == 0 {
		bytes = 512
	}
	count, _ := number(h.text(dir + "/size"))
	sectors := count * 512 / bytes
	d["sectorsize"], d["sectors"], d["size"] = unit, sectors, human(float64(sectors)*float64(bytes))
}

func (h *host) partitions(block, dir string, links linkTable) map[string]any {
	found := map[string]any{}
	pattern := regexp.MustCompile(`(` + regexp.QuoteMeta(block) + `p?\d+)`)
	for _, name := range h.list(dir) {
		m := pattern.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		part := map[string]any{"links": links.of(m[1]), "start": h.value(dir + "/" + m[1] + "/start")}
		if part["start"] == nil {
			part["start"] = 0
		}
		h.size(part, dir+"/"+m[1])
		part["uuid"] = nil
		for device, names := range links["uuids"] {
			if device == m[1] && len(names) > 0 {
				part["uuid"] = names[0]
			}
		}
		part["holders"] = h.holders(dir + "/" + m[1])
		found[m[1]] = part
	}
	return found
}

func (h *host) holders(dir string) []any {
	list := []any{}
	for _, name := range h.list(dir + "/holders") {
		if !strings.HasPrefix(name, "dm-") {
			continue
		}
		if mapped := h.text(filepath.Join(dir, "holders", name, "dm/name")); mapped != "" {
			name = mapped
		}
		list = append(list, name)
	}
	return list
}

// human writes a number of bytes for people, as Ansible does: "10.00 GB".
func human(bytes float64) string {
	for _, unit := range []struct {
		suffix string
		size   float64
	}{{"YB", 1 << 80}, {"ZB", 1 << 70}, {"EB", 1 << 60}, {"PB", 1 << 50}, {"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if bytes >= unit.size {
			return fmt.Sprintf("%.2f %s", bytes/unit.size, unit.suffix)
		}
	}
	return fmt.Sprintf("%.2f Bytes", bytes)
}
