package stack

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
)

// modulesFile is where init notes the modules that it installed, as Terraform does.
const modulesFile = "modules/modules.json"

// modulesIn gives what finds the folder of an installed module.
func modulesIn(o Options) (func(config.ModuleRequest) (string, diag.List), diag.List) {
	dataDir := install.DataDir(o.Dir, o.Install.DataDir, o.Install.Config)
	src, err := o.Files.ReadFile(filepath.Join(dataDir, filepath.FromSlash(modulesFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diag.FromError("List of installed modules cannot be read", err)
	}
	var list struct {
		Modules []struct{ Key, Source, Dir string }
	}
	if err := json.Unmarshal(src, &list); err != nil {
		return nil, diag.Errorf(nil, "List of installed modules cannot be read", "%s: %s. Run \"tutti init\" to write it again.", modulesFile, err)
	}
	dirs := map[string]string{}
	sources := map[string]string{}
	for _, m := range list.Modules {
		dirs[m.Key], sources[m.Key] = m.Dir, m.Source
	}
	return func(r config.ModuleRequest) (string, diag.List) {
		key := strings.Join(r.Path.Names(), ".")
		dir, ok := dirs[key]
		if !ok {
			return "", diag.Errorf(nil, "Module not installed", "This module is not yet installed. Run \"tutti init\" to install all modules required by this configuration.")
		}
		return filepath.Join(o.Dir, filepath.FromSlash(dir)), nil
	}, nil
}
