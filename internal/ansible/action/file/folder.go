package file

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// folderLimit is how deep folders, reached through links, may lie in each other.
const folderLimit = 200

// pair is something local and its name below dest.
type pair struct{ from, to string }

// listing is all that lies in a local folder.
type listing struct {
	files, directories, links []pair
	follow                    bool
}

type inode struct{ dev, ino uint64 }

func inodeOf(path string) (inode, bool) {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return inode{}, false
	}
	return inode{uint64(st.Dev), st.Ino}, true // Dev has another type on other machines
}

// list finds all in a folder; parents are the folders that it lies in, so that a link back to
// one of them is copied as a link.
func (l *listing) list(dir, rel string, parents []inode) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	entries, err := file.ReadDir(-1)
	_ = file.Close()
	if err != nil {
		return err
	}
	// Files come before folders, which decides what the result of the whole task tells.
	type item struct {
		os.DirEntry
		target os.FileInfo
		err    error
	}
	var first, later []item
	for _, e := range entries {
		i := item{DirEntry: e}
		if i.target, i.err = os.Stat(filepath.Join(dir, e.Name())); i.err == nil && i.target.IsDir() {
			later = append(later, i)
		} else {
			first = append(first, i)
		}
	}
	for _, e := range append(first, later...) {
		path, to := filepath.Join(dir, e.Name()), filepath.Join(rel, e.Name())
		target, statErr := e.target, e.err
		isDir := statErr == nil && target.IsDir()
		isLink := e.Type()&os.ModeSymlink != 0
		switch {
		case isLink && !l.follow, isLink && statErr != nil, isLink && !isDir && !target.Mode().IsRegular():
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			l.links = append(l.links, pair{link, to})
		case isLink && !isDir:
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				return err
			}
			l.files = append(l.files, pair{real, to})
		case isDir:
			if err := l.folder(path, to, isLink, parents); err != nil {
				return err
			}
		default:
			l.files = append(l.files, pair{path, to})
		}
	}
	return nil
}

func (l *listing) folder(path, to string, isLink bool, parents []inode) error {
	id, _ := inodeOf(path)
	if isLink && (slices.Contains(parents, id) || len(parents) > folderLimit) {
		link, err := os.Readlink(path)
		l.links = append(l.links, pair{link, to})
		return err
	}
	l.directories = append(l.directories, pair{path, to})
	return l.list(path, to, append(slices.Clone(parents), id))
}

// copyFolder copies what lies in a folder and, when its name does not end in a slash, the
// folder itself.
func copyFolder(ctx context.Context, t action.Target, task action.Task, src, dest string) (module.Result, error) {
	l := &listing{follow: yes(task, "local_follow", true)}
	base := ""
	if !strings.HasSuffix(src, "/") {
		base = filepath.Base(src)
	}
	id, _ := inodeOf(src)
	if err := l.list(strings.TrimSuffix(src, "/"), base, []inode{id}); err != nil {
		return failed(err.Error()), nil
	}
	c := &folderCopy{ctx: ctx, target: t, task: task, dest: dest, follow: len(l.directories) == 0 && yes(task, "follow", false), nested: len(l.directories) > 0}
	for _, step := range []struct {
		pairs []pair
		do    func(pair) (module.Result, error)
	}{{l.files, c.file}, {l.directories, c.directory}, {l.links, c.link}} {
		if result, err := c.all(step.pairs, step.do); err != nil || result.Failed() {
			return result, err
		}
	}
	if c.ran && len(l.files) == 1 {
		if _, ok := c.last["dest"]; !ok && c.last["path"] != nil {
			c.last["dest"] = c.last["path"]
		}
		return c.last, nil
	}
	return module.Result{"dest": dest, "src": src, "changed": c.changed}, nil
}

// sideBySide is how many files of a folder are on their way to a host at once.
const sideBySide = 8

// all does the same for all pairs, some side by side: what takes long is waiting for the host.
// The result is the first failure in their order, if there is one. Nothing new is begun after
// a failure.
func (c *folderCopy) all(pairs []pair, do func(pair) (module.Result, error)) (module.Result, error) {
	type answer struct {
		result module.Result
		err    error
	}
	answers := make([]answer, len(pairs))
	var next atomic.Int64
	var stopped atomic.Bool
	var wait sync.WaitGroup
	for range min(sideBySide, len(pairs)) {
		wait.Go(func() {
			for !stopped.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(pairs) {
					return
				}
				a := &answers[i]
				if a.result, a.err = do(pairs[i]); a.err != nil || a.result.Failed() {
					stopped.Store(true)
				}
			}
		})
	}
	wait.Wait()
	for _, a := range answers {
		if a.err != nil || a.result.Failed() {
			return a.result, a.err
		}
		if a.result != nil && a.result["_tutti_skip"] != true {
			c.note(a.result)
		}
	}
	return module.Result{}, nil
}

type folderCopy struct {
	ctx            context.Context
	target         action.Target
	task           action.Task
	dest           string
	follow, nested bool
	ran, changed   bool
	last           module.Result
}

func (c *folderCopy) note(r module.Result) {
	if changed, _ := r["changed"].(bool); changed {
		c.changed = true
	}
	c.ran, c.last = true, r
}

func (c *folderCopy) file(p pair) (module.Result, error) {
	s, failure := open(c.task, p.from, p.to)
	if failure != nil {
		return failure, nil
	}
	result, skipped, err := send(c.ctx, c.target, c.task, s, c.dest, c.follow)
	if skipped {
		return module.Result{"_tutti_skip": true}, nil
	}
	return result, err
}

// forFile gives the task's arguments that the file module knows.
func (c *folderCopy) forFile() map[string]any {
	args := map[string]any{}
	for _, name := range []string{"mode", "owner", "group", "seuser", "serole", "selevel", "setype", "attributes", "unsafe_writes", "force"} {
		if v, ok := c.task.Args[name]; ok {
			args[name] = v
		}
	}
	return args
}

func (c *folderCopy) directory(p pair) (module.Result, error) {
	args := c.forFile()
	args["path"], args["state"], args["recurse"] = filepath.Join(c.dest, p.to), "directory", false
	args["mode"] = c.task.Args["directory_mode"]
	return c.run(args)
}

func (c *folderCopy) link(p pair) (module.Result, error) {
	args := c.forFile()
	args["path"], args["src"], args["state"], args["force"] = filepath.Join(c.dest, p.to), p.from, "link", true
	if c.nested {
		args["follow"] = false
	}
	if args["mode"] == "preserve" {
		delete(args, "mode")
	}
	return c.run(args)
}

func (c *folderCopy) run(args map[string]any) (module.Result, error) {
	return c.target.Run(c.ctx, request(c.task, "file", args))
}
