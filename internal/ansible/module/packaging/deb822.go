package packaging

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

func deb822Spec() argument.Spec {
	var options []argument.Option
	for _, name := range []string{"allow_downgrade_to_insecure", "allow_insecure", "allow_weak", "by_hash", "check_date", "check_valid_until", "enabled", "pdiffs", "trusted"} {
		options = append(options, argument.Option{Name: name, Type: argument.Bool})
	}
	for _, name := range []string{"architectures", "components", "languages", "suites", "targets", "uris"} {
		options = append(options, argument.Option{Name: name, Type: argument.List, Elements: argument.Str})
	}
	return argument.Spec{
		Options: append(options,
			argument.Option{Name: "date_max_future", Type: argument.Int},
			argument.Option{Name: "inrelease_path"},
			argument.Option{Name: "name", Required: true},
			argument.Option{Name: "signed_by"},
			argument.Option{Name: "types", Type: argument.List, Elements: argument.Str, Choices: []any{"deb", "deb-src"}, Default: []any{"deb"}},
			argument.Option{Name: "mode", Type: argument.Raw, Default: "0644"},
			argument.Option{Name: "state", Choices: []any{"present", "absent"}, Default: "present"},
		),
		Check: true,
	}
}

// deb822Repository is the module deb822_repository: a file of sources with one stanza.
func deb822Repository(ctx context.Context, c *module.Call) module.Result {
	d := &stanza{c: c, keys: "/etc/apt/keyrings", sources: "/etc/apt/sources.list.d"}
	result, err := d.do(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

// stanza is one call of the module; the folders are apt's.
type stanza struct {
	c             *module.Call
	keys, sources string
	changed       bool
}

var (
	toDash = regexp.MustCompile(`[_\s]+`)
	noSlug = regexp.MustCompile(`[^a-z0-9-]+`)
)

func (d *stanza) do(ctx context.Context) (module.Result, error) {
	c := d.c
	slug := noSlug.ReplaceAllString(toDash.ReplaceAllString(strings.ToLower(c.String("name")), "-"), "")
	dest := filepath.Join(d.sources, slug+".sources")
	if c.String("state") == "absent" {
		last := ""
		for _, file := range []string{dest, filepath.Join(d.keys, slug+".asc"), filepath.Join(d.keys, slug+".gpg")} {
			last = file
			if !exists(file) {
				continue
			}
			d.changed = true
			if !c.CheckMode {
				if err := os.Remove(file); err != nil {
					return nil, attribute.Failed(attribute.OSError(err, file))
				}
			}
		}
		return module.Result{"repo": nil, "changed": d.changed, "dest": dest, "key_filename": last}, nil
	}
	text, key, err := d.text(ctx, slug)
	if err != nil {
		return nil, err
	}
	if err := d.place(ctx, []byte(text), dest); err != nil {
		return nil, err
	}
	if err := d.mode(ctx, dest, c.Args["mode"]); err != nil {
		return nil, err
	}
	return module.Result{"repo": text, "changed": d.changed, "dest": dest, "key_filename": key}, nil
}

func (d *stanza) mode(ctx context.Context, file string, mode any) error {
	changed, err := attribute.Wanted{Path: file, Mode: mode}.Apply(ctx, d.c, false, nil)
	d.changed = d.changed || changed
	return err
}

// place puts content into a file, when it is another than what is there.
func (d *stanza) place(ctx context.Context, content []byte, dest string) error {
	if before, err := os.ReadFile(dest); err == nil && string(before) == string(content) {
		return nil
	}
	d.changed = true
	if d.c.CheckMode {
		return nil
	}
	temporary, err := attribute.Temporary(d.c, content)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	return attribute.AtomicMove(ctx, temporary, dest, attribute.Move{})
}

// text writes the stanza: the options that have a value, in the order of their names.
func (d *stanza) text(ctx context.Context, slug string) (string, any, error) {
	var names []string
	for _, o := range deb822Spec().Options {
		if o.Name != "mode" && o.Name != "state" && d.c.Given(o.Name) {
			names = append(names, o.Name)
		}
	}
	sort.Strings(names)
	var b strings.Builder
	var key any
	for _, name := range names {
		value := ""
		switch v := d.c.Args[name].(type) {
		case bool:
			value = map[bool]string{true: "yes", false: "no"}[v]
		case []any:
			value = strings.Join(d.c.Strings(name), " ")
		case string:
			value = v
		default:
			value = fmt.Sprint(v)
		}
		if name == "signed_by" {
			file, err := d.signedBy(ctx, value, slug)
			if err != nil {
				return "", nil, err
			}
			if file != "" {
				key, value = file, file
			}
		}
		if strings.Contains(value, "\n") {
			value = multiline(value)
		} else if value != "" {
			value = " " + value
		}
		b.WriteString(fieldName(name) + ":" + value + "\n")
	}
	return b.String(), key, nil
}

// fieldName is an option's name as apt writes it.
func fieldName(name string) string {
	switch name {
	case "name":
		return "X-Repolib-Name"
	case "uris":
		return "URIs"
	}
	words := strings.Split(name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

// multiline indents a text; an empty line is a dot.
func multiline(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			line = "."
		}
		b.WriteString("\n    " + line)
	}
	return b.String()
}

var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// signedBy fetches a key that is named by its URL. "" is for a key that stands there itself,
// or its fingerprint.
func (d *stanza) signedBy(ctx context.Context, value, slug string) (string, error) {
	if info, err := os.Stat(value); err == nil && info.Mode().IsRegular() {
		return value, nil
	}
	if !hasScheme.MatchString(value) || strings.Contains(value, "\n") {
		return "", nil
	}
	r := fetch.Of(d.c, value)
	r.Login.Agent = "ansible-httpget"
	a := fetch.Do(ctx, r)
	if a.Body == nil {
		return "", attribute.Failed("Could not fetch signed_by key: " + strings.TrimPrefix(a.Msg, "Request failed: "))
	}
	defer func() { _ = a.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(a.Body, maxKey))
	if err != nil {
		return "", attribute.Failed("Could not fetch signed_by key: " + err.Error())
	}
	if len(data) == 0 {
		return value, nil
	}
	end := ".gpg"
	if strings.Contains(string(data), armor) {
		end = ".asc"
	}
	file := filepath.Join(d.keys, slug+end)
	if before, err := os.ReadFile(file); err != nil || string(before) != string(data) {
		if !isDir(d.keys) {
			d.changed = true
			if !d.c.CheckMode {
				if err := os.Mkdir(d.keys, 0o755); err != nil {
					return "", attribute.Failed(attribute.OSError(err, d.keys))
				}
			}
		}
	}
	if err := d.place(ctx, data, file); err != nil {
		return "", err
	}
	return file, d.mode(ctx, file, "0644")
}

const (
	// maxKey is how large a file of keys may be.
	maxKey = 16 << 20
	armor  = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
)
