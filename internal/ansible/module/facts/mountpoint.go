package facts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func mountFactsSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "sources", Type: argument.List, Elements: argument.Str},
			{Name: "mount_binary", Type: argument.Raw, Default: "mount"},
			{Name: "devices", Type: argument.List, Elements: argument.Str},
			{Name: "fstypes", Type: argument.List, Elements: argument.Str},
			{Name: "timeout", Type: argument.Float},
			{Name: "on_timeout", Default: "error", Choices: []any{"error", "warn", "ignore"}},
			{Name: "include_aggregate_mounts", Type: argument.Bool},
		},
		Check: true,
	}
}

// mountEntry is a mount as some source tells it.
type mountEntry struct {
	point, origin, source string
	fields                map[string]any
}

// mountLister is one call of mount_facts.
type mountLister struct {
	host    *host
	call    *module.Call
	timeout time.Duration // 0 is for ever
	ids     map[string]any
}

// mountFacts is the module mount_facts: mounts of files such as /etc/fstab and of the kernel.
func mountFacts(ctx context.Context, c *module.Call) module.Result {
	l := &mountLister{host: newHost(ctx, hostOptions{}), call: c}
	if seconds, ok := c.Args["timeout"].(float64); ok {
		if seconds <= 0 {
			return module.Fail(fmt.Sprintf("argument 'timeout' must be a positive number or null, not %v", seconds))
		}
		l.timeout = time.Duration(seconds * float64(time.Second))
	}
	if _, text := c.Args["mount_binary"].(string); !text && c.Given("mount_binary") {
		return module.Fail(fmt.Sprintf("argument 'mount_binary' must be a string or null, not %v", c.Args["mount_binary"]))
	}
	entries, err := l.entries()
	if err != nil {
		return module.Fail(err.Error())
	}
	points, all := map[string]any{}, []any{}
	bySource := map[string][]string{}
	var sources []string
	for _, e := range entries {
		if kept, err := l.complete(e); err != nil {
			return module.Fail(err.Error())
		} else if !kept {
			continue
		}
		if points[e.point] == nil {
			points[e.point] = e.fields
		}
		if bySource[e.source] == nil {
			sources = append(sources, e.source)
		}
		bySource[e.source] = append(bySource[e.source], e.point)
		all = append(all, e.fields)
	}
	if !c.Given("include_aggregate_mounts") {
		warnRepeats(c, sources, bySource)
	}
	if !c.Bool("include_aggregate_mounts") {
		all = []any{}
	}
	return module.Result{"ansible_facts": map[string]any{"mount_points": points, "aggregate_mounts": all}}
}

func warnRepeats(c *module.Call, sources []string, bySource map[string][]string) {
	var repeated []string
	for _, s := range sources {
		unique := set{}
		for _, p := range bySource[s] {
			unique[p] = true
		}
		if len(unique) != len(bySource[s]) {
			repeated = append(repeated, fmt.Sprintf("%s (%s)", s, pythonList(bySource[s])))
		}
	}
	if len(repeated) > 0 {
		c.Warn("mount_facts: ignoring repeat mounts in the following sources: %s. "+
			"You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.", strings.Join(repeated, ", "))
	}
}

