package callback

import (
	"fmt"
	"slices"
	"strings"

	"tutti/internal/ansible/filter/jsontext"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// programs are the modules whose results are shown as what they printed.
var programs = []string{"command", "shell", "raw", "win_command", "win_shell"}

func isProgram(n play.Note) bool {
	return slices.Contains(programs, strings.TrimPrefix(short(n.Action), "ansible.windows."))
}

// gathered are the results of a loop's items until its own comes: by host.
type gathered map[string][]any

// take keeps an item's result.
func (g gathered) take(n play.Note) { g[n.Host] = append(g[n.Host], n.Result) }

// whole is a result with those of its items.
func (g gathered) whole(n play.Note) play.Note {
	items := g[n.Host]
	delete(g, n.Host)
	if !n.Label || n.Result.Has("results") {
		return n
	}
	n.Result = n.Result.Shallow()
	n.Result.Set("results", value.NewList(items...))
	return n
}

// minimal is the callback of that name, which ad hoc commands have.
type minimal struct {
	*screen
	items gathered
}

// Note shows a note.
func (c *minimal) Note(n play.Note) {
	switch n.Kind {
	case play.NoteItem:
		c.items.take(n)
		c.changes(n)
	case play.NoteResult:
		n = c.items.whole(n)
		c.changes(n)
		if n.Unknown {
			c.show(n.Host+" | UNKNOWN until applied", "skip")
			return
		}
		c.asides(n)
		c.result(n)
	default:
		c.text(n)
	}
}

// changes shows the diff of a result; a line without anything when nothing differs.
func (c *minimal) changes(n play.Note) {
	if c.o.Diff && isTrue(n.Result, "diff") {
		c.show(c.anyDiffs(n.Result), "")
	}
}

func (c *minimal) result(n play.Note) {
	switch {
	case n.Status == "unreachable", n.Status == "ignored" && isTrue(n.Result, "unreachable"):
		c.show(fmt.Sprintf("%s | UNREACHABLE! => %s", n.Host, c.dump(n.Result, false, prettyIndent)), "unreachable")
	case n.Status == "failed", n.Status == "ignored":
		if isProgram(n) && !n.Result.Has("module_stderr") {
			c.show(printed(n, "FAILED"), "error")
			return
		}
		c.show(fmt.Sprintf("%s | FAILED! => %s", n.Host, c.dump(without(n.Result), false, prettyIndent)), "error")
	case n.Status == "skipped":
		c.show(n.Host+" | SKIPPED", "skip")
	default:
		status, what := "SUCCESS", "ok"
		if isTrue(n.Result, "changed") {
			status, what = "CHANGED", "changed"
		}
		if isProgram(n) && !n.Result.Has("ansible_job_id") {
			c.show(printed(n, status), what)
			return
		}
		c.show(fmt.Sprintf("%s | %s => %s", n.Host, status, c.dump(shown(n), false, prettyIndent)), what)
	}
}

// without is a result without what the event says already.
func without(r *value.Dict) *value.Dict {
	out := r.Shallow()
	out.Delete("failed")
	out.Delete("skipped")
	return out
}

// printed is what a program printed.
func printed(n play.Note, caption string) string {
	code, ok := n.Result.Get("rc")
	if !ok {
		code = int64(-1)
	}
	text := fmt.Sprintf("%s | %s | rc=%s >>\n", n.Host, caption, value.String(code))
	for _, key := range []string{"stdout", "stderr", "msg"} {
		if v, ok := n.Result.Get(key); ok {
			text += value.String(v)
		}
	}
	return text + "\n"
}

// oneline is the callback of that name: a line for each result.
type oneline struct {
	*screen
	items gathered
}

// Note shows a note.
func (c *oneline) Note(n play.Note) {
	switch n.Kind {
	case play.NoteItem:
		c.items.take(n)
	case play.NoteResult:
		c.result(c.items.whole(n))
	default:
		c.text(n)
	}
}

func (c *oneline) result(n play.Note) {
	line := func(r *value.Dict) string {
		if always(n) {
			return strings.ReplaceAll(dumpJSON(c.abridged(r), prettyIndent), "\n", "")
		}
		text, err := jsontext.Format(c.abridged(r), jsontext.Options{Item: ",", Key: ": ", SortKeys: true})
		if err != nil {
			return value.Repr(r)
		}
		return text
	}
	switch {
	case n.Unknown:
		c.show(n.Host+" | UNKNOWN until applied", "skip")
	case n.Status == "unreachable", n.Status == "ignored" && isTrue(n.Result, "unreachable"):
		message, _ := n.Result.Get("msg")
		c.show(n.Host+" | UNREACHABLE!: "+value.String(message), "unreachable")
	case n.Status == "failed", n.Status == "ignored":
		if isProgram(n) && !n.Result.Has("module_stderr") {
			c.show(printedLine(n, "FAILED"), "error")
		}
		c.show(n.Host+" | FAILED! => "+line(without(n.Result)), "error")
	case n.Status == "skipped":
		c.show(n.Host+" | SKIPPED", "skip")
	default:
		status, what := "SUCCESS", "ok"
		if isTrue(n.Result, "changed") {
			status, what = "CHANGED", "changed"
		}
		if isProgram(n) && !n.Result.Has("ansible_job_id") {
			c.show(printedLine(n, status), what)
			return
		}
		c.show(fmt.Sprintf("%s | %s => %s", n.Host, status, line(without(n.Result))), what)
	}
}

func printedLine(n play.Note, caption string) string {
	escaped := strings.NewReplacer("\n", `\n`, "\r", `\r`)
	field := func(key string) string {
		v, ok := n.Result.Get(key)
		if !ok {
			return ""
		}
		return escaped.Replace(value.String(v))
	}
	code, ok := n.Result.Get("rc")
	if !ok {
		code = int64(-1)
	}
	text := fmt.Sprintf("%s | %s | rc=%s | (stdout) %s", n.Host, caption, value.String(code), field("stdout"))
	if stderr := field("stderr"); stderr != "" {
		text += " (stderr) " + stderr
	}
	return text
}
