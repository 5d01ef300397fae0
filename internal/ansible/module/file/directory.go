package file

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// depthLimit is how many folders, reached through links, are gone into one in another.
const depthLimit = 200

func (f *filer) ensureDirectory() (module.Result, error) {
	before := stateOf(f.path)
	w := attribute.Of(f.Call, f.path)
	if f.follow && before == "link" {
		f.path = attribute.RealPath(f.path)
		w.Path = f.path
		before = stateOf(f.path)
	}
	d := f.diff(f.path, "directory", before)
	switch {
	case before == "absent" && f.CheckMode:
		return module.Result{"path": f.path, "changed": true, "diff": d.Map()}, nil
	case before == "absent":
		return f.makeDirectories(w, d)
	case before != "directory":
		return nil, attribute.Failed(fmt.Sprintf("%s already exists as a %s", f.path, before), "path", f.path)
	}
	changed, err := f.settle(w, false, d)
	if err == nil && f.Bool("recurse") {
		var deeper bool
		deeper, err = f.recurse(f.path, w, 0)
		changed = changed || deeper
	}
	if err != nil {
		return nil, err
	}
	return module.Result{"path": f.path, "changed": changed, "diff": d.Map()}, nil
}

// makeDirectories makes a folder and those above it that lack; all of them get the attributes.
func (f *filer) makeDirectories(w attribute.Wanted, d *attribute.Diff) (module.Result, error) {
	changed, current := false, ""
	for i, name := range strings.Split(strings.Trim(f.path, "/"), "/") {
		if current += "/" + name; i == 0 && !strings.HasPrefix(f.path, "/") {
			current = name
		}
		if exists(current) {
			continue
		}
		if err := os.Mkdir(current, 0o777); err != nil && (!errors.Is(err, os.ErrExist) || !isDir(current)) {
			return nil, attribute.Failed(fmt.Sprintf("There was an issue creating %s as requested: %s", current, attribute.OSError(err, current)), "path", f.path)
		}
		one := w
		one.Path = current
		var err error
		if changed, err = one.Apply(f.ctx, f.Call, true, d); err != nil {
			return nil, err
		}
		// The times are those of the folder in the end, which may not be there yet.
		if f.stamps.some() && exists(w.Path) {
			if _, err := f.stamps.apply(f.Call, w.Path, d); err != nil {
				return nil, err
			}
		}
	}
	return module.Result{"path": f.path, "changed": changed, "diff": d.Map()}, nil
}

// recurse applies the attributes to all that lies in a folder.
func (f *filer) recurse(dir string, w attribute.Wanted, depth int) (bool, error) {
	if depth > depthLimit {
		return false, attribute.Failed(fmt.Sprintf("Could not recursively set attributes on %s. Original error was: 'links lead more than %d deep'", dir, depthLimit))
	}
	changed := false
	var failure error
	one := func(path string) {
		if failure != nil {
			return
		}
		item := w
		item.Path = path
		var did bool
		if did, failure = f.settle(item, false, nil); did {
			changed = true
		}
	}
	walk(dir, func(root string, dirs, files []string) {
		for _, name := range append(dirs, files...) {
			path := join(root, name)
			one(path)
			if !isLink(path) || !f.follow || failure != nil {
				continue
			}
			target, err := os.Readlink(path)
			if err != nil {
				continue
			}
			if target = join(root, target); !exists(target) {
				continue
			}
			if isDir(target) {
				did, err := f.recurse(target, w, depth+1)
				if err != nil {
					failure = err
				}
				changed = changed || did
			}
			one(target)
		}
	})
	return changed, failure
}

// walk visits a folder and all below it, not through links, as Python's os.walk does: with
// the names of folders (links to folders among them) and of all else, in the folder's own order.
func walk(dir string, visit func(dir string, dirs, files []string)) {
	entries, err := readDir(dir)
	if err != nil {
		return
	}
	var dirs, files []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&os.ModeSymlink != 0 && isDir(join(dir, e.Name())) {
			dirs = append(dirs, e.Name())
		} else {
			files = append(files, e.Name())
		}
	}
	visit(dir, dirs, files)
	for _, name := range dirs {
		if path := join(dir, name); !isLink(path) {
			walk(path, visit)
		}
	}
}

// readDir reads a folder in the order in which the file system keeps it.
func readDir(dir string) ([]os.DirEntry, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return file.ReadDir(-1)
}