func pythonList(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = "'" + s + "'"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// entries reads all sources. A source that is another under a second name is read once.
func (l *mountLister) entries() ([]mountEntry, error) {
	dynamic := []string{"/etc/mtab", "/proc/mounts", "/etc/mnttab"}
	static := []string{"/etc/fstab", "/etc/vfstab", "/etc/filesystems"}
	asked := l.call.Strings("sources")
	if len(asked) == 0 {
		asked = []string{"all"}
	}
	var sources []string
	for _, s := range asked {
		switch s {
		case "":
			return nil, fmt.Errorf("sources contains an empty string")
		case "all":
			sources = append(append(sources, dynamic...), static...)
		case "dynamic":
			sources = append(sources, dynamic...)
		case "static":
			sources = append(sources, static...)
		default:
			sources = append(sources, s)
		}
	}
	program, _ := l.call.Args["mount_binary"].(string)
	live := set{"mount": true}
	for _, s := range dynamic {
		live[s] = true
	}
	seen, fallback := set{}, false
	var found []mountEntry
	for _, s := range sources {
		fallback = fallback || s != "mount" && live[s] && program != ""
		if seen[s] {
			l.call.Warn("mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: %s", pythonList(sources))
		}
	}
	told := false
	for _, s := range sources {
		real := s
		if s != "mount" {
			if resolved, err := filepath.EvalSymlinks(s); err == nil {
				real = resolved
			}
		}
		if seen[s] || seen[real] {
			continue
		}
		seen[real] = true
		list, err := l.read(s, program)
		if err != nil {
			return nil, err
		}
		told = told || len(list) > 0 && live[s]
		found = append(found, list...)
	}
	if fallback && !told {
		list, err := l.read("mount", program)
		return append(found, list...), err
	}
	return found, nil
}

func (l *mountLister) read(source, program string) ([]mountEntry, error) {
	var list []mountEntry
	if source == "mount" {
		file := l.host.program(program)
		if file == "" {
			return nil, fmt.Errorf("Failed to find required executable %q", program) // Ansible's own words
		}
		out, ok := l.host.run(file)
		if !ok {
			return nil, fmt.Errorf("Failed to execute %s", file) // Ansible's own words
		}
		list = mountOutput(out)
	} else {
		list = mountTable(l.host.lines(source))
	}
	for i := range list {
		list[i].source = source
	}
	return list, nil
}

// mountOutput reads what the program mount prints; nothing when a line is of another kind.
func mountOutput(out string) []mountEntry {
	pattern := regexp.MustCompile(`^(\S+) on (\S+) type (\S+) \((.+)\)$`)
	var list []mountEntry
	for _, line := range lines(out) {
		m := pattern.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		list = append(list, mountEntry{point: m[2], origin: line,
			fields: map[string]any{"device": m[1], "mount": m[2], "fstype": m[3], "options": m[4]}})
	}
	return list
}

// mountTable reads a table of mounts, whose kind is found out by trying: /etc/vfstab has
// seven columns, /etc/mnttab a time as its fifth, /etc/fstab and the kernel's four to six, and
// AIX's /etc/filesystems paragraphs.
func mountTable(all []string) []mountEntry {
	for _, parse := range []func([]string) ([]mountEntry, bool){vfstab, mnttab, fstab, filesystems} {
		if list, ok := parse(all); ok {
			return list
		}
	}
	return nil
}

func numberOrText(s string) any {
	if n, ok := number(s); ok {
		return n
	}
	return s
}

func vfstab(all []string) ([]mountEntry, bool) {
	var list []mountEntry
	for _, line := range all {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) < 7 {
			return nil, false
		}
		list = append(list, mountEntry{point: f[2], origin: line, fields: map[string]any{"device": f[0], "device_to_fsck": f[1],
			"mount": f[2], "fstype": f[3], "passno": numberOrText(f[4]), "mount_at_boot": f[5], "options": f[6]}})
	}
	return list, true
}

func mnttab(all []string) ([]mountEntry, bool) {
	var list []mountEntry
	timed := false
	for _, line := range all {
		f := strings.Fields(line)
		if len(f) < 5 {
			return nil, false
		}
		when, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			return nil, false
		}
		timed = timed || len(f[4]) == 10
		list = append(list, mountEntry{point: f[1], origin: line,
			fields: map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3], "time": when}})
	}
	return list, timed
}

func fstab(all []string) ([]mountEntry, bool) {
	var list []mountEntry
	for _, line := range all {
		line = strings.TrimSpace(line)
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(f) < 4 {
			return nil, false
		}
		for i := range f {
			f[i] = unescape(f[i])
		}
		e := mountEntry{point: f[1], origin: line, fields: map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3]}}
		for i, name := range []string{"dump", "passno"} {
			if len(f) > 4+i {
				n, ok := number(f[4+i])
				if !ok {
					return nil, false
				}
				e.fields[name] = n
			}
		}
		list = append(list, e)
	}
	return list, true
}

