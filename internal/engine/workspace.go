package engine

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"tutti/internal/diag"
	"tutti/internal/store/sqlite"
)

// DefaultWorkspace is the one that always exists.
const DefaultWorkspace = "default"

// Workspaces gives the names of all workspaces, sorted, the default one first.
// Those of Terraform that were not opened here yet are among them.
func (e *Engine) Workspaces() ([]string, diag.List) {
	var names []string
	for _, dir := range []string{e.workspaceRoot(), filepath.Join(e.o.Dir, "terraform.tfstate.d")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, diag.FromError("Workspaces cannot be listed", err)
		}
		for _, en := range entries {
			if en.IsDir() && en.Name() != DefaultWorkspace {
				names = append(names, en.Name())
			}
		}
	}
	slices.Sort(names)
	return append([]string{DefaultWorkspace}, slices.Compact(names)...), nil
}

func (e *Engine) workspaceRoot() string { return filepath.Join(e.o.Dir, sqlite.Folder, "workspace") }

// CreateWorkspace makes an empty workspace.
func (e *Engine) CreateWorkspace(name string) diag.List {
	if d := validWorkspace(name); d.HasErrors() {
		return d
	}
	all, d := e.Workspaces()
	if d.HasErrors() {
		return d
	}
	if slices.Contains(all, name) {
		return diag.Errorf(nil, "Workspace exists already", "There is already a workspace %q. \"tutti workspace select %s\" switches to it.", name, name)
	}
	return diag.FromError("Workspace cannot be made", os.MkdirAll(filepath.Join(e.workspaceRoot(), name), 0o700))
}

// DeleteWorkspace removes a workspace. One that still holds objects is refused
// unless forced: they would go on to exist with nobody knowing of them.
func (e *Engine) DeleteWorkspace(name string, objects int, force bool) diag.List {
	switch {
	case name == DefaultWorkspace:
		return diag.Errorf(nil, "Default workspace cannot be deleted", "The workspace %q always exists.", name)
	case objects > 0 && !force:
		return diag.Errorf(nil, "Workspace is not empty", "The workspace %q still holds %d objects. Destroy them first, or forget them with -force.", name, objects)
	}
	return diag.FromError("Workspace cannot be deleted", os.RemoveAll(filepath.Join(e.workspaceRoot(), name)))
}

// SelectWorkspace notes the choice where Terraform notes it.
func (e *Engine) SelectWorkspace(dataDir, name string) diag.List {
	all, d := e.Workspaces()
	if d.HasErrors() {
		return d
	}
	if !slices.Contains(all, name) {
		return diag.Errorf(nil, "Workspace does not exist", "There is no workspace %q.%s \"tutti workspace new %s\" makes it.", name, diag.DidYouMean(name, all), name)
	}
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return diag.FromError("Workspace cannot be chosen", err)
	}
	return diag.FromError("Workspace cannot be chosen", os.WriteFile(filepath.Join(dataDir, "environment"), []byte(name), 0o644))
}

// validWorkspace refuses names that cannot stand in a path or an address.
func validWorkspace(name string) diag.List {
	if name == "" || name == "." || name == ".." || url.PathEscape(name) != name {
		return diag.Errorf(nil, "Invalid workspace name", "%q cannot name a workspace: it must not be empty, and may hold only what needs no escaping in a URL.", name)
	}
	return nil
}
