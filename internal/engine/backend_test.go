package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"tutti/internal/addr"
	"tutti/internal/engine"
)

// keeper is a server as the backend "http" wants one.
type keeper struct {
	mu     sync.Mutex
	state  []byte
	lock   []byte // who holds it
	writes int
	// refuses answers writes with an error of the caller's.
	refuses bool
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if user, password, _ := r.BasicAuth(); err != nil || user != "u" || password != "p" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	id := func(text []byte) string {
		var l struct{ ID string }
		_ = json.Unmarshal(text, &l)
		return l.ID
	}
	switch {
	case r.Method == http.MethodGet && k.state == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		_, _ = w.Write(k.state)
	case r.Method == http.MethodPost && k.refuses:
		w.WriteHeader(http.StatusBadRequest)
	case r.Method == http.MethodPost && r.URL.Query().Get("ID") != id(k.lock):
		w.WriteHeader(http.StatusLocked)
	case r.Method == http.MethodPost:
		k.state = body
		k.writes++
	case r.Method == "LOCK" && k.lock != nil:
		w.WriteHeader(http.StatusLocked)
		_, _ = w.Write(k.lock)
	case r.Method == "LOCK":
		k.lock = body
	case r.Method == "UNLOCK" && id(body) != id(k.lock):
		w.WriteHeader(http.StatusConflict)
	case r.Method == "UNLOCK":
		k.lock = nil
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// set changes the keeper as another tool would.
func (k *keeper) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func newKeeper(t *testing.T) (*keeper, string) {
	t.Helper()
	k := &keeper{}
	s := httptest.NewServer(k)
	t.Cleanup(s.Close)
	return k, fmt.Sprintf(`
terraform {
  backend "http" {
    address        = %[1]q
    lock_address   = %[1]q
    unlock_address = %[1]q
    username       = "u"
    password       = "p"
    retry_max      = 0
  }
}
`, s.URL+"/state")
}

const one = `
resource "terraform_data" "a" {
  input = "%s"
}
output "a" {
  value = terraform_data.a.output
}
`

// TestBackend has two checkouts share a state.
func TestBackend(t *testing.T) {
	k, block := newKeeper(t)
	here, there := newStack(t, "main.tf", block+fmt.Sprintf(one, "1")), newStack(t, "main.tf", block+fmt.Sprintf(one, "1"))
	here.done(engine.PlanOptions{})
	if !strings.Contains(string(k.state), `"terraform_data"`) || k.lock != nil {
		t.Fatalf("the backend has %s, locked by %s", k.state, k.lock)
	}
	if _, changes := there.plan(there.open(), engine.PlanOptions{}); len(changes) != 0 {
		t.Errorf("the other checkout would do %v", changes)
	}
	there.write("main.tf", block+fmt.Sprintf(one, "2"))
	there.done(engine.PlanOptions{})
	if _, changes := here.plan(here.open(), engine.PlanOptions{}); strings.Join(changes, " ") != "update terraform_data.a" {
		t.Errorf("after the other's change: %v", changes)
	}
	// A plan from before somebody else's change is stale, whatever the store says.
	e := here.open()
	p, _ := here.plan(e, engine.PlanOptions{})
	there.write("main.tf", block+fmt.Sprintf(one, "3"))
	there.done(engine.PlanOptions{})
	if _, d := e.Apply(t.Context(), p, engine.RunOptions{}); !d.HasErrors() || !strings.Contains(d.Err().Error(), "changed") || k.lock != nil {
		t.Errorf("a stale plan: %v, locked by %s", d, k.lock)
	}
	// Edits are written there too.
	from, _ := addr.ParseTarget("terraform_data.a")
	to, _ := addr.ParseTarget("terraform_data.b")
	if _, d := here.open().Move(t.Context(), from, to); d.HasErrors() || !strings.Contains(string(k.state), `"name": "b"`) || k.lock != nil {
		t.Errorf("mv: %v\n%s", d, k.state)
	}
}

// TestBackendLocked does nothing while somebody else holds the lock.
func TestBackendLocked(t *testing.T) {
	k, block := newKeeper(t)
	s := newStack(t, "main.tf", block+fmt.Sprintf(one, "1"))
	k.lock = []byte(`{"ID":"l-1","Operation":"OperationTypeApply","Who":"ann@h","Created":"2026-11-23T20:00:00Z"}`)
	e := s.open()
	p, _ := s.plan(e, engine.PlanOptions{})
	_, d := e.Apply(t.Context(), p, engine.RunOptions{})
	if !d.HasErrors() || !strings.Contains(d.Err().Error(), "locked by ann@h since 2026-11-23T20:00:00Z") || !strings.Contains(d.Err().Error(), "force-unlock l-1") || k.state != nil {
		t.Fatalf("%v, the backend has %s", d, k.state)
	}
	s.fine(e.FreeBackend(t.Context(), "l-1"))
	s.done(engine.PlanOptions{})
	if k.state == nil || k.lock != nil {
		t.Errorf("the backend has %s, locked by %s", k.state, k.lock)
	}
}

// TestBackendAhead loses nothing when the backend could not be written, and overwrites
// nothing that somebody else wrote there meanwhile.
func TestBackendAhead(t *testing.T) {
	k, block := newKeeper(t)
	s := newStack(t, "main.tf", block+fmt.Sprintf(one, "1"))
	s.done(engine.PlanOptions{})
	before := string(k.state)
	k.set(func() { k.refuses = true })
	s.write("main.tf", block+fmt.Sprintf(one, "2"))
	e := s.open()
	p, _ := s.plan(e, engine.PlanOptions{})
	if _, d := e.Apply(t.Context(), p, engine.RunOptions{}); !d.HasErrors() || !strings.Contains(d.Err().Error(), "The state is whole in .tutti") {
		t.Fatal(d)
	}
	k.set(func() { k.refuses = false })
	s.done(engine.PlanOptions{})
	if string(k.state) == before || !strings.Contains(string(k.state), `"2"`) {
		t.Errorf("what could not be written was not written later: %s", k.state)
	}
	k.set(func() { k.refuses = true })
	s.write("main.tf", block+fmt.Sprintf(one, "3"))
	p, _ = s.plan(e, engine.PlanOptions{})
	_, _ = e.Apply(t.Context(), p, engine.RunOptions{})
	k.set(func() {
		k.refuses = false
		k.state = []byte(strings.Replace(string(k.state), `"serial": `, `"serial": 9`, 1))
	})
	if _, d := engine.Open(t.Context(), options(s.dir)); !d.HasErrors() || !strings.Contains(d.Err().Error(), "was changed by somebody else") {
		t.Errorf("both changed: %v", d)
	}
}

// TestBackendMistakes refuses settings that cannot be, with their place.
func TestBackendMistakes(t *testing.T) {
	for block, want := range map[string]string{
		`backend "http" {}`:                                                           "The setting address must be an HTTP URL",
		`backend "http" { address = "ftp://x" }`:                                      "The setting address must be an HTTP URL",
		`backend "http" { adress = "http://x" }`:                                      `no setting "adress". Did you mean "address"?`,
		"backend \"http\" {\n address = \"http://x\"\n retry_max = \"many\"\n}":       "retry_max must be a whole number",
		"backend \"http\" {\n address = \"http://x\"\n client_private_key_pem = 1\n}": "both must be there",
		"backend \"http\" {\n address = var.where\n}":                                 "init -backend-config=address=",
		`backend "s3" {}`: `"s3", and this version of tutti has the backends local and http only`,
	} {
		s := newStack(t, "main.tf", "variable \"where\" {}\nterraform {\n"+block+"\n}\n")
		_, d := engine.Open(t.Context(), options(s.dir))
		if !d.HasErrors() || !strings.Contains(d.Err().Error(), want) || d[0].Subject == nil {
			t.Errorf("%s: %v, want %s", block, d, want)
		}
	}
	k, block := newKeeper(t)
	k.state = []byte("nonsense")
	s := newStack(t, "main.tf", block)
	if _, d := engine.Open(t.Context(), options(s.dir)); !d.HasErrors() {
		t.Error("a state that is none was taken")
	}
	s = newStack(t, "main.tf", strings.Replace(block, `"p"`, `"secret-word"`, 1))
	if _, d := engine.Open(t.Context(), options(s.dir)); !d.HasErrors() || !strings.Contains(d.Err().Error(), "401") || strings.Contains(d.Err().Error(), "secret-word") {
		t.Errorf("a wrong password: %v", d)
	}
}

// TestBackendPeer shares a state with OpenTofu, there and back.
func TestBackendPeer(t *testing.T) {
	tofu := os.Getenv("TUTTI_TOFU")
	if _, err := os.Stat(tofu); err != nil {
		t.Skip("TUTTI_TOFU names no OpenTofu: make tofu builds it")
	}
	k, block := newKeeper(t)
	s, other := newStack(t, "main.tf", block+fmt.Sprintf(one, "1")), newStack(t, "main.tf", block+fmt.Sprintf(one, "1"))
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(tofu, args...)
		cmd.Dir = other.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tofu %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("init")
	run("apply", "-auto-approve")
	if _, changes := s.plan(s.open(), engine.PlanOptions{}); len(changes) != 0 {
		t.Errorf("after OpenTofu's apply: %v", changes)
	}
	s.write("main.tf", block+fmt.Sprintf(one, "2"))
	other.write("main.tf", block+fmt.Sprintf(one, "2"))
	s.done(engine.PlanOptions{})
	if out := run("plan", "-detailed-exitcode"); !strings.Contains(out, "No changes") || k.lock != nil {
		t.Errorf("after tutti's apply: %s", out)
	}
}
