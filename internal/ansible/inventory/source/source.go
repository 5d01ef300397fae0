// Package source reads inventories from where users keep them: files in INI, YAML and JSON,
// folders of them, lists of hosts, scripts that print them, the configuration of constructed
// groups, and the group_vars and host_vars beside them.
//
// In go the names of sources as -i takes them, out comes an inventory.Inventory with what
// there is to tell. The package does the I/O that package inventory must not do. It must not
// know Jinja, vaults or Python: it asks its caller (Options.Evaluator, Decrypt, Plugin).
package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// Evaluator evaluates the Jinja of constructed groups with a host's variables.
type Evaluator interface {
	// Evaluate gives what an expression is worth.
	Evaluate(expression any, vars *value.Dict) (any, error)
	// Condition tells whether a conditional holds.
	Condition(conditional any, vars *value.Dict) (bool, error)
	// Template renders a value that may have templates in it.
	Template(v any, vars *value.Dict) (any, error)
}

// Plugin runs inventory plugins that tutti has no native form of.
type Plugin interface {
	// List gives what the plugin of that name makes of a source, as JSON in the form that
	// inventory scripts print for --list.
	List(ctx context.Context, name, path string) ([]byte, error)
}

// Options are the ways of reading. The zero value reads as Ansible's defaults say, relative
// to the working folder.
type Options struct {
	Inventory inventory.Options
	// Dir is what relative paths start from.
	Dir string
	// Decrypt opens a file that is encrypted by a vault; nil refuses it.
	Decrypt func(path string, text []byte) ([]byte, error)
	// Evaluator and Plugin may be nil: what needs them is refused then.
	Evaluator Evaluator
	Plugin    Plugin
	// Facts gives the cached facts of a host, nil for none; it may be nil itself.
	Facts func(host string) *value.Dict
	// Extra are the extra variables, which constructed groups may use.
	Extra *value.Dict
	// Enabled names the kinds of source that are tried, in order; DefaultEnabled when nil.
	Enabled []string
	// IgnoredExtensions and IgnoredPatterns (regular expressions) say what is passed over in
	// folders; DefaultIgnored stands for nil extensions.
	IgnoredExtensions, IgnoredPatterns []string
	Duplicates                         document.Duplicates
	// Failure says what a source is that nobody can read.
	Failure Failure
}

// Failure is what INVENTORY_UNPARSED_IS_FAILED and its relatives say.
type Failure struct {
	// AnyFails has one unreadable source fail the whole.
	AnyFails bool
	// NoneFails has it fail when not one source could be read.
	NoneFails bool
	// Silent leaves out the warning that nothing was read.
	Silent bool
}

// DefaultEnabled are the kinds of source that Ansible tries, in this order.
func DefaultEnabled() []string { return []string{"host_list", "script", "auto", "yaml", "ini", "toml"} }

// DefaultIgnored are the endings of files that are no inventories.
func DefaultIgnored() []string {
	return []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"}
}

// The headlines of what is reported.
const (
	Unparsed     = "Inventory source could not be read"
	NoInventory  = "No inventory was parsed"
	BadVariables = "Variables file could not be read"
)

// loader reads the sources of one inventory.
type loader struct {
	options Options
	inv     *inventory.Inventory
	ignored ignored
	diags   diag.List
	// processed are the sources that were read, for constructed groups that use their vars.
	processed []string
}

// Load reads all sources into one inventory. The inventory is there even beside errors.
func Load(ctx context.Context, sources []string, o Options) (*inventory.Inventory, diag.List) {
	l := &loader{options: o, inv: inventory.New(o.Inventory)}
	var err error
	if l.ignored, err = newIgnored(o); err != nil {
		return l.inv, diag.Errorf(nil, Unparsed, "%s.", err)
	}
	parsed := false
	sources = slices.Clone(sources)
	for i, s := range sources {
		if s == "" {
			continue
		}
		if !strings.Contains(s, ",") {
			s = l.path(s)
			sources[i] = s
		}
		if l.source(ctx, s) {
			parsed = true
		}
		if l.diags.HasErrors() {
			return l.inv, l.diags
		}
	}
	switch {
	case parsed:
		l.inv.Reconcile()
	case o.Failure.NoneFails:
		return l.inv, append(l.diags, diag.Errorf(nil, NoInventory, "No inventory was parsed, please check your configuration and options.")...)
	case !o.Failure.Silent:
		l.diags = append(l.diags, diag.Warnf(nil, NoInventory, "No inventory was parsed, only implicit localhost is available")...)
	}
	l.diags = append(l.diags, l.inv.TakeWarnings()...)
	beside := &inventory.Vars{}
	for _, dir := range folders(sources) {
		vars, diags := Beside(dir, o)
		l.diags = append(l.diags, diags...)
		beside = beside.Over(vars, o.Inventory.MergeHashes)
	}
	l.inv.SetBeside(beside)
	return l.inv, l.diags
}

