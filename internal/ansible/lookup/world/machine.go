// Package world holds the lookups of Ansible that reach the machine which a play is run
// from (files, commands, the environment, URLs), and answers what filters and tests ask
// about it. It is called by workers; what it gives is recorded, so that a replay sees what
// the run saw.
//
// A request goes in, results or an error in Ansible's words come out. The package knows
// nothing of templates but what package lookup tells: terms and options come rendered.
package world

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/value"
)

// Machine is the machine that a play is run from.
type Machine struct {
	// Folder is the current folder; "" is that of the process.
	Folder string
	// Environment looks up a variable of the environment; nil is that of the process.
	Environment func(name string) (string, bool)
	// Decrypt opens the content of a file of the vault; nil cannot.
	Decrypt func(content []byte, file string) ([]byte, error)
	// Config gives a setting of Ansible's configuration; plugin settings by type and name.
	Config func(name, pluginType, pluginName string) (Setting, bool)
	// Warn is told what a user should know; nil does not care.
	Warn func(text string)
	// Stderr takes what commands print there; nil drops it.
	Stderr io.Writer
	// Managed is the text of ansible_managed in templates; "" is Ansible's own.
	Managed string
}

var _ filter.World = (*Machine)(nil)

// Ask answers what filters and tests ask.
func (m *Machine) Ask(question string, args ...any) (any, error) {
	first := ""
	if len(args) > 0 {
		first, _ = args[0].(string)
	}
	switch question {
	case filter.AskEnvironment:
		if v, ok := m.environment(first); ok {
			return v, nil
		}
		return nil, nil
	case filter.AskHome:
		return m.home(first), nil
	case filter.AskFolder:
		return m.folder()
	case filter.AskRealPath:
		strict, _ := args[1].(bool)
		return m.realPath(first, strict)
	case filter.AskGlob:
		return m.glob(first)
	case filter.AskFolderAt, filter.AskFileAt, filter.AskLinkAt, filter.AskAnythingAt, filter.AskEntryAt:
		return m.at(question, first), nil
	case filter.AskMountAt:
		return m.mount(first), nil
	case filter.AskSameFile:
		return m.same(first, args[1].(string))
	case filter.AskVaultedFile:
		return m.vaulted(first)
	}
	return nil, fmt.Errorf("nobody here can answer %q", question)
}

func (m *Machine) environment(name string) (string, bool) {
	if m.Environment == nil {
		return os.LookupEnv(name)
	}
	return m.Environment(name)
}

func (m *Machine) home(name string) any {
	if name == "" {
		if home, ok := m.environment("HOME"); ok {
			return home
		}
		if u, err := user.Current(); err == nil {
			return u.HomeDir
		}
		return nil
	}
	if u, err := user.Lookup(name); err == nil {
		return u.HomeDir
	}
	return nil
}

func (m *Machine) folder() (string, error) {
	if m.Folder != "" {
		return m.Folder, nil
	}
	return os.Getwd()
}

// path makes a path absolute, without tidying it: links in it count.
func (m *Machine) path(p string) string {
	if p == "" || strings.HasPrefix(p, "/") {
		return p
	}
	folder, err := m.folder()
	if err != nil {
		return p
	}
	return folder + "/" + p
}

// at tells what lies at a path. A path that no file can have has nothing.
func (m *Machine) at(question, p string) bool {
	look := os.Stat
	if question == filter.AskLinkAt || question == filter.AskEntryAt {
		look = os.Lstat
	}
	info, err := look(m.path(p))
	if err != nil {
		return false
	}
	switch question {
	case filter.AskFolderAt:
		return info.IsDir()
	case filter.AskFileAt:
		return info.Mode().IsRegular()
	case filter.AskLinkAt:
		return info.Mode()&os.ModeSymlink != 0
	default:
		return true
	}
}

// mount tells whether a folder is on another device than the one above it.
func (m *Machine) mount(p string) bool {
	p = m.path(p)
	here, err := os.Lstat(p)
	if err != nil || here.Mode()&os.ModeSymlink != 0 {
		return false
	}
	above, err := os.Lstat(p + "/..")
	if err != nil {
		return false
	}
	a, ok1 := here.Sys().(*syscall.Stat_t)
	b, ok2 := above.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && (a.Dev != b.Dev || a.Ino == b.Ino)
}

