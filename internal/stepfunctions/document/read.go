package document

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tutti/internal/diag"
)

// Limits on a file.
const (
	// MaxBytes is how large a file may be.
	MaxBytes = 16 << 20
	// MaxDepth is how deep values may lie in each other.
	MaxDepth = 500
	// MaxNodes is how many values a file may have; YAML's aliases count each time.
	MaxNodes = 500_000
)

// The headlines of what Read reports.
const (
	InvalidJSON         = "Invalid JSON"
	InvalidYAML         = "Invalid YAML"
	EmptyFile           = "Empty file"
	MissingSubstitution = "Missing substitution"
)

// Read reads a file: YAML where IsYAML says so, JSON otherwise. Substitutions stand for
// ${name} in strings and in place of values; nil leaves such text alone. The file is
// there even beside errors; its Root is nil then.
func Read(name string, text []byte, substitutions map[string]string) (*File, diag.List) {
	f := newFile(name, text)
	switch {
	case len(text) > MaxBytes:
		return f, f.syntax(&syntaxError{MaxBytes, fmt.Sprintf("the file is larger than %d bytes", MaxBytes)})
	case len(bytes.TrimSpace(text)) == 0:
		rng := f.Between(0, 0)
		return f, diag.Errorf(&rng, EmptyFile, "The file is empty.")
	case !utf8.Valid(text):
		return f, f.syntax(&syntaxError{invalidUTF8(text), "the text is not UTF-8"})
	}
	var substitute func(string) (string, bool)
	if substitutions != nil {
		substitute = func(name string) (string, bool) { v, ok := substitutions[name]; return v, ok }
	}
	var root *Node
	var err error
	if IsYAML(name, text) {
		root, err = (&yamlReader{file: f, substitute: substitute}).document()
	} else {
		root, err = (&jsonReader{text: text, substitute: substitute}).document()
	}
	var missing *missingSubstitution
	switch {
	case errors.As(err, &missing):
		return f, f.missing(missing, substitutions)
	case err != nil:
		return f, f.syntax(err)
	}
	if substitutions != nil {
		if diags := f.substitute(root, substitutions); diags.HasErrors() {
			return f, diags
		}
	}
	f.Root = root
	return f, nil
}

// IsYAML reports whether a file is taken for YAML: by its name, or, where that tells
// nothing, because it does not begin as JSON does.
func IsYAML(name string, text []byte) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return true
	case ".json":
		return false
	}
	first := bytes.TrimLeft(text, " \t\r\n")
	return len(first) > 0 && strings.IndexByte(`{["`, first[0]) < 0
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

// syntaxError is text that is no JSON or YAML.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return e.what }

func (f *File) syntax(err error) diag.List {
	var syntax *syntaxError
	if !errors.As(err, &syntax) {
		panic("document: invariant broken: a reader failed without a place: " + err.Error())
	}
	headline := InvalidJSON
	if IsYAML(f.Name, f.Text) {
		headline = InvalidYAML
	}
	rng := f.Between(syntax.at, syntax.at)
	return diag.Errorf(&rng, headline, "The file cannot be read: %s.", syntax.what)
}

// missingSubstitution is a ${name} that nothing was given for.
type missingSubstitution struct {
	start, end int
	name       string
}

func (e *missingSubstitution) Error() string {
	return fmt.Sprintf("nothing is given for ${%s}", e.name)
}

func (f *File) missing(e *missingSubstitution, given map[string]string) diag.List {
	known := "None are given."
	if names := slices.Sorted(maps.Keys(given)); len(names) > 0 {
		known = "Given are: " + strings.Join(names, ", ") + "."
	}
	rng := f.Between(e.start, e.end)
	return diag.Errorf(&rng, MissingSubstitution, "The file has ${%s}, and nothing is given for it among its substitutions. %s", e.name, known)
}

// substitute fills in what stands in strings. What stood outside of quotes the
// readers have filled in already.
func (f *File) substitute(n *Node, given map[string]string) diag.List {
	var diags diag.List
	for _, inner := range n.Inner {
		diags = append(diags, f.substitute(inner, given)...)
	}
	text, ok := n.Text()
	if !ok || !strings.Contains(text, "${") {
		return diags
	}
	n.Value = substitution.ReplaceAllStringFunc(text, func(s string) string {
		name := s[2 : len(s)-1]
		value, ok := given[name]
		if !ok {
			diags = append(diags, f.missing(&missingSubstitution{n.Start, n.End, name}, given)...)
			return s
		}
		// The string's characters no longer stand in the file.
		n.exact = false
		return value
	})
	return diags
}

// Object reports, under this headline, what is no object, and the fields of one that are
// none of those known; without any known all are.
func (f *File) Object(n *Node, headline string, known ...string) diag.List {
	if n.Kind != Object {
		rng := f.Head(n)
		return diag.Errorf(&rng, headline, "%s must be an object, and is of type %s.", n.Pointer(), n.TypeName())
	}
	var diags diag.List
	for _, m := range n.Inner {
		if len(known) > 0 && !slices.Contains(known, m.Key) {
			rng := f.NameOf(m)
			diags = append(diags, diag.Errorf(&rng, "Unsupported field", "%s is not a field here.%s Possible are: %s.", m.Pointer(), diag.DidYouMean(m.Key, known), strings.Join(known, ", "))...)
		}
	}
	return diags
}

// String gives the text of an object's field, "" when it is not there, and reports, under
// this headline, one that is no string.
func (f *File) String(n *Node, field, headline string) (string, diag.List) {
	m := n.Get(field)
	if m == nil {
		return "", nil
	}
	s, ok := m.Text()
	if ok {
		return s, nil
	}
	rng := f.Head(m)
	return "", diag.Errorf(&rng, headline, "%s must be a string, and is of type %s.", m.Pointer(), m.TypeName())
}

// Duplicates warns of keys that hide others of the same object, except in objects for
// which skip holds.
func (f *File) Duplicates(n *Node, skip func(*Node) bool) diag.List {
	var diags diag.List
	seen := map[string]bool{}
	for _, m := range n.Inner {
		if n.Kind == Object && seen[m.Key] && !skip(n) {
			rng := f.NameOf(m)
			diags = append(diags, &diag.Diagnostic{Severity: diag.Warning, Headline: DuplicateKey, Subject: &rng,
				Detail: fmt.Sprintf("The key %q stands in this object twice, and the last one counts. Remove one of them.", m.Key)})
		}
		seen[m.Key] = true
		diags = append(diags, f.Duplicates(m, skip)...)
	}
	return diags
}

// DuplicateKey is the headline of what Duplicates reports.
const DuplicateKey = "Duplicate key"