// folders are those beside the sources that may hold group_vars and host_vars.
func folders(sources []string) []string {
	var dirs []string
	for _, s := range sources {
		if s == "" || isHostList(s) {
			continue
		}
		if info, err := os.Stat(s); err != nil || !info.IsDir() {
			s = filepath.Dir(s)
		}
		if !slices.Contains(dirs, s) {
			dirs = append(dirs, s)
		}
	}
	return dirs
}

// path makes a path absolute, with ~ and variables of the environment filled in.
func (l *loader) path(p string) string {
	p = os.Expand(p, func(name string) string {
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		return "$" + name
	})
	if p == "~" || strings.HasPrefix(p, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + p[1:]
		}
	}
	if !filepath.IsAbs(p) {
		p = filepath.Join(l.options.Dir, p)
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	return p
}

func isHostList(s string) bool {
	_, err := os.Stat(s)
	return err != nil && strings.Contains(s, ",")
}

// maxFolderDepth bounds how deep folders of inventories may lie in each other.
const maxFolderDepth = 50

// source reads one source, and reports whether anything could make sense of it.
func (l *loader) source(ctx context.Context, path string) bool {
	return l.entry(ctx, path, 0)
}

func (l *loader) entry(ctx context.Context, path string, depth int) bool {
	if err := context.Cause(ctx); err != nil {
		l.diags = append(l.diags, diag.FromError(Unparsed, err)...)
		return false
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return l.file(ctx, path)
	}
	if depth > maxFolderDepth {
		l.diags = append(l.diags, diag.Errorf(nil, Unparsed, "The folder %s lies more than %d folders deep in an inventory.", path, maxFolderDepth)...)
		return false
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		l.diags = append(l.diags, diag.Warnf(nil, Unparsed, "Unable to parse %s as an inventory source: %s", path, err)...)
		return false
	}
	parsed := false
	for _, e := range entries {
		if l.ignored.has(e.Name()) {
			continue
		}
		if l.entry(ctx, filepath.Join(path, e.Name()), depth+1) {
			parsed = true
		}
	}
	return parsed
}

// errDeclined says that a source is of another kind.
var errDeclined = errors.New("declined")

// file reads a file or a list of hosts with the first kind that can.
func (l *loader) file(ctx context.Context, path string) bool {
	dir := ""
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	l.inv.Reading(path, dir)
	defer l.inv.Reading("", "")
	enabled := l.options.Enabled
	if enabled == nil {
		enabled = DefaultEnabled()
	}
	var failures diag.List
	for _, name := range enabled {
		name = strings.TrimPrefix(name, "ansible.builtin.")
		err := l.kind(ctx, name, path)
		if err == nil {
			l.processed = append(l.processed, path)
			return true
		}
		// That a file of YAML is no INI tells nobody anything.
		if !errors.Is(err, errDeclined) && (name != "ini" || filepath.Ext(path) == "" || len(failures) == 0) {
			failures = append(failures, failure(name, err))
		}
	}
	l.unparsed(path, failures)
	return false
}

// failure tells why a kind could not read a source.
func failure(name string, err error) *diag.Diagnostic {
	d := &diag.Diagnostic{Severity: diag.Warning, Headline: Unparsed, Detail: fmt.Sprintf("Failed to parse inventory with '%s' plugin: %s", name, err)}
	var inner *diag.Diagnostic
	if errors.As(err, &inner) {
		d.Subject = inner.Subject
		text := inner.Detail
		if inner.Headline != Unparsed {
			text = inner.Headline + ": " + text
		}
		d.Detail = fmt.Sprintf("Failed to parse inventory with '%s' plugin: %s", name, text)
	}
	return d
}

