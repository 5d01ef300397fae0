package file

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/regex"
)

func assembleModule() module.Module {
	return module.Module{Name: "assemble", Run: runAssemble, Spec: argument.Spec{Check: true, FileAttributes: true, Options: []argument.Option{
		{Name: "src", Type: argument.Path, Required: true},
		{Name: "delimiter"},
		{Name: "dest", Type: argument.Path, Required: true},
		{Name: "backup", Type: argument.Bool, Default: false},
		{Name: "remote_src", Type: argument.Bool, Default: true},
		{Name: "regexp"},
		{Name: "ignore_hidden", Type: argument.Bool, Default: false},
		{Name: "validate"},
		{Name: "decrypt", Type: argument.Bool, Default: true},
	}}}
}

func runAssemble(ctx context.Context, c *module.Call) module.Result {
	result, err := assemble(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func assemble(ctx context.Context, c *module.Call) (module.Result, error) {
	src, dest := c.String("src"), c.String("dest")
	switch {
	case !exists(src):
		return nil, attribute.Failed("Source (" + src + ") does not exist")
	case !isDir(src):
		return nil, attribute.Failed("Source (" + src + ") is not a directory")
	}
	var re *regex.Regex
	if c.Given("regexp") {
		var err error
		if re, err = regex.Compile(c.String("regexp"), 0); err != nil {
			return nil, attribute.Failed(fmt.Sprintf(`Invalid Regexp (%s) in "%s"`, err, c.String("regexp")))
		}
	}
	if v := c.String("validate"); v != "" && !strings.Contains(v, "%s") {
		return nil, attribute.Failed("validate must contain %s: " + v)
	}
	content, err := Fragments(src, Fragment{Delimiter: c.String("delimiter"), Regexp: re, IgnoreHidden: c.Bool("ignore_hidden")})
	if err != nil {
		return nil, attribute.Failed(attribute.OSError(err, pathOf(err)))
	}
	temporary, err := attribute.Temporary(c, content)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary) }()
	sums, err := attribute.Checksums(temporary, "sha1", "md5")
	if err != nil {
		return nil, attribute.Failed(attribute.OSError(err, temporary))
	}
	result := module.Result{"src": src, "dest": dest, "checksum": sums[0], "md5sum": sums[1], "msg": "OK"}
	before := ""
	if isDir(dest) {
		return nil, attribute.Failed("attempted to take checksum of directory: " + dest)
	}
	if exists(dest) {
		old, err := attribute.Checksums(dest, "sha1")
		if err != nil {
			return nil, attribute.Failed(attribute.OSError(err, dest))
		}
		before = old[0]
	}
	changed := before != sums[0]
	if changed {
		if err := putAssembled(ctx, c, temporary, dest, before != "", result); err != nil {
			return nil, err
		}
	}
	result["changed"], err = attribute.Of(c, dest).Apply(ctx, c, changed, nil)
	return result, err
}

func putAssembled(ctx context.Context, c *module.Call, temporary, dest string, there bool, result module.Result) error {
	if command := c.String("validate"); command != "" {
		out, err := attribute.Validate(ctx, command, temporary)
		if err != nil {
			return err
		}
		result["validation"] = map[string]any{"rc": out.Code, "stdout": out.Stdout, "stderr": out.Stderr}
		if out.Code != 0 {
			return attribute.Failed(fmt.Sprintf("failed to validate: rc:%d error:%s", out.Code, out.Stderr))
		}
	}
	if c.Bool("backup") && there {
		backup, err := attribute.Backup(ctx, c, dest)
		if err != nil {
			return err
		}
		result["backup_file"] = backup
	}
	if c.CheckMode {
		return nil
	}
	return attribute.AtomicMove(ctx, temporary, dest, attribute.Move{Unsafe: c.Bool("unsafe_writes")})
}

// Fragment says which files of a folder are put together, and how.
type Fragment struct {
	Delimiter string
	// Regexp is searched in names; nil takes all.
	Regexp       *regex.Regex
	IgnoreHidden bool
	// Read reads one fragment; nil is os.ReadFile.
	Read func(path string) ([]byte, error)
}

// Fragments puts the files of a folder together, in the order of their names.
func Fragments(dir string, f Fragment) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	read := f.Read
	if read == nil {
		read = os.ReadFile
	}
	var out bytes.Buffer
	delimiter := []byte(unescape(f.Delimiter))
	first, open := true, false
	for _, e := range entries {
		path := join(dir, e.Name())
		if f.Regexp != nil {
			if m, err := f.Regexp.Search(e.Name()); err != nil || m == nil {
				continue
			}
		}
		if !isFile(path) || f.IgnoreHidden && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		content, err := read(path)
		if err != nil {
			return nil, err
		}
		if open {
			out.WriteByte('\n')
		}
		if !first && len(delimiter) > 0 {
			out.Write(withEnd(delimiter))
		}
		out.Write(content)
		first, open = false, !bytes.HasSuffix(content, []byte("\n"))
	}
	return out.Bytes(), nil
}

// unescape reads the escapes of a delimiter, such as \n.
func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r", `\'`, "'", `\"`, `"`).Replace(s)
}
