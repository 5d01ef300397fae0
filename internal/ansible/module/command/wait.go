package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/regex"
)

// socketLimit bounds how much of what a server says is searched for a pattern.
const socketLimit = 16 << 20

// searchLimit is how long one search in a file or an answer may take.
const searchLimit = 30 * time.Second

func waitSpec() argument.Spec {
	return argument.Spec{Options: []argument.Option{
		{Name: "host", Default: "127.0.0.1"},
		{Name: "timeout", Type: argument.Int, Default: int64(300)},
		{Name: "connect_timeout", Type: argument.Int, Default: int64(5)},
		{Name: "delay", Type: argument.Int, Default: int64(0)},
		{Name: "port", Type: argument.Int},
		{Name: "active_connection_states", Type: argument.List, Elements: argument.Str,
			Default: []any{"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"}},
		{Name: "path", Type: argument.Path},
		{Name: "search_regex"},
		{Name: "state", Default: "started", Choices: []any{"absent", "drained", "present", "started", "stopped"}},
		{Name: "exclude_hosts", Type: argument.List, Elements: argument.Str},
		{Name: "sleep", Type: argument.Int, Default: int64(1)},
		{Name: "msg"},
	}}
}

// wait is one call of wait_for.
type wait struct {
	call    *module.Call
	host    string
	port    int64
	path    string
	pattern *regex.Regex
	begin   time.Time
	end     time.Time
	match   *regex.Match
}

// errGiveUp is an error that waiting longer would not mend.
type errGiveUp struct{ msg string }

func (e errGiveUp) Error() string { return e.msg }

// waitFor is the module wait_for.
func waitFor(ctx context.Context, c *module.Call) module.Result {
	w := &wait{call: c, host: c.String("host"), path: c.String("path")}
	w.port, _ = c.Int("port")
	if msg := w.check(); msg != "" {
		return module.Fail(msg, "elapsed", 0)
	}
	if c.Given("search_regex") {
		pattern, err := regex.Compile(c.String("search_regex"), regex.Multiline|regex.Bytes)
		if err != nil {
			return module.Fail(fmt.Sprintf("Invalid regular expression: %s", err))
		}
		w.pattern = pattern.WithLimit(searchLimit)
	}
	seconds, _ := c.Int("timeout")
	delay, _ := c.Int("delay")
	w.begin = time.Now()
	w.end = w.begin.Add(time.Duration(seconds) * time.Second)
	if err := sleep(ctx, time.Duration(delay)*time.Second); err != nil {
		return module.Fail(err.Error(), "elapsed", w.elapsed())
	}
	if err := w.run(ctx); err != nil {
		return module.Fail(err.Error(), "elapsed", w.elapsed())
	}
	r := module.Result{"state": c.String("state"), "port": c.Args["port"], "search_regex": c.Args["search_regex"],
		"path": c.Args["path"], "match_groups": []any{}, "match_groupdict": map[string]any{}, "elapsed": w.elapsed()}
	if w.match != nil {
		r["match_groups"] = w.match.Groups()
		r["match_groupdict"] = named(w.pattern, w.match)
	}
	return r
}

func named(pattern *regex.Regex, m *regex.Match) map[string]any {
	found := map[string]any{}
	for _, name := range pattern.Names() {
		if name == "" {
			continue
		}
		found[name] = nil
		if text, ok, _ := m.Named(name); ok {
			found[name] = text
		}
	}
	return found
}

func (w *wait) elapsed() int { return int(time.Since(w.begin) / time.Second) }

// check gives what is wrong with the arguments together.
func (w *wait) check() string {
	state := w.call.String("state")
	switch {
	case w.port != 0 && w.path != "":
		return "port and path parameter can not both be passed to wait_for"
	case w.path != "" && state == "stopped":
		return "state=stopped should only be used for checking a port in the wait_for module"
	case w.path != "" && state == "drained":
		return "state=drained should only be used for checking a port in the wait_for module"
	case w.call.Given("exclude_hosts") && state != "drained":
		return "exclude_hosts should only be with state=drained"
	}
	for _, s := range w.call.Strings("active_connection_states") {
		if connectionState(s) == "" {
			return fmt.Sprintf("unknown active_connection_state (%s) defined", s)
		}
	}
	return ""
}

