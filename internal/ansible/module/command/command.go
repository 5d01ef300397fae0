package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func commandSpec(shell bool) argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "_raw_params"},
			{Name: "_uses_shell", Type: argument.Bool, Default: shell},
			{Name: "cmd"},
			{Name: "argv", Type: argument.List, Elements: argument.Str},
			{Name: "chdir", Type: argument.Path},
			{Name: "executable"},
			{Name: "expand_argument_vars", Type: argument.Bool, Default: true},
			{Name: "creates", Type: argument.Path},
			{Name: "removes", Type: argument.Path},
			{Name: "stdin"},
			{Name: "stdin_add_newline", Type: argument.Bool, Default: true},
			{Name: "strip_empty_ends", Type: argument.Bool, Default: true},
		},
		RequiredOneOf:     [][]string{{"_raw_params", "cmd", "argv"}},
		MutuallyExclusive: [][]string{{"_raw_params", "cmd", "argv"}},
		Check:             true,
	}
}

// run is the modules command and shell.
func run(ctx context.Context, c *module.Call) module.Result {
	shell := c.Bool("_uses_shell")
	executable := c.String("executable")
	if !shell && executable != "" {
		c.Warn("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '%s'.", executable)
	}
	line := c.String("_raw_params")
	if line == "" {
		line = c.String("cmd")
	}
	words := c.Strings("argv")
	if line != "" && !shell {
		var err error
		if words, err = split(line); err != nil {
			return module.Fail("Task failed: Module failed: " + err.Error())
		}
	}
	r := module.Result{"changed": false, "stdout": "", "stderr": "", "rc": nil, "cmd": shown(shell, line, words),
		"start": nil, "end": nil, "delta": nil, "msg": ""}
	dir, err := folder(c.String("chdir"))
	if err != nil {
		r["failed"], r["msg"], r["exception"] = true, "Unable to change directory before execution.", err.Error()
		return r
	}
	if skip(r, c, dir) {
		return r
	}
	if c.CheckMode {
		r["rc"], r["msg"] = 0, "Command would have run if not in check mode"
		r["changed"] = c.Given("creates") || c.Given("removes")
		if r["changed"] == false {
			r["skipped"] = true
		}
		return r
	}
	switch {
	case shell:
		if line == "" {
			line = join(words)
		}
		if executable == "" {
			executable = "/bin/sh"
		}
		words = []string{executable, "-c", line}
	case len(words) == 0:
		return module.Fail("Argument 'args' to run_command must be list or string", "cmd", nil, "rc", 257)
	case c.Bool("expand_argument_vars"):
		words = expanded(ctx, words)
	}
	return execute(ctx, c, r, module.Command{Argv: words, Dir: dir, Stdin: stdin(c), KeepLocale: true})
}

// shown is how the command stands in the result: as it was written for a shell, as words
// otherwise.
func shown(shell bool, line string, words []string) any {
	switch {
	case shell && line != "":
		return line
	case len(words) > 0:
		return words
	default:
		return nil
	}
}

func folder(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	dir, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is not a folder", dir)
	}
	return dir, nil
}

// skip fills in the result when what the command would make is there already, or what it
// would remove is gone.
func skip(r module.Result, c *module.Call, dir string) bool {
	did := "Did"
	if c.CheckMode {
		did = "Would"
	}
	creates, removes := c.String("creates"), c.String("removes")
	switch {
	case creates != "" && matches(creates, dir):
		r["msg"] = fmt.Sprintf("%s not run command since '%s' exists", did, creates)
		r["stdout"] = fmt.Sprintf("skipped, since %s exists", creates)
	case removes != "" && !matches(removes, dir):
		r["msg"] = fmt.Sprintf("%s not run command since '%s' does not exist", did, removes)
		r["stdout"] = fmt.Sprintf("skipped, since %s does not exist", removes)
	default:
		return false
	}
	r["rc"] = 0
	return true
}

func stdin(c *module.Call) []byte {
	text := c.String("stdin")
	if text != "" && c.Bool("stdin_add_newline") {
		text += "\n"
	}
	if text == "" {
		return nil
	}
	return []byte(text)
}

// expanded puts in variables of the environment and home folders.
func expanded(ctx context.Context, words []string) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = module.Expand(ctx, w)
	}
	return list
}

// execute runs the program and completes the result.
func execute(ctx context.Context, c *module.Call, r module.Result, cmd module.Command) module.Result {
	start := time.Now()
	out := module.Exec(ctx, cmd)
	end := time.Now()
	if out.Err != nil {
		return module.Fail("Error executing command.", "rc", errorNumber(out.Err), "cmd", join(cmd.Argv),
			"stdout", "", "stderr", "", "exception", reason(out.Err, cmd.Argv[0]))
	}
	r["changed"], r["rc"] = true, out.Code
	r["stdout"], r["stderr"] = out.Stdout, out.Stderr
	if c.Bool("strip_empty_ends") {
		r["stdout"] = strings.TrimRight(out.Stdout, "\r\n")
		r["stderr"] = strings.TrimRight(out.Stderr, "\r\n")
	}
	timing(r, start, end)
	if out.Code != 0 {
		r["failed"], r["msg"] = true, "non-zero return code"
	}
	return r
}

// errorNumber is that of the system call which failed, which Ansible gives as "rc".
func errorNumber(err error) int {
	var number syscall.Errno
	if errors.As(err, &number) {
		return int(number)
	}
	if errors.Is(err, os.ErrNotExist) {
		return int(syscall.ENOENT)
	}
	return 257
}

// reason writes an error as Python does, which people look for: "[Errno 2] No such file or
// directory: b'prog'".
func reason(err error, program string) string {
	number := errorNumber(err)
	if number == 257 {
		return err.Error()
	}
	text := syscall.Errno(number).Error()
	return fmt.Sprintf("[Errno %d] %s: b'%s'", number, strings.ToUpper(text[:1])+text[1:], program)
}

// timing adds start, end and delta as Python writes them.
func timing(r module.Result, start, end time.Time) {
	// The difference of what is shown, so that the three agree.
	start, end = start.Truncate(time.Microsecond), end.Truncate(time.Microsecond)
	r["start"], r["end"], r["delta"] = stamp(start), stamp(end), duration(end.Sub(start))
}

func stamp(t time.Time) string {
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02 15:04:05.000000")
}

// duration writes a span as Python's timedelta: "1 day, 2:03:04.000005".
func duration(d time.Duration) string {
	days := d / (24 * time.Hour)
	d -= days * 24 * time.Hour
	text := fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if micros := d / time.Microsecond % 1e6; micros != 0 {
		text += fmt.Sprintf(".%06d", micros)
	}
	switch days {
	case 0:
		return text
	case 1:
		return "1 day, " + text
	default:
		return fmt.Sprintf("%d days, %s", days, text)
	}
}

// join writes words as one line for a shell.
func join(words []string) string {
	quotedWords := make([]string, len(words))
	for i, w := range words {
		quotedWords[i] = quote(w)
	}
	return strings.Join(quotedWords, " ")
}

func quote(word string) string {
	plain := word != "" && strings.IndexFunc(word, func(r rune) bool {
		return !strings.ContainsRune("@%_-+=:,./", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
}
