// Package config finds out how Ansible is configured: from ansible.cfg, where Ansible looks
// for it, and from variables of the environment, which count more.
//
// In go the environment and the working folder, out come typed values (Config), told where
// each comes from, and the ones that tutti uses by name (Settings). Which settings there are,
// with their types, defaults and names, is the table settings.tsv. The package must not know
// what a setting means to a play.
package config

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
)

//go:embed settings.tsv
var table string

// The headlines of what is reported.
const (
	Unreadable    = "Configuration file could not be read"
	WorldWritable = "Configuration file in a world writable folder"
	InvalidValue  = "Invalid configuration value"
)

// MaxBytes is how large a configuration file may be.
const MaxBytes = 8 << 20

// place is a setting's name in ansible.cfg.
type place struct{ section, key string }

// setting is one line of the table.
type setting struct {
	name, kind, standard string
	places               []place
	env                  []string
	choices              []string
}

func settings() []setting {
	var all []setting
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(f) != 6 {
			continue
		}
		s := setting{name: f[0], kind: f[1], standard: f[2], env: strings.Fields(f[4])}
		for p := range strings.FieldsSeq(f[3]) {
			section, key, _ := strings.Cut(p, "/")
			s.places = append(s.places, place{section, key})
		}
		if f[5] != "" {
			s.choices = strings.Split(f[5], ",")
		}
		all = append(all, s)
	}
	return all
}

// World is what a configuration depends on.
type World struct {
	// Lookup gives a variable of the environment.
	Lookup func(name string) (string, bool)
	// Dir is the working folder.
	Dir string
}

// Here is the world of this process.
func Here() World {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	return World{Lookup: os.LookupEnv, Dir: dir}
}

// Value is what a setting is, and where that comes from: "default", "env: NAME" or a file.
type Value struct {
	// Data is nil, a bool, int, float64, string or []string.
	Data   any
	Origin string
}

// Config are all settings.
type Config struct {
	// File is the ansible.cfg that was read; empty when there is none.
	File   string
	values map[string]Value
}

// Load finds and reads the configuration. What is wrong with a value is an error that names
// file and line; the setting has its default then. Settings that nobody knows are passed over.
func Load(w World) (*Config, diag.List) {
	c := &Config{values: map[string]Value{}}
	path, diags := find(w)
	r := &reader{world: w, config: c}
	if path != "" {
		ini, more := readFile(path)
		diags = append(diags, more...)
		c.File, r.ini = path, ini
	}
	all := settings()
	// Other defaults lie below ANSIBLE_HOME, so it comes first.
	slices.SortStableFunc(all, func(a, b setting) int { return strings.Compare(homeFirst(a), homeFirst(b)) })
	for _, s := range all {
		v, more := r.value(s)
		diags = append(diags, more...)
		c.values[s.name] = v
	}
	return c, diags
}

const homeSetting = "ANSIBLE_HOME"

func homeFirst(s setting) string {
	if s.name == homeSetting {
		return ""
	}
	return s.name
}

// find gives the configuration file: that of ANSIBLE_CONFIG, of the working folder, of the
// user, or of the system.
func find(w World) (string, diag.List) {
	var candidates []string
	if p, ok := w.Lookup("ANSIBLE_CONFIG"); ok {
		p = w.resolve(p, w.Dir)
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			p = filepath.Join(p, "ansible.cfg")
		}
		candidates = append(candidates, p)
	}
	skipped := false
	here := filepath.Join(w.Dir, "ansible.cfg")
	if info, err := os.Stat(w.Dir); err == nil && info.Mode().Perm()&0o002 == 0 {
		candidates = append(candidates, here)
	} else if err == nil {
		_, err := os.Stat(here)
		skipped = err == nil
	}
	candidates = append(candidates, w.resolve("~/.ansible.cfg", w.Dir), "/etc/ansible/ansible.cfg")
	for i, p := range candidates {
		if !readable(p) {
			continue
		}
		if _, fromEnv := w.Lookup("ANSIBLE_CONFIG"); skipped && (i > 0 || !fromEnv) {
			return p, worldWritable(w.Dir)
		}
		return p, nil
	}
	if skipped {
		return "", worldWritable(w.Dir)
	}
	return "", nil
}

