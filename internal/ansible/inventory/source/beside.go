package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// Beside reads group_vars and host_vars in a folder: that of a playbook, or of an inventory.
// Every entry is read, since hosts and groups may still be added. What cannot be read stays
// with its entry, for only who needs it has to fail.
func Beside(dir string, o Options) (*inventory.Vars, diag.List) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	groups, more := entries(dir, "group_vars", o)
	hosts, diags := entries(dir, "host_vars", o)
	return &inventory.Vars{Groups: groups, Hosts: hosts}, append(more, diags...)
}

func entries(dir, name string, o Options) (map[string]inventory.Entry, diag.List) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil
	}
	if !info.IsDir() {
		return nil, diag.Warnf(nil, BadVariables, "Found %s that is not a directory, skipping: %s", name, path)
	}
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, diag.Errorf(nil, BadVariables, "The folder %s cannot be read: %s.", path, err)
	}
	all := make(map[string]inventory.Entry, len(list))
	var diags diag.List
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		entry, warnings := readEntry(filepath.Join(path, e.Name()), o)
		all[e.Name()] = entry
		diags = append(diags, warnings...)
	}
	return all, diags
}

// readEntry reads a file, or a folder of files, of variables.
func readEntry(path string, o Options) (inventory.Entry, diag.List) {
	files, err := varsFiles(path, 0)
	if err != nil {
		return inventory.Entry{Err: err.Error()}, nil
	}
	vars := &value.Dict{}
	var warnings diag.List
	for _, f := range files {
		more, diags := VarsFile(f, o)
		if err := diags.Err(); err != nil {
			return inventory.Entry{Err: err.Error()}, nil
		}
		warnings = append(warnings, diags...)
		vars = inventory.Combine(vars, more, o.Inventory.MergeHashes)
	}
	return inventory.Entry{Vars: vars}, warnings
}

// varsFiles lists the files of an entry, in order: those of a folder and the folders below
// it that have a known ending or none.
func varsFiles(path string, depth int) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the variables in %s cannot be read: %w", path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	if depth > maxFolderDepth {
		return nil, fmt.Errorf("the folder %s lies more than %d folders deep", path, maxFolderDepth)
	}
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("the variables in %s cannot be read: %w", path, err)
	}
	var files []string
	for _, e := range list {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		full := filepath.Join(path, name)
		info, err := os.Stat(full)
		if err != nil {
			continue
		}
		ext := filepath.Ext(name)
		switch {
		case info.IsDir() && ext == "":
			below, err := varsFiles(full, depth+1)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		case info.Mode().IsRegular() && slices.Contains([]string{"", ".yml", ".yaml", ".json"}, ext):
			files = append(files, full)
		}
	}
	return files, nil
}

// VarsFile reads one file of variables. An empty one gives none.
func VarsFile(path string, o Options) (*value.Dict, diag.List) {
	text, err := readFile(path, o)
	if err != nil {
		return nil, diag.FromError(BadVariables, err)
	}
	n, diags := document.Parse(text, path, document.Options{Duplicates: o.Duplicates})
	if diags.HasErrors() {
		return nil, diags
	}
	v := n.Value()
	if !value.Truth(v) {
		return &value.Dict{}, diags
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, append(diags, diag.Errorf(n.Range(), BadVariables,
			"Could not process '%s': failed to combine variables, expected dicts but got a 'dict' and a '%s'.", path, value.TypeName(v))...)
	}
	return d, diags
}
