package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// Request is a lookup with where it looks.
type Request struct {
	lookup.Request
	// Search are the folders in which a task's files are looked for, in order.
	Search []string
	// Base is the folder of the playbook, the last resort.
	Base string
}

// maxFile bounds the files that lookups read.
const maxFile = 256 << 20

// Lookup carries out a lookup. An error is in Ansible's words.
func (m *Machine) Lookup(ctx context.Context, r Request) ([]any, error) {
	switch r.Name {
	case "file":
		return m.files(r)
	case "unvault":
		return m.unvault(r)
	case "fileglob":
		return m.fileglob(r)
	case "first_found":
		return m.firstFound(r)
	case "template":
		return m.template(r)
	case "pipe":
		return m.pipe(ctx, r)
	case "lines":
		return m.lines(ctx, r)
	case "csvfile":
		return m.csvfile(r)
	case "ini":
		return m.ini(r)
	case "password":
		return m.password(ctx, r)
	case "url":
		return m.url(ctx, r)
	case "config":
		return m.config(r)
	}
	return nil, fmt.Errorf("there is no lookup %s here", value.Repr(r.Name))
}

// find gives the first file of a name on the search path: below a subfolder of each folder,
// then in it. "" is none.
func (m *Machine) find(r Request, subfolder, name string) string {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") {
		full := m.tidy(name)
		if _, err := os.Stat(full); name == "" || err != nil {
			return ""
		}
		return full
	}
	for _, candidate := range m.candidates(r, subfolder, name) {
		if _, err := os.Stat(candidate); err == nil {
			return path.Clean(candidate)
		}
	}
	return ""
}

func (m *Machine) candidates(r Request, subfolder, name string) []string {
	var out []string
	first, _, _ := strings.Cut(name, "/")
	below := subfolder != "" && first != subfolder
	for _, folder := range r.Search {
		folder = m.tidy(folder)
		if above := path.Dir(folder); strings.HasSuffix(above, "/tasks") {
			out = append(out, path.Dir(above)+"/"+subfolder+"/"+name, above+"/"+name)
		}
		if below {
			out = append(out, folder+"/"+subfolder+"/"+name)
		}
		out = append(out, folder+"/"+name)
	}
	if below {
		out = append(out, r.Base+"/"+subfolder+"/"+name)
	}
	return append(out, r.Base+"/"+name)
}

// tidy expands ~ and the environment in a path and makes it absolute.
func (m *Machine) tidy(p string) string {
	p, _ = filter.Expand(p, func(name string) (string, bool, error) { // the function gives no error
		v, ok := m.environment(name)
		return v, ok, nil
	})
	if strings.HasPrefix(p, "~") {
		user, rest, _ := strings.Cut(p[1:], "/")
		if home, ok := m.home(user).(string); ok {
			p = home + "/" + rest
		}
	}
	return path.Clean(m.path(p))
}

// read gives a file's text, decrypted if it is one of the vault.
func (m *Machine) read(file string) (string, error) {
	raw, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("An error occurred while trying to read the file %s: %w", value.Repr(file), pythonError(err, file)) // Ansible's own words
	}
	if strings.HasPrefix(string(raw), vaultHeader) {
		if m.Decrypt == nil {
			return "", fmt.Errorf("the file %s is encrypted and no vault password was given", value.Repr(file))
		}
		if raw, err = m.Decrypt(raw, file); err != nil {
			return "", err
		}
	}
	return string(raw), nil
}

// readFile reads a file that is not too large; one that never ends is.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return raw, err
}

// texts gives terms that have to be text; wrong is Python's word for what it wanted to do.
func texts(terms []any, wrong string) ([]string, error) {
	out := make([]string, len(terms))
	for i, t := range terms {
		s, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("'%s' object has no attribute '%s'", value.TypeName(t), wrong)
		}
		out[i] = s
	}
	return out, nil
}

const space = " \t\n\r\f\v\x1c\x1d\x1e\x1f\u0085\u00a0\u2028\u2029\u3000"

func (m *Machine) files(r Request) ([]any, error) {
	o, err := lookup.NewOptions(r.Name, r.Options, lookup.Option{Name: "rstrip", Type: lookup.Bool, Default: true},
		lookup.Option{Name: "lstrip", Type: lookup.Bool, Default: false})
	if err != nil {
		return nil, err
	}
	terms, err := texts(r.Terms, "startswith")
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(terms))
	for _, name := range terms {
		file := m.find(r, "files", name)
		err := errors.New("File not found. Use -vvvvv to see paths searched.") // Ansible's own words
		text := ""
		if file != "" {
			text, err = m.read(file)
		}
		if err != nil {
			return nil, fmt.Errorf("Unable to access the file %s: %w", value.Repr(name), err) // Ansible's own words
		}
		if o.Bool("lstrip") {
			text = strings.TrimLeft(text, space)
		}
		if o.Bool("rstrip") {
			text = strings.TrimRight(text, space)
		}
		out = append(out, text)
	}
	return out, nil
}

func (m *Machine) unvault(r Request) ([]any, error) {
	terms, err := texts(r.Terms, "startswith")
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(terms))
	for _, name := range terms {
		file := m.find(r, "files", name)
		if file == "" {
			return nil, fmt.Errorf("Unable to find file matching %q", name) // Ansible's own words
		}
		text, err := m.read(file)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

func (m *Machine) fileglob(r Request) ([]any, error) {
	out := []any{}
	for _, t := range r.Terms {
		term, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("expected str, bytes or os.PathLike object, not %s", value.TypeName(t))
		}
		var folders []string
		pattern := term[strings.LastIndexByte(term, '/')+1:]
		if pattern != term {
			folder := strings.TrimRight(term[:len(term)-len(pattern)], "/")
			if folder == "" {
				folder = "/"
			}
			folders = append(folders, m.find(r, "files", folder))
		} else {
			search := r.Search
			if len(search) == 0 {
				search = []string{r.Base}
			}
			for _, p := range search {
				folders = append(folders, filter.JoinPath(p, "files"), p)
			}
		}
		for _, folder := range folders {
			if folder == "" {
				continue
			}
			found, err := globFiles(filter.JoinPath(folder, pattern))
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				out = append(out, f)
			}
			if len(found) > 0 {
				break
			}
		}
	}
	return out, nil
}

func (m *Machine) firstFound(r Request) ([]any, error) {
	terms, err := texts(r.Terms, "startswith")
	if err != nil {
		return nil, err
	}
	for _, name := range terms {
		if file := m.find(r, r.Subfolder, name); file != "" {
			return []any{m.tidy(file)}, nil
		}
	}
	return []any{}, nil
}

// notUTF8 is Python's error about bytes that are no text, or nil.
func notUTF8(raw []byte) error {
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			why := "invalid start byte"
			switch lead := raw[i]; {
			case lead >= 0xc2 && lead <= 0xf4 && i+1 >= len(raw):
				why = "unexpected end of data"
			case lead >= 0xc2 && lead <= 0xf4:
				why = "invalid continuation byte"
			}
			return fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", raw[i], i, why)
		}
		i += n
	}
	return nil
}
