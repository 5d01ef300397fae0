package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestHouse holds this module to the rules.
func TestHouse(t *testing.T) {
	h := loadHouse(t)
	for _, p := range h.packages {
		if p.broken != nil {
			t.Logf("%s is not checked for globals and machines: %v", p.path, p.broken)
		}
	}
	text, err := os.ReadFile("exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	exceptions, err := parseExceptions(string(text))
	if err != nil {
		t.Fatalf("exceptions.txt: %v", err)
	}
	if left := apply(exceptions, check(h)); len(left) > 0 {
		t.Errorf("%d rules of the house are broken:\n%s", len(left), describe(left))
	}
}

// TestDependencies holds docs/dependencies.md to the imports and go.mod.
func TestDependencies(t *testing.T) {
	found, err := dependencyReasons(loadHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("docs/dependencies.md:\n%s", describe(found))
	}
}

// TestTables sees to it that the tables name only rooms on the plan.
func TestTables(t *testing.T) {
	var names []string
	for _, r := range rooms() {
		if slices.Contains(names, r.name) {
			t.Errorf("room %s is twice on the plan", r.name)
		}
		names = append(names, r.name)
	}
	for _, r := range rooms() {
		for _, to := range r.may {
			if !slices.Contains(names, to) {
				t.Errorf("room %s may import %s, which is not on the plan", r.name, to)
			}
		}
	}
	for _, path := range slices.Concat(machines, worldless) {
		if !slices.Contains(names, roomOf(path)) {
			t.Errorf("%s is not in a room on the plan", path)
		}
	}
}

// TestRules runs the rules on small modules, each an archive of its files; the archive's file "want" lists every
// finding as "RULE SUBJECT [SIZE]". In all others a line //repeat N "TEXT" stands for N times the text and a line's end.
func TestRules(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			h, want := unpack(t, name)
			var got strings.Builder
			found := check(h)
			for _, f := range found {
				fmt.Fprintf(&got, "%s %s", f.rule, f.subject)
				if f.size > 0 {
					fmt.Fprintf(&got, " %d", f.size)
				}
				fmt.Fprintln(&got)
			}
			if got.String() != want {
				t.Errorf("found:\n%s\nwant:\n%s\nin full:\n%s", got.String(), want, describe(found))
			}
		})
	}
}

func TestExceptions(t *testing.T) {
	list, err := parseExceptions("# about\nfunction-length internal/a.F 90 # old\n\ninit internal/b # old\nclock internal/c:time.Now # gone\n")
	if err != nil {
		t.Fatal(err)
	}
	left := apply(list, []finding{
		{rule: "function-length", subject: "internal/a.F", size: 91},
		{rule: "init", subject: "internal/b"},
		{rule: "init", subject: "internal/d"},
	})
	var got []string
	for _, f := range left {
		got = append(got, f.rule+" "+f.subject)
	}
	want := []string{"function-length internal/a.F", "init internal/d", "exception clock:internal/c:time.Now"}
	if !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	for _, bad := range []string{"init", "init internal/b", "init internal/b # ", "function-length internal/a.F many # old"} {
		if _, err := parseExceptions(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestDependencyReasons(t *testing.T) {
	const (
		untidy = "module tutti\n\ngo 1.26\n\nrequire (\n\texample.com/used v1.0.0 // indirect\n\texample.com/later v1.0.0 // indirect\n)\n"
		tidy   = "module tutti\n\ngo 1.26\n\nrequire example.com/used v1.0.0\n\nrequire example.com/later v1.0.0 // indirect\n"
	)
	for name, test := range map[string]struct {
		mod, document string
		want          []string
	}{
		"all there":       {tidy, "- `example.com/used`: a reason\n", nil},
		"one lacking":     {tidy, "Nothing here.\n", []string{"example.com/used"}},
		"no reason":       {tidy, "- `example.com/used`: \n", []string{"example.com/used"}},
		"unused":          {tidy, "- `example.com/used`: one\n- `example.com/later`: one\n", []string{"example.com/later"}},
		"used later":      {untidy, "- `example.com/used`: one\n- `example.com/later`: one\n", nil},
		"unknown, untidy": {untidy, "- `example.com/used`: one\n- `example.com/no`: one\n", []string{"example.com/no"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, content := range map[string]string{"go.mod": test.mod, "docs/dependencies.md": test.document} {
				writeTestFile(t, filepath.Join(root, filepath.FromSlash(file)), []byte(content))
			}
			found, err := dependencyReasons(&house{root: root, packages: []*pkg{
				{path: "internal/a", imports: []string{"fmt"}, testImports: []string{"example.com/used/sub"}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.subject)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func TestModuleOf(t *testing.T) {
	r := requirements{modules: []string{"example.com/sdk", "example.com/sdk/s3", "example.com/other"}}
	for importPath, want := range map[string]string{
		"example.com/sdk":          "example.com/sdk",
		"example.com/sdk/config":   "example.com/sdk",
		"example.com/sdk/s3/types": "example.com/sdk/s3",
		"example.com/sdkless":      "",
		"fmt":                      "",
	} {
		if got := r.moduleOf(importPath); got != want {
			t.Errorf("moduleOf(%q) = %q, want %q", importPath, got, want)
		}
	}
}

// loadHouse reads this module. It looks into every folder itself, so that go test's cache sees a new one.
func loadHouse(t *testing.T) *house {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
			return fs.SkipDir
		}
		return nil // a file that another test takes away meanwhile is no concern of ours
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func unpack(t *testing.T, name string) (*house, string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	want := ""
	files := append(archive.Files, txtar.File{Name: "go.mod", Data: []byte("module tutti\n\ngo 1.26\n")})
	for _, f := range files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		writeTestFile(t, filepath.Join(root, filepath.FromSlash(f.Name)), repeat(t, f.Data))
	}
	h, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	return h, want
}

func writeTestFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

var repeatLine = regexp.MustCompile(`(?m)^//repeat (\d+) (".*")$`)

func repeat(t *testing.T, content []byte) []byte {
	return repeatLine.ReplaceAllFunc(content, func(line []byte) []byte {
		parts := repeatLine.FindSubmatch(line)
		count, err := strconv.Atoi(string(parts[1]))
		text, textErr := strconv.Unquote(string(parts[2]))
		if err = errors.Join(err, textErr); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return bytes.TrimSuffix(bytes.Repeat([]byte(text+"\n"), count), []byte("\n"))
	})
}
