package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

const (
	// MinLength is the shortest value that is masked. A value of one or two bytes
	// is guessed in no time, stands in any text by chance, and a mask at each of
	// these places would show what it is and make the text unreadable.
	MinLength = 3
	// minPart is the shortest line of a value, or piece of its base64, that is
	// masked by itself: shorter ones ("}", "EOF") are in ordinary text.
	minPart = 8
	// maxPattern bounds a single pattern, and so what a stream holds back. Longer
	// values are cut into pieces, whose masks flow together.
	maxPattern = 4096
)

// Maskable reports whether a value is replaced at all: not when it is shorter than
// MinLength, or one of the words that a program prints anyway, whose mask would
// only tell that they are the value.
func Maskable(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "null", "none", "yes":
		return false
	}
	return len(value) >= MinLength && strings.TrimSpace(value) != ""
}

// forms gives the patterns that stand for a value: itself, its lines, and how
// JSON, URLs and base64 write it.
func forms(value string) []string {
	if !Maskable(value) {
		return nil
	}
	list := patternList{seen: map[string]bool{}}
	list.add(value)
	trimmed := strings.TrimSpace(value)
	if Maskable(trimmed) {
		list.add(trimmed)
	}
	list.encodings(value)
	list.encodings(trimmed)
	if strings.ContainsAny(trimmed, "\n\r") {
		list.lines(trimmed)
	}
	return list.out
}

type patternList struct {
	seen map[string]bool
	out  []string
}

func (l *patternList) add(p string) {
	whole := p
	for len(p) > maxPattern {
		l.addOne(p[:maxPattern])
		p = p[maxPattern:]
	}
	if len(whole) > maxPattern {
		p = whole[len(whole)-maxPattern:] // not a rest of a few bytes, which would be found anywhere
	}
	l.addOne(p)
}

func (l *patternList) addOne(p string) {
	if len(p) >= MinLength && !l.seen[p] {
		l.seen[p] = true
		l.out = append(l.out, p)
	}
}

func (l *patternList) encodings(v string) {
	if !Maskable(v) {
		return
	}
	if b, err := json.Marshal(v); err == nil {
		l.add(string(b[1 : len(b)-1]))
	}
	var plain strings.Builder
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err == nil {
		s := strings.TrimSuffix(plain.String(), "\n")
		l.add(s[1 : len(s)-1])
	}
	l.add(url.QueryEscape(v))
	l.add(url.PathEscape(v))
	l.base64(v)
}

// base64 adds what of the value's base64 does not depend on its neighbours, for
// each of the three ways it can lie in a longer encoded text (user:password).
func (l *patternList) base64(v string) {
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		whole := enc.EncodeToString([]byte(v))
		if len(whole) >= minPart {
			l.add(whole)
		}
		for offset := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", offset) + v))
			first := (offset*8 + 5) / 6       // the first letter that is all the value's
			last := (offset + len(v)) * 8 / 6 // letters from here on mix with what follows
			if core := text[first:last]; len(core) >= minPart {
				l.add(core)
			}
		}
	}
}

// lines adds each line, since logs indent and cut them. The armour of PEM says
// nothing.
func (l *patternList) lines(v string) {
	for line := range strings.Lines(v) {
		line = strings.TrimSpace(line)
		if len(line) >= minPart && !strings.HasPrefix(line, "-----") {
			l.add(line)
		}
	}
}
