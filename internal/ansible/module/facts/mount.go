package facts

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mountLimit bounds how many file systems are asked for their size at a time.
const mountLimit = 64

// mounts collects the mounted file systems. A dead network file system does not answer, so
// each is asked beside the others, and not longer than the timeout.
func (h *host) mounts() facts {
	list := h.mounted()
	answers := make([]chan map[string]any, len(list))
	places := make(chan struct{}, mountLimit)
	for i, info := range list {
		answers[i] = make(chan map[string]any, 1)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			answers[i] <- fileSystemSize(h.path(info["mount"].(string)))
		}()
	}
	ids := h.fileSystemIDs(list)
	late, stop := context.WithTimeout(h.ctx, h.timeout())
	defer stop()
	found := make([]any, len(list))
	for i, info := range list {
		found[i] = info
		size, ok := await(late, answers[i])
		if !ok {
			h.warn("Timeout exceeded when getting mount info for %s", info["mount"])
			info["note"] = "Could not get extra information due to timeout"
			continue
		}
		for k, v := range size {
			info[k] = v
		}
		info["uuid"] = ids[info["device"].(string)]
	}
	return facts{"mounts": found}
}

// await waits for an answer until the context ends, and takes one that is there in any case.
func await(ctx context.Context, answer <-chan map[string]any) (map[string]any, bool) {
	select {
	case a := <-answer:
		return a, true
	case <-ctx.Done():
	}
	select {
	case a := <-answer:
		return a, true
	default:
		return nil, false
	}
}

// mounted reads the table of mounts; those without a device are left out.
func (h *host) mounted() []map[string]any {
	bound := h.boundMounts()
	file := "/etc/mtab"
	if !h.exists(file) {
		file = "/proc/mounts"
	}
	told := regexp.MustCompile(`.*bind.*"`)
	var list []map[string]any
	for _, line := range h.lines(file) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		for i := range f {
			f[i] = unescape(f[i])
		}
		device, mount, kind, options := f[0], f[1], f[2], f[3]
		if !strings.HasPrefix(device, "/") && !strings.HasPrefix(device, `\`) && !strings.Contains(device, ":/") || kind == "none" {
			continue
		}
		if bound[mount] && !told.MatchString(options) {
			options += ",bind"
		}
		dump, _ := number(f[4])
		pass, _ := number(f[5])
		list = append(list, map[string]any{"mount": mount, "device": device, "fstype": kind, "options": options,
			"dump": dump, "passno": pass})
	}
	return list
}

// unescape turns the \040 of a mount table back into the character.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return regexp.MustCompile(`\\[0-7]{3}`).ReplaceAllStringFunc(s, func(code string) string {
		n, _ := strconv.ParseUint(code[1:], 8, 16)
		return string(rune(n))
	})
}

// boundMounts are those that show a part of a file system elsewhere.
func (h *host) boundMounts() map[string]bool {
	found := map[string]bool{}
	for _, line := range h.lines("/proc/self/mountinfo") {
		f := strings.Fields(line)
		if len(f) > 4 && f[3] != "/" && strings.HasPrefix(f[3], "/") {
			// The source is shown with the part in brackets only when there is a source.
			if _, rest, ok := strings.Cut(line, " - "); ok && len(strings.Fields(rest)) > 1 {
				found[unescape(f[4])] = true
			}
		}
	}
	return found
}

// fileSystemIDs gives the UUID of the file system on each device. Udev's database tells; where
// there is none, lsblk looks at the devices themselves.
func (h *host) fileSystemIDs(mounts []map[string]any) map[string]any {
	ids := map[string]any{}
	unknown := false
	for _, m := range mounts {
		device := m["device"].(string)
		if _, done := ids[device]; done {
			continue
		}
		ids[device] = "N/A"
		major, minor, ok := deviceNumber(h.path(device))
		if !ok {
			continue
		}
		id := ""
		known := false
		for _, line := range h.lines(fmt.Sprintf("/run/udev/data/b%d:%d", major, minor)) {
			known = true
			if v, ok := strings.CutPrefix(line, "E:ID_FS_UUID="); ok {
				id = v
			}
		}
		if id != "" {
			ids[device] = id
		}
		unknown = unknown || !known
	}
	program := h.program("lsblk")
	if !unknown || program == "" {
		return ids
	}
	// Floppy disks (device number 2) take longer to answer than anybody waits.
	out, _ := h.run(program, "--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2")
	for _, line := range lines(out) {
		if f := strings.Fields(line); len(f) == 2 && ids[f[0]] == "N/A" {
			ids[f[0]] = f[1]
		}
	}
	return ids
}
