package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func (f *filer) ensureLink() (module.Result, error) {
	before := stateOf(f.path)
	if !f.hasSrc && f.follow && exists(f.path) {
		target, err := os.Readlink(f.path)
		if err != nil {
			return nil, attribute.Failed(attribute.OSError(err, f.path), "path", f.path)
		}
		f.src, f.hasSrc = target, true
	}
	if err := f.mayLink(before); err != nil {
		return nil, err
	}
	d := f.diff(f.path, "link", before)
	changed := before != "link"
	if changed && !f.hasSrc {
		return nil, attribute.Failed("src is required for creating new symlinks")
	}
	if before == "link" && f.hasSrc {
		if old, err := os.Readlink(f.path); err == nil && old != f.src {
			d.Set("src", old, f.src)
			changed = true
		}
	}
	if changed && !f.CheckMode {
		if err := f.makeLink(before); err != nil {
			return nil, err
		}
	}
	result := func(changed bool) module.Result {
		r := module.Result{"dest": f.path, "src": nil, "changed": changed, "diff": d.Map()}
		if f.hasSrc {
			r["src"] = f.src
		}
		return r
	}
	if f.CheckMode && !exists(f.path) {
		return result(changed), nil
	}
	w := attribute.Of(f.Call, f.path)
	if f.follow && isLink(f.path) && !exists(w.Path) {
		f.Warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
		return result(changed), nil
	}
	changed, err := f.settle(w, changed, d)
	if err != nil {
		return nil, err
	}
	return result(changed), nil
}

// mayLink refuses what would lose something.
func (f *filer) mayLink(before string) error {
	from := filepath.Dir(f.path)
	if before == "directory" {
		from = f.path
	}
	if target := join(from, f.src); !f.force && f.hasSrc && !exists(target) {
		return attribute.Failed("src file does not exist, use 'force=yes' if you really want to create the link: "+target, "path", f.path, "src", f.src)
	}
	refusal := attribute.Failed(fmt.Sprintf("refusing to convert from %s to symlink for %s", before, f.path), "path", f.path)
	switch {
	case (before == "directory" || before == "file" || before == "hard") && !f.force:
		return refusal
	case before == "directory":
		if entries, err := os.ReadDir(f.path); err != nil || len(entries) > 0 {
			return attribute.Failed(fmt.Sprintf("the directory %s is not empty, refusing to convert it", f.path), "path", f.path)
		}
	}
	return nil
}

func (f *filer) makeLink(before string) error {
	if before == "absent" {
		if err := os.Symlink(f.src, f.path); err != nil {
			return attribute.Failed("Error while linking: "+linkError(err, f.src, f.path), "path", f.path)
		}
		return nil
	}
	return f.replace(func(temporary string) error {
		if before == "directory" {
			if err := os.Remove(f.path); err != nil {
				return err
			}
		}
		return os.Symlink(f.src, temporary)
	})
}

// replace makes a link under another name and renames it over what is there.
func (f *filer) replace(make func(temporary string) error) error {
	temporary := filepath.Join(filepath.Dir(f.path), fmt.Sprintf(".%d.%d.tmp", os.Getpid(), time.Now().UnixNano()))
	err := make(temporary)
	if err == nil {
		err = os.Rename(temporary, f.path)
	}
	if err != nil {
		_ = os.Remove(temporary)
		return attribute.Failed("Error while replacing: "+linkError(err, temporary, f.path), "path", f.path)
	}
	return nil
}

// linkError is Python's text for an error about two paths.
func linkError(err error, from, to string) string {
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Sprintf("%s: b'%s' -> b'%s'", attribute.OSError(err, ""), from, to)
}

func (f *filer) ensureHardLink() (module.Result, error) {
	before := stateOf(f.path)
	w := attribute.Of(f.Call, f.path)
	if before != "hard" && !f.hasSrc {
		return nil, attribute.Failed("src is required for creating new hardlinks")
	}
	if f.hasSrc && !exists(f.src) {
		return nil, attribute.Failed("src does not exist", "dest", f.path, "src", f.src)
	}
	d := f.diff(f.path, "hard", before)
	changed, done, err := f.hardLinkDiffers(before, d)
	switch {
	case err != nil:
		return nil, err
	case done:
		return module.Result{"path": f.path, "changed": false}, nil
	}
	if changed && !f.CheckMode {
		if err := f.makeHardLink(before); err != nil {
			return nil, err
		}
	}
	result := module.Result{"dest": f.path, "src": nil, "diff": d.Map()}
	if f.hasSrc {
		result["src"] = f.src
	}
	if !f.CheckMode || exists(f.path) {
		if changed, err = f.settle(w, changed, d); err != nil {
			return nil, err
		}
	}
	result["changed"], result["diff"] = changed, d.Map()
	return result, nil
}

func (f *filer) hardLinkDiffers(before string, d *attribute.Diff) (changed, done bool, err error) {
	refused := func(msg string) error { return attribute.Failed(msg, "dest", f.path, "src", f.src) }
	switch before {
	case "absent":
		return true, false, nil
	case "link":
		old, err := os.Readlink(f.path)
		if err == nil && old != f.src {
			d.Set("src", old, f.src)
			changed = true
		}
		return changed, false, nil
	case "hard":
		if !f.hasSrc || sameFile(f.path, f.src) {
			return false, false, nil
		}
		if !f.force {
			return false, false, refused("Cannot link, different hard link exists at destination")
		}
	case "file":
		if !f.force {
			return false, false, refused("Cannot link, file exists at destination")
		}
	case "directory":
		if sameFile(f.path, f.src) {
			return false, true, nil
		}
		if !f.force {
			return false, false, refused("Cannot link: different hard link exists at destination")
		}
	}
	return true, false, nil
}

func (f *filer) makeHardLink(before string) error {
	if before != "absent" {
		return f.replace(func(temporary string) error { return os.Link(f.src, temporary) })
	}
	src := f.src
	if f.follow && isLink(src) {
		if target, err := os.Readlink(src); err == nil {
			src = target
		}
	}
	if err := os.Link(src, f.path); err != nil {
		return attribute.Failed("Error while linking: "+linkError(err, src, f.path), "path", f.path)
	}
	return nil
}
