package engine

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
)

func TestPlayByHand(t *testing.T) {
	path := os.Getenv("TUTTI_PLAY")
	if path == "" {
		t.Skip("by hand")
	}
	dir := t.TempDir()
	ctx := context.Background()
	for i := range 4 {
		begin := time.Now()
		e, d := Open(ctx, Options{Dir: dir})
		if d.HasErrors() {
			t.Fatal(d)
		}
		opened := time.Now()
		r := session.Request{Playbooks: []string{path}, Inventory: []string{"localhost,"}}
		r.Options.Forks = 5
		r.Settings.InjectFacts, r.Settings.ErrorOnMissingHandler, r.Settings.PollInterval = true, true, 15
		s, said, err := session.Open(ctx, r)
		if err != nil || said.HasErrors() {
			t.Fatal(err, said)
		}
		ready := time.Now()
		var first time.Time
		_, res, d := e.Play(ctx, s, PlayOptions{Note: func(n play.Note, at time.Time) {
			if n.Kind == play.NoteTask && first.IsZero() {
				first = time.Now()
			}
			if n.Kind == play.NoteRecap && i == 0 {
				fmt.Printf("%+v\n", n.Recap)
			}
		}})
		fmt.Println("open", opened.Sub(begin), "session", ready.Sub(opened), "first", first.Sub(ready), "all", time.Since(begin), res.Status, d)
		s.Close()
		_ = e.Close(ctx)
	}
}
