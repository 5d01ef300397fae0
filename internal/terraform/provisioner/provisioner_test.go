package provisioner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
	"tutti/internal/terraform/provisioner"
)

type vals = map[string]cty.Value

var s = cty.StringVal

// run runs a local-exec with the given arguments and gives its log.
func run(t *testing.T, given vals) (log []string, err error) {
	t.Helper()
	return runIn(t.Context(), t, given)
}

func runIn(ctx context.Context, t *testing.T, given vals) (log []string, err error) {
	t.Helper()
	block, d := provisioner.Schema("local-exec")
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	config, err := block.Coerce(cty.ObjectVal(given))
	if err != nil {
		t.Fatal(err)
	}
	d = provisioner.Run(ctx, "local-exec", config, func(line string) { log = append(log, line) })
	return log, d.Err()
}

func TestLocalExec(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TUTTI_TEST_INHERITED", "inherited")
	for _, tc := range []struct {
		name  string
		given vals
		want  []string
	}{
		{"output", vals{"command": s("echo a; echo b >&2; echo c")}, []string{`Executing: ["/bin/sh" "-c" "echo a; echo b >&2; echo c"]`, "a", "b", "c"}},
		{"quiet", vals{"command": s("echo a"), "quiet": cty.True}, []string{"local-exec: Executing: Suppressed by quiet=true", "a"}},
		{"folder", vals{"command": s("pwd"), "working_dir": s(dir)}, []string{`Executing: ["/bin/sh" "-c" "pwd"]`, dir}},
		{"interpreter", vals{"command": s("echo $0 $1"), "interpreter": cty.ListVal([]cty.Value{s("/bin/sh"), s("-ec")})},
			[]string{`Executing: ["/bin/sh" "-ec" "echo $0 $1"]`, "/bin/sh"}},
		{"environment", vals{"command": s("echo $A $B $TUTTI_TEST_INHERITED"), "environment": cty.MapVal(vals{"A": s("1"), "B": cty.NullVal(cty.String)})},
			[]string{`Executing: ["/bin/sh" "-c" "echo $A $B $TUTTI_TEST_INHERITED"]`, "1 inherited"}},
		{"sensitive", vals{"command": s("echo $A"), "environment": cty.MapVal(vals{"A": s("hush").Mark(object.Sensitive)})},
			[]string{"(output suppressed due to sensitive value in config)"}},
		{"ephemeral", vals{"command": s("echo x").Mark(object.Ephemeral)}, []string{"(output suppressed due to ephemeral value in config)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log, err := run(t, tc.given)
			if err != nil {
				t.Fatal(err)
			}
			if tc.name == "output" {
				// The two streams have no order between them.
				log = append(log[:1], sorted(log[1:])...)
			}
			if strings.Join(log, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got %q, want %q", log, tc.want)
			}
		})
	}
}

func sorted(lines []string) []string {
	for _, want := range []string{"a", "b", "c"} {
		for i, l := range lines {
			if l == want {
				lines = append(append(append([]string{}, lines[:i]...), lines[i+1:]...), l)
				break
			}
		}
	}
	return lines
}

func TestLocalExecFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		given  vals
		want   string
		hidden bool
	}{
		{"exit code", vals{"command": s("echo why; exit 3")}, "Error running command 'echo why; exit 3': exit code 3. Output: why", false},
		{"signal", vals{"command": s("kill -9 $$")}, "ended by signal: killed", false},
		{"empty", vals{"command": s("")}, "must not be empty", false},
		{"unknown", vals{"command": cty.UnknownVal(cty.String)}, "still unknown", false},
		{"no interpreter", vals{"command": s("x"), "interpreter": cty.ListVal([]cty.Value{s("no-such-thing")})}, "no-such-thing", false},
		{"null in the interpreter", vals{"command": s("x"), "interpreter": cty.ListVal([]cty.Value{cty.NullVal(cty.String)})}, "An element of interpreter is null", false},
		{"no folder", vals{"command": s("x"), "working_dir": s("/no/such/folder")}, "working folder", false},
		{"sensitive", vals{"command": s("echo hush; exit 3").Mark(object.Sensitive)}, "exit code 3. It and its output are not shown because the configuration holds sensitive values", true},
		{"sensitive and not started", vals{"command": s("x"), "interpreter": cty.ListVal([]cty.Value{s("hush").Mark(object.Sensitive)})}, "it could not be started", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log, err := run(t, tc.given)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if tc.hidden && strings.Contains(err.Error()+strings.Join(log, ""), "hush") {
				t.Errorf("the secret shows: %v %q", err, log)
			}
		})
	}
}

func TestOnlyTheEndOfLongOutputIsShown(t *testing.T) {
	_, err := run(t, vals{"command": s("head -c 20000 /dev/zero | tr '\\0' x; echo; echo end; exit 1")})
	if err == nil || len(err.Error()) > 9000 || !strings.HasSuffix(err.Error(), "end") {
		t.Errorf("%d bytes, ending in %.20q", len(err.Error()), err.Error()[max(0, len(err.Error())-20):])
	}
}

func TestCancelEndsTheCommand(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	file := filepath.Join(t.TempDir(), "done")
	block, _ := provisioner.Schema("local-exec")
	config, err := block.Coerce(cty.ObjectVal(vals{"command": s("echo ready; sleep 1000; touch " + file)}))
	if err != nil {
		t.Fatal(err)
	}
	d := provisioner.Run(ctx, "local-exec", config, func(line string) {
		if line == "ready" {
			cancel(errors.New("told to stop"))
		}
	})
	if err := d.Err(); err == nil || !strings.Contains(err.Error(), "told to stop") {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the command went on")
	}
}

func TestOtherProvisioners(t *testing.T) {
	for name, want := range map[string]string{
		"remote-exec": "Provisioner is not available yet",
		"file":        "Provisioner is not available yet",
		"chef":        "Provisioner no longer exists",
		"local-exce":  `Did you mean "local-exec"?`,
		"x":           `Unknown provisioner: There is no provisioner "x".`,
	} {
		if _, d := provisioner.Schema(name); d.Err() == nil || !strings.Contains(d.Err().Error(), want) {
			t.Errorf("%s: %v", name, d.Err())
		}
		if d := provisioner.Run(t.Context(), name, cty.EmptyObjectVal, nil); d.Err() == nil || !strings.Contains(d.Err().Error(), want) {
			t.Errorf("%s: %v", name, d.Err())
		}
	}
}
