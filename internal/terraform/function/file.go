package function

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Files is what file functions see of the world. A caller that records what a
// run saw, or answers from such a record, stands in its place. Paths are clean
// and absolute, or relative to the process's directory.
type Files interface {
	// Open reads a file.
	Open(path string) (io.ReadCloser, error)
	// Stat tells what kind of file a path leads to, symbolic links followed. The
	// error is fs.ErrNotExist when there is none.
	Stat(path string) (fs.FileMode, error)
	// Glob gives the paths of what matches below dir, as dir joined with names.
	Glob(dir, pattern string) ([]string, error)
}

// Disk is the file system of this machine.
type Disk struct{}

var _ Files = Disk{}

// Open implements Files.
func (Disk) Open(path string) (io.ReadCloser, error) { return os.Open(path) }

// Stat implements Files.
func (Disk) Stat(path string) (fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}

// Glob implements Files. In the pattern, ** stands for any number of folders and
// {a,b} for a choice; the folder itself is taken literally.
func (Disk) Glob(dir, pattern string) ([]string, error) {
	if runtime.GOOS != "windows" { // where the backslash separates names and so cannot quote
		dir = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(dir)
	}
	return doublestar.FilepathGlob(filepath.Join(dir, pattern))
}

// addFiles adds the functions that read files or work on their names.
func addFiles(t map[string]function.Function, opts Options) {
	path := []function.Parameter{text("path")}
	t["file"] = textToText(path, func(a []string) (string, error) { return readText(opts, a[0]) })
	t["filebase64"] = textToText(path, func(a []string) (string, error) {
		raw, err := readFile(opts, a[0])
		return base64.StdEncoding.EncodeToString(raw), err
	})
	for name, s := range sums() {
		t[fileSumName(name)] = textToText(path, func(a []string) (string, error) { return hashFile(opts, a[0], s) })
	}
	t["fileexists"] = textToBool(path, func(a []string) (bool, error) { return fileExists(opts, a[0]) })
	t["fileset"] = fileSet(opts)
	t["abspath"] = textToText(path, func(a []string) (string, error) {
		p, err := filepath.Abs(fromBase(opts, a[0]))
		return filepath.ToSlash(p), err
	})
	t["basename"] = textToText(path, func(a []string) (string, error) { return filepath.Base(a[0]), nil })
	t["dirname"] = textToText(path, func(a []string) (string, error) { return filepath.Dir(a[0]), nil })
	t["pathexpand"] = textToText(path, func(a []string) (string, error) { return expandHome(a[0]) })
}

func fileSumName(name string) string { return "file" + name }

// readText reads a file as a string.
func readText(opts Options, path string) (string, error) {
	raw, err := readFile(opts, path)
	if err != nil {
		return "", err
	}
	if _, err := validText(raw, ""); err != nil {
		return "", function.NewArgErrorf(0, "the contents of %q are not valid UTF-8; use filebase64 for its bytes, or filemd5, filesha256 and the like for a hash of them", path)
	}
	return string(raw), nil
}

func readFile(opts Options, path string) ([]byte, error) {
	r, err := openFile(opts, path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, opts.MaxText+1))
	if err != nil {
		return nil, function.NewArgErrorf(0, "reading %q: %w", path, cause(err))
	}
	if int64(len(raw)) > opts.MaxText {
		return nil, function.NewArgErrorf(0, "the file %q is longer than %d bytes, too long for a value", path, opts.MaxText)
	}
	return raw, nil
}

func openFile(opts Options, path string) (io.ReadCloser, error) {
	full, err := locate(opts, path)
	if err != nil {
		return nil, err
	}
	r, err := opts.Files.Open(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, function.NewArgErrorf(0, "no file exists at %q; files are read before anything is applied, so for a file that a resource of this configuration makes, refer to an attribute of that resource instead", path)
	}
	if err != nil {
		return nil, function.NewArgErrorf(0, "opening %q: %w", path, cause(err))
	}
	return r, nil
}

// cause leaves out of an error of the system the path, which the user named
// another way.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// hashFile reads a file of any size piece by piece.
func hashFile(opts Options, path string, s sum) (string, error) {
	r, err := openFile(opts, path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := s.hash()
	if _, err := io.Copy(h, r); err != nil {
		return "", function.NewArgErrorf(0, "reading %q: %w", path, cause(err))
	}
	return s.write(h.Sum(nil)), nil
}

func fileExists(opts Options, path string) (bool, error) {
	full, err := locate(opts, path)
	if err != nil {
		return false, err
	}
	mode, err := opts.Files.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, function.NewArgErrorf(0, "looking for %q: %w", path, cause(err))
	case mode.IsRegular():
		return true, nil
	}
	return false, function.NewArgErrorf(0, "%q is %s, not a regular file", path, kindOfFile(mode))
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeDir != 0:
		return "a directory"
	case mode&fs.ModeDevice != 0:
		return "a device node"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a Unix domain socket"
	}
	return "something else"
}

// fileSet gives the regular files below a folder that match a pattern, with
// slashes on every system.
func fileSet(opts Options) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("path"), text("pattern")},
		Type:         function.StaticReturnType(cty.Set(cty.String)),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			names, err := matchingFiles(opts, args[0].AsString(), args[1].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(names), nil
		},
	})
}

func matchingFiles(opts Options, path, pattern string) ([]cty.Value, error) {
	dir := fromBase(opts, path)
	found, err := opts.Files.Glob(dir, pattern)
	if err != nil {
		return nil, function.NewArgErrorf(1, "matching %q: %w", pattern, err)
	}
	var out []cty.Value
	for _, f := range found {
		mode, err := opts.Files.Stat(f)
		if err != nil {
			return nil, function.NewArgErrorf(1, "looking at what matches %q: %w", pattern, err)
		}
		if !mode.IsRegular() {
			continue
		}
		name, err := filepath.Rel(dir, f)
		if err != nil {
			return nil, fmt.Errorf("the file %q is not below %q: %w", f, path, err)
		}
		out = append(out, cty.StringVal(filepath.ToSlash(name)))
	}
	return out, nil
}

// locate gives the place of a file that a user names.
func locate(opts Options, path string) (string, error) {
	path, err := expandHome(path)
	if err != nil {
		return "", err
	}
	return fromBase(opts, path), nil
}

func fromBase(opts Options, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(opts.BaseDir, path)
}

// expandHome replaces a leading ~ by the home folder of the current user.
func expandHome(path string) (string, error) {
	if path == "" || path[0] != '~' {
		return path, nil
	}
	if len(path) > 1 && path[1] != '/' && path[1] != filepath.Separator {
		return "", function.NewArgErrorf(0, "%q begins with another user's home directory; only ~ and ~/ can be expanded", path)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", function.NewArgErrorf(0, "cannot expand ~: %w", err)
	}
	return filepath.Join(home, path[1:]), nil
}
