package engine_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"tutti/internal/terraform/provider/providertest"
)

// Each archive in testdata/peer is a stack and what is done with it, one command a
// line of its comment. It is done by tutti and by a peer (OpenTofu, or Terraform),
// each in a folder of its own, and after every command both must have planned the
// same, exited with the same code, and left the same outputs, states and files;
// then each plans from the other's state, and finds nothing to do.
//
//	peer terraform        compare with Terraform only, or with OpenTofu only (tofu);
//	                      without it, with OpenTofu, and with both if TUTTI_PEERS=all
//	plan ARGS             plan only
//	apply ARGS            plan and apply
//	apply! ARGS           the same, and both must fail
//	error TEXT            tutti's last message must hold the text
//	show TEXT             likewise what it printed
//	edit N                put the files of the archive's folder N over those there;
//	                      one whose text is "gone" is removed
//	rm FILE, write FILE TEXT
//	env NAME=TEXT         for all that follows
//	alone                 the next command's states are not given to the other
//	differ PART REASON    PART (plan, state, files, exit) is not compared in the next
//	                      command, because the difference is deliberate
func TestPeer(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: OpenTofu and Terraform are not run")
	}
	files, err := filepath.Glob("testdata/peer/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	w := newWorkshop(t)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, peer := range peersOf(a) {
			t.Run(name+"/"+peer, func(t *testing.T) {
				t.Parallel()
				newScene(t, w, a, peer).play()
			})
		}
	}
}

func peersOf(a *txtar.Archive) []string {
	for line := range strings.Lines(string(a.Comment)) {
		if name, ok := strings.CutPrefix(line, "peer "); ok {
			return []string{strings.TrimSpace(name)}
		}
	}
	if os.Getenv("TUTTI_PEERS") == "all" {
		return []string{"tofu", "terraform"}
	}
	return []string{"tofu"}
}

// workshop is what all archives share: the binaries and the providers.
type workshop struct {
	tutti, mirror string
	programs      map[string]string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	dir := t.TempDir()
	w := &workshop{tutti: filepath.Join(dir, "tutti"), mirror: filepath.Join(dir, "mirror"), programs: map[string]string{}}
	build := exec.Command("go", "build", "-o", w.tutti, "tutti/cmd/tutti")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build tutti: %v\n%s", err, out)
	}
	if path, err := exec.LookPath("terraform"); err == nil {
		w.programs["terraform"] = path
	}
	tofu := os.Getenv("TUTTI_TOFU")
	if cache, err := os.UserCacheDir(); tofu == "" && err == nil {
		tofu = filepath.Join(cache, "tutti", "bin", "tofu")
	}
	if _, err := os.Stat(tofu); err == nil {
		w.programs["tofu"] = tofu
	}
	providertest.Real(t, "random") // skips where there is no mirror
	// HOST/NAMESPACE/TYPE/VERSION/PLATFORM: the peers follow links of packages only.
	packages, err := filepath.Glob(filepath.Join(providertest.Mirror(), "*", "*", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		rel, err := filepath.Rel(providertest.Mirror(), p)
		if err != nil {
			t.Fatal(err)
		}
		link(t, p, filepath.Join(w.mirror, rel))
	}
	platform := runtime.GOOS + "_" + runtime.GOARCH
	link(t, providertest.Faulty(t), filepath.Join(w.mirror, "tutti.test", "tutti", "faulty", "0.0.1", platform, "terraform-provider-faulty_v0.0.1"))
	return w
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// scene plays one archive.
type scene struct {
	t     *testing.T
	w     *workshop
	a     *txtar.Archive
	ours  *actor
	peer  *actor
	alone bool
	skip  map[string]bool
}

// actor is one of the two tools, in its folder.
type actor struct {
	t        *testing.T
	program  string
	dir      string
	tutti    bool
	env      []string
	names    naming
	out, err string // of the last command
}

func newScene(t *testing.T, w *workshop, a *txtar.Archive, peer string) *scene {
	t.Helper()
	program := w.programs[peer]
	if program == "" {
		t.Skipf("%s is not here: there is nobody to compare with", peer)
	}
	s := &scene{t: t, w: w, a: a, skip: map[string]bool{}}
	root := t.TempDir()
	empty := filepath.Join(root, "none.tfrc")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "TF_") {
			env = append(env, kv)
		}
	}
	env = append(env, "TF_CLI_CONFIG_FILE="+empty, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TUTTI_KEY="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32)), "NO_COLOR=1")
	s.ours = &actor{t: t, program: w.tutti, dir: filepath.Join(root, "ours", "stack"), tutti: true, env: env}
	s.peer = &actor{t: t, program: program, dir: filepath.Join(root, "peer", "stack"), env: env}
	s.ours.names.noIdentity, s.peer.names.noIdentity = peer == "terraform", peer == "terraform"
	s.edit("")
	s.init()
	return s
}

