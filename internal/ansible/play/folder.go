package play

import (
	"fmt"
	"slices"
	gostrings "strings"

	"tutti/internal/ansible/regex"
	"tutti/internal/ansible/value"
)

// folderWalk reads the files of variables below a folder (include_vars with dir).
type folderWalk struct {
	v          variableFiles
	fs         files
	all        *value.Dict
	read       []string
	depth      int
	matching   *regex.Regex
	ignored    []string
	extensions []string
	// lenient passes by files of other extensions instead of failing.
	lenient bool
}

// maxFolders bounds how deep folders of variables are read when no depth is given.
const maxFolders = 64

func (w *folderWalk) options(args *value.Dict) (err error) {
	if v, ok := args.Get("depth"); ok {
		w.depth, _ = integer(v)
	}
	if text := dictItem(args, "files_matching"); text != "" {
		if w.matching, err = regex.Compile(text, 0); err != nil {
			return err
		}
	}
	if v, ok := args.Get("ignore_files"); ok {
		w.ignored = stringList(v)
	}
	w.extensions = []string{"json", "yaml", "yml"}
	if v, ok := args.Get("extensions"); ok {
		w.extensions = stringList(v)
	}
	w.lenient = truth(args, "ignore_unknown_extensions")
	return nil
}

func (w *folderWalk) walk(dir string, level int) error {
	names, err := w.fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if gostrings.HasSuffix(name, "/") || !w.takes(name) {
			continue
		}
		if !w.extension(name) {
			if w.lenient {
				continue
			}
			return fmt.Errorf("%s/%s does not have a valid extension: %s", dir, name, gostrings.Join(w.extensions, ", "))
		}
		d, err := w.v.file(dir + "/" + name)
		if err != nil {
			return err
		}
		w.all.Update(d)
		w.read = append(w.read, dir+"/"+name)
	}
	for _, name := range names {
		if sub, ok := gostrings.CutSuffix(name, "/"); ok && level < maxFolders && (w.depth == 0 || level < w.depth) {
			if err := w.walk(dir+"/"+sub, level+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *folderWalk) takes(name string) bool {
	if w.matching != nil {
		found, err := w.matching.Search(name)
		if err != nil || found == nil {
			return false
		}
	}
	return !slices.Contains(w.ignored, name)
}

func (w *folderWalk) extension(name string) bool {
	for _, e := range w.extensions {
		if gostrings.HasSuffix(name, "."+gostrings.TrimPrefix(e, ".")) {
			return true
		}
	}
	return false
}
