package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/account"
	"tutti/internal/ansible/module/attribute"
)

func fileModule() module.Module {
	return module.Module{Name: "file", Run: runFile, Spec: argument.Spec{Check: true, FileAttributes: true, Options: []argument.Option{
		{Name: "state", Choices: []any{"absent", "directory", "file", "hard", "link", "touch"}},
		{Name: "path", Type: argument.Path, Required: true, Aliases: []string{"dest", "name"}},
		{Name: "_original_basename"},
		{Name: "recurse", Type: argument.Bool, Default: false},
		{Name: "force", Type: argument.Bool, Default: false},
		{Name: "follow", Type: argument.Bool, Default: true},
		{Name: "_diff_peek", Type: argument.Bool},
		{Name: "src", Type: argument.Path},
		{Name: "modification_time"},
		{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S"},
		{Name: "access_time"},
		{Name: "access_time_format", Default: "%Y%m%d%H%M.%S"},
	}}}
}

// filer is one call of the file module.
type filer struct {
	*module.Call
	ctx    context.Context
	path   string
	stamps stamps
	follow bool
	force  bool
	src    string
	hasSrc bool
}

func runFile(ctx context.Context, c *module.Call) module.Result {
	f := &filer{Call: c, ctx: ctx, path: c.String("path"), follow: c.Bool("follow"), force: c.Bool("force"), src: c.String("src"), hasSrc: c.Given("src")}
	result, err := f.run()
	if err != nil {
		return attribute.Result(err)
	}
	if !c.Diff {
		delete(result, "diff")
	}
	return result
}

func (f *filer) run() (module.Result, error) {
	state, err := f.state()
	if err != nil {
		return nil, err
	}
	f.Args["path"], f.Args["state"] = f.path, state
	if f.CheckMode && state != "absent" {
		f.warnOfAccounts()
	}
	if f.Given("_diff_peek") {
		return module.Result{"path": f.path, "changed": false, "appears_binary": looksBinary(f.path)}, nil
	}
	if f.stamps, err = f.times(state); err != nil {
		return nil, err
	}
	switch state {
	case "file":
		return f.ensureFile()
	case "directory":
		return f.ensureDirectory()
	case "link":
		return f.ensureLink()
	case "hard":
		return f.ensureHardLink()
	case "touch":
		return f.touch()
	default:
		return f.ensureAbsent()
	}
}

// state finds out what is wanted when the task does not say, and checks what must go together.
func (f *filer) state() (string, error) {
	state := f.String("state")
	if state != "link" && state != "absent" && isDir(f.path) {
		if base := f.String("_original_basename"); base != "" {
			f.path = filepath.Join(f.path, base)
		} else if f.src != "" && filepath.Base(f.src) != "" {
			f.path = join(f.path, baseName(f.src))
		}
	}
	if state == "" {
		state = stateOf(f.path)
		if state == "absent" {
			state = "file"
			if f.Bool("recurse") {
				state = "directory"
			}
		}
	}
	if f.Bool("recurse") && state != "directory" {
		return "", attribute.Failed("recurse option requires state to be 'directory'", "path", f.path)
	}
	if f.src != "" && state != "link" && state != "hard" {
		return "", attribute.Failed("src option requires state to be 'link' or 'hard'", "path", f.path)
	}
	return state, nil
}

// baseName is what follows the last slash, as Python's basename.
func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// join is Python's os.path.join of two: what is absolute wins, and nothing is cleaned.
func join(dir, name string) string {
	switch {
	case strings.HasPrefix(name, "/") || dir == "":
		return name
	case strings.HasSuffix(dir, "/"):
		return dir + name
	}
	return dir + "/" + name
}

// warnOfAccounts tells in check mode of users and groups that an earlier task may yet make.
func (f *filer) warnOfAccounts() {
	warn := func(kind, word, name string, byID func(int) (string, bool), byName func(string) (int, bool)) {
		if name == "" {
			return
		}
		if id, err := strconv.Atoi(name); err == nil {
			if _, ok := byID(id); !ok {
				f.Warn("failed to look up %s with %s %d. Create %s up to this point in real play", kind, word, id, kind)
			}
		} else if _, ok := byName(name); !ok {
			f.Warn("failed to look up %s %s. Create %s up to this point in real play", kind, name, kind)
		}
	}
	warn("user", "uid", f.String("owner"), account.UserName, account.UserID)
	warn("group", "gid", f.String("group"), account.GroupName, account.GroupID)
}

// looksBinary guesses whether a file holds something else than text.
func looksBinary(path string) bool {
	if !isFile(path) {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 8192)
	n, _ := file.Read(head)
	return strings.IndexByte(string(head[:n]), 0) >= 0
}

// diff begins a diff of the file's state.
func (f *filer) diff(path, state, before string) *attribute.Diff {
	d := attribute.NewDiff(path)
	if before == state {
		return d
	}
	d.Set("state", before, state)
	if state == "absent" && before == "directory" {
		dirs, files := []string{}, []string{}
		walk(path, func(dir string, names, others []string) {
			for _, n := range names {
				dirs = append(dirs, join(dir, n))
			}
			for _, n := range others {
				files = append(files, join(dir, n))
			}
		})
		d.Before["path_content"] = map[string]any{"directories": dirs, "files": files}
	}
	return d
}

// settle applies attributes and times to what is there now.
func (f *filer) settle(w attribute.Wanted, changed bool, d *attribute.Diff) (bool, error) {
	changed, err := w.Apply(f.ctx, f.Call, changed, d)
	if err != nil {
		return changed, err
	}
	stamped, err := f.stamps.apply(f.Call, w.Path, d)
	return changed || stamped, err
}

func (f *filer) ensureAbsent() (module.Result, error) {
	before := stateOf(f.path)
	if before == "absent" {
		return module.Result{"path": f.path, "changed": false, "state": "absent"}, nil
	}
	d := f.diff(f.path, "absent", before)
	if !f.CheckMode {
		if before == "directory" {
			if err := os.RemoveAll(f.path); err != nil {
				return nil, attribute.Failed("rmtree failed: " + attribute.OSError(err, pathOf(err)))
			}
		} else if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, attribute.Failed("Unlinking failed.: "+attribute.OSError(err, f.path), "path", f.path)
		}
	}
	return module.Result{"path": f.path, "changed": true, "diff": d.Map(), "state": "absent"}, nil
}

