package play

import (
	"testing"

	"tutti/internal/ansible/value"
)

func TestTrusted(t *testing.T) {
	h := &host{set: value.NewDict("registered", "x", "both", "x"), injected: value.NewDict("ansible_fact", "x")}
	s := &scope{host: h, own: value.NewDict("item", "x"), layers: []*value.Dict{h.set, value.NewDict("both", "y", "written", "y", "item", "y"), h.injected}}
	for name, want := range map[string]bool{"item": false, "registered": false, "both": false, "written": true, "ansible_fact": false, "nowhere": false} {
		if got := s.Trusted(name); got != want {
			t.Errorf("%s is trusted: %t", name, got)
		}
	}
}
