package playbook

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
)

// firstTask finds a task by its action.
func firstTask(items []*Block, action string) *Task {
	var find func(items []Item) *Task
	find = func(items []Item) *Task {
		for _, item := range items {
			switch item := item.(type) {
			case *Block:
				if t := find(item.Tasks); t != nil {
					return t
				}
			case *Task:
				if item.Action == action {
					return item
				}
			}
		}
		return nil
	}
	for _, b := range items {
		if t := find([]Item{b}); t != nil {
			return t
		}
	}
	return nil
}

func TestIncludes(t *testing.T) {
	files := texts{
		"site.yml":                  "- hosts: a\n  tags: p\n  tasks:\n  - block:\n    - include_tasks: {file: sub/x.yml, apply: {tags: [applied], become: yes, vars: {c: 3}}}\n      when: never_inherited\n      vars: {a: 1}\n    become: no\n    vars: {outer: 1}\n  - include_role: {name: web}\n  roles: [web]\n",
		"sub/x.yml":                 "- ping:\n- include_tasks: y.yml\n",
		"sub/y.yml":                 "- debug:\n",
		"roles/web/tasks/main.yml":  "- debug:\n- include_tasks: in.yml\n",
		"roles/web/tasks/in.yml":    "- ping:\n- include_tasks: in.yml\n",
		"roles/web/tasks/other.yml": "- ping:\n",
		"roles/web/meta/main.yml":   "dependencies: [base]\n",
		"roles/web/handlers/m.yml":  "- name: h\n  debug:\n",
		"roles/base/tasks/main.yml": "- debug:\n",
	}
	l := New(files, testOptions())
	pb, diags, err := l.Playbook("site.yml")
	if err != nil || diags.HasErrors() {
		t.Fatal(err, diags)
	}
	play := pb.Plays[0]
	include := firstTask(play.Tasks, "include_tasks")
	file, err := l.FindTasks(include, "sub/x.yml")
	if err != nil || file != "sub/x.yml" {
		t.Fatalf("found %q, %v", file, err)
	}
	blocks, diags, err := l.Tasks(include, "sub/x.yml", file, value.NewDict("item", "one"))
	if err != nil || diags != nil {
		t.Fatal(err, diags)
	}
	ping := firstTask(blocks, "ping")
	if ping.Included != include.Number || ping.Number <= include.Number {
		t.Errorf("numbers %d and %d of %d", ping.Number, ping.Included, include.Number)
	}
	if got := show(ping.AllVars()); got != "{'outer': 1, 'a': 1, 'item': 'one', 'c': 3}" {
		t.Errorf("vars %s", got)
	}
	if got := show(ping.IncludeParams()); got != "{'a': 1, 'item': 'one', 'c': 3}" {
		t.Errorf("include parameters %s", got)
	}
	if k, _ := ping.Keyword("become"); k.Value != true {
		t.Errorf("become is %v: what the include applies is nearer than the block", k.Value)
	}
	if when := ping.KeywordList("when"); len(when) > 0 {
		t.Errorf("the include's condition is inherited: %v", when)
	}
	if got := fmt.Sprint(len(ping.KeywordList("tags"))); got != "2" {
		t.Errorf("%s tags", got)
	}
	inner := firstTask(blocks, "include_tasks")
	if file, _ := l.FindTasks(inner, "y.yml"); file != "sub/y.yml" {
		t.Errorf("beside the file that includes it: %q", file)
	}

	fromRole := firstTask([]*Block{play.Roles[0].Block}, "include_tasks")
	if file, _ := l.FindTasks(fromRole, "in.yml"); file != "roles/web/tasks/in.yml" {
		t.Errorf("in the role: %q", file)
	}
	role, diags, err := l.Role(firstTask(play.Tasks, "include_role"), value.NewDict("name", "web", "tasks_from", "other", "handlers_from", "m", "public", true), nil)
	if err != nil || diags != nil {
		t.Fatal(err, diags)
	}
	if got := role.AllBlocks(); len(got) != 2 || got[0].Role.Name != "base" || !role.Public || role.From != "other" || len(role.AllHandlers()) != 1 {
		t.Errorf("role %+v", role)
	}
	if role.Key() == play.Roles[0].Key() {
		t.Error("another use of the role counts as the same")
	}
	_, diags, err = l.Role(firstTask(play.Tasks, "include_role"), value.NewDict("name", "wep"), nil)
	if err != nil || len(diags) != 1 || !strings.Contains(diags[0].Detail, "the role 'wep' was not found in roles:shared:.. Did you mean 'web'?") {
		t.Errorf("%v %v", diags, err)
	}
	deep, n := fromRole, 0
	for ; n <= MaxIncludes; n++ {
		blocks, diags, err = l.Tasks(deep, "in.yml", "roles/web/tasks/in.yml", nil)
		if err != nil || diags != nil {
			break
		}
		deep = firstTask(blocks, "include_tasks")
	}
	if n != MaxIncludes || len(diags) != 1 || diags[0].Headline != TooDeep {
		t.Errorf("after %d includes in each other: %v", n, diags)
	}
}

