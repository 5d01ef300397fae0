package jsonata

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind says what a token or a node of the tree is. The numbers have no meaning outside.
type kind uint8

const (
	kindEnd kind = iota
	kindOperator
	kindName
	kindVariable
	kindString
	kindNumber
	kindValue // true, false, null
	kindRegexp

	// What the parser makes of them.
	kindBinary
	kindUnary
	kindWildcard
	kindDescendant
	kindParent
	kindFunction
	kindPartial
	kindLambda
	kindCondition
	kindElse // the operators ?: and ??
	kindBlock
	kindTransform

	// What the resolver makes of those.
	kindPath
	kindSort
	kindBind
	kindApply
)

// names are what the reference calls the kinds; an error may mention them.
func (k kind) String() string {
	names := [...]string{"(end)", "operator", "name", "variable", "string", "number", "value", "regex", "binary", "unary",
		"wildcard", "descendant", "parent", "function", "partial", "lambda", "condition", "condition", "block",
		"transform", "path", "sort", "bind", "apply"}
	return names[k]
}

// token is a word of the language. value is its text, or for a literal its value.
type token struct {
	kind     kind
	text     string // the operator, or the name without quotes and dollar sign
	value    any    // of a literal; the *pattern of a regular expression
	position int    // byte offset behind the token, as the reference counts
}

type lexer struct {
	source string
	at     int
}

const blanks = " \t\n\r\v"

// wordEnd are the characters that end a name.
const wordEnd = blanks + ".[]{}(),@#;:?+-*/%|=<>^&!~"

// next gives the next token. Where an operand may stand, a slash begins a regular expression.
func (l *lexer) next(operand bool) (token, error) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	if l.at >= len(l.source) {
		return token{kind: kindEnd, text: "(end)", position: len(l.source)}, nil
	}
	c := l.source[l.at]
	switch {
	case c == '/' && operand:
		l.at++
		return l.regexp()
	case strings.IndexByte(wordEnd, c) >= 0:
		return l.operator(), nil
	case c == '"' || c == '\'':
		return l.quoted(c)
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		return l.backquoted()
	}
	return l.word(), nil
}

