package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/regex"
)

// expectLimit bounds what a program may print while it is talked to.
const expectLimit = 64 << 20

func expectSpec() argument.Spec {
	return argument.Spec{Options: []argument.Option{
		{Name: "command", Required: true},
		{Name: "chdir", Type: argument.Path},
		{Name: "creates", Type: argument.Path},
		{Name: "removes", Type: argument.Path},
		{Name: "responses", Type: argument.Dict, Required: true},
		{Name: "timeout", Type: argument.Raw, Default: int64(30)},
		{Name: "echo", Type: argument.Bool, Default: false},
	}}
}

// question is a prompt that the program may show, and what is answered.
type question struct {
	text    string
	pattern *regex.Regex
	answers []string
	// once: the answers are used up one by one.
	once bool
	used int
}

// expect is the module expect: it runs a program on a terminal and answers its questions.
func expect(ctx context.Context, c *module.Call) module.Result {
	timeout, err := expectTimeout(c.Args["timeout"])
	if err != nil {
		return module.Fail(err.Error())
	}
	line := c.String("command")
	if strings.TrimSpace(line) == "" {
		return module.Fail("no command given", "rc", 256)
	}
	dir, err := folder(c.String("chdir"))
	if err != nil {
		return module.Fail(fmt.Sprintf("Task failed: Module failed: [Errno %d] No such file or directory: '%s'", errorNumber(err), c.String("chdir")))
	}
	if r := expectSkips(c, line, dir); r != nil {
		return r
	}
	questions, err := parseQuestions(c.Map("responses"))
	if err != nil {
		return module.Fail(err.Error())
	}
	argv, err := split(line)
	if err != nil || len(argv) == 0 {
		return module.Fail(fmt.Sprintf("the command cannot be split into words: %v", err), "cmd", line)
	}
	program := argv[0]
	if !strings.Contains(program, "/") {
		if program = module.LookPath(ctx, argv[0]); program == "" {
			return module.Fail(fmt.Sprintf("The command was not found or was not executable: %s.", argv[0]))
		}
	}
	start := time.Now()
	d := &dialogue{questions: questions, timeout: timeout}
	code, err := d.run(ctx, &exec.Cmd{Path: program, Args: argv, Dir: dir, Env: module.Environment(ctx)}, c.Bool("echo"))
	r := module.Result{"cmd": line, "stdout": strings.TrimRight(string(d.output), "\r\n"), "rc": code, "changed": true}
	timing(r, start, time.Now())
	switch {
	case errors.Is(err, errExpectTimeout):
		r["failed"], r["msg"], r["rc"] = true, "command exceeded timeout", nil
	case err != nil:
		return module.Fail(err.Error())
	case code != 0:
		r["failed"], r["msg"] = true, "non-zero return code"
	}
	return r
}

func expectTimeout(value any) (time.Duration, error) {
	switch v := value.(type) {
	case nil:
		return 0, nil
	case int64:
		return time.Duration(v) * time.Second, nil
	case float64:
		if v == float64(int64(v)) {
			return time.Duration(v) * time.Second, nil
		}
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return time.Duration(n) * time.Second, nil
		}
	}
	kind := map[bool]string{true: "str", false: "float"}[fmt.Sprintf("%T", value) == "string"]
	return 0, fmt.Errorf(`argument 'timeout' is of type <class '%s'> and we were unable to convert to int: "'%v'" cannot be converted to an int`, kind, value)
}

func expectSkips(c *module.Call, line, dir string) module.Result {
	skipped := func(text string) module.Result {
		return module.Result{"cmd": line, "stdout": text, "changed": false, "rc": 0}
	}
	if name := c.String("creates"); name != "" && present(name, dir) {
		return skipped(fmt.Sprintf("skipped, since %s exists", name))
	}
	if name := c.String("removes"); name != "" && !present(name, dir) {
		return skipped(fmt.Sprintf("skipped, since %s does not exist", name))
	}
	return nil
}

// parseQuestions reads the responses. Where several prompts begin at one place the first in
// the order of their names is answered, so that the same play does the same twice.
func parseQuestions(responses map[string]any) ([]*question, error) {
	var list []*question
	for text, value := range responses {
		pattern, err := regex.Compile(text, regex.DotAll|regex.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the prompt %q is no regular expression: %w", text, err)
		}
		q := &question{text: text, pattern: pattern.WithLimit(searchLimit)}
		if items, ok := value.([]any); ok {
			q.once = true
			for _, item := range items {
				q.answers = append(q.answers, answer(item))
			}
		} else {
			q.answers = []string{answer(value)}
		}
		list = append(list, q)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].text < list[j].text })
	return list, nil
}

