package task

import (
	"encoding/json"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

func (s *stand) answer(input string) {
	s.t.Helper()
	if c := s.plan(); c.Verb != object.Run {
		s.t.Fatalf("planned to %s", c.Verb)
	}
	a, err := Approvals{}.Answer(s.wanted(), json.RawMessage(input))
	if err != nil {
		s.t.Fatal(err)
	}
	s.store(a)
}

func TestApproval(t *testing.T) {
	const src = `approval "release" {
  message    = "Open with ${var.books} books?"
  timeout    = "90m"
  on_timeout = "approve"
  triggers   = [var.key]
}`
	s := newStand(t, src)
	s.values["var.books"], s.values["var.key"] = cty.NumberIntVal(7), secretText("hunter22")
	got, err := Approvals{}.Ask(s.wanted())
	if want := `{"timeout":"1h30m0s","on_timeout":"approve","message":"Open with 7 books?"}`; err != nil || string(got) != want {
		t.Errorf("asks %s, %v, want %s", got, err, want)
	}
	if c := s.plan(); c.Note != "not decided yet" || !c.After.GetAttr("approved").RawEquals(cty.True) || !c.Idempotent {
		t.Errorf("planned %#v, %q", c.After, c.Note)
	}
	s.answer(`{"action":1,"approved":false,"by":"ann","comment":"not yet","at":"2026-11-23T14:00:00Z"}`)
	if c := s.plan(); c.Note != "it was rejected" {
		t.Errorf("the note is %q", c.Note)
	}
	s.answer(`{"action":1,"approved":true,"by":"bob","at":"2026-11-23T15:00:00+01:00"}`)
	for name, want := range map[string]string{"approved_by": "bob", "approved_at": "2026-11-23T14:00:00Z", "comment": ""} {
		if got := s.output(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s.must(object.NoOp)
	s.values["var.key"] = secretText("hunter23")
	if c := s.plan(); c.Verb != object.Run || c.Note != "triggers is not known yet" && c.Note != "triggers changed" {
		t.Errorf("planned %s, %q", c.Verb, c.Note)
	}
	s.values["var.key"], s.values["var.books"] = secretText("hunter22"), cty.UnknownVal(cty.Number)
	if c := s.plan(); c.Note != "message is not known yet" {
		t.Errorf("the note is %q", c.Note)
	}
	s.values["var.books"] = cty.NumberIntVal(7)
	s.replace = true
	if c := s.plan(); c.Note != "asked for" {
		t.Errorf("the note is %q", c.Note)
	}
	if d := s.destroy(); len(d) > 0 {
		t.Error(d.Err())
	}
	s.edit("approval \"release\" {\n  message = \"go?\"\n  run = \"always\"\n}")
	s.replace = false
	if c := s.plan(); c.Note != `run = "always"` {
		t.Errorf("the note is %q", c.Note)
	}
	if got, err := (Approvals{}).Ask(s.wanted()); err != nil || string(got) != `{"timeout":"","on_timeout":"reject","message":"go?"}` {
		t.Errorf("asks %s, %v", got, err)
	}
	if _, err := (Approvals{}).Answer(s.wanted(), json.RawMessage(`7`)); err == nil {
		t.Error("an answer that cannot be read was taken")
	}
}
