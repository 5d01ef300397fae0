package target

import (
	"strings"
	"testing"

	"tutti/internal/ansible/module"
)

func TestReadResult(t *testing.T) {
	for _, c := range []struct{ out, key, want string }{
		{`{"changed": true, "msg": "a"}`, "msg", "a"},
		{"motd\n{\"msg\": \"b\"}\n", "msg", "b"},
		{"{\n \"msg\":\n \"c\"}", "msg", "c"},
		{"nothing", "msg", "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error"},
		{"{broken}", "msg", "Module result deserialization failed\nSee stdout/stderr for the exact error"},
		{"", "module_stderr", "why"},
	} {
		r := ReadResult(module.Output{Stdout: c.out, Stderr: "why"})
		if r[c.key] != c.want {
			t.Errorf("%q gives %v", c.out, r)
		}
	}
}

func FuzzReadResult(f *testing.F) {
	f.Add("noise\n{\"a\": 1.5e3}\njunk")
	f.Fuzz(func(t *testing.T, text string) {
		if r := ReadResult(module.Output{Stdout: text}); r == nil || strings.TrimSpace(text) == "" && !r.Failed() {
			t.Errorf("%q gives %v", text, r)
		}
	})
}
