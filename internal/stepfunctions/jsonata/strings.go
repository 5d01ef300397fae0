package jsonata

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"tutti/internal/stepfunctions/data"
)

// The functions on strings. Every one of them gives undefined for an undefined string.

func stringOf(r *run, args []any) (any, error) {
	if isUndefined(args[0]) {
		return Undefined, nil
	}
	pretty, _ := args[1].(bool)
	return result(r.text(args[0], pretty))
}

// result makes the two results of a function two results of another type.
func result[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func length(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	return boxed(float64(utf8.RuneCountInString(s))), r.read(len(s))
}

func substring(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.read(len(s)); err != nil {
		return nil, err
	}
	start, given := number(args[1])
	total := float64(utf8.RuneCountInString(s))
	if total+start < 0 {
		start = 0
	}
	end := math.Inf(1)
	if n, ok := number(args[2]); ok {
		if n <= 0 || !given {
			return "", nil
		}
		end = start + n
		if start < 0 {
			end += total
		}
	}
	return sliceRunes(s, sliceIndex(start, total), sliceIndex(end, total)), nil
}

// sliceIndex turns an index into one between 0 and the length; a negative one counts from the end.
func sliceIndex(f, length float64) int {
	f = math.Trunc(f)
	if f < 0 {
		f += length
	}
	return int(max(0, min(f, length)))
}

// sliceRunes gives the code points from one index to another.
func sliceRunes(s string, from, to int) string {
	if from >= to {
		return ""
	}
	if len(s) == utf8.RuneCountInString(s) {
		return s[from:to]
	}
	start, n := len(s), 0
	for i := range s {
		if n == from {
			start = i
		}
		if n == to {
			return s[start:i]
		}
		n++
	}
	return s[start:]
}

func substringBefore(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	separator, ok := args[1].(string)
	if !ok {
		return s, nil
	}
	before, _, _ := strings.Cut(s, separator)
	return before, r.read(len(s))
}

func substringAfter(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	separator, ok := args[1].(string)
	if !ok {
		return s, nil
	}
	if _, after, found := strings.Cut(s, separator); found {
		s = after
	}
	return s, r.read(len(s))
}

func uppercase(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	return upper(s), r.chargeText(len(s))
}

// upper maps to upper case with those characters that become several.
func upper(s string) string {
	return strings.ToUpper(severalUpper.Replace(s))
}

var severalUpper = strings.NewReplacer("ß", "SS", "ŉ", "ʼN", "ǰ", "J̌", "և", "ԵՒ", "ẖ", "H̱", "ẗ", "T̈", "ẘ", "W̊", "ẙ", "Y̊",
	"ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ﬅ", "ST", "ﬆ", "ST")

func lowercase(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	return lower(s), r.chargeText(len(s))
}

// lower maps to lower case; a sigma that ends a word has a form of its own.
func lower(s string) string {
	low := strings.ToLower(strings.ReplaceAll(s, "İ", "i̇"))
	if !strings.Contains(s, "Σ") {
		return low
	}
	return finalSigma(s, low)
}

// finalSigma corrects the capital sigmas of s in low, which has as many runes where there is no İ.
func finalSigma(s, low string) string {
	from, to := []rune(strings.ReplaceAll(s, "İ", "i̇")), []rune(low)
	for i, c := range from {
		if c == 'Σ' && i > 0 && isLetter(from[i-1]) && (i+1 == len(from) || !isLetter(from[i+1])) {
			to[i] = 'ς'
		}
	}
	return string(to)
}

func isLetter(c rune) bool {
	s := string(c)
	return strings.ToLower(s) != strings.ToUpper(s)
}

func trim(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	isBlank := func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
	return strings.Join(strings.FieldsFunc(s, isBlank), " "), r.chargeText(len(s))
}

func pad(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	width, _ := number(args[1])
	filler, _ := args[2].(string)
	if filler == "" {
		filler = " "
	}
	if err := r.read(len(s)); err != nil {
		return nil, err
	}
	width = math.Trunc(width)
	lacking := math.Abs(width) - float64(utf8.RuneCountInString(s))
	if !(lacking > 0) {
		return s, nil
	}
	each := utf8.RuneCountInString(filler)
	if size := lacking / float64(each) * float64(len(filler)); size > math.MaxInt32 {
		return nil, r.charge(math.MaxInt)
	} else if err := r.chargeText(int(size) + len(filler) + len(s)); err != nil {
		return nil, err
	}
	n := int(lacking)
	padding := sliceRunes(strings.Repeat(filler, (n+each-1)/each), 0, n)
	if width > 0 {
		return s + padding, nil
	}
	return padding + s, nil
}

func contains(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok || isUndefined(args[1]) {
		return Undefined, nil
	}
	if part, ok := args[1].(string); ok {
		return strings.Contains(s, part), r.read(len(s))
	}
	m, err := r.matches(args[1].(function), s).next()
	if err != nil {
		return nil, err
	}
	return m != nil, nil
}

// limit reads an argument that bounds a number of matches; there is none if it is undefined.
func limit(v any, code string) (n float64, err error) {
	n, ok := number(v)
	switch {
	case !ok:
		return math.Inf(1), nil
	case n < 0:
		return 0, &Error{Code: code, Value: v}
	}
	return n, nil
}

func split(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	most, err := limit(args[2], "D3020")
	if err != nil {
		return nil, err
	}
	parts := []any{}
	switch separator := args[1].(type) {
	case string:
		// A limit cuts off the rest, and a fraction of one.
		for _, part := range strings.Split(s, separator) {
			if float64(len(parts)+1) > most {
				break
			}
			parts = append(parts, part)
		}
	case function:
		if most > 0 {
			parts, err = r.splitBy(separator, s, most)
		}
	default:
		parts = append(parts, s)
	}
	if err != nil {
		return nil, err
	}
	if err := r.chargeList(len(parts)); err != nil {
		return nil, err
	}
	return parts, r.read(len(s))
}

func (r *run) splitBy(separator function, s string, most float64) ([]any, error) {
	parts := []any{}
	all := r.matches(separator, s)
	start := 0
	m, err := all.next()
	for ; m != nil && err == nil && float64(len(parts)) < most; m, err = all.next() {
		parts = append(parts, s[min(start, m.start):m.start])
		start = m.end
	}
	if err == nil && float64(len(parts)) < most {
		parts = append(parts, s[start:])
	}
	return parts, err
}

func join(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	separator, _ := args[1].(string)
	size := len(separator) * max(0, len(items)-1)
	for _, item := range items {
		size += len(item.(string))
	}
	if err := r.chargeText(size + len(items)); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.Grow(size)
	for i, item := range items {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(item.(string))
	}
	return b.String(), nil
}

func matchAll(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	most, err := limit(args[2], "D3040")
	if err != nil {
		return nil, err
	}
	out := sequenceOf()
	if most == 0 {
		return out, nil
	}
	at, units := 0, 0
	all := r.matches(args[1].(function), s)
	m, err := all.next()
	for ; m != nil && err == nil && float64(len(out.items)) < most; m, err = all.next() {
		if m.start < at {
			at, units = 0, 0
		}
		units += utf16Offset(s[at:], m.start-at)
		at = m.start
		r.built++
		if err := r.charge(sizeObject + 3*sizeMember + m.groups()*sizeItem); err != nil {
			return nil, err
		}
		out.items = append(out.items, data.ObjectOf(
			data.Member{Key: "match", Value: m.text},
			data.Member{Key: "index", Value: boxed(float64(units))},
			data.Member{Key: "groups", Value: m.values(r)},
		))
	}
	return out, err
}

func replace(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	if args[1] == "" {
		return nil, &Error{Code: "D3010", Value: args[1]}
	}
	most, err := limit(args[3], "D3011")
	if err != nil {
		return nil, err
	}
	if most == 0 {
		return s, nil
	}
	switch p := args[1].(type) {
	case string:
		return r.replaceText(s, p, args[2], most)
	case function:
		return r.replaceMatches(s, p, args[2], most)
	}
	return s, nil
}

func (r *run) replaceText(s, old string, by any, most float64) (any, error) {
	text, ok := by.(string)
	if !ok {
		return nil, &Error{Code: "D3012", Value: by}
	}
	n := float64(strings.Count(s, old))
	n = math.Ceil(min(n, most))
	if err := r.chargeText(max(0, len(s)+int(n)*(len(text)-len(old)))); err != nil {
		return nil, err
	}
	return strings.Replace(s, old, text, int(n)), r.read(len(s))
}

func (r *run) replaceMatches(s string, pattern function, by any, most float64) (any, error) {
	out := make([]byte, 0, len(s)+16)
	position, count, paid := 0, 0.0, 0
	all := r.matches(pattern, s)
	m, err := all.next()
	for ; m != nil && err == nil && count < most; m, err = all.next() {
		out = append(out, s[min(position, m.start):m.start]...)
		if out, err = all.appendReplacement(out, m, by); err != nil {
			return nil, err
		}
		position = min(m.start+len(m.text), len(s))
		count++
		if err := r.chargeText(len(out) - paid); err != nil {
			return nil, err
		}
		paid = len(out)
	}
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return s, nil
	}
	return string(append(out, s[position:]...)), r.chargeText(len(s) - position)
}