// init installs the providers. Ours takes the peer's lock file, and with it the
// peer's registry.
func (s *scene) init() {
	s.t.Helper()
	s.peer.must("init", "-input=false", "-plugin-dir="+s.w.mirror)
	if lock, err := os.ReadFile(filepath.Join(s.peer.dir, ".terraform.lock.hcl")); err == nil {
		s.ours.write(".terraform.lock.hcl", lock)
	}
	s.ours.must("init", "-plugin-dir="+s.w.mirror)
}

func (s *scene) play() {
	for line := range strings.Lines(string(s.a.Comment)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s.t.Log("> " + line)
		s.command(line)
		if s.t.Failed() {
			return
		}
	}
}

func (s *scene) command(line string) {
	s.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "peer":
	case "plan", "apply", "apply!", "plan!":
		s.step(verb, strings.Fields(rest))
		s.alone, s.skip = false, map[string]bool{}
	case "error", "show":
		s.printed(verb, rest)
	case "edit":
		s.edit(rest + "/")
		s.init()
	case "alone":
		s.alone = true
	case "differ":
		part, _, _ := strings.Cut(rest, " ")
		s.skip[part] = true
	default:
		for _, x := range []*actor{s.ours, s.peer} {
			x.prepare(verb, rest)
		}
	}
}

// printed holds what tutti printed last against a text.
func (s *scene) printed(verb, text string) {
	s.t.Helper()
	got := s.ours.err
	if verb == "show" {
		got = s.ours.out
	}
	flat := strings.Join(strings.Fields(strings.ReplaceAll(got, "│", " ")), " ")
	if !strings.Contains(flat, text) {
		s.t.Errorf("tutti did not print %q:\n%s", text, got)
	}
}

// prepare does to the world what the user, or somebody else, does.
func (a *actor) prepare(verb, rest string) {
	a.t.Helper()
	switch verb {
	case "rm":
		if err := os.Remove(filepath.Join(a.dir, rest)); err != nil {
			a.t.Fatal(err)
		}
	case "write":
		name, text, _ := strings.Cut(rest, " ")
		a.write(name, []byte(text))
	case "env":
		a.env = append(a.env, rest)
	default:
		// A command of both tools, such as: state rm ADDR.
		a.must(append([]string{verb}, strings.Fields(rest)...)...)
	}
}

// edit puts files of the archive into both folders.
func (s *scene) edit(prefix string) {
	s.t.Helper()
	found := false
	for _, f := range s.a.Files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if first := strings.SplitN(f.Name, "/", 2)[0]; !ok || prefix == "" && isNumber(first) {
			continue
		}
		found = true
		for _, x := range []*actor{s.ours, s.peer} {
			if strings.TrimSpace(string(f.Data)) == "gone" {
				x.prepare("rm", name)
				continue
			}
			x.write(name, f.Data)
		}
	}
	if !found {
		s.t.Fatalf("the archive has no files below %q", prefix)
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (a *actor) write(name string, text []byte) {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		a.t.Fatal(err)
	}
}

func (a *actor) run(args ...string) int {
	a.t.Helper()
	cmd := exec.Command(a.program, args...)
	cmd.Dir, cmd.Env = a.dir, a.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.t.Fatal(err)
	}
	a.out, a.err = out.String(), errs.String()
	if a.tutti && (strings.HasPrefix(a.err, "panic:") || strings.Contains(a.err, "\ngoroutine ")) {
		a.t.Errorf("tutti %v crashed:\n%s", args, a.err)
	}
	return cmd.ProcessState.ExitCode()
}

func (a *actor) must(args ...string) string {
	a.t.Helper()
	if code := a.run(args...); code != 0 {
		a.t.Fatalf("%s %v: exit %d\n%s%s", filepath.Base(a.program), args, code, a.out, a.err)
	}
	return a.out
}

// done is what one tool made of a step.
type done struct {
	code  int
	plan  any
	state any
	files any
}