func (m *Machine) same(a, b string) (any, error) {
	first, err := os.Stat(m.path(a))
	if err != nil {
		return nil, pythonError(err, a)
	}
	second, err := os.Stat(m.path(b))
	if err != nil {
		return nil, pythonError(err, b)
	}
	return os.SameFile(first, second), nil
}

// vaultHeader is how a file of the vault begins.
const vaultHeader = "$ANSIBLE_VAULT"

func (m *Machine) vaulted(p string) (any, error) {
	f, err := os.Open(m.path(p))
	if err != nil {
		return nil, fmt.Errorf("Cannot test if the file %s is a vault: %s", value.Repr(p), strings.Replace(pythonError(err, p).Error(), ": '", ": b'", 1)) // Ansible's own words
	}
	defer f.Close()
	head := make([]byte, len(vaultHeader))
	n, _ := f.Read(head) // what cannot be read is no vault
	return bytes.Equal(head[:n], []byte(vaultHeader)), nil
}

// maxLinks bounds how many links are followed to a path's end.
const maxLinks = 40

// realPath follows all links, also when the end of the path is not there.
func (m *Machine) realPath(p string, strict bool) (any, error) {
	rest := strings.Split(m.path(p), "/")
	if p == "" {
		folder, err := m.folder()
		if err != nil {
			return nil, err
		}
		rest = strings.Split(folder, "/")
	}
	done, links := "/", 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, part)
		target, err := os.Readlink(next)
		if err != nil {
			if _, missing := os.Lstat(next); strict && missing != nil {
				return nil, pythonError(missing, next)
			}
			done = next
			continue
		}
		if links++; links > maxLinks {
			return next, nil
		}
		rest = append(strings.Split(target, "/"), rest...)
		if strings.HasPrefix(target, "/") {
			done = "/"
		}
	}
	return done, nil
}

// glob gives the files that match a pattern of the shell, in the order of their names.
func (m *Machine) glob(pattern string) (any, error) {
	found, err := globFiles(m.path(pattern))
	if err != nil {
		return nil, err
	}
	out := &value.List{Items: []any{}}
	for _, f := range found {
		if !strings.HasPrefix(pattern, "/") {
			folder, _ := m.folder() // path found it already
			f = strings.TrimPrefix(f, folder+"/")
		}
		out.Items = append(out.Items, f)
	}
	return out, nil
}

// globFiles gives the regular files that match a pattern. As in Python, * and ? do not match
// a leading point, and a backslash is just that.
func globFiles(pattern string) ([]string, error) {
	found := []string{"/"}
	if !strings.HasPrefix(pattern, "/") {
		found = []string{""}
	}
	parts := strings.FieldsFunc(pattern, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		last := i == len(parts)-1
		var next []string
		for _, folder := range found {
			names, err := matching(folder, part)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				full := filepath.Join(folder, name)
				if part == "." || part == ".." {
					full = strings.TrimSuffix(folder, "/") + "/" + part
				}
				info, err := os.Stat(full)
				if err == nil && (last && info.Mode().IsRegular() || !last && info.IsDir()) {
					next = append(next, full)
				}
			}
		}
		found = next
	}
	return found, nil
}

// matching gives the names in a folder that match one part of a pattern.
func matching(folder, part string) ([]string, error) {
	if !strings.ContainsAny(part, "*?[") {
		return []string{part}, nil
	}
	if folder == "" {
		folder = "."
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil //nolint:nilerr // as in Python: a folder that cannot be read holds nothing
	}
	escaped := strings.ReplaceAll(part, `\`, `\\`)
	escaped = strings.ReplaceAll(escaped, "[!", "[^")
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		ok, err := filepath.Match(escaped, e.Name())
		if err != nil {
			ok = e.Name() == part
		}
		if ok {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// pythonError gives an error of the system Python's words: [Errno 2] No such file or directory: '/x'.
func pythonError(err error, p string) error {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err
	}
	text := number.Error()
	return fmt.Errorf("[Errno %d] %s: %s", int(number), strings.ToUpper(text[:1])+text[1:], value.Repr(p))
}