func (s *matches) appendReplacement(out []byte, m *match, by any) ([]byte, error) {
	if text, ok := by.(string); ok {
		return m.expand(out, text), nil
	}
	f, ok := by.(function)
	if !ok {
		return nil, &Error{Code: "D3012", Value: by}
	}
	object, err := s.object(m)
	if err != nil {
		return nil, err
	}
	v, err := s.r.callback(f, []any{object})
	if err != nil {
		return nil, err
	}
	text, ok := v.(string)
	if !ok {
		return nil, &Error{Code: "D3012", Value: v}
	}
	return append(out, text...), nil
}

// expand writes a replacement in which $0 stands for the match and $1, $2, ... for its groups.
func (m *match) expand(out []byte, text string) []byte {
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			return append(out, text...)
		}
		out = append(out, text[:i]...)
		text = text[i+1:]
		switch {
		case strings.HasPrefix(text, "$"):
			out, text = append(out, '$'), text[1:]
		case strings.HasPrefix(text, "0"):
			out, text = append(out, m.text...), text[1:]
		default:
			n, width := groupNumber(text, m.groups())
			if width == 0 {
				out = append(out, '$')
				continue
			}
			if n >= 1 && n <= m.groups() {
				out = append(out, m.group(n)...)
			}
			text = text[width:]
		}
	}
}

