// Package cliconfig reads the CLI configuration that Terraform and OpenTofu
// users already have: ~/.terraformrc, ~/.tofurc, the files of ~/.terraform.d,
// and the environment variables that stand beside them.
//
// In: an Environment. Out: a Config that says where providers come from, which
// credentials go to which host and where packages are cached. It must not look
// at any stack, and it opens no connection.
//
// Source: the "CLI Configuration File" and "Environment Variables" pages of
// Terraform's documentation.
package cliconfig

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/diag"
)

// Environment is what the configuration is found by. It is immutable.
type Environment struct {
	// Vars are the environment variables.
	Vars map[string]string
	// Home is the user's folder; "" when there is none.
	Home string
}

// System gives the environment of this process.
func System() Environment {
	vars := map[string]string{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok {
			vars[name] = value
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // a daemon may have none; then there is no file to read either
	}
	return Environment{Vars: vars, Home: home}
}

// Config is the merged configuration. The zero value is what a user without any
// configuration has. It is not changed after Load.
type Config struct {
	// PluginCacheDir is where unpacked provider packages are kept for all
	// stacks; "" for nowhere.
	PluginCacheDir string
	// CacheMayBreakLock lets a cached package be used that the lock file does
	// not know yet; it then records only the checksum of this platform.
	CacheMayBreakLock bool
	// Installation says where providers come from; nil for the implied way.
	Installation *Installation
	// Services are services of a host, by "name.version", in place of discovery.
	Services map[svchost.Hostname]map[string]any
	// Files are the files that were read.
	Files []string

	tokens map[svchost.Hostname]string
	helper *helper
	env    Environment
}

type helper struct {
	name string
	args []string
}

// Load reads all of it. A Config is given even beside errors.
func Load(env Environment) (*Config, diag.List) {
	c := &Config{Services: map[svchost.Hostname]map[string]any{}, tokens: map[svchost.Hostname]string{}, env: env}
	files, list := c.files()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			list = append(list, diag.FromError("Unreadable CLI configuration file", err)...)
			continue
		}
		c.Files = append(c.Files, file)
		list = append(list, c.readFile(file, text)...)
	}
	if dir := env.Vars["TF_PLUGIN_CACHE_DIR"]; dir != "" {
		c.PluginCacheDir = dir
	}
	if v := env.Vars["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"]; v != "" && v != "0" {
		c.CacheMayBreakLock = true
	}
	return c, list
}

// files gives the files to read, the weaker before the stronger.
func (c *Config) files() ([]string, diag.List) {
	for _, name := range []string{"TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"} {
		if file := c.env.Vars[name]; file != "" {
			if _, err := os.Stat(file); err != nil {
				return nil, diag.Warnf(nil, "Missing CLI configuration file",
					"The environment variable %s names %s, which cannot be read (%s). The default configuration is used.", name, file, reason(err))
			}
			return []string{file}, nil
		}
	}
	var out []string
	for _, file := range c.mainCandidates() {
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			out = append(out, file)
			break
		}
	}
	dir := c.DataDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return out, nil // the folder is optional
	}
	for _, e := range entries {
		if !e.IsDir() && (strings.HasSuffix(e.Name(), ".tfrc") || strings.HasSuffix(e.Name(), ".tfrc.json")) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it does not exist"
	}
	return err.Error()
}

func (c *Config) mainCandidates() []string {
	if runtime.GOOS == "windows" {
		dir := c.env.Vars["APPDATA"]
		return []string{filepath.Join(dir, "terraform.rc"), filepath.Join(dir, "tofu.rc")}
	}
	if c.env.Home == "" {
		return nil
	}
	xdg := c.env.Vars["XDG_CONFIG_HOME"]
	if xdg == "" {
		xdg = filepath.Join(c.env.Home, ".config")
	}
	return []string{
		filepath.Join(c.env.Home, ".terraformrc"),
		filepath.Join(c.env.Home, ".tofurc"),
		filepath.Join(xdg, "opentofu", "tofurc"),
	}
}

// DataDir is the user's folder of plugins, credentials and further configuration
// files; "" when there is no home folder.
func (c *Config) DataDir() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(c.env.Vars["APPDATA"], "terraform.d")
	}
	if c.env.Home == "" {
		return ""
	}
	return filepath.Join(c.env.Home, ".terraform.d")
}

// ImpliedMirrors are the folders that are searched as mirrors when there is no
// provider_installation block, for a stack in the given folder.
func (c *Config) ImpliedMirrors(stackDir string) []string {
	out := []string{filepath.Join(stackDir, "terraform.d", "plugins")}
	if dir := c.DataDir(); dir != "" {
		out = append(out, filepath.Join(dir, "plugins"))
	}
	switch runtime.GOOS {
	case "windows":
		return out
	case "darwin":
		return append(out, filepath.Join(c.env.Home, "Library", "Application Support", "io.terraform", "plugins"),
			"/Library/Application Support/io.terraform/plugins")
	}
	data := c.env.Vars["XDG_DATA_HOME"]
	if data == "" && c.env.Home != "" {
		data = filepath.Join(c.env.Home, ".local", "share")
	}
	dirs := c.env.Vars["XDG_DATA_DIRS"]
	if dirs == "" {
		dirs = "/usr/local/share:/usr/share"
	}
	for dir := range strings.SplitSeq(data+":"+dirs, ":") {
		if dir != "" {
			out = append(out, filepath.Join(dir, "terraform", "plugins"))
		}
	}
	return out
}

// Var gives an environment variable.
func (c *Config) Var(name string) string { return c.env.Vars[name] }

// Hosts gives the hosts for which a token is configured, sorted; for messages.
func (c *Config) Hosts() []svchost.Hostname { return slices.Sorted(maps.Keys(c.tokens)) }

func (c *Config) setPluginCacheDir(dir string) {
	c.PluginCacheDir = os.Expand(dir, func(name string) string { return c.env.Vars[name] })
}
