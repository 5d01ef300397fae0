package callback

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"tutti/internal/ansible/filter/jsontext"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// The verbosity at which more of results is shown.
const (
	showResults    = 1
	showPaths      = 2
	showInvocation = 3
)

// prettyIndent is how far results are indented that have lines of their own.
const prettyIndent = 4

// always tells that a result is shown in full at any verbosity.
func always(n play.Note) bool {
	return n.Display == "always" || isTrue(n.Result, "_ansible_verbose_always")
}

// wants reports whether a result is shown in full, from this verbosity on.
func (s *screen) wants(n play.Note, level int) bool {
	return (s.o.Verbosity >= level || always(n)) && n.Display != "never" && !isTrue(n.Result, "_ansible_verbose_override")
}

// debugKeys are what stays of debug's result beside its message.
var debugKeys = []string{"msg", "exception", "warnings", "deprecations"}

// hiddenInDebug are what goes of debug's result when it shows a variable.
var hiddenInDebug = []string{"changed", "failed", "skipped", "invocation", "skip_reason", "ansible_loop_var", "ansible_index_var", "ansible_loop"}

// shown is a result as it is shown: without what the event says already, and of debug only
// what it was asked for.
func shown(n play.Note) *value.Dict {
	debug := short(n.Action) == "debug"
	message := n.Result.Has("msg")
	out := &value.Dict{}
	for k, v := range n.Result.All() {
		name, _ := k.(string)
		switch {
		case name == "failed", name == "skipped":
		case debug && message && !slices.Contains(debugKeys, name) && !strings.HasPrefix(name, "_"):
		case debug && !message && slices.Contains(hiddenInDebug, name):
		default:
			out.Set(k, v)
		}
	}
	return out
}

// short is a module's name without its collection, when that is Ansible's own.
func short(action string) string {
	return strings.TrimPrefix(strings.TrimPrefix(action, "ansible.builtin."), "ansible.legacy.")
}

// internalKeys are results' business with the play.
var internalKeys = []string{"add_host", "add_group", "exception", "warnings", "deprecations"}

// abridged is a result without what is shown elsewhere, or only to those who want to know more.
func (s *screen) abridged(r *value.Dict) *value.Dict {
	out := &value.Dict{}
	for k, v := range r.All() {
		name, _ := k.(string)
		switch {
		case strings.HasPrefix(name, "_ansible_"), slices.Contains(internalKeys, name):
		case (name == "invocation" || name == "diff") && s.o.Verbosity < showInvocation:
		default:
			out.Set(k, public(v))
		}
	}
	return out
}

// public is a value without the keys that are Ansible's own, all the way down.
func public(v any) any {
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, item := range v.All() {
			if name, ok := k.(string); !ok || !strings.HasPrefix(name, "_ansible_") {
				out.Set(k, public(item))
			}
		}
		return out
	case *value.List:
		out := &value.List{Items: make([]any, len(v.Items)), Tuple: v.Tuple}
		for i, item := range v.Items {
			out.Items[i] = public(item)
		}
		return out
	default:
		return v
	}
}

// dump writes a result. indent is how far at least; 0 is the callback's own.
func (s *screen) dump(r *value.Dict, always bool, indent int) string {
	yaml := s.o.Format == "yaml"
	if indent == 0 && (always || s.o.Pretty == "" && yaml || s.o.Pretty == "yes" || s.o.Verbosity >= showInvocation) {
		indent = prettyIndent
	}
	if s.o.Pretty == "no" {
		indent = 0
	}
	if yaml {
		return "\n" + s.dumpYAML(s.abridged(r), indent)
	}
	return dumpJSON(s.abridged(r), indent)
}

// dumpJSON writes a value with its keys sorted, in lines when it is indented.
func dumpJSON(v any, indent int) string {
	o := jsontext.Options{Item: ", ", Key: ": ", SortKeys: true}
	if indent > 0 {
		o.Lines, o.Indent, o.Item = true, strings.Repeat(" ", indent), ","
	}
	text, err := jsontext.Format(v, o)
	if err != nil { // a key that is none of JSON, or lists without end
		return value.Repr(v)
	}
	return text
}

// hostLabel is the name of a result's host, and of the one that the task was delegated to.
func hostLabel(n play.Note) string {
	if n.Delegate == "" || n.Delegate == n.Host {
		return n.Host
	}
	label := n.Host + " -> " + n.Delegate
	vars, _ := n.Result.Get("_ansible_delegated_vars")
	if d, ok := vars.(*value.Dict); ok {
		if real, ok := d.Get("ansible_host"); ok && value.String(real) != n.Delegate {
			label += "(" + value.String(real) + ")"
		}
	}
	return label
}