// groupNumber reads the number of a group, with as many digits as that of the last group has, or one less if the
// number is too large.
func groupNumber(text string, groups int) (n, width int) {
	most := len(strconv.Itoa(max(groups, 1)))
	for ; most > 0; most-- {
		digits := 0
		for digits < most && digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
			digits++
		}
		if digits == 0 {
			return 0, 0
		}
		n, _ = strconv.Atoi(text[:digits])
		if n <= groups || most == 1 || digits < most {
			return n, len(strconv.Itoa(n))
		}
	}
	return 0, 0
}

func base64encode(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	// One byte for each UTF-16 unit, as btoa has it.
	units := make([]byte, 0, len(s))
	for _, c := range s {
		if c > 0xffff {
			units = append(units, byte((c-0x10000)>>10), byte(c))
		} else {
			units = append(units, byte(c))
		}
	}
	return base64.StdEncoding.EncodeToString(units), r.chargeText(len(s) * 2)
}

func base64decode(r *run, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	// Like Node's decoder: both alphabets, no padding needed, the rest is passed over.
	clean := strings.Map(func(c rune) rune {
		switch {
		case c == '-':
			return '+'
		case c == '_':
			return '/'
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '+', c == '/':
			return c
		}
		return -1
	}, strings.SplitN(s, "=", 2)[0])
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	bytes, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil {
		panic("jsonata: invariant broken: only the base64 alphabet is left: " + err.Error())
	}
	text := make([]rune, len(bytes))
	for i, b := range bytes {
		text[i] = rune(b)
	}
	return string(text), r.chargeText(len(s) * 2)
}

// What the URL functions leave as it is, beside letters and digits (ECMAScript, URI handling functions).
const (
	urlMarks    = "-_.!~*'()"
	urlReserved = ";/?:@&=+$,#"
)

func encodeURLComponent(r *run, args []any) (any, error) {
	return r.encodeURL(args[0], urlMarks, "encodeUrlComponent")
}

func encodeURL(r *run, args []any) (any, error) {
	return r.encodeURL(args[0], urlMarks+urlReserved, "encodeUrl")
}

func (r *run) encodeURL(v any, keep, name string) (any, error) {
	s, ok := v.(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeText(len(s) * 3); err != nil {
		return nil, err
	}
	if !utf8.ValidString(s) {
		return nil, &Error{Code: "D3140", Value: s, Token: name}
	}
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(keep, c) >= 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out), nil
}

func decodeURLComponent(r *run, args []any) (any, error) {
	return r.decodeURL(args[0], "", "decodeUrlComponent")
}

func decodeURL(r *run, args []any) (any, error) {
	return r.decodeURL(args[0], urlReserved, "decodeUrl")
}

// decodeURL decodes %XX, except where that stands for a character of keep.
func (r *run) decodeURL(v any, keep, name string) (any, error) {
	s, ok := v.(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeText(len(s)); err != nil {
		return nil, err
	}
	bad := &Error{Code: "D3140", Value: s, Token: name}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '%' {
			out = append(out, s[i])
			i++
			continue
		}
		var c []byte
		for len(c) == 0 || !utf8.FullRune(c) {
			if i+3 > len(s) || s[i] != '%' {
				return nil, bad
			}
			b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return nil, bad
			}
			c = append(c, byte(b))
			i += 3
		}
		if !utf8.Valid(c) {
			return nil, bad
		}
		if len(c) == 1 && strings.IndexByte(keep, c[0]) >= 0 {
			c = []byte(s[i-3 : i])
		}
		out = append(out, c...)
	}
	return string(out), nil
}
