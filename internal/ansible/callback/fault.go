package callback

import (
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// Cause is one link of the chain of why something failed, the first being what people see as
// the failure.
type Cause struct {
	Message, Help string
	Origin        value.Origin
}

// KeyCauses is where a result holds its causes: a list of dicts with msg, origin
// (file:line:column) and help.
const KeyCauses = "_ansible_causes"

// controllers are the modules whose failures are those of their action on the controller.
var controllers = []string{"add_host", "assemble", "assert", "debug", "fail", "fetch", "gather_facts", "group_by", "include_vars", "pause",
	"reboot", "script", "set_fact", "set_stats", "template", "unarchive", "validate_argument_spec", "wait_for_connection"}

// causes gives the causes of a failed result: those it names, or what can be told from it.
func causes(n play.Note) []Cause {
	if v, ok := n.Result.Get(KeyCauses); ok {
		return listed(v)
	}
	if n.Label && n.Kind == play.NoteResult {
		return nil // the items have been told
	}
	message, _ := n.Result.Get("msg")
	if message == nil && n.Result.Has("reason") {
		return nil // an include that could not be read: its result tells why
	}
	text, ok := message.(string)
	if !ok {
		text = value.String(message)
	}
	at := origin(n.Path)
	if message == nil {
		text = "no details"
	}
	if strings.HasPrefix(text, "Task failed") {
		return []Cause{{Message: text, Origin: at}}
	}
	if n.Status == "unreachable" || isTrue(n.Result, "unreachable") {
		return []Cause{{Message: "Task failed.", Origin: at}, {Message: text}}
	}
	kind := "Module failed."
	if slices.Contains(controllers, strings.TrimPrefix(n.Action, "ansible.builtin.")) {
		kind = "Action failed."
	}
	return []Cause{{Message: "Task failed.", Origin: at}, {Message: kind}, {Message: text}}
}

// listed reads causes from a result.
func listed(v any) []Cause {
	l, _ := v.(*value.List)
	if l == nil {
		return nil
	}
	var out []Cause
	for _, item := range l.Items {
		d, ok := item.(*value.Dict)
		if !ok {
			continue
		}
		text := func(key string) string {
			v, _ := d.Get(key)
			s, _ := v.(string)
			return s
		}
		out = append(out, Cause{Message: text("msg"), Help: text("help"), Origin: origin(text("origin"))})
	}
	return out
}

// origin reads file:line:column.
func origin(s string) value.Origin {
	parts := strings.Split(s, ":")
	o := value.Origin{File: s}
	numbers := []int{}
	for len(parts) > 1 && len(numbers) < 2 {
		n, err := strconv.Atoi(parts[len(parts)-1])
		if err != nil {
			break
		}
		numbers = append(numbers, n)
		parts = parts[:len(parts)-1]
	}
	o.File = strings.Join(parts, ":")
	switch len(numbers) {
	case 1:
		o.Line = numbers[0]
	case 2:
		o.Line, o.Column = numbers[1], numbers[0]
	}
	return o
}

// Explain is the text of an error with its causes: those that have nothing to add but words
// are put together, others follow with their lines of the user's files.
func Explain(chain []Cause, source func(file string) []byte) string {
	var segments []string
	for i := 0; i < len(chain); {
		first, messages := chain[i], []string{chain[i].Message}
		for i++; i < len(chain); i++ {
			next := chain[i]
			told := next.Origin.File != "" || next.Help != ""
			if told && (next.Origin != first.Origin || next.Help != first.Help) {
				break
			}
			messages = append(messages, next.Message)
		}
		segments = append(segments, described(joinMessages(messages), first, source))
	}
	if len(segments) < 2 {
		return strings.Join(segments, "")
	}
	all := make([]string, len(chain))
	for i, c := range chain {
		all[i] = c.Message
	}
	return joinMessages(all) + "\n\n" + strings.Join(segments, "\n<<< caused by >>>\n\n")
}

// joinMessages puts messages together, what caused another behind it. One that another ends
// with already is not said twice.
func joinMessages(messages []string) string {
	out := messages[len(messages)-1]
	for _, m := range slices.Backward(messages[:len(messages)-1]) {
		if strings.HasSuffix(m, out) {
			out = m
			continue
		}
		out = strings.TrimRight(m, ". ") + ": " + out
	}
	return out
}

// described is a message with the place it is about and what helps.
func described(message string, c Cause, source func(file string) []byte) string {
	if c.Help != "" && c.Origin.File == "" && !strings.Contains(message+c.Help, "\n") {
		return message + " " + c.Help + "\n"
	}
	text := message + "\n"
	if c.Origin.File != "" {
		text += place(c.Origin, source)
	}
	if c.Help != "" {
		text += "\n" + c.Help + "\n"
	}
	return text
}

// place shows where something stands, with its lines when the file can be read.
func place(at value.Origin, source func(file string) []byte) string {
	text := "Origin: " + at.String() + "\n"
	if source == nil || at.Line == 0 {
		return text
	}
	if excerpt := document.Excerpt(source(at.File), at); excerpt != "" {
		return text + "\n" + excerpt
	}
	return text
}
