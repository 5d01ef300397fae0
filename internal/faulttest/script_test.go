package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tutti/internal/terraform/provider/providertest"
)

// TestScript runs testdata/script/*.txtar: one kind of bad input or fault each, and
// word for word what is said about it. UPDATE_SCRIPTS=1 rewrites the expected texts.
//
// Commands beside testscript's own:
//
//	says CODE ARG...    runs tutti, which must end with the exit code; what it said (both
//	                    streams) is then in $WORK/said, with what differs from run to run
//	                    replaced by words
//	truncate FILE N     cuts a file to N bytes; N% of its length
//	replace FILE A B    puts B for A in a file
//	sql FILE QUERY      changes an SQLite file behind tutti's back
//
// Variables: FAULTY is the test provider's file, LOCAL that of the provider local.
func TestScript(t *testing.T) {
	t.Parallel()
	local := providertest.Real(t, "local")
	faulty := providertest.Faulty(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "", RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, ".home")
			if err := writeConfig(home, faulty); err != nil {
				return err
			}
			e.Vars = append(e.Vars, environment(home)...)
			e.Setenv("TF_CLI_CONFIG_FILE", filepath.Join(home, "cli.tfrc"))
			e.Setenv("FAULTY", faulty)
			e.Setenv("LOCAL", local)
			e.Setenv("PLATFORM", runtime.GOOS+"_"+runtime.GOARCH)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"says": says, "truncate": truncate, "replace": replace, "sql": alter},
	})
}

// writeConfig makes a home whose mirrors hold the real providers, and the faulty one
// as version 1.0.0 of tutti.test/test/faulty.
func writeConfig(home, faulty string) error {
	mirror := filepath.Join(home, "mirror")
	at := filepath.Join(mirror, "tutti.test", "test", "faulty", "1.0.0", runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(faulty, filepath.Join(at, "terraform-provider-faulty_v1.0.0")); err != nil {
		return err
	}
	text := fmt.Sprintf(`provider_installation {
  filesystem_mirror {
    path    = %q
    include = ["tutti.test/*/*"]
  }
  filesystem_mirror {
    path    = %q
    exclude = ["tutti.test/*/*"]
  }
}
`, mirror, providertest.Mirror())
	return os.WriteFile(filepath.Join(home, "cli.tfrc"), []byte(text), 0o644)
}

// says runs tutti and keeps what it said.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: says CODE ARG...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.binary, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.WaitDelay = 2 * time.Second
	for _, name := range passed {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		ts.Fatalf("tutti hangs:\n%s", out.String())
	case err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay):
		ts.Fatalf("%v", err)
	case fmt.Sprint(cmd.ProcessState.ExitCode()) != args[0]:
		ts.Fatalf("exit code %d:\n%s", cmd.ProcessState.ExitCode(), out.String())
	case strings.Contains(out.String(), "\ngoroutine "):
		ts.Fatalf("tutti panicked:\n%s", out.String())
	}
	text := out.String()
	for _, v := range volatile {
		text = v.re.ReplaceAllString(text, v.to)
	}
	text = unwrap(text)
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "WORK")
	text = strings.ReplaceAll(text, providertest.Mirror(), "MIRROR")
	text = strings.NewReplacer(runtime.GOOS+"_"+runtime.GOARCH, "PLATFORM", runtime.GOOS+"/"+runtime.GOARCH, "PLATFORM").Replace(text)
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), "said"), []byte(text), 0o644))
	ts.Logf("%s", text)
}

// unwrap undoes the wrapping of paragraphs, which depends on how long the paths of
// this machine are, and drops the lines in which init tells what it does, for they
// come in any order.
func unwrap(text string) string {
	const bar = "│ "
	prose := func(line string) bool {
		return strings.HasPrefix(line, bar) && !strings.HasPrefix(line, bar+" ")
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		switch n := len(out); {
		case strings.HasPrefix(line, "- "):
		case n > 0 && prose(line) && prose(out[n-1]):
			out[n-1] += " " + strings.TrimPrefix(line, bar)
		default:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// passed are the variables that a script may set for tutti.
var passed = []string{
	"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "PATH", "TMPDIR", "TZ", "LANG", "TF_CLI_CONFIG_FILE", "TUTTI_KEY",
	"FAULTY_START", "FAULTY_SCHEMA", "FAULTY_LEDGER", "FAULTY_PROTOCOL", "TF_VAR_list", "TUTTI_FAULT",
}

// volatile is what differs from run to run, with what stands for it.
var volatile = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`after \d+(m\d+)?s`), "after TIME"},
	{regexp.MustCompile(`pid \d+`), "pid N"},
	{regexp.MustCompile(`goroutine \d+`), "goroutine N"},
	{regexp.MustCompile(`h1:[A-Za-z0-9+/]{43}=`), "h1:HASH"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "0xN"},
	// The frames of a stack change with the toolchain and with modules.
	{regexp.MustCompile(`(?m)^│   (\t|\w[\w./-]*\().*\n`), ""},
	{regexp.MustCompile(`(?m)^│   [\w./-]+\.\(?\*?\w+.*\(.*0x.*\n`), ""},
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE N|N%%")
	}
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	number, percent := strings.CutSuffix(args[1], "%")
	n, err := strconv.ParseInt(number, 10, 64)
	ts.Check(err)
	if percent {
		n = info.Size() * n / 100
	}
	ts.Check(os.Truncate(name, n))
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE A B")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q:\n%s", args[0], args[1], text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE QUERY")
	}
	ts.Check(execSQL(ts.MkAbs(args[0]), args[1]))
}