// skip passes over blanks and comments.
func (l *lexer) skip() error {
	for l.at < len(l.source) {
		rest := l.source[l.at:]
		switch {
		case strings.IndexByte(blanks, rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &Error{Code: "S0106", Position: l.at}
			}
			l.at += 2 + end + 2
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) operator() token {
	rest := l.source[l.at:]
	for _, long := range [...]string{"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"} {
		if strings.HasPrefix(rest, long) {
			l.at += 2
			return token{kind: kindOperator, text: long, position: l.at}
		}
	}
	l.at++
	return token{kind: kindOperator, text: rest[:1], position: l.at}
}

func (l *lexer) quoted(quote byte) (token, error) {
	l.at++
	start := l.at
	for l.at < len(l.source) && l.source[l.at] != quote && l.source[l.at] != '\\' {
		l.at++
	}
	if l.at < len(l.source) && l.source[l.at] == quote {
		l.at++
		return token{kind: kindString, value: l.source[start : l.at-1], position: l.at}, nil
	}
	text := append([]byte(nil), l.source[start:l.at]...)
	for l.at < len(l.source) {
		switch c := l.source[l.at]; c {
		case quote:
			l.at++
			return token{kind: kindString, value: string(text), position: l.at}, nil
		case '\\':
			l.at++
			var err error
			if text, err = l.escape(text); err != nil {
				return token{}, err
			}
		default:
			text = append(text, c)
			l.at++
		}
	}
	return token{}, &Error{Code: "S0101", Position: l.at}
}

// escape reads what follows a backslash.
func (l *lexer) escape(text []byte) ([]byte, error) {
	if l.at >= len(l.source) {
		return nil, &Error{Code: "S0103", Position: l.at}
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(from, l.source[l.at]); i >= 0 {
		l.at++
		return append(text, to[i]), nil
	}
	if l.source[l.at] != 'u' {
		r, n := utf8.DecodeRuneInString(l.source[l.at:])
		return nil, &Error{Code: "S0103", Position: l.at, Token: string(r), Value: l.source[l.at : l.at+n]}
	}
	unit, ok := l.hex(l.at + 1)
	if !ok {
		return nil, &Error{Code: "S0104", Position: l.at}
	}
	l.at += 5
	if !utf16.IsSurrogate(unit) {
		return utf8.AppendRune(text, unit), nil
	}
	if strings.HasPrefix(l.source[l.at:], `\u`) {
		if low, ok := l.hex(l.at + 2); ok {
			if pair := utf16.DecodeRune(unit, low); pair != utf8.RuneError {
				l.at += 6
				return utf8.AppendRune(text, pair), nil
			}
		}
	}
	// Half of a pair has no UTF-8. Its bytes are written as if it had, so that encodeUrl can refuse it.
	return append(text, 0xe0|byte(unit>>12), 0x80|byte(unit>>6&0x3f), 0x80|byte(unit&0x3f)), nil
}

func (l *lexer) hex(at int) (rune, bool) {
	if at+4 > len(l.source) {
		return 0, false
	}
	n, err := strconv.ParseUint(l.source[at:at+4], 16, 16)
	return rune(n), err == nil
}

// number reads a JSON number without sign.
func (l *lexer) number() (token, error) {
	start := l.at
	if l.source[l.at] == '0' {
		l.at++
	} else {
		l.digits()
	}
	if mark := l.at; mark < len(l.source) && l.source[mark] == '.' {
		l.at++
		if l.digits() == 0 {
			l.at = mark
		}
	}
	if mark := l.at; mark < len(l.source) && (l.source[mark] == 'e' || l.source[mark] == 'E') {
		l.at++
		if l.at < len(l.source) && (l.source[l.at] == '+' || l.source[l.at] == '-') {
			l.at++
		}
		if l.digits() == 0 {
			l.at = mark
		}
	}
	text := l.source[start:l.at]
	f, _ := strconv.ParseFloat(text, 64)
	if math.IsInf(f, 0) {
		return token{}, &Error{Code: "S0102", Position: start, Token: text}
	}
	return token{kind: kindNumber, value: boxed(f), text: text, position: l.at}, nil
}

func (l *lexer) digits() int {
	start := l.at
	for l.at < len(l.source) && l.source[l.at] >= '0' && l.source[l.at] <= '9' {
		l.at++
	}
	return l.at - start
}

func (l *lexer) backquoted() (token, error) {
	end := strings.IndexByte(l.source[l.at+1:], '`')
	if end < 0 {
		return token{}, &Error{Code: "S0105", Position: len(l.source)}
	}
	name := l.source[l.at+1 : l.at+1+end]
	l.at += end + 2
	return token{kind: kindName, text: name, position: l.at}, nil
}

func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.source) && strings.IndexByte(wordEnd, l.source[l.at]) < 0 {
		l.at++
	}
	word := l.source[start:l.at]
	t := token{kind: kindName, text: word, position: l.at}
	if word[0] == '$' {
		t.kind, t.text = kindVariable, word[1:]
		return t
	}
	switch word {
	case "and", "or", "in":
		t.kind = kindOperator
	case "true", "false":
		t.kind, t.value = kindValue, word == "true"
	case "null":
		t.kind = kindValue
	}
	return t
}

// regexp reads a regular expression behind its first slash, up to a slash that is neither escaped nor in brackets.
func (l *lexer) regexp() (token, error) {
	start, depth := l.at, 0
	for ; l.at < len(l.source); l.at++ {
		escaped := strings.HasSuffix(l.source[:l.at], `\`)
		switch c := l.source[l.at]; {
		case c == '/' && depth == 0 && !l.escapedAt(l.at):
			return l.regexpFlags(l.source[start:l.at])
		case (c == '(' || c == '[' || c == '{') && !escaped:
			depth++
		case (c == ')' || c == ']' || c == '}') && !escaped:
			depth--
		}
	}
	return token{}, &Error{Code: "S0302", Position: l.at}
}

// escapedAt tells whether an odd number of backslashes stands before a place.
func (l *lexer) escapedAt(at int) bool {
	n := 0
	for at > n && l.source[at-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

func (l *lexer) regexpFlags(text string) (token, error) {
	if text == "" {
		return token{}, &Error{Code: "S0301", Position: l.at}
	}
	l.at++
	flags := l.at
	for l.at < len(l.source) && (l.source[l.at] == 'i' || l.source[l.at] == 'm') {
		l.at++
	}
	p, err := compilePattern(text, l.source[flags:l.at])
	if err != nil {
		return token{}, &Error{Code: "U1002", Position: l.at, Token: text, Value: err.Error()}
	}
	return token{kind: kindRegexp, value: p, text: text, position: l.at}, nil
}
