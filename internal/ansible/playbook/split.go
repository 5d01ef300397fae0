package playbook

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errUnbalanced is what text of the form k=v says that ends inside quotes or a block of Jinja.
var errUnbalanced = errors.New("failed at splitting arguments, either an unbalanced jinja2 block or quotes")

// option is one k=v of a text.
type option struct{ key, value string }

// freeFormOptions are the options that modules with free form text take out of it.
var freeFormOptions = []string{"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"}

// parsePairs reads "k=v k2='v 2' rest". What is no k=v is the raw text. When the module takes
// free form text, only a few keys are options, and all else is raw.
func parsePairs(s string, freeForm bool) (options []option, raw string, hasRaw bool, err error) {
	words, err := splitWords(s)
	if err != nil {
		return nil, "", false, err
	}
	var rest []string
	for _, word := range words {
		plain := unescape(word)
		at := separator(plain)
		switch {
		case at < 0 && strings.Contains(plain, "="):
			rest = append(rest, strings.ReplaceAll(plain, `\=`, "="))
		case at < 0, freeForm && !isFreeFormOption(plain[:at]):
			rest = append(rest, word)
		default:
			options = append(options, option{strings.TrimSpace(plain[:at]), unquote(strings.TrimSpace(plain[at+1:]))})
		}
	}
	if len(rest) == 0 {
		return options, "", false, nil
	}
	return options, joinWords(rest), true, nil
}

func isFreeFormOption(key string) bool {
	for _, o := range freeFormOptions {
		if o == key {
			return true
		}
	}
	return false
}

// separator finds the = between key and value: not the first character, not after a backslash.
func separator(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '=' && s[i-1] != '\\' {
			return i
		}
	}
	return -1
}

// joinWords puts words together again; each keeps the spaces and ends of lines behind it.
func joinWords(words []string) string {
	var b strings.Builder
	end := byte('\n')
	for i, w := range words {
		if i > 0 && b.Len() > 0 && end != '\n' {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		if w != "" {
			end = w[len(w)-1]
		}
	}
	return b.String()
}

func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// splitter cuts text into words at blanks, but not within quotes or blocks of Jinja.
type splitter struct {
	words []string
	quote byte // the one that we are within, 0 for none
	// depth counts the open {{, {% and {#.
	depth [3]int
}

var jinjaMarks = [3][2]string{{"{{", "}}"}, {"{%", "%}"}, {"{#", "#}"}}

func splitWords(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var p splitter
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		continued := false
		for j, word := range strings.Split(line, " ") {
			switch {
			case word == "" && j > 0:
				p.glue(" ")
			case word == `\` && p.quote == 0:
				continued = true
			default:
				p.word(word, j == 0)
			}
		}
		if i < len(lines)-1 && !continued {
			p.glue("\n")
		}
	}
	if p.inBlock() || p.quote != 0 {
		return nil, errUnbalanced
	}
	return p.words, nil
}

func (p *splitter) inBlock() bool { return p.depth != [3]int{} }

// glue puts text behind the last word.
func (p *splitter) glue(s string) {
	if len(p.words) == 0 {
		p.words = append(p.words, "")
	}
	p.words[len(p.words)-1] += s
}

// word takes what stood between two blanks; first tells that it begins a line.
func (p *splitter) word(w string, first bool) {
	within := p.quote != 0
	p.quoteAfter(w)
	done := true
	switch {
	case p.quote != 0 && !within && !p.inBlock():
		p.words = append(p.words, w)
	case (p.inBlock() || p.quote != 0 || within) && len(p.words) > 0:
		if !first {
			p.glue(" ")
		}
		p.glue(w)
	default:
		done = false
	}
	for i, marks := range jinjaMarks {
		before := p.depth[i]
		p.depth[i] = max(0, before+strings.Count(w, marks[0])-strings.Count(w, marks[1]))
		if p.depth[i] != before && !done {
			p.words = append(p.words, w)
			done = true
		}
	}
	if !done && w != "" {
		p.words = append(p.words, w)
	}
}

// quoteAfter tells whether we are within quotes behind a word.
func (p *splitter) quoteAfter(w string) {
	for i := range len(w) {
		c := w[i]
		if c != '"' && c != '\'' || i > 0 && w[i-1] == '\\' {
			continue
		}
		switch p.quote {
		case 0:
			p.quote = c
		case c:
			p.quote = 0
		}
	}
}

// unescape decodes the escapes of Python's strings that k=v knows; others stay as they are.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		text, size := escape(s[i:])
		if size == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(text)
		i += size
	}
	return b.String()
}

// escape decodes one escape at the beginning of s; size is 0 when there is none.
func escape(s string) (text string, size int) {
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]; digits > 0 {
		if len(s) < 2+digits {
			return "", 0
		}
		n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err != nil || n > utf8.MaxRune {
			return "", 0
		}
		return string(rune(n)), 2 + digits
	}
	if i := strings.IndexByte(`\'"abfnrtv`, s[1]); i >= 0 {
		return "\\'\"\a\b\f\n\r\t\v"[i : i+1], 2
	}
	return "", 0
}
