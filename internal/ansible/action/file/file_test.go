package file_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tutti/internal/ansible/action"
	actions "tutti/internal/ansible/action/builtin"
	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/moduletest"
	"tutti/internal/ansible/vault"
)

// do runs a task on this machine and tells how many calls of modules that took.
func do(t *testing.T, name string, task action.Task) (module.Result, int) {
	t.Helper()
	target := &moduletest.Local{Modules: builtin.Modules()}
	result, err := actions.Actions()[name](context.Background(), target, task)
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed() {
		t.Fatalf("%s failed: %v", name, result["msg"])
	}
	return result, target.Calls()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRoundTrips holds copying to what it may cost: one call for what is small or there
// already, and never more than two.
func TestRoundTrips(t *testing.T) {
	dir := t.TempDir()
	src, dest := filepath.Join(dir, "src"), filepath.Join(dir, "dest")
	large := make([]byte, 1<<20)
	_, _ = rand.Read(large)
	task := func(check bool) action.Task {
		return action.Task{Module: "copy", Args: map[string]any{"src": src, "dest": dest}, Diff: true, CheckMode: check}
	}
	for _, step := range []struct {
		name, content string
		check         bool
		calls         int
		changed       bool
	}{
		{"small and new", "hello\n", false, 1, true},
		{"small and there", "hello\n", false, 1, false},
		{"small in check mode", "other\n", true, 1, true},
		{"large and new in check mode", string(large), true, 1, true},
		{"large and new", string(large), false, 2, true},
		{"large and there", string(large), false, 1, false},
	} {
		write(t, src, step.content)
		result, calls := do(t, "copy", task(step.check))
		if calls != step.calls || result["changed"] != step.changed {
			t.Errorf("%s: %d calls, changed %v; want %d, %v", step.name, calls, result["changed"], step.calls, step.changed)
		}
		if !step.check && read(t, dest) != step.content {
			t.Errorf("%s: the content is another", step.name)
		}
	}
}

func TestSearchPath(t *testing.T) {
	role, play := t.TempDir(), t.TempDir()
	write(t, filepath.Join(role, "files", "a"), "role")
	write(t, filepath.Join(play, "a"), "play")
	write(t, filepath.Join(play, "b"), "play")
	dest := filepath.Join(t.TempDir(), "x")
	for name, want := range map[string]string{"a": "role", "b": "play", "files/a": "role"} {
		do(t, "copy", action.Task{Args: map[string]any{"src": name, "dest": dest}, Search: []string{role, play}})
		if got := read(t, dest); got != want {
			t.Errorf("%s came from %s, want %s", name, got, want)
		}
	}
	target := &moduletest.Local{Modules: builtin.Modules()}
	result, err := actions.Actions()["copy"](context.Background(), target, action.Task{Args: map[string]any{"src": "none", "dest": dest}, Search: []string{role}})
	if msg, _ := result["msg"].(string); err != nil || !strings.Contains(msg, "Searched in:\n\t"+role+"/files/none\n\t"+role+"/none") {
		t.Errorf("%v, %v", result, err)
	}
}

func TestVault(t *testing.T) {
	dir := t.TempDir()
	secret := vault.Secret{ID: "default", Password: []byte("pass")}
	text, err := vault.Encrypt([]byte("plain\n"), secret, "default", make([]byte, vault.SaltSize))
	if err != nil {
		t.Fatal(err)
	}
	src, dest := filepath.Join(dir, "src"), filepath.Join(dir, "dest")
	write(t, src, string(text))
	task := action.Task{Args: map[string]any{"src": src, "dest": dest}, Vault: []action.Secret{{ID: "default", Password: "pass"}}}
	do(t, "copy", task)
	if got := read(t, dest); got != "plain\n" {
		t.Errorf("got %q", got)
	}
	task.Args["decrypt"] = false
	do(t, "copy", task)
	if got := read(t, dest); got != string(text) {
		t.Errorf("decrypt: false changed the file to %q", got)
	}
	for name, secrets := range map[string][]action.Secret{
		"A vault password or secret must be specified to decrypt": nil, "Decryption failed": {{ID: "default", Password: "wrong"}},
	} {
		target := &moduletest.Local{Modules: builtin.Modules()}
		result, err := actions.Actions()["copy"](context.Background(), target, action.Task{Args: map[string]any{"src": src, "dest": dest}, Vault: secrets})
		if msg, _ := result["msg"].(string); err != nil || !strings.Contains(msg, name) || strings.Contains(msg, "wrong") {
			t.Errorf("%v, %v; want %s", result, err, name)
		}
	}
}

// TestSecrets looks for a content in what a task shows of itself.
func TestSecrets(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "x")
	for _, noLog := range []bool{false, true} {
		result, _ := do(t, "copy", action.Task{Args: map[string]any{"content": "s3cret", "dest": dest}, Diff: noLog, NoLog: noLog})
		data, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "s3cret") {
			t.Errorf("the content is in the result: %s", data)
		}
		if err := os.Remove(dest); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFetchStaysInside has a host claim that its file lies elsewhere.
func TestFetchStaysInside(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "etc", "x"), "content")
	write(t, filepath.Join(dir, "a", "y"), "content")
	target := &moduletest.Local{Modules: builtin.Modules()}
	result, err := actions.Actions()["fetch"](context.Background(), target, action.Task{Host: "h",
		Args: map[string]any{"src": dir + "/a/../../../../../../../../../../../.." + dir + "/etc/x", "dest": filepath.Join(dir, "got")}})
	if err != nil {
		t.Fatal(err)
	}
	msg, _ := result["msg"].(string)
	if got, _ := result["dest"].(string); !strings.HasPrefix(got, filepath.Join(dir, "got", "h")) && !strings.Contains(msg, "traversal") {
		t.Errorf("%v", result)
	}
}

