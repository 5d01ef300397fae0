package file

import (
	"context"
	"fmt"
	"os"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/regex"
)

func replaceModule() module.Module {
	return module.Module{Name: "replace", Run: runReplace, Spec: argument.Spec{Check: true, FileAttributes: true, Options: []argument.Option{
		{Name: "path", Type: argument.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}},
		{Name: "regexp", Required: true},
		{Name: "replace", Default: ""},
		{Name: "after"},
		{Name: "before"},
		{Name: "backup", Type: argument.Bool, Default: false},
		{Name: "validate"},
		{Name: "encoding", Default: "utf-8"},
	}}}
}

func runReplace(ctx context.Context, c *module.Call) module.Result {
	result, err := replaceText(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func replaceText(ctx context.Context, c *module.Call) (module.Result, error) {
	path := c.String("path")
	if err := editable(path); err != nil {
		return nil, err
	}
	if !exists(path) {
		return nil, attribute.Failed("Path "+path+" does not exist !", "rc", 257)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, attribute.Failed(fmt.Sprintf("Unable to read the contents of '%s': %s", path, attribute.OSError(err, path)))
	}
	codec, ok := codecs(c.String("encoding"))
	if !ok {
		return nil, attribute.Failed("unknown encoding: " + c.String("encoding"))
	}
	contents := codec.decode(data)
	before, section, after, pattern, err := sectionOf(c, contents)
	if err != nil {
		return nil, err
	}
	if section == nil {
		return module.Result{"rc": 0, "changed": false, "msg": "Pattern for before/after params did not match the given file: " + pattern}, nil
	}
	re, err := regex.Compile(c.String("regexp"), regex.Multiline)
	if err != nil {
		return nil, attribute.Failed(fmt.Sprintf("regexp is not a regular expression: %v", err))
	}
	replaced, n, err := re.Sub(c.String("replace"), *section, 0)
	if err != nil {
		return nil, attribute.Failed("Unable to process replace due to error: " + err.Error())
	}
	result := module.Result{"rc": 0}
	changed, msg := n > 0 && replaced != *section, ""
	if changed {
		msg = fmt.Sprintf("%d replacements made", n)
		replaced = before + replaced + after
		if c.Diff {
			result["diff"] = map[string]any{"before_header": path, "before": contents, "after_header": path, "after": replaced}
		}
	}
	if changed && !c.CheckMode {
		if c.Bool("backup") {
			if result["backup_file"], err = attribute.Backup(ctx, c, path); err != nil {
				return nil, err
			}
		}
		encoded, err := codec.encode(replaced)
		if err != nil {
			return nil, attribute.Failed(err.Error())
		}
		if err := writeChanges(ctx, c, encoded, attribute.RealPath(path)); err != nil {
			return nil, err
		}
	}
	result["msg"], result["changed"], err = settle(ctx, c, changed, msg, nil)
	return result, err
}

// sectionOf finds the part of the text that after and before leave; nil when they do not match.
func sectionOf(c *module.Call, contents string) (before string, section *string, after, pattern string, err error) {
	a, b := c.String("after"), c.String("before")
	switch {
	case a != "" && b != "":
		pattern = a + `(?P<subsection>.*?)` + b
	case a != "":
		pattern = a + `(?P<subsection>.*)`
	case b != "":
		pattern = `(?P<subsection>.*)` + b
	default:
		return "", &contents, "", "", nil
	}
	re, err := regex.Compile(pattern, regex.DotAll)
	if err != nil {
		return "", nil, "", pattern, attribute.Failed(fmt.Sprintf("before or after is not a regular expression: %v", err))
	}
	m, err := re.Search(contents)
	if m == nil || err != nil {
		return "", nil, "", pattern, err
	}
	before, text, after, _ := m.Around("subsection")
	return before, &text, after, pattern, nil
}

// codec is a character encoding.
type codec struct {
	decode func([]byte) string
	encode func(string) ([]byte, error)
}

// codecs knows the encodings by Python's names for them.
func codecs(name string) (codec, bool) {
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)) {
	case "utf8", "ascii", "usascii", "":
		return codec{func(b []byte) string { return string(b) }, func(s string) ([]byte, error) { return []byte(s), nil }}, true
	case "latin1", "iso88591", "l1":
		return codec{fromLatin1, toLatin1}, true
	}
	return codec{}, false
}

func fromLatin1(data []byte) string {
	var b strings.Builder
	for _, c := range data {
		b.WriteRune(rune(c))
	}
	return b.String()
}

func toLatin1(s string) ([]byte, error) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, fmt.Errorf("'latin-1' codec can't encode character %q: ordinal not in range(256)", r)
		}
		out = append(out, byte(r))
	}
	return out, nil
}
