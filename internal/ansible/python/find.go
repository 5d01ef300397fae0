// Package python runs what is written in Python: modules that are not native, on the host's
// Python, and plugins (filters, tests, lookups, inventories), in a helper process on the
// controller.
//
// A module is found by its name as Ansible finds it, packed with the module_utils that it imports
// (which a scan of its text tells; no Python runs here for that), sent to the host once and run
// there with its arguments on standard input. In: names, folders and an action.Target. Out: a
// module.Result. The package must not know plays, or how hosts are reached.
package python

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

const (
	// maxRedirects is how often a module's name may stand for another.
	maxRedirects = 10
	// maxFile is how large a module, or a file that one imports, may be.
	maxFile = 64 << 20
)

// Finder finds modules and what they import. It remembers what it found: it is made for one run.
// It is safe for use by several goroutines.
type Finder struct {
	// Library are the folders of modules outside collections, and ModuleUtils those of what they
	// import, in order.
	Library, ModuleUtils []string
	// Collections are the folders in which there is an ansible_collections.
	Collections []string
	// Core is the ansible-core to take modules and module_utils from; nil is none.
	Core *Core
	// Warn is told of deprecations; nil is nobody.
	Warn func(text string)

	mu       sync.Mutex
	routings map[string]*routing
	packed   map[string]*packing
}

// Style is how a module wants its arguments.
type Style string

// The styles of modules.
const (
	New      Style = "new"      // Python that imports module_utils
	JSONArgs Style = "jsonargs" // a script in which the arguments take the place of a mark
	WantJSON Style = "wantjson" // a script or program that is given a file with JSON
	Old      Style = "old"      // a script that is given a file with key=value pairs
	Binary   Style = "binary"   // a program that is given a file with JSON
)

// Module is one that was found.
type Module struct {
	// Name is the full one, after redirects.
	Name  string
	Path  string
	Style Style
	text  []byte
	// unit is the module as Python imports it: ansible_collections.ns.coll.plugins.modules.name.
	unit string
}

// NotFound is the error of a module that is nowhere.
type NotFound struct {
	Name    string
	Looked  []string
	because string
}

// Error implements error.
func (n *NotFound) Error() string {
	text := fmt.Sprintf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", n.Name)
	if n.because != "" {
		text += " " + n.because
	}
	if len(n.Looked) > 0 {
		text += " Looked in " + strings.Join(n.Looked, ", ") + "."
	}
	return text
}

// Find finds a module: in a collection when its name says so, otherwise in library, then in the
// Finder's folders, then in ansible-core.
func (f *Finder) Find(name string, library ...string) (*Module, error) {
	asked := name
	for range maxRedirects {
		parts := strings.Split(name, ".")
		var m *Module
		var next string
		var err error
		switch {
		case len(parts) >= 3 && parts[0] == "ansible" && (parts[1] == "builtin" || parts[1] == "legacy"):
			short := strings.Join(parts[2:], ".")
			if parts[1] == "legacy" {
				if m, err = f.inLibrary(short, library); m != nil || err != nil {
					return m, err
				}
			}
			m, next, err = f.inCore(short)
		case len(parts) >= 3:
			m, next, err = f.inCollection(asked, parts)
		default:
			if m, err = f.inLibrary(name, library); m == nil && err == nil {
				m, next, err = f.inCore(name)
			}
		}
		if err != nil || m != nil {
			return m, err
		}
		if next == "" {
			return nil, f.notFound(asked, library)
		}
		name = next
	}
	return nil, &NotFound{Name: asked, because: fmt.Sprintf("More than %d redirects lead from it.", maxRedirects)}
}

func (f *Finder) notFound(name string, library []string) error {
	n := &NotFound{Name: name}
	if parts := strings.Split(name, "."); len(parts) >= 3 && parts[0]+"."+parts[1] != "ansible.builtin" && parts[0]+"."+parts[1] != "ansible.legacy" {
		n.Looked = f.Collections
		n.because = fmt.Sprintf("Install its collection: ansible-galaxy collection install %s.%s.", parts[0], parts[1])
		return n
	}
	n.Looked = append(append(n.Looked, library...), f.Library...)
	if f.Core == nil {
		n.because = "There is no ansible-core on this machine either, from which modules that are not native could be taken: pip install ansible-core."
	}
	return n
}

func (f *Finder) inLibrary(name string, library []string) (*Module, error) {
	for _, dir := range append(append([]string(nil), library...), f.Library...) {
		path := moduleFile(filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(name, ".", "/"))))
		if path == "" {
			// Folders of modules may have folders of their own.
			if found, _ := filepath.Glob(filepath.Join(dir, "*", name+".py")); len(found) > 0 {
				path = found[0]
			}
		}
		if path != "" {
			return read("ansible.legacy."+name, path, "ansible.modules."+name)
		}
	}
	return nil, nil
}

func (f *Finder) inCore(name string) (m *Module, redirect string, err error) {
	if f.Core == nil {
		return nil, "", nil
	}
	route := f.routing(filepath.Join(f.Core.Dir, "config", "ansible_builtin_runtime.yml"))
	if next, err := f.follow(route.Plugins.Modules, name, "ansible.builtin."+name); next != "" || err != nil {
		return nil, next, err
	}
	if path := moduleFile(filepath.Join(f.Core.Dir, "modules", name)); path != "" {
		m, err = read("ansible.builtin."+name, path, "ansible.modules."+name)
	}
	return m, "", err
}