// run waits for what is asked.
func (w *wait) run(ctx context.Context) error {
	state := w.call.String("state")
	switch {
	case w.port == 0 && w.path == "" && state != "drained":
		return sleep(ctx, time.Until(w.end))
	case state == "absent" || state == "stopped":
		return w.until(ctx, w.gone, w.lateText("Timeout when waiting for %s to stop.", "Timeout when waiting for %s to be absent."))
	case state == "drained":
		ips, err := w.addresses(ctx, []string{w.host})
		if err != nil {
			return err
		}
		excluded, err := w.addresses(ctx, w.call.Strings("exclude_hosts"))
		if err != nil {
			return err
		}
		drained := func(context.Context) (bool, error) { return w.connections(ips, excluded) == 0, nil }
		return w.until(ctx, drained, w.lateText("Timeout when waiting for %s to drain", ""))
	}
	text := w.lateText("Timeout when waiting for %s", "Timeout when waiting for file %s")
	if w.pattern != nil {
		search := fmt.Sprintf("Timeout when waiting for search string %s in ", w.pattern.Pattern())
		text = w.lateText(search+"%s", search+"%s")
	}
	return w.until(ctx, w.there, text)
}

// lateText is what is said when the time is over: the user's own words, or one of two.
func (w *wait) lateText(forPort, forPath string) string {
	switch {
	case w.call.String("msg") != "":
		return w.call.String("msg")
	case w.path != "":
		return fmt.Sprintf(forPath, w.path)
	case w.port != 0:
		return fmt.Sprintf(forPort, w.host+":"+strconv.FormatInt(w.port, 10))
	default:
		return fmt.Sprintf(forPort, w.host+":None")
	}
}

// until asks again and again until the answer is yes or the time is over.
func (w *wait) until(ctx context.Context, done func(context.Context) (bool, error), late string) error {
	pause, _ := w.call.Int("sleep")
	for time.Now().Before(w.end) {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		if err := sleep(ctx, time.Duration(pause)*time.Second); err != nil {
			return err
		}
	}
	return errGiveUp{late}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gone tells that the path is not there, or that nobody listens.
func (w *wait) gone(ctx context.Context) (bool, error) {
	if w.path != "" {
		_, err := os.Stat(w.path)
		return err != nil, nil
	}
	conn, err := w.dial(ctx, false)
	if err != nil {
		return true, nil
	}
	_ = conn.Close()
	return false, nil
}

// there tells that the path is there or somebody listens, and that the pattern is found.
func (w *wait) there(ctx context.Context) (bool, error) {
	if w.path != "" {
		return w.fileThere()
	}
	conn, err := w.dial(ctx, true)
	if err != nil {
		return false, nil
	}
	defer func() { _ = conn.Close() }()
	if w.pattern == nil {
		return true, nil
	}
	return w.heard(conn)
}

func (w *wait) fileThere() (bool, error) {
	if _, err := os.Stat(w.path); err != nil {
		if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return false, nil
		}
		msg := w.call.String("msg")
		if msg == "" {
			var number syscall.Errno
			errors.As(err, &number)
			text := number.Error()
			msg = fmt.Sprintf("Failed to stat %s, %s%s", w.path, bytes.ToUpper([]byte(text[:1])), text[1:])
		}
		return false, errGiveUp{msg}
	}
	if w.pattern == nil {
		return true, nil
	}
	data, err := os.ReadFile(w.path)
	if err != nil {
		return false, nil
	}
	return w.search(string(data))
}

func (w *wait) search(text string) (bool, error) {
	m, err := w.pattern.Search(text)
	if err != nil {
		return false, errGiveUp{fmt.Sprintf("searching for %s: %s", w.pattern.Pattern(), err)}
	}
	if m != nil && w.path != "" {
		// What a server says is searched, but Ansible tells groups of files only.
		w.match = m
	}
	return m != nil, nil
}

// dial connects. A connection that is waited for gets no more time than is left.
func (w *wait) dial(ctx context.Context, bounded bool) (net.Conn, error) {
	seconds, _ := w.call.Int("connect_timeout")
	limit := time.Duration(seconds) * time.Second
	if left := time.Until(w.end).Truncate(time.Second) + time.Second; bounded && left < limit {
		limit = left
	}
	dialer := net.Dialer{Timeout: limit}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(w.host, strconv.FormatInt(w.port, 10)))
}

// heard reads what the server says until the pattern is in it.
func (w *wait) heard(conn net.Conn) (bool, error) {
	_ = conn.SetReadDeadline(w.end)
	var data []byte
	chunk := make([]byte, 1024)
	for len(data) < socketLimit {
		n, err := conn.Read(chunk)
		data = append(data, chunk[:n]...)
		if n > 0 {
			if ok, err := w.search(string(data)); ok || err != nil {
				return ok, err
			}
		}
		if err != nil {
			return false, nil
		}
	}
	return false, errGiveUp{fmt.Sprintf("%s:%d said more than %d bytes without %s", w.host, w.port, socketLimit, w.pattern.Pattern())}
}
