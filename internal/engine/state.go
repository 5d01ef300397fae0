package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/store"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/tfstate"
)

// adopt takes over the terraform.tfstate of a folder whose store is still empty.
// The file is left as it is.
func (e *Engine) adopt(ctx context.Context) diag.List {
	name, d := e.stateFile()
	if d.HasErrors() || name == "" {
		return d
	}
	// The file comes first: most folders have none, and reading a large state only
	// to see that it is not empty would double what every command waits for.
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diag.FromError("State file cannot be read", err)
	}
	if snap, err := e.store.Snapshot(ctx); err != nil || snap.Serial > 0 {
		return storeDiag(err)
	}
	f, d := tfstate.Read(src, name)
	if d.HasErrors() || len(f.Rows)+len(f.Outputs) == 0 {
		return d
	}
	if err := e.store.Write(ctx, "adopt "+filepath.Base(name), adoption(f)); err != nil {
		return append(d, storeDiag(err)...)
	}
	if e.o.Adopted != nil {
		e.o.Adopted(name, len(f.Rows))
	}
	return d
}

// adoption is what it takes to go on from a state file. Data sources have no rows
// here: they are read again.
func adoption(f *tfstate.File) []store.Write {
	writes := []store.Write{{Adopt: &store.Adopt{Lineage: f.Lineage, Serial: f.Serial}}}
	for _, r := range f.Rows {
		if r.Addr.Kind != addr.Data {
			writes = append(writes, store.Write{Put: r})
		}
	}
	for _, o := range f.Outputs {
		writes = append(writes, store.Write{PutOutput: o})
	}
	return writes
}

// stateFile gives where Terraform would keep the state of the folder; "" where a backend
// keeps it elsewhere.
func (e *Engine) stateFile() (string, diag.List) {
	path, dir := "terraform.tfstate", "terraform.tfstate.d"
	b, ok := e.backend()
	if !ok {
		return "", nil
	}
	if b != nil {
		if b.Type != "local" {
			return "", nil
		}
		path, dir = localBackend(b.Body, path, dir)
	}
	if e.o.Workspace != "default" {
		path = filepath.Join(dir, e.o.Workspace, "terraform.tfstate")
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(e.o.Dir, path), nil
}

// backend gives the declared backend, nil when there is none. It is not ok when the
// files cannot be understood, which whoever reads them reports.
func (e *Engine) backend() (b *config.Backend, ok bool) {
	files := config.Disk{}
	names, err := files.ReadDir(e.o.Dir)
	if err != nil {
		return nil, false
	}
	if !slices.ContainsFunc(names, e.mayDeclareBackend) {
		return nil, true
	}
	m, d := config.LoadDir(files, e.o.Dir)
	return m.Settings.Backend, !d.HasErrors()
}

// mayDeclareBackend looks for the words in a file: parsing takes a large stack as
// long as planning it, and few files hold them. JSON may also escape letters.
func (e *Engine) mayDeclareBackend(name string) bool {
	if !config.IsConfigFile(name) {
		return false
	}
	src, err := os.ReadFile(filepath.Join(e.o.Dir, name))
	return err != nil || bytes.Contains(src, []byte("backend")) || bytes.Contains(src, []byte("cloud")) ||
		strings.HasSuffix(name, ".json") && bytes.Contains(src, []byte(`\u`))
}

func localBackend(body hcl.Body, path, dir string) (string, string) {
	attrs, _ := body.JustAttributes()
	text := func(name, unset string) string {
		a := attrs[name]
		if a == nil {
			return unset
		}
		v, hd := a.Expr.Value(nil)
		if hd.HasErrors() || v.IsNull() || v.Type() != cty.String || !v.IsKnown() {
			return unset
		}
		return v.AsString()
	}
	return text("path", path), text("workspace_dir", dir)
}

// Export writes the state in Terraform's form (version 4). What only tutti knows,
// such as tasks, is left out.
func (e *Engine) Export(ctx context.Context, w io.Writer) diag.List {
	snap, d := e.Snapshot(ctx)
	if d.HasErrors() {
		return d
	}
	f := &tfstate.File{Serial: snap.Serial, Lineage: snap.Lineage, Outputs: snap.Outputs}
	for _, r := range snap.Rows {
		if r.Addr.Kind == addr.Resource || r.Addr.Kind == addr.Data {
			f.Rows = append(f.Rows, r)
		}
	}
	sortRows(f.Rows)
	slices.SortFunc(f.Outputs, func(a, b *object.OutputState) int { return strings.Compare(a.Name, b.Name) })
	return diag.FromError("State cannot be written", f.Write(w))
}

// Push replaces the Terraform part of the state by a file's. A file of another
// lineage, or an older one, is refused unless forced.
func (e *Engine) Push(ctx context.Context, src []byte, name string, force bool) diag.List {
	return e.editing(ctx, "state push", func() diag.List { return e.push(ctx, src, name, force) })
}

func (e *Engine) push(ctx context.Context, src []byte, name string, force bool) diag.List {
	f, d := tfstate.Read(src, name)
	if d.HasErrors() {
		return d
	}
	snap, sd := e.Snapshot(ctx)
	if d = append(d, sd...); sd.HasErrors() {
		return d
	}
	if !force && len(snap.Rows) > 0 {
		if f.Lineage != snap.Lineage {
			return append(d, diag.Errorf(nil, "State of another lineage", "%s has the lineage %q, and the present state %q: they were never the same state. -force replaces it all the same.", name, f.Lineage, snap.Lineage)...)
		}
		if f.Serial < snap.Serial {
			return append(d, diag.Errorf(nil, "State is older", "%s has the serial %d, and the present state %d. -force replaces it all the same.", name, f.Serial, snap.Serial)...)
		}
	}
	return append(d, storeDiag(e.store.Write(ctx, "state push "+filepath.Base(name), replacement(snap, f)))...)
}

// replacement drops what the file does not hold and writes what it does.
func replacement(snap *store.Snapshot, f *tfstate.File) []store.Write {
	kept := map[object.RowKey]bool{}
	for _, r := range f.Rows {
		kept[r.Key()] = true
	}
	outputs := map[string]bool{}
	for _, o := range f.Outputs {
		outputs[o.Name] = true
	}
	writes := adoption(f)
	for _, r := range snap.Rows {
		if key := r.Key(); r.Addr.Kind == addr.Resource && !kept[key] {
			writes = append(writes, store.Write{Delete: &key})
		}
	}
	for _, o := range snap.Outputs {
		if !outputs[o.Name] {
			writes = append(writes, store.Write{DeleteOutput: o.Name})
		}
	}
	return writes
}

// ExportText gives the state in Terraform's form.
func (e *Engine) ExportText(ctx context.Context) ([]byte, diag.List) {
	var b bytes.Buffer
	d := e.Export(ctx, &b)
	return b.Bytes(), d
}

func sortRows(rows []*object.State) {
	slices.SortFunc(rows, func(a, b *object.State) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return strings.Compare(a.Deposed, b.Deposed)
	})
}
