package syntax

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// kind is the kind of a token.
type kind uint8

const (
	eof kind = iota
	data
	blockBegin
	blockEnd
	varBegin
	varEnd
	name
	integer
	float
	text
	operator
	broken
)

// token is a piece of a template. of is its text: what a name or an operator is, what a
// string holds.
type token struct {
	kind kind
	line int
	of   string
	num  any
	err  error
}

// describe tells a token as Jinja's messages do.
func (t token) describe() string {
	switch t.kind {
	case eof:
		return "end of template"
	case data:
		return "template data / text"
	case blockBegin:
		return "begin of statement block"
	case blockEnd:
		return "end of statement block"
	case varBegin:
		return "begin of print statement"
	case varEnd:
		return "end of print statement"
	case integer:
		return "integer"
	case float:
		return "float"
	case text:
		return "string"
	default:
		return t.of
	}
}

func (t token) is(op string) bool   { return t.kind == operator && t.of == op }
func (t token) named(n string) bool { return t.kind == name && t.of == n }
func (t token) namedAny(n ...string) bool {
	for _, n := range n {
		if t.named(n) {
			return true
		}
	}
	return false
}

// lexer turns a whole template into tokens.
type lexer struct {
	o      Options
	src    string
	pos    int
	line   int
	tokens []token
	// starts are the things that end a stretch of plain text, the longest first.
	starts []opener
	// lineStart tells that what was read last ended with a newline.
	lineStart bool
}

// opener is what may begin within text, and where it is found next: each part of the text
// is searched once for each opener.
type opener struct {
	text    string
	kind    openerKind
	end, at int
}

type openerKind uint8

const (
	openVariable openerKind = iota
	openBlock
	openComment
	openLineStatement
	openLineComment
)

func fail(line int, message string) error { return &Error{Message: message, Line: line} }

// lex reads a template; lexExpression reads what stands within {{ }}.
//
// A mistake ends the tokens with one that is broken: the parser may find another mistake
// before it gets there, and that is the one to tell.
func lex(src string, o Options) []token { return newLexer(src, o).all() }

func lexExpression(src string, o Options) []token {
	l := newLexer(src, o)
	if err := l.inside(openVariable); err != nil {
		return append(l.tokens, token{kind: broken, line: l.line, err: err})
	}
	return l.all()
}

func (l *lexer) all() []token {
	for l.pos < len(l.src) {
		if err := l.outside(); err != nil {
			return append(l.tokens, token{kind: broken, line: l.line, err: err})
		}
	}
	return append(l.tokens, token{kind: eof, line: l.line})
}

func newLexer(src string, o Options) *lexer {
	o = o.filled()
	src = newlines(src, "\n")
	if !o.KeepTrailingNewline {
		src = strings.TrimSuffix(src, "\n")
	}
	l := &lexer{o: o, src: src, line: 1, lineStart: true}
	for _, s := range []opener{{text: o.BlockStart, kind: openBlock}, {text: o.VariableStart, kind: openVariable},
		{text: o.CommentStart, kind: openComment}, {text: o.LineStatement, kind: openLineStatement}, {text: o.LineComment, kind: openLineComment}} {
		if s.text != "" {
			s.end = -1 // not searched for yet
			l.starts = append(l.starts, s)
		}
	}
	for i := 1; i < len(l.starts); i++ {
		for j := i; j > 0 && len(l.starts[j].text) > len(l.starts[j-1].text); j-- {
			l.starts[j], l.starts[j-1] = l.starts[j-1], l.starts[j]
		}
	}
	return l
}

// newlines makes every line break of a text the given one.
func newlines(s, to string) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	if to != "\n" {
		s = strings.ReplaceAll(s, "\n", to)
	}
	return s
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// skip goes on by n bytes, counting lines.
func (l *lexer) skip(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
	l.lineStart = l.pos > 0 && l.src[l.pos-1] == '\n'
}

func (l *lexer) add(k kind, of string) {
	l.tokens = append(l.tokens, token{kind: k, line: l.line, of: of})
}

// text adds a stretch of plain text.
func (l *lexer) text(s string) {
	if s != "" {
		l.add(data, newlines(s, l.o.Newline))
	}
}