func filesystems(all []string) ([]mountEntry, bool) {
	var list []mountEntry
	for _, line := range all {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "*") {
			continue
		}
		if name, ok := strings.CutSuffix(strings.TrimRight(line, " \t"), ":"); ok {
			list = append(list, mountEntry{point: name, origin: line, fields: map[string]any{"mount": name, "attributes": map[string]any{}}})
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || len(list) == 0 {
			return nil, true
		}
		last := &list[len(list)-1]
		last.origin += "\n" + line
		last.fields["attributes"].(map[string]any)[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	for _, e := range list {
		attributes := e.fields["attributes"].(map[string]any)
		node, _ := attributes["nodename"].(string)
		device, _ := attributes["dev"].(string)
		if node != "" && device != "" {
			device = ":" + device
		}
		e.fields["device"], e.fields["fstype"] = node+device, attributes["vfs"]
		for _, name := range []string{"device", "fstype"} {
			if e.fields[name] == "" || e.fields[name] == nil {
				e.fields[name] = "unknown"
			}
		}
	}
	return list, true
}

// complete adds size and UUID to an entry; kept is false for those that nobody asked for.
func (l *mountLister) complete(e mountEntry) (kept bool, err error) {
	device, _ := e.fields["device"].(string)
	kind, _ := e.fields["fstype"].(string)
	var id any
	if uuid, ok := strings.CutPrefix(device, "UUID="); ok {
		id = uuid
		if resolved, err := filepath.EvalSymlinks("/dev/disk/by-uuid/" + uuid); err == nil {
			device = resolved
		}
	}
	if !anyMatch(l.call.Strings("devices"), device) || !anyMatch(l.call.Strings("fstypes"), kind) {
		return false, nil
	}
	size, late := l.size(e.point)
	if late {
		msg := fmt.Sprintf("Timed out getting mount size for mount %s (type %s) after %v seconds", e.point, kind, l.timeout.Seconds())
		switch l.call.String("on_timeout") {
		case "error":
			return false, fmt.Errorf("%s", msg)
		case "warn":
			l.call.Warn("%s", msg)
		}
	}
	for k, v := range size {
		e.fields[k] = v
	}
	if id == nil {
		id = l.fileSystemID(device)
	}
	e.fields["uuid"] = id
	e.fields["ansible_context"] = map[string]any{"source": e.source, "source_data": e.origin}
	return true, nil
}

func anyMatch(patterns []string, name string) bool {
	for _, p := range patterns {
		if fnmatch(p, name) {
			return true
		}
	}
	return len(patterns) == 0
}

// size asks a file system for its size. A dead one may never answer.
func (l *mountLister) size(point string) (size map[string]any, late bool) {
	if l.timeout == 0 {
		return fileSystemSize(point), false
	}
	answer := make(chan map[string]any, 1)
	go func() { answer <- fileSystemSize(point) }()
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	select {
	case size = <-answer:
		return size, false
	case <-timer.C:
		return nil, true
	}
}

func (l *mountLister) fileSystemID(device string) any {
	if !strings.HasPrefix(device, "/") {
		return nil
	}
	for target, names := range l.host.linksIn("/dev/disk/by-uuid") {
		if "/dev/"+target == device {
			return names[0]
		}
	}
	if _, err := os.Stat(device); err != nil {
		return nil
	}
	if l.ids == nil {
		l.ids = map[string]any{}
	}
	if _, asked := l.ids[device]; !asked {
		for d, id := range l.host.fileSystemIDs([]map[string]any{{"device": device}}) {
			l.ids[d] = id
		}
	}
	if id := l.ids[device]; id != "N/A" {
		return id
	}
	return nil
}