func worldWritable(dir string) diag.List {
	return diag.Warnf(nil, WorldWritable, "Ansible is being run in a world writable directory (%s), ignoring it as an ansible.cfg source. "+
		"Take the permission to write away from others, or name the file by ANSIBLE_CONFIG.", dir)
}

func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

func readFile(path string) (sections, diag.List) {
	if ext := filepath.Ext(path); ext != ".cfg" && ext != ".ini" {
		return nil, diag.Errorf(nil, Unreadable, "Unsupported configuration file extension for %s: %s", path, ext)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > MaxBytes {
		return nil, diag.Errorf(nil, Unreadable, "Error reading config file (%s): it is larger than %d bytes.", path, MaxBytes)
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		return nil, diag.Errorf(nil, Unreadable, "Error reading config file (%s): %s.", path, err)
	case !utf8.Valid(text):
		return nil, diag.Errorf(nil, Unreadable, "Error reading config file(%s) because the config file was not utf8 encoded.", path)
	}
	return readINI(path, string(text))
}

// resolve makes a path absolute, with {{CWD}}, ~ and variables of the environment filled in.
func (w World) resolve(p, base string) string {
	p = strings.ReplaceAll(p, "{{CWD}}", w.Dir)
	if p == "~" || strings.HasPrefix(p, "~/") {
		if home, ok := w.Lookup("HOME"); ok && home != "" {
			p = home + p[1:]
		} else if home, err := os.UserHomeDir(); err == nil {
			p = home + p[1:]
		}
	}
	p = os.Expand(p, func(name string) string {
		if v, ok := w.Lookup(name); ok {
			return v
		}
		return "$" + name
	})
	if !filepath.IsAbs(p) {
		p = filepath.Join(base, p)
	}
	return filepath.Clean(p)
}

// reader makes values of texts.
type reader struct {
	world  World
	config *Config
	ini    sections
}

// found is the text of a setting with where it stands.
type found struct {
	text   string
	origin string
	base   string // what relative paths start from
	file   bool
	rng    *hcl.Range
	what   string
}

// value reads one setting: from the environment, the file, or its default.
func (r *reader) value(s setting) (Value, diag.List) {
	f, ok := r.lookup(s)
	if !ok {
		return r.standard(s), nil
	}
	data, err := r.typed(s.kind, f)
	if err != nil && f.text == "" && !f.file {
		return r.standard(s), nil // an empty variable asks for nothing
	}
	if err != nil {
		return r.standard(s), diag.Errorf(f.rng, InvalidValue, "Config '%s' from '%s' has an invalid value: %s. It is set by %s.", s.name, f.origin, err, f.what)
	}
	if !s.allows(data) {
		return r.standard(s), diag.Errorf(f.rng, InvalidValue, "Invalid value %s for config '%s', set by %s. Valid values are: %s.", quoted(data), s.name, f.what, strings.Join(s.choices, ", "))
	}
	return Value{Data: data, Origin: f.origin}, nil
}

func quoted(data any) string { return fmt.Sprintf("'%v'", data) }

func (s setting) allows(data any) bool {
	if s.choices == nil {
		return true
	}
	switch v := data.(type) {
	case string:
		return slices.Contains(s.choices, v)
	case []string:
		return !slices.ContainsFunc(v, func(x string) bool { return !slices.Contains(s.choices, x) })
	}
	return true
}

// lookup finds where a setting is set: the last of its places counts most.
func (r *reader) lookup(s setting) (found, bool) {
	for _, name := range slices.Backward(s.env) {
		if text, ok := r.world.Lookup(name); ok {
			return found{text: text, origin: "env: " + name, base: r.world.Dir, what: "the environment variable " + name}, true
		}
	}
	for _, p := range slices.Backward(s.places) {
		if e, ok := r.ini.get(p.section, p.key); ok {
			at := hcl.Pos{Line: e.line, Column: 1}
			return found{text: e.text, origin: r.config.File, base: filepath.Dir(r.config.File), file: true,
				rng: &hcl.Range{Filename: r.config.File, Start: at, End: at}, what: describe(p.section, p.key)}, true
		}
	}
	return found{}, false
}

func (r *reader) standard(s setting) Value {
	text := s.standard
	if text == "null" {
		return Value{Origin: "default"}
	}
	if text == `""` {
		text = ""
	}
	if strings.Contains(text, "{{HOME}}") {
		home, _ := r.config.values[homeSetting].Data.(string)
		text = strings.ReplaceAll(text, "{{HOME}}", home)
	}
	data, err := r.typed(s.kind, found{text: text, base: r.world.Dir})
	if err != nil {
		panic("config: invariant broken: the default of " + s.name + ": " + err.Error())
	}
	if s.kind == "list" && text == "" {
		data = []string{}
	}
	return Value{Data: data, Origin: "default"}
}

// typed makes a value of a text.
func (r *reader) typed(kind string, f found) (any, error) {
	switch kind {
	case "bool":
		return truth(f.text), nil
	case "int":
		return whole(f.text)
	case "float":
		n, err := strconv.ParseFloat(strings.TrimSpace(f.text), 64)
		if err != nil {
			return nil, fmt.Errorf("Invalid value provided for 'float': '%s'", f.text)
		}
		return n, nil
	case "list":
		var list []string
		for item := range strings.SplitSeq(f.text, ",") {
			list = append(list, unquote(strings.TrimSpace(item)))
		}
		return list, nil
	case "path":
		return r.maybeUnquoted(f, r.world.resolve(f.text, f.base)), nil
	case "pathspec", "pathlist":
		separator := ":"
		if kind == "pathlist" {
			separator = ","
		}
		var list []string
		for item := range strings.SplitSeq(f.text, separator) {
			if kind == "pathlist" {
				item = strings.TrimSpace(item)
			}
			list = append(list, r.world.resolve(item, f.base))
		}
		return list, nil
	}
	return r.maybeUnquoted(f, f.text), nil
}

func (r *reader) maybeUnquoted(f found, text string) string {
	if f.file {
		return unquote(text)
	}
	return text
}

func truth(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "y", "yes", "on", "1", "true", "t":
		return true
	}
	return false
}