func (l *loader) unparsed(path string, failures diag.List) {
	if _, err := os.Stat(path); path == "/etc/ansible/hosts" && err != nil {
		return
	}
	l.diags = append(l.diags, failures...)
	if l.options.Failure.AnyFails {
		l.diags = append(l.diags, diag.Errorf(nil, Unparsed, "Completely failed to parse inventory source %s", path)...)
		return
	}
	l.diags = append(l.diags, diag.Warnf(nil, Unparsed, "Unable to parse %s as an inventory source", path)...)
}

// kind reads a source as one kind, or declines.
func (l *loader) kind(ctx context.Context, name, path string) error {
	if name == "host_list" {
		return l.hostList(path)
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() && name != "script" {
		return errDeclined
	}
	switch ext := filepath.Ext(path); name {
	case "script":
		if info.Mode()&0o111 == 0 || info.IsDir() {
			return errDeclined
		}
		return l.script(ctx, path)
	case "auto":
		if ext != ".yml" && ext != ".yaml" {
			return errDeclined
		}
		return l.auto(ctx, path)
	case "yaml":
		if ext != "" && ext != ".yml" && ext != ".yaml" && ext != ".json" {
			return errDeclined
		}
		return l.yaml(path)
	case "constructed":
		if ext != "" && ext != ".yml" && ext != ".yaml" && ext != ".json" && ext != ".config" {
			return errDeclined
		}
		return l.auto(ctx, path)
	case "ini":
		if ext == ".toml" {
			return errDeclined
		}
		return l.ini(path)
	case "toml":
		if ext != ".toml" {
			return errDeclined
		}
		return errors.New("tutti reads no inventories in TOML; write it as YAML or INI (ansible-inventory --list --yaml converts it)")
	}
	return errDeclined
}

// hostList reads "a,b:2222,".
func (l *loader) hostList(path string) error {
	if !isHostList(path) {
		return errDeclined
	}
	for h := range strings.SplitSeq(path, ",") {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		host, port, ok := inventory.ParseAddress(h)
		if !ok || strings.Contains(host, "[") {
			host, port = h, 0
		}
		if _, err := l.inv.AddHost(host, inventory.Ungrouped, port); err != nil {
			return err
		}
	}
	return nil
}

// MaxBytes is how large a file may be.
const MaxBytes = document.MaxBytes

// read reads a file, decrypted where that is needed.
func (l *loader) read(path string) ([]byte, error) { return readFile(path, l.options) }

func readFile(path string, o Options) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("the file %s is larger than %d bytes", path, MaxBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil || !isVault(text) {
		return text, err
	}
	if o.Decrypt == nil {
		return nil, fmt.Errorf("the file %s is encrypted, and no vault password was given", path)
	}
	return o.Decrypt(path, text)
}

func isVault(text []byte) bool {
	return strings.HasPrefix(string(text[:min(len(text), 16)]), "$ANSIBLE_VAULT")
}

// LimitFile is the sign of a limit that stands in a file, one pattern a line.
const LimitFile = "@"

// Limit gives the patterns of --limit: separated by commas or colons, and @file for those of
// a file, one a line. An empty limit gives nil, which limits nothing.
func Limit(limit, dir string) ([]string, error) {
	if limit == "" {
		return nil, nil
	}
	patterns := []string{}
	for _, p := range inventory.SplitPattern(limit) {
		name, isFile := strings.CutPrefix(p, LimitFile)
		if !isFile {
			patterns = append(patterns, p)
			continue
		}
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("Unable to find limit file %s", name)
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("Limit starting with \"@\" must be a file, not a directory: %s", name)
		case info.Size() > MaxBytes:
			return nil, fmt.Errorf("the limit file %s is larger than %d bytes", name, MaxBytes)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("the limit file %s cannot be read: %w", name, err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			patterns = append(patterns, strings.TrimSpace(line))
		}
	}
	return patterns, nil
}
