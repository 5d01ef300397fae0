package stack

import (
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/ansible/graph"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/stepfunctions/workflow"
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
	files   config.FileSource
	dir     string
	objects []object.Object
	byName  map[addr.Name]object.Object
}

func loadNative(files config.FileSource, dir string) (*native, diag.List) {
	n := &native{sources: map[string][]byte{}, byName: map[addr.Name]object.Object{}, files: files, dir: dir}
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
	n.file, fd = block.Load(n.sources, slices.Concat(task.Kinds(), workflow.Kinds(), graph.Kinds()))
	n.definitions()
	return n, append(d, fd...)
}

// open makes the objects, which share the root module's names and functions.
func (n *native) open(t *terraform.Root) {
	if n.file == nil {
		return
	}
	for _, b := range n.file.Blocks {
		o := n.object(b, t.Env())
		n.objects = append(n.objects, o)
		n.byName[o.Addr().Name] = o
	}
}

func (n *native) object(b *block.Block, env *expr.Env) object.Object {
	switch b.Name.Kind {
	case addr.Workflow:
		return workflow.Object(b, env, n.files.ReadFile)
	case addr.Playbook:
		return graph.Object(b, env)
	}
	return task.Object(b, env)
}

// definitions reads the files that workflows name in so many words, so that a plan
// takes them along and messages can show them. What is wrong with them, or cannot be
// read, is told by whoever plans the workflow.
func (n *native) definitions() {
	for _, b := range n.file.Blocks {
		if b.Name.Kind != addr.Workflow {
			continue
		}
		for _, body := range append([]*hclsyntax.Body{b.Body}, bodies(b.Body.Blocks)...) {
			a := body.Attributes["source"]
			if a == nil {
				continue
			}
			v, d := a.Expr.Value(nil)
			if d.HasErrors() || v.IsNull() || v.Type() != cty.String {
				continue
			}
			path := v.AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(n.dir, path)
			}
			if src, err := n.files.ReadFile(path); err == nil {
				n.sources[path] = src
			}
		}
	}
}

func bodies(blocks hclsyntax.Blocks) []*hclsyntax.Body {
	var out []*hclsyntax.Body
	for _, b := range blocks {
		out = append(out, b.Body)
	}
	return out
}

func (n *native) lookup(name addr.Name) object.Object {
	if o, ok := n.byName[name]; ok {
		return o
	}
	return nil
}

func isNative(k addr.Kind) bool {
	return k == addr.Task || k == addr.Approval || k == addr.Workflow || k == addr.Playbook
}

func nativeDriver(row *object.State) (object.Driver, diag.List) {
	switch row.Addr.Kind {
	case addr.Workflow:
		return workflow.DriverOf(row)
	case addr.Playbook:
		return graph.DriverOf(row)
	}
	return task.DriverOf(row)
}
