package python

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Core is an ansible-core that is installed on this machine. Nothing of it runs here: its modules
// and what they import are sent to hosts.
type Core struct {
	// Dir is the folder of the Python package "ansible".
	Dir     string
	Version string
}

var versionLine = regexp.MustCompile(`(?m)^__version__ = ['"]([^'"]+)['"]`)

// FindCore looks for an ansible-core where Python's installers put it, without running Python; nil
// when there is none. hint, when it is not empty, is a folder to look in first: that of a virtual
// environment, or of the package itself.
func FindCore(hint string) *Core {
	for _, pattern := range corePatterns(hint) {
		dirs, _ := filepath.Glob(pattern)
		// The newest Python's first.
		slices.SortFunc(dirs, func(a, b string) int { return compareVersions(b, a) })
		for _, dir := range dirs {
			if core := coreIn(dir); core != nil {
				return core
			}
		}
	}
	return nil
}

func coreIn(dir string) *Core {
	if _, err := os.Stat(filepath.Join(dir, "module_utils", "basic.py")); err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "release.py"))
	if err != nil {
		return nil
	}
	c := &Core{Dir: dir, Version: "unknown"}
	if m := versionLine.FindSubmatch(text); m != nil {
		c.Version = string(m[1])
	}
	return c
}

// corePatterns are where the package may lie, the likeliest first.
func corePatterns(hint string) []string {
	var list []string
	environment := func(root string) {
		for _, lib := range []string{"lib", "lib64", "local/lib"} {
			list = append(list, filepath.Join(root, lib, "python3*", "site-packages", "ansible"), filepath.Join(root, lib, "python3*", "dist-packages", "ansible"))
		}
	}
	if hint != "" {
		list = append(list, hint, filepath.Join(hint, "ansible"), filepath.Join(hint, "lib", "ansible"))
		environment(hint)
	}
	if v := os.Getenv("VIRTUAL_ENV"); v != "" {
		environment(v)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, name := range []string{"ansible", "ansible-playbook"} {
			if root := scriptRoot(filepath.Join(dir, name)); root != "" {
				environment(root)
			}
		}
	}
	home, _ := os.UserHomeDir()
	environment(filepath.Join(home, ".local"))
	for _, tool := range []string{".local/share/pipx/venvs/ansible*", ".local/pipx/venvs/ansible*", ".local/share/uv/tools/ansible*", ".pyenv/versions/*"} {
		environment(filepath.Join(home, tool))
	}
	environment("/usr/local")
	environment("/usr")
	return append(list, "/usr/lib/python3/dist-packages/ansible", "/opt/ansible/lib/python3*/site-packages/ansible")
}

// scriptRoot gives the environment that an installed script belongs to: by its first line, which
// names the environment's Python, or else by where it lies. "" when it is not there.
func scriptRoot(script string) string {
	path, err := filepath.EvalSymlinks(script)
	if err != nil {
		return ""
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := file.Read(head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	if python, ok := strings.CutPrefix(strings.TrimSpace(line), "#!"); ok && filepath.Base(filepath.Dir(python)) == "bin" && strings.HasPrefix(filepath.Base(python), "python") {
		return filepath.Dir(filepath.Dir(python))
	}
	return filepath.Dir(filepath.Dir(path))
}

var digits = regexp.MustCompile(`\d+`)

// compareVersions orders texts by the numbers in them: python3.9 before python3.11.
func compareVersions(a, b string) int {
	x, y := digits.FindAllString(a, -1), digits.FindAllString(b, -1)
	for i := range min(len(x), len(y)) {
		p, q := strings.TrimLeft(x[i], "0"), strings.TrimLeft(y[i], "0")
		if len(p) != len(q) {
			return len(p) - len(q)
		}
		if c := strings.Compare(p, q); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}