// find gives the next opener: where the text before it ends, where the opener's own text
// begins, and which it is.
func (l *lexer) find() (end, at int, o opener, found bool) {
	end = len(l.src)
	for i := range l.starts {
		s := &l.starts[i]
		if s.at >= 0 && (s.at < l.pos || s.end < l.pos) {
			s.end, s.at = l.findOne(*s)
		}
		if s.at >= 0 && s.end < end {
			end, at, o, found = s.end, s.at, *s, true
		}
	}
	return end, at, o, found
}

func (l *lexer) findOne(o opener) (end, at int) {
	for from := l.pos; ; {
		i := strings.Index(l.src[from:], o.text)
		if i < 0 {
			return 0, -1
		}
		at = from + i
		switch o.kind {
		case openLineStatement, openLineComment:
			end = at
			for end > l.pos && (l.src[end-1] == ' ' || l.src[end-1] == '\t' || l.src[end-1] == '\v') {
				end--
			}
			first := end == 0 || l.src[end-1] == '\n'
			if first || o.kind == openLineComment && !unicode.IsSpace(rune(l.src[end-1])) {
				return end, at
			}
		default:
			return at, at
		}
		from = at + len(o.text)
	}
}

// outside reads plain text up to the next opener, and what that opens.
func (l *lexer) outside() error {
	end, at, o, found := l.find()
	if !found {
		l.text(l.rest())
		l.skip(len(l.rest()))
		return nil
	}
	before := l.src[l.pos:end]
	sign := byte(0)
	after := at + len(o.text)
	if after < len(l.src) && (l.src[after] == '-' || l.src[after] == '+') {
		sign = l.src[after]
		after++
	}
	switch {
	case sign == '-':
		before = strings.TrimRightFunc(before, unicode.IsSpace)
	case sign == 0 && l.o.LstripBlocks && o.kind != openVariable:
		from := strings.LastIndexByte(before, '\n') + 1
		if (from > 0 || l.lineStart) && strings.TrimFunc(before[from:], unicode.IsSpace) == "" {
			before = before[:from]
		}
	}
	l.text(before)
	l.skip(after - l.pos)
	switch o.kind {
	case openComment:
		return l.comment()
	case openLineComment:
		n := strings.IndexByte(l.rest(), '\n')
		if n < 0 {
			n = len(l.rest())
		}
		l.skip(n)
		return nil
	case openBlock:
		if n := l.rawBegin(); n > 0 {
			l.skip(n)
			return l.raw()
		}
	}
	return l.inside(o.kind)
}

func (l *lexer) comment() error {
	if l.rest() == "" {
		return nil
	}
	i := strings.Index(l.rest(), l.o.CommentEnd)
	if i < 0 {
		return fail(l.line, "Missing end of comment tag")
	}
	sign := byte(0)
	if i > 0 {
		sign = l.src[l.pos+i-1]
	}
	l.skip(i + len(l.o.CommentEnd))
	l.trim(sign)
	return nil
}

// trim takes away what follows the end of a block or comment: all blanks after a minus,
// one newline if blocks are trimmed and there is no plus.
func (l *lexer) trim(sign byte) {
	switch {
	case sign == '-':
		l.skip(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), unicode.IsSpace)))
	case sign != '+' && l.o.TrimBlocks && strings.HasPrefix(l.rest(), "\n"):
		l.skip(1)
	}
}

// rawBegin gives the length of what follows {% up to the end of a raw tag, or 0.
func (l *lexer) rawBegin() int {
	s := strings.TrimLeftFunc(l.rest(), unicode.IsSpace)
	if !strings.HasPrefix(s, "raw") {
		return 0
	}
	s = strings.TrimLeftFunc(s[len("raw"):], unicode.IsSpace)
	switch {
	case strings.HasPrefix(s, "-"+l.o.BlockEnd):
		s = strings.TrimLeftFunc(s[1+len(l.o.BlockEnd):], unicode.IsSpace)
	case strings.HasPrefix(s, l.o.BlockEnd):
		s = s[len(l.o.BlockEnd):]
	default:
		return 0
	}
	return len(l.rest()) - len(s)
}