func whole(text string) (any, error) {
	trimmed := strings.TrimSpace(text)
	if n, err := strconv.Atoi(trimmed); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(trimmed, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return nil, fmt.Errorf("Invalid value provided for 'integer': '%s'", text)
	}
	return int(f), nil
}

// Get gives a setting by its name in Ansible's documentation, or for those of plugins by the
// plugin's and the option's ("ssh.ssh_args"). It panics on a name that is not in the table.
func (c *Config) Get(name string) Value {
	v, ok := c.values[name]
	if !ok {
		panic("config: there is no setting " + name)
	}
	return v
}

// Bool gives a setting that is a boolean; one that is not set is false.
func (c *Config) Bool(name string) bool { v, _ := c.Get(name).Data.(bool); return v }

// Int gives a setting that is a whole number; one that is not set is 0.
func (c *Config) Int(name string) int { v, _ := c.Get(name).Data.(int); return v }

// Text gives a setting that is text or a path; one that is not set is empty.
func (c *Config) Text(name string) string { v, _ := c.Get(name).Data.(string); return v }

// List gives a setting that is a list; one that is not set is nil.
func (c *Config) List(name string) []string { v, _ := c.Get(name).Data.([]string); return v }

// Names are those of all settings, sorted.
func (c *Config) Names() []string {
	names := make([]string, 0, len(c.values))
	for name := range c.values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