func answer(value any) string {
	text, ok := value.(string)
	if !ok {
		text = fmt.Sprint(value)
		switch value {
		case true:
			text = "True"
		case false:
			text = "False"
		case nil:
			text = "None"
		}
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// pythonBytes writes bytes as Python shows them: b'...'.
func pythonBytes(s string) string {
	quoted := strconv.Quote(s)
	return "b'" + strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + "'"
}

var errExpectTimeout = errors.New("the program said nothing for too long")

// dialogue is a program on a terminal and what is said to it.
type dialogue struct {
	questions []*question
	timeout   time.Duration
	output    []byte
	// heard is up to where the output has been answered.
	heard int
}

func (d *dialogue) run(ctx context.Context, cmd *exec.Cmd, echo bool) (code int, err error) {
	terminal, tty, err := pty.Open()
	if err != nil {
		return 0, fmt.Errorf("no terminal could be made for the program: %w", err)
	}
	defer func() { _ = terminal.Close() }()
	if !echo {
		if err := noEcho(tty); err != nil {
			_ = tty.Close()
			return 0, fmt.Errorf("the terminal's echo could not be turned off: %w", err)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = tty.Close()
	if err != nil {
		return 0, fmt.Errorf("the program could not be started: %w", err)
	}
	chunks := make(chan []byte)
	stop := make(chan struct{})
	defer close(stop)
	go read(terminal, chunks, stop)
	err = d.listen(ctx, terminal, chunks)
	if err != nil {
		// The session's process group goes with it.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	waitErr := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) {
		code = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			code = -int(status.Signal())
		}
	}
	return code, err
}

// read hands on what the terminal shows until its last user is gone.
func read(terminal io.Reader, chunks chan<- []byte, stop <-chan struct{}) {
	defer close(chunks)
	for {
		chunk := make([]byte, 4096)
		n, err := terminal.Read(chunk)
		if n > 0 {
			select {
			case chunks <- chunk[:n]:
			case <-stop:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// listen answers what the program asks until it ends. Each wait for something new is bounded.
func (d *dialogue) listen(ctx context.Context, terminal io.Writer, chunks <-chan []byte) error {
	for {
		var late <-chan time.Time
		var timer *time.Timer
		if d.timeout > 0 {
			timer = time.NewTimer(d.timeout)
			late = timer.C
		}
		done, err := d.step(ctx, terminal, chunks, late)
		if timer != nil {
			timer.Stop()
		}
		if done || err != nil {
			return err
		}
	}
}

// step waits until a question is answered; done tells that the program has ended.
func (d *dialogue) step(ctx context.Context, terminal io.Writer, chunks <-chan []byte, late <-chan time.Time) (done bool, err error) {
	for {
		answered, err := d.reply(terminal)
		if answered || err != nil {
			return false, err
		}
		select {
		case chunk, ok := <-chunks:
			if !ok {
				return true, nil
			}
			if len(d.output)+len(chunk) > expectLimit {
				return false, fmt.Errorf("the program printed more than %d bytes", expectLimit)
			}
			d.output = append(d.output, chunk...)
		case <-late:
			return false, errExpectTimeout
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// reply answers the question that comes first in what has not been answered yet.
func (d *dialogue) reply(terminal io.Writer) (bool, error) {
	text := string(d.output[d.heard:])
	var first *question
	begin, end := len(text)+1, 0
	for _, q := range d.questions {
		m, err := q.pattern.Search(text)
		if err != nil {
			return false, fmt.Errorf("looking for the prompt %q: %w", q.text, err)
		}
		if m == nil {
			continue
		}
		// A pattern that matches nothing at all is no question; it would be answered for ever.
		if from, to := m.Span(0); from < begin && from < to {
			first, begin, end = q, from, to
		}
	}
	if first == nil {
		return false, nil
	}
	d.heard += end
	index := 0
	if first.once {
		if index = first.used; index >= len(first.answers) {
			return false, fmt.Errorf("No remaining responses for '%s', output was '%s'", first.text, pythonBytes(text[:end])) // Ansible's own words
		}
		first.used++
	}
	_, err := io.WriteString(terminal, first.answers[index])
	return true, err
}
