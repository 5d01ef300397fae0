package command

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/ansible/module"
)

func call(t *testing.T, name string, args map[string]any) module.Result {
	t.Helper()
	for _, m := range Modules() {
		if m.Name == name {
			r := module.Run(context.Background(), &m, module.Request{Module: name, Args: args})
			delete(r, "invocation")
			return r
		}
	}
	t.Fatalf("there is no module %s", name)
	return nil
}

// TestExpect has as expectations what the real module did with pexpect 4 and these programs,
// but for the patterns that match nothing, with which it never ends.
func TestExpect(t *testing.T) {
	dir := t.TempDir()
	ask := filepath.Join(dir, "ask")
	script := "#!/bin/sh\nprintf 'Name: '\nread n\nprintf 'Again, %s? ' \"$n\"\nread m\necho \"got $n and $m in $(pwd)\"\nexit $1\n"
	if err := os.WriteFile(ask, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.WriteFile(loop, []byte("#!/bin/sh\nwhile :; do printf 'Q: '; read a || exit; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args map[string]any
		want module.Result
	}{
		{"two questions", map[string]any{"command": ask + " 0", "responses": map[string]any{"Name": "Ann", `Again, \w+\?`: 7}},
			module.Result{"rc": 0, "changed": true, "stdout": "Name: Again, Ann? got Ann and 7 in HERE"}},
		{"echo", map[string]any{"command": ask + " 0", "echo": true, "responses": map[string]any{"(?i)name": "Ann", "Again": "b\n"}},
			module.Result{"rc": 0, "changed": true, "stdout": "Name: Ann\r\nAgain, Ann? b\r\ngot Ann and b in HERE"}},
		{"answers in turn", map[string]any{"command": ask + " 0", "responses": map[string]any{"[:?] ": []any{"one", "two"}}},
			module.Result{"rc": 0, "changed": true, "stdout": "Name: Again, one? got one and two in HERE"}},
		{"exit code", map[string]any{"command": ask + " 3", "responses": map[string]any{"[:?] ": "x"}},
			module.Result{"rc": 3, "changed": true, "failed": true, "msg": "non-zero return code", "stdout": "Name: Again, x? got x and x in HERE"}},
		{"folder", map[string]any{"command": "./ask 0", "chdir": dir, "responses": map[string]any{"[:?] ": "x"}},
			module.Result{"rc": 0, "changed": true, "stdout": "Name: Again, x? got x and x in DIR"}},
		{"too few answers", map[string]any{"command": loop, "responses": map[string]any{"Q": []any{"x"}}},
			module.Result{"changed": false, "failed": true, "msg": "No remaining responses for 'Q', output was 'b': Q''"}},
		{"answers of other types", map[string]any{"command": ask + " 0", "responses": map[string]any{"Name": true, "Again": nil}},
			module.Result{"rc": 0, "changed": true, "stdout": "Name: Again, True? got True and None in HERE"}},
		{"no such folder", map[string]any{"command": "ls", "chdir": "/nonexistent", "responses": map[string]any{"Name": true}},
			module.Result{"changed": false, "failed": true, "msg": "Task failed: Module failed: [Errno 2] No such file or directory: '/nonexistent'"}},
		{"no answer in time", map[string]any{"command": ask, "timeout": "1", "responses": map[string]any{"nothing": "x"}},
			module.Result{"rc": nil, "changed": true, "failed": true, "msg": "command exceeded timeout", "stdout": "Name:"}},
		{"no such program", map[string]any{"command": "no-such-program-here", "responses": map[string]any{"a": "x"}},
			module.Result{"changed": false, "failed": true, "msg": "The command was not found or was not executable: no-such-program-here."}},
		{"made already", map[string]any{"command": "false", "creates": ask, "responses": map[string]any{"a": "x"}},
			module.Result{"cmd": "false", "rc": 0, "changed": false, "stdout": "skipped, since DIR/ask exists"}},
		{"gone already", map[string]any{"command": "false", "removes": ask + "x", "responses": map[string]any{"a": "x"}},
			module.Result{"cmd": "false", "rc": 0, "changed": false, "stdout": "skipped, since DIR/askx does not exist"}},
		{"bad timeout", map[string]any{"command": "true", "timeout": "soon", "responses": map[string]any{"a": "x"}},
			module.Result{"changed": false, "failed": true, "msg": `argument 'timeout' is of type <class 'str'> and we were unable to convert to int: "'soon'" cannot be converted to an int`}},
		{"empty pattern", map[string]any{"command": "echo done", "responses": map[string]any{"x*": "x"}},
			module.Result{"rc": 0, "changed": true, "stdout": "done"}},
		{"nothing to run", map[string]any{"command": " ", "responses": map[string]any{"a": "x"}},
			module.Result{"changed": false, "failed": true, "rc": 256, "msg": "no command given"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call(t, "expect", c.args)
			here, _ := os.Getwd()
			for _, k := range []string{"start", "end", "delta"} {
				delete(got, k)
			}
			if got["changed"] == true {
				delete(got, "cmd")
			}
			if s, ok := got["stdout"].(string); ok {
				got["stdout"] = strings.TrimSpace(strings.NewReplacer(dir, "DIR", here, "HERE").Replace(s))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAsyncStatus(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"running": `{"started": true, "finished": false, "ansible_job_id": "running"}`,
		"done": `{"changed": true, "rc": 0, "stdout": "x"}`, "partial": `{"chan`, "old": `{"started": 1, "finished": 0}`, "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status := func(jid string, more ...any) module.Result {
		r := module.Result{"ansible_job_id": jid, "started": true, "finished": false, "stdout": "", "stderr": "", "changed": false,
			"results_file": filepath.Join(dir, jid)}
		for i := 0; i < len(more); i += 2 {
			r[more[i].(string)] = more[i+1]
		}
		return r
	}
	for jid, want := range map[string]module.Result{"running": status("running"), "partial": status("partial"), "empty": status("empty"),
		"old":  status("old"),
		"done": status("done", "finished", true, "changed", true, "rc", float64(0), "stdout", "x")} {
		if diff := cmp.Diff(want, call(t, "async_status", map[string]any{"jid": jid, "_async_dir": dir})); diff != "" {
			t.Errorf("%s: -want +got\n%s", jid, diff)
		}
	}
	got := call(t, "async_status", map[string]any{"jid": "done", "_async_dir": dir, "mode": "cleanup"})
	if got["erased"] != filepath.Join(dir, "done") || got.Failed() {
		t.Errorf("got %v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
		t.Error("the job's file is still there")
	}
}

// TestJobOutsideItsFolder: what is looked up and removed lies in the folder of jobs.
func TestJobOutsideItsFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t, "async_status", map[string]any{"jid": "../precious", "_async_dir": filepath.Join(dir, "jobs"), "mode": "cleanup"})
	if _, err := os.Stat(file); err != nil || !got.Failed() {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWaitForPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("SSH-2.0-"))
			_, _ = conn.Write([]byte("shop\n"))
			defer func() { _ = conn.Close() }()
		}
	}()
	port := int64(l.Addr().(*net.TCPAddr).Port)
	for _, args := range []map[string]any{{"port": port}, {"port": port, "search_regex": "SSH-2.0-s[h]op"}, {"port": port, "state": "present", "host": "localhost"}} {
		if got := call(t, "wait_for", args); got.Failed() {
			t.Errorf("%v: %v", args, got)
		}
	}
	for _, args := range []map[string]any{{"port": port, "state": "stopped", "timeout": int64(1)}, {"port": port, "search_regex": "HTTP", "timeout": int64(1)}} {
		if got := call(t, "wait_for", args); !got.Failed() {
			t.Errorf("%v: %v", args, got)
		}
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	drained := map[string]any{"port": port, "state": "drained", "timeout": int64(1), "active_connection_states": []any{"ESTABLISHED"}}
	if got := call(t, "wait_for", drained); !got.Failed() || !strings.HasSuffix(got["msg"].(string), "to drain") {
		t.Errorf("an open connection counts as none: %v", got)
	}
	drained["exclude_hosts"] = []any{"127.0.0.1"}
	if got := call(t, "wait_for", drained); got.Failed() {
		t.Errorf("the connection of an excluded host counts: %v", got)
	}
	_ = conn.Close()
}

// TestCancelled: a module comes back when nobody waits for it any more.
func TestCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, m := range Modules() {
		args := map[string]map[string]any{"command": {"cmd": "sleep 600"}, "shell": {"cmd": "sleep 600"}, "wait_for": {"timeout": int64(600)},
			"expect": {"command": "sleep 600", "responses": map[string]any{"a": "b"}, "timeout": int64(600)}}[m.Name]
		if args == nil {
			continue
		}
		if r := module.Run(ctx, &m, module.Request{Module: m.Name, Args: args}); !r.Failed() {
			t.Errorf("%s: %v", m.Name, r)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`a "b \" c" 'd' e\ f`)
	f.Add("'")
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			return
		}
		// What join writes reads back as the same words.
		again, err := split(join(words))
		if err != nil || !cmp.Equal(words, again) {
			t.Errorf("%q: %q, then %q, %v", line, words, again, err)
		}
	})
}