// TestPipe must not wait for somebody who writes into a pipe.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	target := &moduletest.Local{Modules: builtin.Modules()}
	result, err := actions.Actions()["copy"](context.Background(), target, action.Task{Args: map[string]any{"src": pipe, "dest": filepath.Join(dir, "x")}})
	if err != nil || !result.Failed() {
		t.Errorf("a pipe was copied: %v, %v", result, err)
	}
	for _, name := range []string{"lineinfile", "replace", "blockinfile"} {
		result, err := target.Run(context.Background(), module.Request{Module: name, Args: map[string]any{"path": pipe, map[string]string{"lineinfile": "line", "replace": "regexp", "blockinfile": "block"}[name]: "x"}})
		if err != nil || !result.Failed() {
			t.Errorf("%s edited a pipe: %v, %v", name, result, err)
		}
	}
	do(t, "copy", action.Task{Args: map[string]any{"content": "x", "dest": pipe}, Diff: true})
	if got := read(t, pipe); got != "x" {
		t.Errorf("a file in the place of a pipe holds %q", got)
	}
}

// TestManyFiles copies a folder of more files than are on their way at once.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 50 {
		write(t, filepath.Join(dir, "src", strconv.Itoa(i%7), strconv.Itoa(i)), strconv.Itoa(i))
	}
	task := action.Task{Args: map[string]any{"src": filepath.Join(dir, "src") + "/", "dest": filepath.Join(dir, "dest"), "directory_mode": "0700"}}
	result, _ := do(t, "copy", task)
	if result["changed"] != true {
		t.Errorf("%v", result)
	}
	for i := range 50 {
		if got := read(t, filepath.Join(dir, "dest", strconv.Itoa(i%7), strconv.Itoa(i))); got != strconv.Itoa(i) {
			t.Errorf("file %d holds %q", i, got)
		}
	}
	if result, calls := do(t, "copy", task); result["changed"] != false || calls > 57 {
		t.Errorf("once more: changed %v, %d calls", result["changed"], calls)
	}
}

// TestNothingComesBack looks for the content in the answer of the host: it has been sent once.
func TestNothingComesBack(t *testing.T) {
	target := &moduletest.Local{Modules: builtin.Modules()}
	sum := "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed" // of "hello world"
	result, err := target.Run(context.Background(), module.Request{Module: "_tutti_place", Args: map[string]any{"dest": filepath.Join(t.TempDir(), "x"), "rel": "x",
		"checksum": sum, "content": []byte("hello world"), "args": map[string]any{}, "force": true}})
	if err != nil || result.Failed() {
		t.Fatal(result, err)
	}
	data, err := json.Marshal(result)
	if err != nil || strings.Contains(string(data), "aGVsbG8gd29ybGQ") || strings.Contains(string(data), "hello world") {
		t.Errorf("%s, %v", data, err)
	}
}