// notYet gives files one after the other: the first time that one is asked for, it is not
// there yet.
type notYet struct {
	texts
	asked map[string]bool
}

var errNotYet = errors.New("not yet")

func (f notYet) Read(name string) ([]byte, error) {
	if !f.asked[name] {
		f.asked[name] = true
		return nil, errNotYet
	}
	return f.texts.Read(name)
}

func (f notYet) List(name string) ([]string, error) {
	if !f.asked[name+"/"] {
		f.asked[name+"/"] = true
		return nil, errNotYet
	}
	return f.texts.List(name)
}

// TestNotYet reads with files that come in one by one: the tree is that of a single reading.
func TestNotYet(t *testing.T) {
	files := texts{
		"site.yml":                 "- hosts: a\n  roles: [web]\n  tasks:\n  - import_tasks: x.yml\n  - import_tasks: y.yml\n",
		"x.yml":                    "- ping:\n",
		"y.yml":                    "- ping:\n- import_role: {name: web}\n",
		"roles/web/tasks/main.yml": "- debug:\n",
		"roles/web/vars/main.yml":  "a: 1\n",
	}
	var want tree
	pb, _, err := New(files, testOptions()).Playbook("site.yml")
	if err != nil {
		t.Fatal(err)
	}
	want.playbook(pb)
	l := New(notYet{files, map[string]bool{}}, testOptions())
	for tries := 0; ; tries++ {
		pb, diags, err := l.Playbook("site.yml")
		if errors.Is(err, errNotYet) && tries < 100 {
			continue
		}
		var got tree
		if err != nil || diags != nil {
			t.Fatal(err, diags)
		}
		if got.playbook(pb); got.String() != want.String() {
			t.Errorf("got:\n%s\nwant:\n%s", got.String(), want.String())
		}
		break
	}
}

func TestLimits(t *testing.T) {
	deep := "- hosts: a\n  tasks:\n"
	for i := range MaxBlocks + 1 {
		deep += strings.Repeat("  ", i+1) + "- block:\n"
	}
	for name, files := range map[string]texts{
		"imports of itself": {"site.yml": "- hosts: a\n  tasks: [import_tasks: a.yml]\n", "a.yml": "- import_tasks: a.yml\n- import_tasks: a.yml\n"},
		"playbooks":         {"site.yml": "- import_playbook: site.yml\n- import_playbook: site.yml\n"},
		"roles":             {"site.yml": "- hosts: a\n  roles: [a]\n", "roles/a/meta/main.yml": "dependencies: [b, b]\n", "roles/b/meta/main.yml": "dependencies: [a, a]\n"},
		"import_role":       {"site.yml": "- hosts: a\n  roles: [a]\n", "roles/a/tasks/main.yml": "- import_role: name=a\n- import_role: name=a\n"},
		"blocks":            {"site.yml": deep + strings.Repeat("  ", MaxBlocks+2) + "- ping:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, diags, err := New(files, testOptions()).Playbook("site.yml")
			if err != nil || len(diags) != 1 || !diags.HasErrors() {
				t.Errorf("%v %v", diags, err)
			}
		})
	}
}