// raw reads up to the end of a raw block.
func (l *lexer) raw() error {
	if l.rest() == "" {
		return nil
	}
	for from := 0; ; {
		i := strings.Index(l.rest()[from:], l.o.BlockStart)
		if i < 0 {
			return fail(l.line, "Missing end of raw directive")
		}
		i += from
		from = i + len(l.o.BlockStart)
		s := l.rest()[from:]
		sign := byte(0)
		if s != "" && (s[0] == '-' || s[0] == '+') {
			sign, s = s[0], s[1:]
		}
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if !strings.HasPrefix(s, "endraw") {
			continue
		}
		s = strings.TrimLeftFunc(s[len("endraw"):], unicode.IsSpace)
		endSign := byte(0)
		if s != "" && (s[0] == '-' || s[0] == '+') {
			endSign, s = s[0], s[1:]
		}
		if !strings.HasPrefix(s, l.o.BlockEnd) {
			continue
		}
		body := l.rest()[:i]
		switch {
		case sign == '-':
			body = strings.TrimRightFunc(body, unicode.IsSpace)
		case sign == 0 && l.o.LstripBlocks:
			if n := strings.LastIndexByte(body, '\n') + 1; n > 0 && strings.TrimFunc(body[n:], unicode.IsSpace) == "" {
				body = body[:n]
			}
		}
		l.text(body)
		l.skip(len(l.rest()) - len(s) + len(l.o.BlockEnd))
		l.trim(endSign)
		return nil
	}
}

// inside reads tokens up to the end of a tag.
func (l *lexer) inside(o openerKind) error {
	begin, end, endText := varBegin, varEnd, l.o.VariableEnd
	if o != openVariable {
		begin, end, endText = blockBegin, blockEnd, l.o.BlockEnd
	}
	expression := l.pos == 0 && o == openVariable
	if !expression {
		l.add(begin, "")
	}
	var open []byte
	for l.pos < len(l.src) {
		if len(open) == 0 {
			if o == openLineStatement {
				if n, ok := l.lineEnd(); ok {
					l.add(end, "")
					l.skip(n)
					return nil
				}
			} else if sign, n := l.tagEnd(endText, o); n > 0 {
				l.add(end, "")
				l.skip(n)
				if o == openBlock || sign == '-' {
					l.trim(sign)
				}
				return nil
			}
		}
		if err := l.one(o, &open); err != nil {
			return err
		}
	}
	if o == openLineStatement {
		l.add(end, "")
	}
	return nil
}

func (l *lexer) lineEnd() (int, bool) {
	s := l.rest()
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' {
			return i + 1, true
		}
		if !unicode.IsSpace(rune(s[i])) {
			return 0, false
		}
	}
	return len(s), true
}

// tagEnd gives the sign and the length of a tag's end that stands here.
func (l *lexer) tagEnd(endText string, o openerKind) (sign byte, n int) {
	s := l.rest()
	if strings.HasPrefix(s, endText) {
		return 0, len(endText)
	}
	if (s[0] == '-' || s[0] == '+' && o == openBlock) && strings.HasPrefix(s[1:], endText) {
		return s[0], 1 + len(endText)
	}
	return 0, 0
}

// one reads one token within a tag.
func (l *lexer) one(o openerKind, open *[]byte) error {
	s := l.rest()
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case unicode.IsSpace(r):
		l.skip(len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace)))
		return nil
	case r >= '0' && r <= '9':
		return l.number()
	case wordRune(r):
		n := strings.IndexFunc(s, func(r rune) bool { return !wordRune(r) })
		if n < 0 {
			n = len(s)
		}
		if !identifier(s[:n]) {
			return fail(l.line, "Invalid character in identifier")
		}
		l.add(name, s[:n])
		l.skip(n)
		return nil
	case r == '"' || r == '\'':
		return l.quoted(o)
	}
	return l.operator(open)
}

func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || r > 0x7f && unicode.In(r, unicode.Mn, unicode.Nl, unicode.Other_ID_Continue)
}

func identifier(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return !unicode.IsDigit(r)
}