// itemLabel is what an item of a loop is called.
func itemLabel(n play.Note) string {
	if n.Result.Has("censored") && n.Item == nil {
		return "(censored due to no_log)"
	}
	return value.String(n.Item)
}

// diffs is the text of the changes that a result tells; "" for none.
func (s *screen) diffs(r *value.Dict) string {
	if !isTrue(r, "changed") {
		return ""
	}
	return s.anyDiffs(r)
}

// anyDiffs is the same of a result that changed nothing, too.
func (s *screen) anyDiffs(r *value.Dict) string {
	v, _ := r.Get("diff")
	if !value.Truth(v) {
		return ""
	}
	all := []any{v}
	if l, ok := v.(*value.List); ok {
		all = l.Items
	}
	var b strings.Builder
	for _, item := range all {
		if d, ok := item.(*value.Dict); ok {
			s.diff(&b, d)
		}
	}
	return b.String()
}

// diff writes one change.
func (s *screen) diff(b *strings.Builder, d *value.Dict) {
	if d.Has("dst_binary") {
		b.WriteString("diff skipped: destination file appears to be binary\n")
	}
	if d.Has("src_binary") {
		b.WriteString("diff skipped: source file appears to be binary\n")
	}
	if size, ok := d.Get("dst_larger"); ok {
		fmt.Fprintf(b, "diff skipped: destination file size is greater than %s\n", value.String(size))
	}
	if size, ok := d.Get("src_larger"); ok {
		fmt.Fprintf(b, "diff skipped: source file size is greater than %s\n", value.String(size))
	}
	before, hasBefore := d.Get("before")
	after, hasAfter := d.Get("after")
	if hasBefore && hasAfter {
		header := func(side string) string {
			if h, ok := d.Get(side + "_header"); ok {
				return side + ": " + value.String(h)
			}
			return side
		}
		s.unified(b, s.diffLines(before), s.diffLines(after), header("before"), header("after"))
	}
	if prepared, ok := d.Get("prepared"); ok {
		b.WriteString(value.String(prepared))
	}
}

// diffLines are the lines of one side of a change.
func (s *screen) diffLines(v any) []string {
	text, ok := v.(string)
	switch d, isDict := v.(*value.Dict); {
	case v == nil:
	case isDict && s.o.Format == "yaml":
		text = s.dumpYAML(d, prettyIndent) + "\n"
	case isDict:
		text = asciiJSON(d) + "\n"
	case !ok:
		text = value.String(v)
	}
	lines := splitLines(text)
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n\\ No newline at end of file\n"
	}
	return lines
}

// asciiJSON writes a dict as diffs show it.
func asciiJSON(d *value.Dict) string {
	text, err := jsontext.Format(d, jsontext.Options{Lines: true, Indent: "    ", Item: ",", Key: ": ", SortKeys: true, ASCII: true})
	if err != nil {
		return value.Repr(d)
	}
	return text
}

// splitLines splits where Python's splitlines does; every line keeps its end.
func splitLines(text string) []string {
	var lines []string
	start := 0
	for i, c := range text {
		end := i + len(string(c))
		switch {
		case c == '\r' && strings.HasPrefix(text[end:], "\n"):
			continue
		case strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", c):
			lines = append(lines, text[start:end])
			start = end
		}
	}
	if start < len(text) {
		lines = append(lines, text[start:])
	}
	return lines
}

// unified writes a diff, its lines in colour.
func (s *screen) unified(b *strings.Builder, before, after []string, from, to string) {
	context := 3
	if s.o.DiffContext != nil {
		context = *s.o.DiffContext
	}
	groups := difflib.NewMatcher(before, after).GetGroupedOpCodes(context)
	if len(groups) == 0 {
		return
	}
	b.WriteString(s.colored("--- "+from+"\n", "diff_remove"))
	b.WriteString(s.colored("+++ "+to+"\n", "diff_add"))
	lines := func(all []string, sign, what string) {
		for _, line := range all {
			b.WriteString(s.colored(sign+line, what))
		}
	}
	for _, group := range groups {
		first, last := group[0], group[len(group)-1]
		b.WriteString(s.colored(fmt.Sprintf("@@ -%s +%s @@\n", span(first.I1, last.I2), span(first.J1, last.J2)), "diff_lines"))
		for _, op := range group {
			if op.Tag == 'e' {
				lines(before[op.I1:op.I2], " ", "")
				continue
			}
			lines(before[op.I1:op.I2], "-", "diff_remove")
			lines(after[op.J1:op.J2], "+", "diff_add")
		}
	}
	b.WriteByte('\n')
}

// span is a range of lines in the form of unified diffs.
func span(from, to int) string {
	switch n := to - from; n {
	case 1:
		return fmt.Sprint(from + 1)
	case 0:
		return fmt.Sprintf("%d,0", from)
	default:
		return fmt.Sprintf("%d,%d", from+1, n)
	}
}
