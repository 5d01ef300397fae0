package task

import (
	"strings"
	"testing"

	"tutti/internal/block"
	"tutti/internal/object"
)

func TestCall(t *testing.T) {
	t.Parallel()
	call := func(src string, c Call) (string, string) {
		f, d := block.Load(map[string][]byte{"main.tutti.hcl": []byte(src)}, Kinds())
		if d.HasErrors() {
			t.Fatal(d.Err())
		}
		wanted, d := objects(f, testEnv("."))[0].Wanted(t.Context(), scope{}, object.Instance{})
		if d.HasErrors() {
			t.Fatal(d.Err())
		}
		c.Name, c.Root, c.Wanted, c.Log = "task.a", t.TempDir(), wanted, func(string) {}
		out, d := Run(t.Context(), c)
		if d.HasErrors() {
			return string(out), d[0].Detail
		}
		return string(out), ""
	}
	const echo = `task "a" {
  script      = "cat; echo $A $B"
  stdin       = "own "
  environment = { A = "a", B = "b" }
}`
	for _, tt := range []struct {
		call Call
		want string
	}{
		{Call{}, `"stdout":"own a b"`},
		{Call{Environment: map[string]string{"B": "c"}}, `"stdout":"own a c"`},
		{Call{Stdin: "other "}, `"stdout":"other a b"`},
	} {
		if got, why := call(echo, tt.call); !strings.Contains(got, tt.want) || why != "" {
			t.Errorf("%+v: %s %s", tt.call, got, why)
		}
	}
	if out, why := call(`task "a" { script = "echo no light >&2; exit 3" }`, Call{}); out != "" || !strings.HasPrefix(why, "task.a failed: exit code 3.") {
		t.Errorf("%q, %q", out, why)
	}
}