func (f *Finder) inCollection(asked string, parts []string) (m *Module, redirect string, err error) {
	root := f.collection(parts[0], parts[1])
	if root == "" {
		return nil, "", nil
	}
	short := strings.Join(parts[2:], ".")
	full := strings.Join(parts, ".")
	route := f.routing(filepath.Join(root, "meta", "runtime.yml"))
	if next, err := f.follow(route.Plugins.Modules, short, full); next != "" || err != nil {
		return nil, next, err
	}
	below := filepath.FromSlash(strings.ReplaceAll(short, ".", "/"))
	if next, err := f.follow(route.Plugins.Action, short, full); err != nil || next != "" {
		if err == nil {
			err = &ActionPlugin{Name: asked, Path: "the action plugin " + next}
		}
		return nil, "", err
	}
	if action := filepath.Join(root, "plugins", "action", below+".py"); exists(action) {
		return nil, "", &ActionPlugin{Name: asked, Path: action}
	}
	if path := moduleFile(filepath.Join(root, "plugins", "modules", below)); path != "" {
		m, err = read(full, path, fmt.Sprintf("ansible_collections.%s.%s.plugins.modules.%s", parts[0], parts[1], short))
	}
	return m, "", err
}

// ActionPlugin is the error of a module that has a part in Python on the controller.
type ActionPlugin struct{ Name, Path string }

// Error implements error.
func (a *ActionPlugin) Error() string {
	return fmt.Sprintf("the module %s has an action plugin in Python (%s), which would have to run on the controller inside Ansible; "+
		"tutti does not do that: use the modules that it is made of, or run this task with ansible-playbook", a.Name, a.Path)
}

// collection gives the folder of a collection; "" when it is not installed.
func (f *Finder) collection(namespace, name string) string {
	roots := f.Collections
	if f.Core != nil {
		roots = append(roots[:len(roots):len(roots)], filepath.Dir(f.Core.Dir)) // where the package "ansible" puts its own
	}
	for _, root := range roots {
		for _, dir := range []string{filepath.Join(root, "ansible_collections"), root} {
			if path := filepath.Join(dir, namespace, name); filepath.Base(dir) == "ansible_collections" && exists(path) {
				return path
			}
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// moduleFile gives the file of a module by its path without an ending; "" when there is none.
func moduleFile(path string) string {
	for _, end := range []string{".py", "", ".sh", ".rb", ".pl"} {
		if info, err := os.Stat(path + end); err == nil && info.Mode().IsRegular() {
			return path + end
		}
	}
	if exists(path + ".ps1") {
		return path + ".ps1"
	}
	return ""
}

var newStyle = regexp.MustCompile(`from +\.{2,} *module_utils.* +import |` +
	`from +ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils.* +import |` +
	`import +ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils|` +
	`from +ansible\.module_utils.* +import |import +ansible\.module_utils\.`)

const (
	commonMark = "#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"
	jsonMark   = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
)

func read(name, path, unit string) (*Module, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("the module %s (%s) has %d bytes, and %d is the most", name, path, info.Size(), maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &Module{Name: name, Path: path, text: text, unit: unit}
	switch {
	case strings.HasSuffix(path, ".ps1"):
		return nil, fmt.Errorf("the module %s (%s) is written in PowerShell: hosts with Windows are out of reach of tutti", name, path)
	case binary(text):
		m.Style = Binary
	case bytes.Contains(text, []byte(commonMark)):
		m.Style = New
		m.text = bytes.ReplaceAll(text, []byte(commonMark), []byte("from ansible.module_utils.basic import *"))
	case newStyle.Match(text):
		m.Style = New
	case bytes.Contains(text, []byte(jsonMark)):
		m.Style = JSONArgs
	case bytes.Contains(text, []byte("WANT_JSON")):
		m.Style = WantJSON
	default:
		m.Style = Old
	}
	return m, nil
}

// binary tells that a file is no text, by its beginning.
func binary(text []byte) bool {
	for _, c := range text[:min(len(text), 1024)] {
		switch {
		case c >= 7 && c <= 10, c == 12, c == 13, c == 27, c >= 0x20 && c != 0x7f:
		default:
			return true
		}
	}
	return false
}

// routing is what a collection says of names that have moved or are gone.
type routing struct {
	Plugins struct {
		Modules     map[string]route `yaml:"modules"`
		Action      map[string]route `yaml:"action"`
		ModuleUtils map[string]route `yaml:"module_utils"`
	} `yaml:"plugin_routing"`
}

type route struct {
	Redirect    string   `yaml:"redirect"`
	Tombstone   *removal `yaml:"tombstone"`
	Deprecation *removal `yaml:"deprecation"`
}

type removal struct {
	Version string `yaml:"removal_version"`
	Date    string `yaml:"removal_date"`
	Text    string `yaml:"warning_text"`
}

func (r *removal) when() string {
	if r.Version != "" {
		return "in version " + r.Version
	}
	return "in a release after " + r.Date
}

// routing reads a file of it once. One that cannot be read says nothing.
func (f *Finder) routing(path string) *routing {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.routings[path]; r != nil {
		return r
	}
	r := &routing{}
	if text, err := os.ReadFile(path); err == nil {
		if err := yaml.Unmarshal(text, r); err != nil && f.Warn != nil {
			f.Warn(fmt.Sprintf("%s cannot be read: %v", path, err))
		}
	}
	if f.routings == nil {
		f.routings = map[string]*routing{}
	}
	f.routings[path] = r
	return r
}

func (f *Finder) follow(routes map[string]route, short, full string) (next string, err error) {
	r, ok := routes[short]
	if !ok {
		return "", nil
	}
	if t := r.Tombstone; t != nil {
		return "", fmt.Errorf("the module %s has been removed: it was to go %s. %s", full, t.when(), t.Text)
	}
	if d := r.Deprecation; d != nil && f.Warn != nil {
		f.Warn(fmt.Sprintf("the module %s is deprecated and will be removed %s. %s", full, d.when(), d.Text))
	}
	return r.Redirect, nil
}