// step lets both do it, at the same time, and compares.
func (s *scene) step(verb string, args []string) {
	s.t.Helper()
	var got [2]done
	var wg sync.WaitGroup
	for i, x := range []*actor{s.ours, s.peer} {
		wg.Go(func() { got[i] = x.step(verb, args) })
	}
	wg.Wait()
	ours, peer := got[0], got[1]
	if ours.code != peer.code && !s.skip["exit"] {
		s.t.Errorf("exit %d, the peer's %d", ours.code, peer.code)
	}
	if fails := strings.HasSuffix(verb, "!"); fails != (peer.code == 1) && !s.skip["exit"] {
		s.t.Errorf("the peer exits with %d", peer.code)
	}
	s.same("plan", ours.plan, peer.plan)
	s.same("state", ours.state, peer.state)
	s.same("files", ours.files, peer.files)
	if s.t.Failed() {
		s.t.Logf("ours:\n%s%s\npeer's:\n%s%s", s.ours.out, s.ours.err, s.peer.out, s.peer.err)
		return
	}
	if s.alone || verb != "apply" || slices.ContainsFunc(args, partial) {
		return
	}
	s.swap(slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-replace") }))
}

// partial reports whether a flag leaves something to do for the next plan.
func partial(arg string) bool {
	for _, p := range []string{"-target", "-exclude", "-refresh", "-destroy"} {
		if strings.HasPrefix(arg, p) {
			return true
		}
	}
	return false
}

func (s *scene) same(part string, ours, peer any) {
	s.t.Helper()
	if s.skip[part] {
		return
	}
	if d := difference(ours, peer); d != "" {
		s.t.Errorf("%s differs (- the peer's, + ours):\n%s", part, d)
	}
}

const planFile = "step.tfplan"

func (a *actor) step(verb string, args []string) done {
	a.t.Helper()
	var d done
	// A plan that fails has a file nevertheless; it is not compared.
	d.code = a.run(append([]string{"plan", "-input=false", "-no-color", "-detailed-exitcode", "-out=" + planFile}, args...)...)
	if d.code == 1 {
		return d
	}
	planned := a.out + a.err
	d.plan = a.names.plan(a.t, a.must("show", "-json", planFile))
	a.out = planned
	if strings.HasPrefix(verb, "plan") {
		return d
	}
	d.code = a.run(slices.Concat([]string{"apply", "-input=false", "-no-color"}, again(args), []string{planFile})...)
	out, errs := a.out, a.err
	a.names.learn(a.t, a.state())
	d.state = a.names.state(a.t, a.state())
	d.files = a.files()
	a.out, a.err = planned+out, errs
	return d
}

// again gives the ephemeral variables, which no plan keeps: both tools want them
// again with the plan, and nothing else.
func again(args []string) []string {
	var out []string
	for _, x := range args {
		if strings.HasPrefix(x, "-var=eph") {
			out = append(out, x)
		}
	}
	return out
}

// state gives the state in Terraform's form; "" when there is none.
func (a *actor) state() string {
	a.t.Helper()
	if a.tutti {
		return a.must("state", "pull")
	}
	text, err := os.ReadFile(filepath.Join(a.dir, "terraform.tfstate"))
	if err != nil {
		return `{"version":4,"outputs":{},"resources":[]}`
	}
	return string(text)
}

// files gives what lies in the folder and is not the tools' own.
func (a *actor) files() any {
	a.t.Helper()
	out := map[string]any{}
	err := filepath.WalkDir(a.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && strings.HasPrefix(name, "."):
			return filepath.SkipDir
		case d.IsDir(), strings.HasPrefix(name, "."), name == planFile, strings.HasSuffix(name, ".tf"), strings.Contains(name, ".tfstate"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(a.dir, path)
		out[a.names.text(rel)] = a.names.text(string(text))
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// swap gives each the other's state and world: neither must find anything to do.
func (s *scene) swap(args []string) {
	s.t.Helper()
	var wg sync.WaitGroup
	for _, pair := range [][2]*actor{{s.ours, s.peer}, {s.peer, s.ours}} {
		wg.Go(func() {
			from, to := pair[0], *pair[1]
			to.dir = filepath.Join(filepath.Dir(to.dir), "swap")
			if err := os.RemoveAll(to.dir); err != nil {
				s.t.Error(err)
			}
			if err := os.CopyFS(to.dir, os.DirFS(from.dir)); err != nil {
				s.t.Error(err)
			}
			if err := os.RemoveAll(filepath.Join(to.dir, ".tutti")); err != nil {
				s.t.Error(err)
			}
			to.write("terraform.tfstate", []byte(from.state()))
			if code := to.run(append([]string{"plan", "-input=false", "-no-color", "-detailed-exitcode"}, args...)...); code != 0 {
				s.t.Errorf("%s, with the state that %s made, exits with %d:\n%s%s", filepath.Base(to.program), filepath.Base(from.program), code, to.out, to.err)
			}
		})
	}
	wg.Wait()
}

func mustJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return out
}

func sprint(v any) string { return fmt.Sprint(v) }
