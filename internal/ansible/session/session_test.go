package session

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/flow"
)

// carry drives a play to its end without any journal, and gives its notes.
func carry(t *testing.T, r Request) ([]play.Note, flow.Command) {
	t.Helper()
	s, said, err := Open(context.Background(), r)
	for _, d := range said {
		t.Log(d)
	}
	if err != nil {
		t.Fatal(err)
	}
	if said.HasErrors() {
		t.FailNow()
	}
	defer s.Close()
	input, err := json.Marshal(s.Input)
	if err != nil {
		t.Fatal(err)
	}
	m := play.New()
	var notes []play.Note
	answers := make(chan flow.Event)
	open := 0
	var end flow.Command
	take := func(commands []flow.Command) {
		for _, c := range commands {
			switch c := c.(type) {
			case flow.Do:
				open++
				go func() {
					out, err := s.Worker.Do(context.Background(), c.Activity, c.Input)
					if err != nil {
						answers <- flow.ActivityFailed{At: time.Now(), ID: c.ID, Failure: flow.Failure{Kind: flow.Terminal, Message: err.Error()}}
						return
					}
					answers <- flow.ActivityDone{At: time.Now(), ID: c.ID, Output: out}
				}()
			case flow.SetTimer:
				open++
				time.AfterFunc(time.Until(c.At), func() { answers <- flow.TimerFired{At: time.Now(), ID: c.ID} })
			case flow.Record:
				var n play.Note
				if err := json.Unmarshal([]byte(c.Text), &n); err != nil {
					t.Fatal(err)
				}
				notes = append(notes, n)
			case flow.Complete, flow.Fail:
				end = c
			}
		}
	}
	take(m.Handle(flow.Started{At: time.Now(), Input: input, Seed: 1}))
	for open > 0 {
		e := <-answers
		open--
		take(m.Handle(e))
	}
	return notes, end
}

func line(n play.Note) string {
	text, err := json.Marshal(n.Result)
	if err != nil {
		return err.Error()
	}
	switch n.Kind {
	case play.NoteTask:
		return "TASK " + n.Task + " " + n.Path
	case play.NoteRecap:
		return fmt.Sprintf("RECAP %+v", n.Recap)
	}
	return fmt.Sprintf("  %s %s %s %v %s %s %s", n.Kind, n.Host, n.Status, n.Item, n.Text, n.Play, text)
}

// A request comes to a play on this machine: with group_vars beside the playbook, a template,
// a lookup and a handler.
func TestPlay(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site.yml": `- hosts: web
  gather_facts: false
  tasks:
    - template: {src: t.j2, dest: "{{ playbook_dir }}/made", mode: "0600"}
      notify: tell
    - debug: {msg: "{{ lookup('file', 'made') }}"}
  handlers:
    - name: tell
      debug: {msg: told}
`,
		"t.j2": "port {{ port }}\n", "group_vars/web.yml": "port: 8443\n", "hosts": "[web]\nlocalhost ansible_connection=local\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := Request{Dir: dir, Playbooks: []string{"site.yml"}, Inventory: []string{"hosts"}, Settings: Defaults()}
	r.Options.Forks = 1
	notes, end := carry(t, r)
	if _, ok := end.(flow.Complete); !ok {
		t.Fatalf("it ends with %+v", end)
	}
	var said []string
	for _, n := range notes {
		if n.Kind == play.NoteResult {
			msg, _ := n.Result.Get("msg")
			said = append(said, fmt.Sprint(n.Status, " ", msg))
		}
	}
	if got, want := fmt.Sprint(said), "[changed <nil> ok port 8443 ok told]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(text) != "port 8443\n" {
		t.Errorf("the template made %q, %v", text, err)
	}
}
