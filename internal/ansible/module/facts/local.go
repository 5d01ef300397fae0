package facts

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/module"
)

// interpolationLimit bounds how deep the values of an INI file may refer to one another.
const interpolationLimit = 10

// local collects facts that people put on the host: files whose names end in .fact, which are
// JSON or INI, or programs that print such.
func (h *host) local() facts {
	found := map[string]any{}
	dir := h.options.FactPath
	if dir == "" {
		return facts{"local": found}
	}
	files, _ := filepath.Glob(filepath.Join(h.path(dir), "*.fact"))
	sort.Strings(files)
	for _, file := range files {
		name := strings.ReplaceAll(filepath.Base(file), ".fact", "")
		value, err := h.localFact(file)
		if err != nil {
			h.warn("%s", err)
			found[name] = err.Error()
			continue
		}
		found[name] = value
	}
	return facts{"local": found}
}

func (h *host) localFact(file string) (any, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("Could not stat fact (%s): %w", file, err) // Ansible's own words
	}
	var text string
	if info.Mode()&0o100 != 0 {
		out := module.Exec(h.ctx, module.Command{Argv: []string{file}})
		if out.Err != nil {
			return nil, fmt.Errorf("Could not execute fact script (%s): %w", file, out.Err) // Ansible's own words
		}
		if out.Code != 0 {
			return nil, fmt.Errorf("Failure executing fact script (%s), rc: %d, err: %s", file, out.Code, out.Stderr) // Ansible's own words
		}
		text = out.Stdout
	} else {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("Could not stat fact (%s): %w", file, err) // Ansible's own words
		}
		text = strings.TrimSpace(string(data))
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil && !decoder.More() {
		return numbers(value), nil
	}
	sections, err := parseINI(text)
	if err != nil {
		return nil, fmt.Errorf("error loading facts as JSON or ini - please check content: %s", file)
	}
	value, err = interpolated(sections)
	if err != nil {
		return nil, fmt.Errorf("error loading facts as ini - please check content: %s (%w)", file, err)
	}
	return value, nil
}

// numbers makes whole numbers of those that are whole.
func numbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return i
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = numbers(x[k])
		}
	}
	return v
}

// ini are the options of sections; those of DEFAULT belong to all.
type ini map[string]map[string]string

// parseINI reads the INI files that Python's configparser reads: "=" or ":" between name and
// value, names in lower case, values that go on in indented lines.
func parseINI(text string) (ini, error) {
	sections := ini{}
	var section map[string]string
	last, indent := "", 0
	for _, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		if section != nil && last != "" && depth > indent {
			section[last] += "\n" + trimmed
			continue
		}
		indent = depth
		if trimmed[0] == '[' {
			name, _, ok := strings.Cut(trimmed[1:], "]")
			if !ok {
				return nil, errors.New("a section without its closing bracket")
			}
			if sections[name] != nil && name != "DEFAULT" {
				return nil, fmt.Errorf("section %q stands there twice", name)
			}
			if sections[name] == nil {
				sections[name] = map[string]string{}
			}
			section, last = sections[name], ""
			continue
		}
		at := strings.IndexAny(trimmed, "=:")
		if section == nil || at <= 0 {
			return nil, fmt.Errorf("no section or no value: %q", trimmed)
		}
		last = strings.ToLower(strings.TrimSpace(trimmed[:at]))
		if _, twice := section[last]; twice {
			return nil, fmt.Errorf("option %q stands there twice", last)
		}
		section[last] = strings.TrimSpace(trimmed[at+1:])
	}
	return sections, nil
}

// interpolated puts values in for the %(name)s of others.
func interpolated(sections ini) (map[string]any, error) {
	found := map[string]any{}
	for name, options := range sections {
		if name == "DEFAULT" {
			continue
		}
		all := map[string]string{}
		for k, v := range sections["DEFAULT"] {
			all[k] = v
		}
		for k, v := range options {
			all[k] = v
		}
		values := map[string]any{}
		for k, v := range all {
			value, err := interpolate(v, all, 0)
			if err != nil {
				return nil, fmt.Errorf("option %s of section %s: %w", k, name, err)
			}
			values[k] = value
		}
		found[name] = values
	}
	return found, nil
}

func interpolate(text string, options map[string]string, depth int) (string, error) {
	if depth > interpolationLimit {
		return "", errors.New("values refer to one another too deeply")
	}
	if !strings.Contains(text, "%") {
		return text, nil
	}
	var b strings.Builder
	reference := regexp.MustCompile(`^%\(([^)]+)\)s`)
	for text != "" {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:at])
		text = text[at:]
		if strings.HasPrefix(text, "%%") {
			b.WriteByte('%')
			text = text[2:]
			continue
		}
		m := reference.FindStringSubmatch(text)
		if m == nil {
			return "", errors.New("'%' must be followed by '%' or '('")
		}
		value, ok := options[strings.ToLower(m[1])]
		if !ok {
			return "", fmt.Errorf("there is no option %q", m[1])
		}
		value, err := interpolate(value, options, depth+1)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		text = text[len(m[0]):]
	}
	return b.String(), nil
}

// facter collects what Puppet's facter tells, when it is installed.
func (h *host) facter() facts {
	program := ""
	for _, name := range []string{"cfacter", "facter"} {
		if program = h.program(name); program != "" {
			break
		}
		if file := "/opt/puppetlabs/bin/" + name; h.exists(file) {
			program = file
			break
		}
	}
	if program == "" {
		return nil
	}
	out, ok := h.run(program, "--puppet", "--json")
	if !ok {
		out, ok = h.run(program, "--json")
	}
	if !ok {
		return nil
	}
	return h.fromJSON(out, "Failed to parse facter facts")
}

// ohai collects what Chef's ohai tells, when it is installed.
func (h *host) ohai() facts {
	program := h.program("ohai")
	if program == "" {
		return nil
	}
	out, ok := h.run(program)
	if !ok {
		return nil
	}
	return h.fromJSON(out, "Failed to gather ohai facts")
}

func (h *host) fromJSON(text, warning string) facts {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var found map[string]any
	if decoder.Decode(&found) != nil {
		h.warn("%s", warning)
		return nil
	}
	return facts(numbers(found).(map[string]any))
}
