package playbook

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/document"
)

// differs are the playbooks of testdata/syntax about which we say otherwise than
// ansible-playbook 2.19.14, with the reason.
var differs = map[string]string{
	"tasks has text":         "we know the line",
	"tasks is dict":          "we point at the value",
	"block null item":        "we point at the item",
	"end_role outside":       "we know the line",
	"module_defaults group":  "groups are kept as they are written: whoever resolves them says so",
	"number key":             "a clear message where Ansible fails with an exception",
	"import_tasks itself":    "a clear message where Ansible fails with an exception",
	"role that needs itself": "the same file is found where the circle began",
	"hosts with blank":       "we point at the item",
	"unbalanced quotes":      "we point at the text",
	"unbalanced jinja":       "we point at the text",
	"roles text":             "we point at the value",
}

// TestSyntax holds every playbook of testdata/syntax/playbooks.txt to what the real
// ansible-playbook --syntax-check said of it (record.py): accepted or not, the exit code, the
// place, and the first words of the message.
func TestSyntax(t *testing.T) {
	files := syntaxFiles(t)
	text, err := os.ReadFile("testdata/syntax/playbooks.txt")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := os.ReadFile("testdata/syntax/recorded.txt")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	for line := range strings.Lines(string(recorded)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		answers[parts[0]] = parts[1:]
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(string(text), "=== "), "\n=== ") {
		name, body, _ := strings.Cut(part+"\n", "\n")
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			want, ok := answers[name]
			if !ok {
				t.Fatal("not recorded: run record.py")
			}
			files["site.yml"] = body
			o := testOptions()
			o.RolesPath = nil
			_, diags, err := New(files, o).Playbook("site.yml")
			if err != nil {
				t.Fatal(err)
			}
			code, at, message := 0, "-", "-"
			for _, d := range diags {
				if d.Severity.String() == "Error" {
					code, message = ExitCode(diags), strings.ReplaceAll(d.Detail, "\n", " | ")
					if d.Headline == document.Failed {
						message = d.Headline + ": " + message
					}
					if d.Subject != nil {
						at = fmt.Sprintf("%s:%d:%d", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
					}
					break
				}
			}
			t.Logf("%d %s %s", code, at, message)
			var wrong []string
			if got := fmt.Sprint(code); got != want[0] {
				wrong = append(wrong, fmt.Sprintf("exit code %s, want %s (%s)", got, want[0], want[2]))
			}
			if want[1] != "-" && want[1] != at && code != 0 {
				wrong = append(wrong, fmt.Sprintf("at %s, want %s (%s)", at, want[1], want[2]))
			}
			if first := func(s string) string { return s[:min(len(s), 20)] }; code != 0 && first(message) != first(want[2]) {
				wrong = append(wrong, fmt.Sprintf("message %q, want %q", message, want[2]))
			}
			switch reason, ok := differs[name]; {
			case ok && len(wrong) == 0:
				t.Errorf("no difference any more: %s", reason)
			case !ok && len(wrong) > 0:
				t.Error(strings.Join(wrong, "\n"))
			}
		})
	}
}

// syntaxFiles are the files that the playbooks name.
func syntaxFiles(t *testing.T) texts {
	t.Helper()
	files := texts{}
	root := "testdata/syntax/files"
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
