package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/terraform/provider/providertest"
)

// TestPeer holds what plans look like against OpenTofu (TUTTI_TOFU, built by make
// tofu): a state that OpenTofu made is planned by both with the same changes, and
// compared are the JSON of the plan and the text for people, but for the words that
// are each tool's own.
func TestPeer(t *testing.T) {
	tofu := os.Getenv("TUTTI_TOFU")
	if _, err := os.Stat(tofu); err != nil {
		t.Skip("OpenTofu is not there: make tofu builds it, and TUTTI_TOFU names it")
	}
	if _, err := os.Stat(providertest.Mirror()); err != nil {
		t.Skip("no mirror with the real providers: make providers")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/peer")); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, dir: dir, env: peerEnv(t)}
	p.run(tofu, "init", "-input=false")
	p.run(tofu, "apply", "-auto-approve", "-input=false")
	for _, args := range [][]string{{"-var=stage=two"}, {`-var=zones=["b","c"]`}, {"-destroy"}, {}, {"-target=local_file.greeting", "-var=stage=two"}, {"-replace=random_id.name"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			p := &peer{t: t, dir: dir, env: p.env}
			p.run(tofu, append([]string{"plan", "-out=theirs", "-refresh=false"}, args...)...)
			theirs := p.run(tofu, "show", "-no-color", "theirs")
			wantJSON := p.run(tofu, "show", "-json", "theirs")
			p.tutti(append([]string{"plan", "-out=ours", "-refresh=false"}, args...)...)
			if d := cmp.Diff(planLines(theirs), planLines(p.tutti("show", "ours"))); d != "" {
				t.Errorf("the text differs (- OpenTofu, + tutti):\n%s", d)
			}
			if d := cmp.Diff(planFacts(t, wantJSON), planFacts(t, p.tutti("show", "-json", "ours"))); d != "" {
				t.Errorf("the JSON differs (- OpenTofu, + tutti):\n%s", d)
			}
		})
	}
}

type peer struct {
	t   *testing.T
	dir string
	env []string
}

func peerEnv(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	rc := filepath.Join(home, "rc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", providertest.Mirror())
	if err := os.WriteFile(rc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "TF_CLI_CONFIG_FILE="+rc, "CI=1")
}

func (p *peer) run(program string, args ...string) string {
	p.t.Helper()
	c := exec.Command(program, args...)
	c.Dir, c.Env = p.dir, p.env
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		p.t.Fatalf("%s %v: %v\n%s%s", filepath.Base(program), args, err, out.String(), errs.String())
	}
	return out.String()
}

// tutti runs the program itself, which the test binary is by that name.
func (p *peer) tutti(args ...string) string {
	p.t.Helper()
	program, err := exec.LookPath("tutti")
	if err != nil {
		p.t.Fatal(err)
	}
	return p.run(program, args...)
}

// planLines gives the entries of a plan sorted by their titles, without what each
// tool says in words of its own.
func planLines(text string) []string {
	var entries []string
	for _, block := range strings.Split(text, "\n\n") {
		var lines []string
		for _, l := range strings.Split(strings.Trim(block, "\n"), "\n") {
			if strings.Contains(l, "(write-only attribute)") {
				continue // tutti shows none
			}
			if strings.HasPrefix(l, "Plan:") || strings.HasPrefix(strings.TrimSpace(l), "#") || strings.Contains(l, " = ") || strings.HasSuffix(l, "{") {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 {
			entries = append(entries, strings.Join(lines, "\n"))
		}
	}
	sort.Strings(entries)
	return entries
}

// planFacts is what a plan's JSON says of resources and outputs, without the
// versions, the time and the order of paths.
func planFacts(t *testing.T, text string) map[string]any {
	t.Helper()
	var p struct {
		Changes []map[string]any `json:"resource_changes"`
		Outputs map[string]any   `json:"output_changes"`
		Planned map[string]any   `json:"planned_values"`
		Prior   struct {
			Values map[string]any `json:"values"`
		} `json:"prior_state"`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	// OpenTofu's outputs in prior_state are already the new ones, so they are left out.
	out := map[string]any{"outputs": p.Outputs, "planned": p.Planned, "prior": p.Prior.Values["root_module"]}
	for _, c := range p.Changes {
		if paths, ok := c["change"].(map[string]any)["replace_paths"].([]any); ok {
			sort.Slice(paths, func(i, j int) bool { return fmt.Sprint(paths[i]) < fmt.Sprint(paths[j]) })
		}
		out[c["address"].(string)] = c
	}
	return out
}
