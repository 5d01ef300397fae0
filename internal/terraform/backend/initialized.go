package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// initializedFile is where Terraform notes, within its folder for a checkout, which backend
// it was initialized with.
const initializedFile = "terraform.tfstate"

// initialized is that note.
type initialized struct {
	Version int `json:"version"`
	Backend *struct {
		Type   string         `json:"type"`
		Config map[string]any `json:"config"`
		Hash   uint64         `json:"hash"`
	} `json:"backend"`
}

// Initialized gives the settings that "init -backend-config" left in a folder for a backend
// of this type: Terraform's note of them, or tutti's.
func Initialized(dir, kind string) (map[string]string, error) {
	src, err := os.ReadFile(filepath.Join(dir, initializedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in initialized
	if err := json.Unmarshal(src, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, initializedFile), err)
	}
	out := map[string]string{}
	if in.Backend == nil || in.Backend.Type != kind {
		return out, nil
	}
	for name, v := range in.Backend.Config {
		switch v := v.(type) {
		case string:
			out[name] = v
		case bool:
			out[name] = strconv.FormatBool(v)
		case float64:
			out[name] = strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return out, nil
}

// Initialize notes settings in the folder, as Initialized gives them back. They may hold
// secrets: only the owner can read the file.
func Initialize(dir, kind string, settings map[string]string) error {
	in := initialized{Version: 3}
	in.Backend = &struct {
		Type   string         `json:"type"`
		Config map[string]any `json:"config"`
		Hash   uint64         `json:"hash"`
	}{Type: kind, Config: map[string]any{}}
	for name, v := range settings {
		in.Backend.Config[name] = v
	}
	text, err := json.MarshalIndent(in, "", "    ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, initializedFile), append(text, '\n'), 0o600)
}
