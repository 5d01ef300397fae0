package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/python"
	"tutti/internal/ansible/value"
)

// plugins calls filters, tests and lookups that are written in Python. Python is started when
// the first of them is called, or when there are folders of them beside playbooks, in roles or
// where the configuration says: what names they have only Python can tell. Those of collections
// are looked for by their full names when they are called. It is safe for use by several
// goroutines.
type plugins struct {
	in     play.Input
	warn   func(string)
	helper *python.Helper

	mu sync.Mutex
	// known are the plugins that were loaded, as "filter:name"; loaded the folders.
	known  map[string]bool
	loaded map[string]bool
	folder map[python.Kind][]python.Folder
}

func newPlugins(in play.Input, warn func(string)) *plugins {
	if warn == nil {
		warn = func(string) {}
	}
	p := &plugins{in: in, warn: warn, known: map[string]bool{}, loaded: map[string]bool{}, folder: map[python.Kind][]python.Folder{}}
	p.helper = &python.Helper{Collections: collectionFolders(in)}
	for _, kind := range []python.Kind{python.Filter, python.Test, python.Lookup} {
		p.folder[kind] = p.helper.Folders(kind, pluginHomes(in), nil)
		for _, dir := range in.Settings.PluginFolders[string(kind)] {
			if found, _ := filepath.Glob(filepath.Join(dir, "*.py")); len(found) > 0 {
				p.folder[kind] = append(p.folder[kind], python.Folder{Path: dir})
			}
		}
	}
	return p
}

// collectionFolders are where collections lie: those beside playbooks come first.
func collectionFolders(in play.Input) []string {
	var out []string
	for _, book := range in.Playbooks {
		if dir := filepath.Join(filepath.Dir(book), "collections"); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return append(out, in.Settings.CollectionsPath...)
}

// pluginHomes are the folders that may have folders of plugins: those of playbooks and of all
// roles that a play could name.
func pluginHomes(in play.Input) []string {
	var out, roles []string
	for _, book := range in.Playbooks {
		dir := filepath.Dir(book)
		if !slices.Contains(out, dir) {
			out = append(out, dir)
			roles = append(roles, filepath.Join(dir, "roles"))
		}
	}
	for _, dir := range append(roles, in.Settings.RolesPath...) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if role := filepath.Join(dir, e.Name()); !slices.Contains(out, role) {
				out = append(out, role)
			}
		}
	}
	return out
}

// names loads what lies in folders and gives the plugins' names, as play.Input has them. When
// there are folders but no Python, that is told as play.AnyPlugin, so that only those who use
// such a plugin hear of it.
func (p *plugins) names(ctx context.Context) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kind := range []python.Kind{python.Filter, python.Test, python.Lookup} {
		if err := p.beside(ctx, kind); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return []string{play.AnyPlugin}, nil
		}
	}
	var out []string
	for name := range p.known {
		out = append(out, name)
	}
	slices.Sort(out)
	return out, nil
}

// beside loads the folders of a kind; the lock is held.
func (p *plugins) beside(ctx context.Context, kind python.Kind) error {
	for _, f := range p.folder[kind] {
		if err := p.load(ctx, kind, f); err != nil {
			return err
		}
	}
	return nil
}

func (p *plugins) load(ctx context.Context, kind python.Kind, f python.Folder) error {
	key := string(kind) + " " + f.Collection + " " + f.Path
	if p.loaded[key] {
		return nil
	}
	if p.helper.Core == nil {
		p.helper.Core = python.FindCore("")
	}
	names, problems, err := p.helper.Load(ctx, kind, f)
	if err != nil {
		return fmt.Errorf("the %s plugins in %s are written in Python: %w. Install Python 3 on this machine (and ansible-core, when they import ansible), or take the folder away", kind, f.Path, err)
	}
	p.loaded[key] = true
	for _, problem := range problems {
		p.warn(fmt.Sprintf("Skipping plugin (%s), cannot load: %s", problem.File, problem.Error))
	}
	for _, name := range names {
		p.known[string(kind)+":"+name] = true
	}
	return nil
}

// ready sees to it that a plugin is loaded, and tells whether there is one; the lock is not held.
func (p *plugins) ready(ctx context.Context, kind python.Kind, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := string(kind) + ":" + name
	if p.known[full] {
		return nil
	}
	parts := strings.Split(name, ".")
	if len(parts) < 3 {
		if err := p.beside(ctx, kind); err != nil {
			return err
		}
	} else {
		for _, f := range p.helper.Folders(kind, nil, []string{parts[0] + "." + parts[1]}) {
			if err := p.load(ctx, kind, f); err != nil {
				return err
			}
		}
	}
	switch {
	case p.known[full]:
		return nil
	case len(parts) < 3:
		return fmt.Errorf("No %s named %s.", kind, value.Repr(name)) // Ansible's words
	}
	return fmt.Errorf("No %s named %s. Its collection would be installed by: ansible-galaxy collection install %s.%s. Looked in %s.", // Ansible's words
		kind, value.Repr(name), parts[0], parts[1], strings.Join(p.helper.Collections, ", "))
}

// call answers play.AskPlugin.
func (p *plugins) call(ctx context.Context, a play.Ask) (any, error) {
	word, name, _ := strings.Cut(a.Name, ":")
	kind := python.Kind(word)
	if err := p.ready(ctx, kind, name); err != nil {
		return nil, err
	}
	args, err := p.list(a.Args)
	if err != nil {
		return nil, err
	}
	named, err := p.dict(a.Options)
	if err != nil {
		return nil, err
	}
	if kind == python.Lookup {
		args = []any{args}
		variables, err := p.dict(a.Variables)
		if err != nil {
			return nil, err
		}
		for k, v := range variables {
			if _, err := value.JSON(v); err != nil { // still encrypted, or not known
				delete(variables, k)
			}
		}
		named["variables"] = variables
	}
	text, err := p.helper.CallText(ctx, kind, name, args, named)
	var raised *python.PluginError
	if errors.As(err, &raised) {
		// Ansible shows what an exception says, and not its type.
		if _, said, ok := strings.Cut(raised.Text, ": "); ok && said != "" {
			return nil, errors.New(said)
		}
	}
	if err != nil {
		return nil, err
	}
	return value.ParseJSON(text)
}

func (p *plugins) list(text json.RawMessage) ([]any, error) {
	if len(text) == 0 {
		return []any{}, nil
	}
	v, err := value.Decode(text)
	if err != nil {
		return nil, err
	}
	l, ok := v.(*value.List)
	if !ok {
		return nil, fmt.Errorf("the arguments of a plugin are a list, not %s", value.TypeName(v))
	}
	return l.Items, nil
}

func (p *plugins) dict(text json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	if len(text) == 0 {
		return out, nil
	}
	v, err := value.Decode(text)
	if err != nil {
		return nil, err
	}
	if d, ok := v.(*value.Dict); ok {
		for k, x := range d.All() {
			out[value.String(k)] = x
		}
	}
	return out, nil
}

// close ends Python.
func (p *plugins) close() { p.helper.Close() }
