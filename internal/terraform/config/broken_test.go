package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/diag"
)

var update = flag.Bool("update", false, "record what tutti and the installed terraform say of the configurations in testdata")

// liveEvery is how many recorded answers of terraform stand for one that is asked
// again in a normal test run.
const liveEvery = 12

// TestBrokenConfigurations holds the errors of each broken configuration against
// what is recorded in it: section "want" is ours, section "terraform" are the
// lines that `terraform validate` blames, or `tofu validate` where the archive's
// name starts with tofu_. They must be the same lines, unless the archive's first
// line says why they differ.
func TestBrokenConfigurations(t *testing.T) {
	names, _ := filepath.Glob("testdata/broken/*.txtar")
	if len(names) < 100 {
		t.Fatalf("only %d broken configurations found", len(names))
	}
	terraform, tofu := peers(t)
	for i, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, recorded := split(a)
			_, diags := Load(Options{Files: files})
			ours := lines(diags)
			peer := terraform
			if strings.HasPrefix(filepath.Base(name), "tofu_") {
				peer = tofu
			}
			if peer != "" && (*update || i%liveEvery == 0 && !testing.Short()) {
				theirs := askPeer(t, peer, files)
				if *update {
					record(t, name, a, ours, theirs)
					return
				}
				if got := strings.Join(theirs, ""); got != recorded["terraform"] {
					t.Errorf("the peer now says\n%s\nand said\n%s", got, recorded["terraform"])
				}
			}
			if got := strings.Join(ours, ""); got != recorded["want"] {
				t.Errorf("got\n%s\nwant\n%s\nin full\n%s", got, recorded["want"], text(diags))
			}
			if !diags.HasErrors() {
				t.Error("no error was found")
			}
			for _, d := range diags {
				if d.Subject == nil || !strings.HasSuffix(strings.TrimSpace(d.Detail), ".") && !strings.HasSuffix(d.Detail, "?") {
					t.Errorf("no place, or no sentence: %+v", d)
				}
			}
			same := places(recorded["want"]) == places(recorded["terraform"])
			if differs := strings.HasPrefix(string(a.Comment), "Differs: "); same == differs {
				t.Errorf("blamed lines: same as terraform's is %v, comment says %q\nours\n%s\nterraform's\n%s", same, a.Comment, recorded["want"], recorded["terraform"])
			}
		})
	}
}

// split takes the configuration out of an archive.
func split(a *txtar.Archive) (Snapshot, map[string]string) {
	files, recorded := Snapshot{}, map[string]string{}
	for _, f := range a.Files {
		if f.Name == "want" || f.Name == "terraform" {
			recorded[f.Name] = string(f.Data)
			continue
		}
		files[filepath.Clean(f.Name)] = f.Data
	}
	return files, recorded
}

func lines(diags diag.List) []string {
	var out []string
	for _, d := range diags {
		if d.Severity == diag.Error {
			at := "-:0"
			if d.Subject != nil {
				at = fmt.Sprintf("%s:%d", d.Subject.Filename, d.Subject.Start.Line)
			}
			out = append(out, at+" "+d.Headline+"\n")
		}
	}
	sort.Strings(out)
	return out
}

// places gives the different places of recorded lines.
func places(recorded string) string {
	seen := map[string]bool{}
	var out []string
	for _, l := range strings.Split(recorded, "\n") {
		at, _, _ := strings.Cut(l, " ")
		if at != "" && !seen[at] {
			seen[at] = true
			out = append(out, at)
		}
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// peers finds the tools to compare with; "" for one that is not there.
func peers(t *testing.T) (terraform, tofu string) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Log("terraform is not installed: only its recorded answers are compared")
	}
	tofu = os.Getenv("TUTTI_TOFU")
	if cache, err := os.UserCacheDir(); tofu == "" && err == nil {
		tofu = filepath.Join(cache, "tutti", "bin", "tofu")
	}
	if _, err := os.Stat(tofu); err != nil {
		t.Log("OpenTofu is not built (make tofu): only its recorded answers are compared")
		tofu = ""
	}
	return terraform, tofu
}

// askPeer runs the real tool on the files, as if it had been initialised.
func askPeer(t *testing.T, peer string, files Snapshot) []string {
	t.Helper()
	dir := t.TempDir()
	for name, src := range files {
		write(t, filepath.Join(dir, name), src)
	}
	write(t, filepath.Join(dir, ".terraform/modules/modules.json"),
		[]byte(`{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"m","Source":"./m","Dir":"m"}]}`))
	cmd := exec.Command(peer, "validate", "-json")
	cmd.Dir = dir
	write(t, filepath.Join(dir, "empty.rc"), nil) // the user's own settings stay out of it
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "empty.rc"))
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	_ = cmd.Run() // exits with 1, that being the point
	var answer struct {
		Diagnostics []struct {
			Severity, Summary string
			Range             *struct {
				Filename string
				Start    struct{ Line int }
			}
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatalf("terraform's answer: %v\n%s", err, stdout.Bytes())
	}
	var out []string
	for _, d := range answer.Diagnostics {
		at := "-:0"
		if d.Range != nil {
			at = fmt.Sprintf("%s:%d", d.Range.Filename, d.Range.Start.Line)
		}
		if d.Severity == "error" {
			out = append(out, at+" "+d.Summary+"\n")
		}
	}
	sort.Strings(out)
	return out
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func record(t *testing.T, name string, a *txtar.Archive, ours, theirs []string) {
	t.Helper()
	var keep []txtar.File
	for _, f := range a.Files {
		if f.Name != "want" && f.Name != "terraform" {
			keep = append(keep, f)
		}
	}
	a.Files = append(keep,
		txtar.File{Name: "want", Data: []byte(strings.Join(ours, ""))},
		txtar.File{Name: "terraform", Data: []byte(strings.Join(theirs, ""))})
	write(t, name, txtar.Format(a))
}
