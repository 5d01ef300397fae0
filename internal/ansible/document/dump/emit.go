package dump

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// emitter writes nodes, and knows where on the line it is.
type emitter struct {
	options Options
	out     strings.Builder
	indent  int
	flow    int // how many brackets are open
	column  int
	// whitespace tells that a blank was written last, indention that the line has nothing
	// but what indents it.
	whitespace, indention bool
	// open tells that a block scalar at the end keeps its breaks, which only "..." ends.
	open bool
}

// context is where a node stands.
type context struct {
	mapping   bool // it is a key or value
	simpleKey bool // it is a key that stands on one line with its value
}

func newEmitter(o Options) *emitter {
	if o.Indent < 2 || o.Indent > 9 {
		o.Indent = 2
	}
	switch {
	case o.Width < 0:
		o.Width = math.MaxInt
	case o.Width <= 2*o.Indent:
		o.Width = 80
	}
	return &emitter{options: o, indent: -1, whitespace: true, indention: true}
}

func (e *emitter) document(root *node) {
	if e.options.ExplicitStart {
		e.indicator("---", true, false, false)
	}
	e.node(root, context{})
	if e.options.ExplicitEnd || e.open {
		e.newline()
		e.indicator("...", true, false, false)
	}
	e.newline()
}

func (e *emitter) put(c rune) {
	e.out.WriteRune(c)
	e.column++
}

func (e *emitter) putBreak() {
	e.out.WriteByte('\n')
	e.column = 0
}

// newline goes to the place where the next line of the current level begins.
func (e *emitter) newline() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.putBreak()
	}
	for e.column < indent {
		e.put(' ')
	}
	e.whitespace, e.indention = true, true
}

func (e *emitter) indicator(text string, needBlank, isBlank, isIndention bool) {
	if needBlank && !e.whitespace {
		e.put(' ')
	}
	for _, c := range text {
		e.put(c)
	}
	e.whitespace = isBlank
	e.indention = e.indention && isIndention
	e.open = false
}

// deeper raises the indentation and gives what it was.
func (e *emitter) deeper(flow, indentless bool) int {
	before := e.indent
	switch {
	case e.indent < 0 && flow:
		e.indent = e.options.Indent
	case e.indent < 0:
		e.indent = 0
	case !indentless:
		e.indent += e.options.Indent
	}
	return before
}

func (e *emitter) node(n *node, c context) {
	if n.alias {
		e.indicator(fmt.Sprintf("*id%03d", n.items[0].anchor), true, false, false)
		if c.simpleKey {
			e.put(' ')
		}
		return
	}
	if n.anchor != 0 {
		e.indicator(fmt.Sprintf("&id%03d", n.anchor), true, false, false)
	}
	switch {
	case n.kind == scalar:
		e.scalar(n, c)
	case n.kind == sequence && (e.flow > 0 || n.flow || len(n.items) == 0):
		e.flowSequence(n)
	case n.kind == sequence:
		e.blockSequence(n, c)
	case e.flow > 0 || n.flow || len(n.items) == 0:
		e.flowMapping(n)
	default:
		e.blockMapping(n)
	}
}

func (e *emitter) flowSequence(n *node) {
	e.indicator("[", true, true, false)
	before := e.deeper(true, false)
	e.flow++
	for i, item := range n.items {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.options.Width {
			e.newline()
		}
		e.node(item, context{})
	}
	e.flow--
	e.indent = before
	e.indicator("]", false, false, false)
}

func (e *emitter) flowMapping(n *node) {
	e.indicator("{", true, true, false)
	before := e.deeper(true, false)
	e.flow++
	for i := 0; i < len(n.items); i += 2 {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.options.Width {
			e.newline()
		}
		key, item := n.items[i], n.items[i+1]
		if simple(key) {
			e.node(key, context{mapping: true, simpleKey: true})
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, false)
			e.node(key, context{mapping: true})
			if e.column > e.options.Width {
				e.newline()
			}
			e.indicator(":", true, false, false)
		}
		e.node(item, context{mapping: true})
	}
	e.flow--
	e.indent = before
	e.indicator("}", false, false, false)
}

