package stack

import (
	"path/filepath"
	"sort"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/task"
	"tutti/internal/terraform"
	"tutti/internal/terraform/config"
)

// Ending is what the names of tutti's own files end in.
const Ending = ".tutti.hcl"

// native is what tutti's own files hold.
type native struct {
	sources map[string][]byte
	file    *block.File
	objects []object.Object
	byName  map[addr.Name]object.Object
}

func loadNative(files config.FileSource, dir string) (*native, diag.List) {
	n := &native{sources: map[string][]byte{}, byName: map[addr.Name]object.Object{}}
	names, err := files.ReadDir(dir)
	if err != nil {
		return n, nil // the Terraform part has said so
	}
	sort.Strings(names)
	var d diag.List
	for _, name := range names {
		if !strings.HasSuffix(name, Ending) || strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(dir, name)
		src, err := files.ReadFile(path)
		if err != nil {
			d = append(d, diag.FromError("File cannot be read", err)...)
			continue
		}
		n.sources[path] = src
	}
	var fd diag.List
	n.file, fd = block.Load(n.sources, task.Kinds())
	return n, append(d, fd...)
}

// open makes the objects, which share the root module's names and functions.
func (n *native) open(t *terraform.Root) {
	if n.file == nil {
		return
	}
	for _, b := range n.file.Blocks {
		o := task.Object(b, t.Env())
		n.objects = append(n.objects, o)
		n.byName[o.Addr().Name] = o
	}
}

func (n *native) lookup(name addr.Name) object.Object {
	if o, ok := n.byName[name]; ok {
		return o
	}
	return nil
}

func isNative(k addr.Kind) bool { return k == addr.Task || k == addr.Approval }

func nativeDriver(row *object.State) (object.Driver, diag.List) { return task.DriverOf(row) }