// number reads an integer or a float.
func (l *lexer) number() error {
	s := l.rest()
	digits := func(i int) int { // the end of digits with single underscores between
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '_' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9') {
			i++
		}
		return i
	}
	end := digits(0)
	if l.pos == 0 || l.src[l.pos-1] != '.' {
		f := end
		if f+1 < len(s) && s[f] == '.' && s[f+1] >= '0' && s[f+1] <= '9' {
			f = digits(f + 1)
		}
		if e := exponent(s, f); e > 0 && e < len(s) && s[e] >= '0' && s[e] <= '9' {
			f = digits(e)
		}
		if f > end {
			x, _ := strconv.ParseFloat(strings.ReplaceAll(s[:f], "_", ""), 64)
			l.tokens = append(l.tokens, token{kind: float, line: l.line, of: s[:f], num: x})
			l.skip(f)
			return nil
		}
	}
	end = integerEnd(s, end)
	i, err := strconv.ParseInt(strings.ReplaceAll(s[:end], "_", ""), 0, 64)
	if err != nil {
		return fail(l.line, "the integer "+s[:end]+" is too large: integers have 64 bits here")
	}
	l.tokens = append(l.tokens, token{kind: integer, line: l.line, of: s[:end], num: i})
	l.skip(end)
	return nil
}

// exponent gives where the digits of an exponent at i begin, or 0.
func exponent(s string, i int) int {
	if i >= len(s) || s[i] != 'e' && s[i] != 'E' {
		return 0
	}
	if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	return i
}

// integerEnd gives where the integer that begins s ends; end is where decimal digits do.
func integerEnd(s string, end int) int {
	if s[0] != '0' {
		return end
	}
	if len(s) > 2 {
		base := map[byte]string{'b': "01", 'B': "01", 'o': "01234567", 'O': "01234567",
			'x': "0123456789abcdefABCDEF", 'X': "0123456789abcdefABCDEF"}[s[1]]
		if i := 2; base != "" {
			for i < len(s) && (strings.IndexByte(base, s[i]) >= 0 || s[i] == '_' && i+1 < len(s) && strings.IndexByte(base, s[i+1]) >= 0) {
				i++
			}
			if i > 2 {
				return i
			}
		}
	}
	for i := range end {
		if s[i] != '0' && s[i] != '_' {
			return i
		}
	}
	return end
}

func (l *lexer) quoted(o openerKind) error {
	s := l.rest()
	end := 1
	for ; end < len(s) && s[end] != s[0]; end++ {
		if s[end] == '\\' {
			end++
		}
	}
	if end >= len(s) {
		return l.unexpected()
	}
	body := newlines(s[1:end], l.o.Newline)
	if !(o == openVariable && l.o.KeepBackslashes) {
		var err error
		if body, err = unescape(body); err != nil {
			return fail(l.line, err.Error())
		}
	}
	l.add(text, body)
	l.skip(end + 1)
	return nil
}

func (l *lexer) unexpected() error {
	r, _ := utf8.DecodeRuneInString(l.rest())
	return fail(l.line, "unexpected char "+value.Repr(string(r))+" at "+strconv.Itoa(utf8.RuneCountInString(l.src[:l.pos])))
}

const twoByteOperators = "// ** == != >= <="

func (l *lexer) operator(open *[]byte) error {
	s := l.rest()
	n := 1
	if len(s) > 1 && strings.Contains(twoByteOperators, s[:2]) && s[1] != ' ' && s[0] != ' ' {
		n = 2
	} else if !strings.ContainsRune("+-/*%~[](){}><=.:|,;", rune(s[0])) {
		return l.unexpected()
	}
	if n == 1 {
		switch s[0] {
		case '{':
			*open = append(*open, '}')
		case '(':
			*open = append(*open, ')')
		case '[':
			*open = append(*open, ']')
		case '}', ')', ']':
			if len(*open) == 0 {
				return fail(l.line, "unexpected '"+s[:1]+"'")
			}
			last := (*open)[len(*open)-1]
			if *open = (*open)[:len(*open)-1]; last != s[0] {
				return fail(l.line, "unexpected '"+s[:1]+"', expected '"+string(last)+"'")
			}
		}
	}
	l.add(operator, s[:n])
	l.skip(n)
	return nil
}