func (e *emitter) blockSequence(n *node, c context) {
	before := e.deeper(false, c.mapping && !e.indention)
	for _, item := range n.items {
		e.newline()
		e.indicator("-", true, false, true)
		e.node(item, context{})
	}
	e.indent = before
}

func (e *emitter) blockMapping(n *node) {
	before := e.deeper(false, false)
	for i := 0; i < len(n.items); i += 2 {
		e.newline()
		key, item := n.items[i], n.items[i+1]
		if simple(key) {
			e.node(key, context{mapping: true, simpleKey: true})
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, true)
			e.node(key, context{mapping: true})
			e.newline()
			e.indicator(":", true, false, true)
		}
		e.node(item, context{mapping: true})
	}
	e.indent = before
}

// maxSimpleKey is how long a key may be that has no ? before it.
const maxSimpleKey = 128

func simple(key *node) bool {
	switch {
	case key.alias:
		return true
	case key.kind != scalar:
		return len(key.items) == 0
	}
	return len(key.text)+len(key.tag) <= maxSimpleKey && !analyze(key.text).multiline
}

func (e *emitter) scalar(n *node, c context) {
	a := analyze(n.text)
	style := e.style(n, a, c)
	switch {
	case n.tag != "":
		e.indicator(n.tag, true, false, false)
	case style != 0 && !n.isText:
		e.indicator("!", true, false, false)
	}
	before := e.deeper(true, false)
	switch style {
	case '\'':
		e.single(n.text, !c.simpleKey)
	case '"':
		e.double(n.text, !c.simpleKey)
	case '|':
		e.literal(n.text)
	case '>':
		e.folded(n.text)
	default:
		e.plain(n.text, !c.simpleKey)
	}
	e.indent = before
}

// style chooses how a scalar is written; 0 is plain.
func (e *emitter) style(n *node, a analysis, c context) byte {
	style := n.style
	if c.simpleKey && a.multiline {
		style = '"'
	}
	if style == 0 {
		allowed := a.blockPlain
		if e.flow > 0 {
			allowed = a.flowPlain
		}
		if !allowed || n.text == "" && (e.flow > 0 || c.simpleKey) || n.tag == "" && !n.plain {
			style = '\''
		}
	}
	if style == '\'' && !a.single {
		style = '"'
	}
	if (style == '|' || style == '>') && (!a.block || e.flow > 0 || c.simpleKey) {
		style = '"'
	}
	return style
}

// nextIsSpace tells whether a space follows the character at a byte.
func nextIsSpace(text string, at int) bool { return at+1 < len(text) && text[at+1] == ' ' }

func (e *emitter) plain(text string, fold bool) {
	if !e.whitespace && (text != "" || e.flow > 0) {
		e.put(' ')
	}
	e.words(text, fold, func(int) bool { return true }, "")
	e.whitespace, e.indention = false, false
}

func (e *emitter) single(text string, fold bool) {
	e.indicator("'", true, false, false)
	inside := func(i int) bool { return i > 0 && i < len(text)-1 }
	if e.words(text, fold, inside, "'") {
		e.newline()
	}
	e.indicator("'", false, false, false)
	e.whitespace, e.indention = false, false
}

// words writes text that may be folded at its spaces, with each quote twice. It reports
// whether the text ends with a break.
func (e *emitter) words(text string, fold bool, inside func(int) bool, quote string) (breaks bool) {
	spaces := false
	for i, c := range text {
		switch {
		case c == ' ':
			if fold && !spaces && e.column > e.options.Width && inside(i) && !nextIsSpace(text, i) {
				e.newline()
			} else {
				e.put(' ')
			}
			spaces = true
		case isBreak(c):
			if !breaks && c == '\n' {
				e.putBreak()
			}
			e.lineBreak(c)
			e.indention, breaks = true, true
		default:
			if breaks {
				e.newline()
			}
			if quote != "" && string(c) == quote {
				e.put(c)
			}
			e.put(c)
			e.indention, spaces, breaks = false, false, false
		}
	}
	return breaks
}