// pathOf gives the file that an error is about.
func pathOf(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Path
	}
	return ""
}

func (f *filer) ensureFile() (module.Result, error) {
	before := stateOf(f.path)
	w := attribute.Of(f.Call, f.path)
	if f.follow && before == "link" {
		f.path = attribute.RealPath(f.path)
		w.Path = f.path
		before = stateOf(f.path)
	}
	if before != "file" && before != "hard" {
		return nil, attribute.Failed(fmt.Sprintf("file (%s) is %s, cannot continue", f.path, before), "path", f.path, "state", before)
	}
	d := f.diff(f.path, "file", before)
	changed, err := f.settle(w, false, d)
	if err != nil {
		return nil, err
	}
	return module.Result{"path": f.path, "changed": changed, "diff": d.Map()}, nil
}

func (f *filer) touch() (module.Result, error) {
	before := stateOf(f.path)
	result := module.Result{"dest": f.path}
	if before == "absent" {
		if f.CheckMode {
			result["changed"] = true
			return result, nil
		}
		file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return nil, attribute.Failed("Error, could not touch target.: "+attribute.OSError(err, f.path), "path", f.path)
		}
		_ = file.Close()
	}
	d := f.diff(f.path, "touch", before)
	changed, err := f.settle(attribute.Of(f.Call, f.path), before == "absent", d)
	if err != nil {
		if before == "absent" {
			_ = os.Remove(f.path)
		}
		return nil, err
	}
	result["changed"], result["diff"] = changed, d.Map()
	return result, nil
}

// sameFile tells whether two paths lead to one inode.
func sameFile(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Ino == y.Ino
}
