package session

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
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

func TestByHand(t *testing.T) {
	path := os.Getenv("TUTTI_PLAY")
	if path == "" {
		t.Skip("TUTTI_PLAY names no playbook to look at")
	}
	r := Request{Playbooks: strings.Fields(path), Inventory: []string{"localhost,"}}
	if inv := os.Getenv("TUTTI_INVENTORY"); inv != "" {
		r.Inventory = []string{inv}
	}
	r.Options.Forks = 5
	r.Settings.InjectFacts, r.Settings.ErrorOnMissingHandler, r.Settings.PollInterval = true, true, 15
	r.Options.Check = os.Getenv("TUTTI_CHECK") != ""
	notes, end := carry(t, r)
	for _, n := range notes {
		fmt.Println(line(n))
	}
	fmt.Printf("%+v\n", end)
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