func (e *emitter) lineBreak(c rune) {
	if c == '\n' {
		e.putBreak()
		return
	}
	e.out.WriteRune(c)
	e.column = 0
}

func (e *emitter) double(text string, fold bool) {
	e.indicator(`"`, true, false, false)
	spaces := false
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case !isPrintable(c) || isBreak(c) || c == '"' || c == '\\' || c == utf8.RuneError && size == 1:
			e.escape(c)
			spaces = false
		case c == ' ':
			if fold && !spaces && e.column > e.options.Width && i > 0 && i < len(text)-1 {
				e.newline()
				if nextIsSpace(text, i) {
					e.put('\\')
				}
			} else {
				e.put(' ')
			}
			spaces = true
		default:
			e.put(c)
			spaces = false
		}
		i += size
	}
	e.indicator(`"`, false, false, false)
	e.whitespace, e.indention = false, false
}

func (e *emitter) escape(c rune) {
	text := ""
	switch c {
	case 0:
		text = "0"
	case 7:
		text = "a"
	case 8:
		text = "b"
	case 9:
		text = "t"
	case 10:
		text = "n"
	case 11:
		text = "v"
	case 12:
		text = "f"
	case 13:
		text = "r"
	case 27:
		text = "e"
	case '"', '\\':
		text = string(c)
	case 0x85:
		text = "N"
	case 0xa0:
		text = "_"
	case 0x2028:
		text = "L"
	case 0x2029:
		text = "P"
	default:
		switch {
		case c <= 0xff:
			text = fmt.Sprintf("x%02X", c)
		case c <= 0xffff:
			text = fmt.Sprintf("u%04X", c)
		default:
			text = fmt.Sprintf("U%08X", c)
		}
	}
	e.put('\\')
	for _, r := range text {
		e.put(r)
	}
}

// hints writes what a block scalar has to say of its indentation and its last breaks.
func (e *emitter) hints(text string) {
	first, _ := utf8.DecodeRuneInString(text)
	if first == ' ' || isBreak(first) {
		e.indicator(fmt.Sprint(e.options.Indent), false, false, false)
	}
	e.open = false
	last, size := utf8.DecodeLastRuneInString(text)
	switch {
	case text == "" || !isBreak(last):
		e.indicator("-", false, false, false)
	case len(text) == size:
		e.indicator("+", false, false, false)
		e.open = true
	default:
		if before, _ := utf8.DecodeLastRuneInString(text[:len(text)-size]); isBreak(before) {
			e.indicator("+", false, false, false)
			e.open = true
		}
	}
}

func (e *emitter) literal(text string) {
	e.indicator("|", true, false, false)
	e.hints(text)
	e.putBreak()
	e.indention, e.whitespace = true, true
	breaks := true
	for _, c := range text {
		if isBreak(c) {
			e.lineBreak(c)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.newline()
		}
		e.put(c)
		e.indention, breaks = false, false
	}
}

func (e *emitter) folded(text string) {
	e.indicator(">", true, false, false)
	e.hints(text)
	e.putBreak()
	e.indention, e.whitespace = true, true
	breaks, leading := true, true
	for i, c := range text {
		if isBreak(c) {
			if !breaks && !leading && c == '\n' && e.textFollows(text[i:]) {
				e.putBreak()
			}
			e.lineBreak(c)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.newline()
			leading = c == ' ' || c == '\t'
		}
		if !breaks && c == ' ' && !nextIsSpace(text, i) && e.column > e.options.Width {
			e.newline()
		} else {
			e.put(c)
		}
		e.indention, breaks = false, false
	}
}

// textFollows tells whether the line after these breaks begins with more than a blank.
func (e *emitter) textFollows(text string) bool {
	for _, c := range text {
		if !isBreak(c) {
			return c != ' ' && c != '\t'
		}
	}
	return false
}
