package archtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// requirements are what go.mod says, as far as it matters here.
type requirements struct {
	modules []string // all required modules, direct or not
	direct  []string // those that go mod tidy found to be direct; none before its first run
	tools   []string // the packages of the tool directives
}

func readRequirements(root string) (requirements, error) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return requirements{}, fmt.Errorf("go mod edit -json: %w", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return requirements{}, fmt.Errorf("read go.mod: %w", err)
	}
	var r requirements
	for _, m := range mod.Require {
		r.modules = append(r.modules, m.Path)
		if !m.Indirect {
			r.direct = append(r.direct, m.Path)
		}
	}
	for _, t := range mod.Tool {
		r.tools = append(r.tools, t.Path)
	}
	return r, nil
}

// moduleOf finds the required module that a package belongs to: the one with the longest path, as Go does.
func (r requirements) moduleOf(importPath string) string {
	longest := ""
	for _, m := range r.modules {
		if len(m) > len(longest) && below(importPath, []string{m}) {
			longest = m
		}
	}
	return longest
}

// direct gives the modules that the house's code, tests and tools use themselves. It goes by the imports and not by
// go.mod's "// indirect" comments, which are only as right as the last go mod tidy.
func (h *house) direct(r requirements) []string {
	used := map[string]bool{}
	for _, p := range h.packages {
		for _, imported := range slices.Concat(p.imports, p.testImports) {
			used[r.moduleOf(imported)] = true
		}
	}
	for _, tool := range r.tools {
		used[r.moduleOf(tool)] = true
	}
	delete(used, "")
	var modules []string
	for m := range used {
		modules = append(modules, m)
	}
	slices.Sort(modules)
	return modules
}

var reasonLine = regexp.MustCompile("(?m)^- `([^`]+)`: +\\S")

// dependencyReasons holds docs/dependencies.md against the direct modules: a line with a reason for each, and none
// for a module that is not one. Until go mod tidy has told direct requirements from others, a line may stand for a
// module that is required and not used yet.
func dependencyReasons(h *house) ([]finding, error) {
	const document = "docs/dependencies.md"
	r, err := readRequirements(h.root)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(h.root, filepath.FromSlash(document)))
	if err != nil {
		return nil, err
	}
	direct := h.direct(r)
	reasons := map[string]bool{}
	var found []finding
	for _, match := range reasonLine.FindAllStringSubmatch(string(text), -1) {
		reasons[match[1]] = true
		early := len(r.direct) == 0 && slices.Contains(r.modules, match[1])
		if !early && !slices.Contains(direct, match[1]) {
			found = append(found, finding{rule: "dependency", subject: match[1], where: document,
				text: "nothing of ours uses it: delete the line"})
		}
	}
	for _, m := range direct {
		if !reasons[m] {
			found = append(found, finding{rule: "dependency", subject: m, where: document,
				text: fmt.Sprintf("add a line \"- `%s`: why we need it\"", m)})
		}
	}
	return found, nil
}

// describe is what a test prints: one finding per line.
func describe(found []finding) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}
