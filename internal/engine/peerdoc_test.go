package engine_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	action "tutti/internal/ansible/action/builtin"
	"tutti/internal/ansible/builtin"
)

// TestCompatibilityTable holds docs/terraform.md to what is there, and each archive
// stands in a row of it.
func TestCompatibilityTable(t *testing.T) {
	named := compatibility(t, "terraform.md", 50)
	archives, err := filepath.Glob("testdata/peer/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range archives {
		if name := strings.TrimSuffix(filepath.Base(a), ".txtar"); !named[name] {
			t.Errorf("no row of docs/terraform.md names the archive %s", name)
		}
	}
}

// TestStepFunctionsTable holds docs/stepfunctions.md to what is there.
func TestStepFunctionsTable(t *testing.T) { compatibility(t, "stepfunctions.md", 40) }

// TestAnsibleTable holds docs/ansible.md to what is there: the row of native modules is
// exactly those that there are.
func TestAnsibleTable(t *testing.T) {
	compatibility(t, "ansible.md", 30)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ansible.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\| \*\*Modules\*\*, native: ([^|]*) \|`).FindSubmatch(text)
	if row == nil {
		t.Fatal("docs/ansible.md has no row of native modules")
	}
	listed := strings.Fields(string(row[1]))
	there := map[string]bool{}
	for name := range builtin.Modules() {
		there[name] = !strings.HasPrefix(name, "_") // inner steps of other modules
	}
	for name := range action.Actions() {
		there[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if there[name] && !slices.Contains(listed, name) {
			t.Errorf("the module %s runs natively, and docs/ansible.md does not say so", name)
		}
	}
	for _, name := range listed {
		if !there[name] {
			t.Errorf("docs/ansible.md says that the module %s runs natively, and it does not", name)
		}
	}
}

// compatibility checks the tables of a page and gives what they name: each row that
// says something works names tests, which exist.
func compatibility(t *testing.T, page string, least int) map[string]bool {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.TrimSpace(cells[0]) == "Feature" {
			continue
		}
		rows++
		works, holders := strings.TrimSpace(cells[1]), regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1)
		if !slices.ContainsFunc([]string{"yes", "no", "partly"}, func(w string) bool {
			return works == w || strings.HasPrefix(works, w+":") || strings.HasPrefix(works, w+",")
		}) {
			t.Errorf("a row says neither yes, no nor partly: %s", line)
		}
		if !strings.HasPrefix(works, "no") && len(holders) == 0 {
			t.Errorf("nothing holds this row: %s", line)
		}
		for _, h := range holders {
			named[h[1]] = true
			if !holds(t, root, h[1]) {
				t.Errorf("%s does not exist: %s", h[1], line)
			}
		}
	}
	if rows < least {
		t.Errorf("only %d rows were found", rows)
	}
	return named
}

// holds reports whether an archive, a script, a scenario of a machine, a case of a play or
// a Go test exists.
func holds(t *testing.T, root, name string) bool {
	t.Helper()
	if script, ok := strings.CutPrefix(name, "script:"); ok {
		_, err := os.Stat(filepath.Join(root, "internal", "cli", "testdata", "script", script+".txtar"))
		return err == nil
	}
	if scenario, ok := strings.CutPrefix(name, "scenario:"); ok {
		_, err := os.Stat(filepath.Join(root, "internal", "stepfunctions", "execution", "testdata", scenario+".txt"))
		return err == nil
	}
	if play, ok := strings.CutPrefix(name, "play:"); ok {
		_, err := os.Stat(filepath.Join(root, "internal", "cli", "ansible", "testdata", "cases", play+".txtar"))
		return err == nil
	}
	test, ok := strings.CutPrefix(name, "test:")
	if !ok {
		_, err := os.Stat(filepath.Join("testdata", "peer", name+".txtar"))
		return err == nil
	}
	dot := strings.LastIndex(test, ".")
	files, err := filepath.Glob(filepath.Join(root, test[:dot], "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		src, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(src), "\nfunc "+test[dot+1:]+"(")
	})
}
