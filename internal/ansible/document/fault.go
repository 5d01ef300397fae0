package document

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// The headlines of what is reported.
const (
	Failed        = "YAML parsing failed"
	DuplicateKey  = "Duplicate mapping key"
	DeprecatedTag = "Deprecated YAML tag"
)

// fail reports an error at a place and gives nil. Where the line shows one of the mistakes
// that people make again and again, it is told instead of the parser's view of it.
func (r *reader) fail(line, column int, message string) *Node {
	if hint, ok := mistake(r.line(line)); ok {
		r.report(line, hint.column, hint.message, hint.help)
		return nil
	}
	return r.plainFail(line, column, message)
}

func (r *reader) plainFail(line, column int, message string) *Node {
	r.report(line, column, message, "")
	return nil
}

func (r *reader) report(line, column int, message, help string) {
	if help != "" {
		message += "\n\n" + help
	}
	d := diag.Errorf(RangeOf(r.at(line, column)), Failed, "%s", message)
	if d[0].Subject == nil { // a text that is no file: its place belongs into the message
		d[0].Detail = fmt.Sprintf("%s (line %d, column %d)", message, line, column)
	}
	r.diags = append(r.diags, d...)
}

// line gives a line of the text without its end.
func (r *reader) line(number int) string {
	for text := range bytes.Lines(r.text) {
		if number--; number == 0 {
			return strings.TrimRight(string(text), "\r\n")
		}
	}
	return ""
}

// syntax reports what the library found wrong.
func (r *reader) syntax(err error) {
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		err = several.Errors[0]
	}
	var fault *yaml.LoadError
	if !errors.As(err, &fault) {
		r.plainFail(1, 1, sentence(err.Error()))
		return
	}
	if strings.Contains(fault.Message, "control characters") {
		line, column := r.position(func(c rune, _ int) bool { return isControl(c) })
		r.plainFail(line, column, "Control characters are not allowed.")
		return
	}
	message := fault.Message
	switch {
	case strings.HasPrefix(message, "unknown anchor "):
		message = "found undefined alias"
	case strings.Contains(message, "escape character"):
		message = "while parsing a quoted scalar " + message
	case fault.ContextMsg != "" && !strings.Contains(message, "not allowed in this context"):
		message = fault.ContextMsg + " " + message
	}
	line, column := fault.Mark.Line, fault.Mark.Column
	if line == 0 {
		line, column = 1, 1
	}
	r.fail(line, column, sentence(message))
}

// isControl tells which characters YAML does not allow at all.
func isControl(c rune) bool {
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0x7f ||
		c >= 0x80 && c < 0xa0 && c != 0x85 || c == 0xfffe || c == 0xffff
}

func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "The text is no YAML."
	}
	first, size := utf8.DecodeRuneInString(text)
	text = strings.ToUpper(string(first)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// hint is what a well-known mistake is told as.
type hint struct {
	column        int
	message, help string
}

var (
	unquotedTemplate = regexp.MustCompile(`^\s*(?:-\s+)*(?:[\pL\pN_\s]+:\s+)?(\{\{.*}})`)
	lineValue        = regexp.MustCompile(`^\s*(?:-\s+)*(?:[\pL\pN_\s\[\]{}]+:\s+)?(.*)$`)
	quotedValue      = regexp.MustCompile(`^\s*(?:'[^']*'|"[^"]*")\s*$`)
	unquotedColon    = regexp.MustCompile(`:(?:$| )`)
	quoteFirst       = regexp.MustCompile(`^\s*(?:-\s+)*(?:[\pL\pN_\s]+:\s+)?(["'].*?\s*)$`)
)

// mistake looks for the well-known mistakes in a line that does not parse: tabs, a template
// or a colon without quotes around it, quotes that do not close. The order is Ansible's.
func mistake(line string) (hint, bool) {
	if i := strings.IndexByte(line, '\t'); i >= 0 {
		return hint{column(line, i), "Tabs are usually invalid in YAML.", ""}, true
	}
	if m := unquotedTemplate.FindStringSubmatchIndex(line); m != nil {
		return hint{column(line, m[2]), "This may be an issue with missing quotes around a template block.",
			example(`path: {{ base }}/bin`, `path: "{{ base }}/bin"`)}, true
	}
	if !strings.HasPrefix(strings.TrimLeft(line, " "), ":") {
		m := lineValue.FindStringSubmatchIndex(line)
		if m != nil && !quotedValue.MatchString(line[m[2]:m[3]]) {
			if c := unquotedColon.FindStringIndex(line[m[2]:m[3]]); c != nil {
				return hint{column(line, m[2]+c[0]), "Colons in unquoted values must be followed by a non-space character.",
					example(`shell: echo 'state: up'`, `shell: "echo 'state: up'"`)}, true
			}
		}
	}
	return badQuotes(line)
}

func badQuotes(line string) (hint, bool) {
	m := quoteFirst.FindStringSubmatchIndex(line)
	if m == nil {
		return hint{}, false
	}
	text := line[m[2]:m[3]]
	switch first := text[:1]; {
	case !strings.HasSuffix(text, first):
		return hint{column(line, m[2]), "Values starting with a quote must end with the same quote.",
			example(`shell: "my tool" --all`, `shell: '"my tool" --all'`)}, true
	case strings.Count(line, first) > 2:
		return hint{column(line, m[2]), "Values starting with a quote must end with the same quote, and not contain that quote.",
			example(`shell: "my tool" "my file"`, `shell: '"my tool" "my file"'`)}, true
	}
	return hint{}, false
}

func example(wrong, right string) string {
	return "Instead of\n\n    " + wrong + "\n\nwrite\n\n    " + right
}

// column counts the characters of a line up to a byte, from 1.
func column(line string, at int) int { return utf8.RuneCountInString(line[:at]) + 1 }

// shownBefore is how many lines an excerpt shows above the one that is wrong.
const shownBefore = 2

// Excerpt shows the lines of a text that lead to an origin, numbered, with a caret below
// the column. It is empty when the text has no such line.
func Excerpt(text []byte, at value.Origin) string {
	if at.Line < 1 {
		return ""
	}
	var b strings.Builder
	number, found := 0, false
	width := len(fmt.Sprint(at.Line))
	for line := range bytes.Lines(text) {
		if number++; number > at.Line {
			break
		}
		if number >= at.Line-shownBefore {
			fmt.Fprintf(&b, "%*d %s\n", width, number, strings.ReplaceAll(strings.TrimRight(string(line), "\r\n"), "\t", " "))
			found = number == at.Line
		}
	}
	if !found {
		return ""
	}
	if at.Column > 0 {
		fmt.Fprintf(&b, "%s^ column %d\n", strings.Repeat(" ", width+at.Column), at.Column)
	}
	return b.String()
}
