package moduletest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ansible finds the folder of a virtual environment with ansible-core.
func ansible(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TUTTI_ANSIBLE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "tutti", "ansible")
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "ansible-playbook")); err != nil {
		t.Skipf("no ansible-core in %s (TUTTI_ANSIBLE names another folder; make ansible installs it)", dir)
	}
	return dir
}

// record carries all cases out by the real ansible-playbook, each as a host of its own so that
// they run side by side, and keeps what came of them.
func record(t *testing.T, file string, cases []Case, recording string) {
	venv := ansible(t)
	play := filepath.Join(root, "play-"+strings.TrimSuffix(filepath.Base(file), ".yml"))
	if err := os.MkdirAll(play, 0o755); err != nil {
		t.Fatal(err)
	}
	hosts := "[all]\n"
	for i, c := range cases {
		dir := folder(file, i)
		prepare(t, c, dir+"/check")
		prepare(t, c, dir+"/run")
		hosts += fmt.Sprintf("case%d\n", i)
		write(t, filepath.Join(play, fmt.Sprintf("case%d.yml", i)), tasks(c, dir, filepath.Join(play, fmt.Sprintf("case%d.json", i))))
	}
	write(t, filepath.Join(play, "hosts"), hosts+"[all:vars]\nansible_connection=local\nansible_python_interpreter="+venv+"/bin/python\n")
	write(t, filepath.Join(play, "play.yml"), []any{map[string]any{"hosts": "all", "gather_facts": false, "strategy": "free",
		"tasks": []any{map[string]any{"include_tasks": "{{ inventory_hostname }}.yml"}}}})
	cmd := exec.Command(filepath.Join(venv, "bin", "ansible-playbook"), "-i", "hosts", "-f", "4", "play.yml")
	cmd.Dir = play
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_HOST_KEY_CHECKING=0", "ANSIBLE_DEPRECATION_WARNINGS=0", "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(string(out)))
	}
	recorded := map[string]Outcome{}
	for i, c := range cases {
		recorded[c.Name] = outcome(t, folder(file, i), filepath.Join(play, fmt.Sprintf("case%d.json", i)))
	}
	write(t, recording, recorded)
	_ = os.RemoveAll(play)
}

func tail(s string) string { return s[max(0, len(s)-5000):] }

// tasks are the ones that carry a case out and write down what came of it.
func tasks(c Case, dir, result string) []any {
	one := func(dir, register string, check bool) any {
		task := map[string]any{"register": register, "ignore_errors": true, "check_mode": check, "diff": c.Diff}
		for k, v := range c.Task {
			task[k] = filled(v, dir)
		}
		return task
	}
	return []any{
		one(dir+"/check", "checked", true),
		one(dir+"/run", "ran", false),
		one(dir+"/run", "again", false),
		map[string]any{"copy": map[string]any{"dest": result, "content": "{{ {'check': checked, 'run': ran, 'again': again} | to_json }}"}},
	}
}

func outcome(t *testing.T, dir, result string) Outcome {
	t.Helper()
	data, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var results map[string]json.RawMessage
	if err := json.Unmarshal(data, &results); err != nil {
		t.Fatal(err)
	}
	return Outcome{
		Check: normal(t, results["check"], dir+"/check"), Run: normal(t, results["run"], dir+"/run"), Again: normal(t, results["again"], dir+"/run"),
		Checked: Tree(dir + "/check"), Finished: Tree(dir + "/run"),
	}
}

func write(t *testing.T, file string, content any) {
	t.Helper()
	text, ok := content.(string)
	if !ok {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(content); err != nil {
			t.Fatal(err)
		}
		text = b.String()
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
