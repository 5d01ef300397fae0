package python

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// maxWidth bounds widths and precisions in formats.
const maxWidth = 1 << 20

// Percent is "text" % args.
func Percent(format string, arg any) (string, error) {
	p := percent{format: format, rest: format}
	if t, ok := arg.(*value.List); ok && t.Tuple {
		p.args, p.tuple = t.Items, true
	} else {
		p.args = []any{arg}
	}
	p.dict, _ = arg.(*value.Dict)
	for p.rest != "" {
		i := strings.IndexByte(p.rest, '%')
		if i < 0 {
			p.out.WriteString(p.rest)
			break
		}
		p.out.WriteString(p.rest[:i])
		p.rest = p.rest[i+1:]
		if err := p.one(); err != nil {
			return "", err
		}
		if p.out.Len() > MaxText {
			return "", &ErrTooLarge{"the text"}
		}
	}
	if p.used < len(p.args) && p.dict == nil {
		if _, list := arg.(*value.List); p.tuple || !list {
			return "", errorf("not all arguments converted during string formatting")
		}
	}
	return p.out.String(), nil
}

// errCharacter is a conversion that there is not.
var errCharacter = errors.New("unsupported format character")

type percent struct {
	format string
	rest   string
	out    strings.Builder
	args   []any
	used   int
	tuple  bool
	dict   *value.Dict
}

func (p *percent) next() (any, error) {
	if p.used >= len(p.args) {
		return nil, errorf("not enough arguments for format string")
	}
	p.used++
	return p.args[p.used-1], nil
}

// one reads one conversion, such as %-05.2f or %(name)s.
func (p *percent) one() error {
	var arg any
	var err error
	keyed := false
	if strings.HasPrefix(p.rest, "(") {
		key, rest, ok := strings.Cut(p.rest[1:], ")")
		if !ok {
			return errorf("incomplete format key")
		}
		if p.dict == nil {
			return errorf("format requires a mapping")
		}
		if arg, ok = p.dict.Get(key); !ok {
			return keyError(key)
		}
		p.rest, keyed = rest, true
	}
	f := spec2{precision: -1, align: '>'}
	for p.rest != "" && strings.IndexByte("#0- +", p.rest[0]) >= 0 {
		f.flag(p.rest[0])
		p.rest = p.rest[1:]
	}
	if f.width, err = p.count(); err != nil {
		return err
	}
	if strings.HasPrefix(p.rest, ".") {
		p.rest = p.rest[1:]
		if f.precision, err = p.count(); err != nil {
			return err
		}
	}
	p.rest = strings.TrimLeft(p.rest, "hlL")
	if p.rest == "" {
		return errorf("incomplete format")
	}
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	if r == '%' {
		p.out.WriteByte('%')
		return nil
	}
	if !keyed {
		if arg, err = p.next(); err != nil {
			return err
		}
	}
	text, err := f.percent(r, arg)
	if err == errCharacter {
		err = errorf("unsupported format character '%c' (0x%x) at index %d", r, r, utf8.RuneCountInString(p.format)-utf8.RuneCountInString(p.rest)-1)
	}
	p.out.WriteString(text)
	return err
}

func (p *percent) count() (int, error) {
	if strings.HasPrefix(p.rest, "*") {
		p.rest = p.rest[1:]
		v, err := p.next()
		if err != nil {
			return 0, err
		}
		n, ok := v.(int64)
		if !ok {
			return 0, errorf("* wants int")
		}
		if n < 0 || n > maxWidth {
			return 0, &ErrTooLarge{"the width"}
		}
		return int(n), nil
	}
	n := 0
	for p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9' {
		if n = n*10 + int(p.rest[0]-'0'); n > maxWidth {
			return 0, &ErrTooLarge{"the width"}
		}
		p.rest = p.rest[1:]
	}
	return n, nil
}

// spec2 is how a value is formatted, in %-formatting and in format().
type spec2 struct {
	fill      string
	align     byte // < > ^ =, 0 if not given
	sign      byte
	alternate bool
	zero      bool
	width     int
	group     byte
	precision int
	kind      rune
}

func (f *spec2) flag(c byte) {
	switch c {
	case '-':
		f.align = '<'
	case '0':
		f.zero = true
	case '#':
		f.alternate = true
	case '+':
		f.sign = '+'
	case ' ':
		if f.sign == 0 {
			f.sign = ' '
		}
	}
}

// percent formats one value of %-formatting.
func (f *spec2) percent(kind rune, v any) (string, error) {
	switch {
	case f.align == '<':
		f.zero = false
	case f.zero:
		f.align = '='
	}
	switch kind {
	case 's', 'r', 'a':
		text := value.String(v)
		if kind != 's' {
			text = value.Repr(v)
		}
		if f.zero = false; f.align == '=' {
			f.align = '>'
		}
		return f.pad("", f.cut(text))
	case 'c':
		if i, ok := v.(int64); ok {
			v = string(rune(i))
		}
		text, ok := v.(string)
		if !ok || utf8.RuneCountInString(text) != 1 {
			return "", errorf("%%c requires int or char")
		}
		return f.pad("", text)
	case 'd', 'i', 'u':
		_, x, whole, ok := number(v)
		if !ok {
			return "", errorf("%%%c format: a real number is required, not %s", kind, name(v))
		}
		if !whole {
			if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > math.MaxInt64 {
				return "", errorf("cannot convert float %s to integer", value.Float(x))
			}
			v = int64(x)
		}
		f.kind = 'd'
		return f.integer(v)
	case 'x', 'X', 'o':
		if _, _, whole, _ := number(v); !whole {
			return "", errorf("%%%c format: an integer is required, not %s", kind, name(v))
		}
		f.kind = kind
		return f.integer(v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		_, x, _, ok := number(v)
		if !ok {
			return "", errorf("must be real number, not %s", name(v))
		}
		f.kind = kind
		return f.float(x)
	}
	return "", errCharacter
}

func (f *spec2) cut(s string) string {
	if f.precision >= 0 && utf8.RuneCountInString(s) > f.precision {
		return cut(s, 0, f.precision)
	}
	return s
}

// pad brings a sign and a text to the width.
func (f *spec2) pad(sign, s string) (string, error) {
	fill, align := f.fill, f.align
	if fill == "" {
		fill = " "
	}
	if f.zero {
		if align == 0 {
			align = '='
		}
		if f.fill == "" {
			fill = "0"
		}
	}
	n := f.width - utf8.RuneCountInString(sign) - utf8.RuneCountInString(s)
	if n <= 0 {
		return sign + s, nil
	}
	switch align {
	case '=':
		return sign + strings.Repeat(fill, n) + s, nil
	case '<':
		return sign + s + strings.Repeat(fill, n), nil
	case '^':
		return strings.Repeat(fill, n/2) + sign + s + strings.Repeat(fill, n-n/2), nil
	default:
		return strings.Repeat(fill, n) + sign + s, nil
	}
}

func (f *spec2) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case f.sign == '+' || f.sign == ' ':
		return string(f.sign)
	}
	return ""
}

func (f *spec2) integer(v any) (string, error) {
	i, _, _, _ := number(v)
	u := uint64(i)
	if i < 0 {
		u = -u
	}
	sign := f.signOf(i < 0)
	base, prefix := 10, ""
	switch f.kind {
	case 'x', 'X':
		base, prefix = 16, "0x"
	case 'o':
		base, prefix = 8, "0o"
	case 'b':
		base, prefix = 2, "0b"
	}
	text := strconv.FormatUint(u, base)
	if f.precision > len(text) {
		text = strings.Repeat("0", f.precision-len(text)) + text
	}
	if f.group != 0 {
		every := 3
		if base != 10 {
			every = 4
		}
		text = grouped(text, every, f.group)
	}
	if f.alternate {
		sign += prefix
	}
	if f.kind == 'X' {
		sign, text = strings.ToUpper(sign), strings.ToUpper(text)
	}
	return f.pad(sign, text)
}

func grouped(digits string, every int, by byte) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%every == 0 {
			b.WriteByte(by)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

func (f *spec2) float(x float64) (string, error) {
	sign := f.signOf(math.Signbit(x) && !math.IsNaN(x))
	precision := f.precision
	kind := f.kind
	percent := kind == '%'
	if percent {
		x, kind = x*100, 'f'
	}
	if precision < 0 && kind != 0 {
		precision = 6
	}
	var text string
	lower := kind | 0x20
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		text = strings.TrimPrefix(value.Float(x), "-")
		f.zero = false
	case kind == 0 && precision < 0:
		text = value.Float(math.Abs(x))
	case kind == 0 || lower == 'g':
		text = general(math.Abs(x), max(precision, 1), kind == 0, f.alternate)
	default:
		text = strconv.FormatFloat(math.Abs(x), byte(lower), precision, 64)
	}
	if f.group != 0 {
		whole, rest, point := strings.Cut(text, ".")
		text = grouped(whole, 3, f.group)
		if point {
			text += "." + rest
		}
	}
	if kind >= 'A' && kind <= 'Z' {
		text = strings.ToUpper(text)
	}
	if percent {
		text += "%"
	}
	return f.pad(sign, text)
}

// general is the format g: significant digits, with an exponent for very large and small
// numbers.
func general(x float64, precision int, point, keep bool) string {
	e := strconv.FormatFloat(x, 'e', precision-1, 64)
	exponent, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	limit := precision
	if point { // the format without a type goes over to exponents one digit earlier
		limit--
	}
	if exponent < -4 || exponent >= limit && (exponent >= precision || point) {
		mantissa, exp, _ := strings.Cut(e, "e")
		if strings.Contains(mantissa, ".") && !keep {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + "e" + exp
	}
	text := strconv.FormatFloat(x, 'f', max(precision-1-exponent, 0), 64)
	if strings.Contains(text, ".") && !keep {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if point && !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// Format is format(v, spec).
func Format(v any, text string) (string, error) {
	if t, ok := v.(*value.Time); ok && text != "" {
		return Strftime(t, text), nil
	}
	if text == "" {
		return value.String(v), nil
	}
	f, err := parseSpec(text)
	if err != nil {
		return "", err
	}
	_, x, whole, isNumber := number(v)
	switch {
	case !isNumber:
		s, ok := v.(string)
		if !ok {
			return "", errorf("unsupported format string passed to %s.__format__", name(v))
		}
		return f.text(s)
	case strings.ContainsRune("eEfFgG%", f.kind):
		return f.float(x)
	case !whole && f.kind == 0:
		return f.float(x)
	case whole && f.kind == 'c':
		i, _, _, _ := number(v)
		return f.pad("", string(rune(i)))
	case whole && strings.ContainsRune("bdoxXn", f.kind) || whole && f.kind == 0:
		if f.precision >= 0 {
			return "", errorf("Precision not allowed in integer format specifier")
		}
		return f.integer(v)
	}
	return "", errorf("Unknown format code '%c' for object of type '%s'", f.kind, name(v))
}

func (f *spec2) text(s string) (string, error) {
	switch {
	case f.kind != 0 && f.kind != 's':
		return "", errorf("Unknown format code '%c' for object of type 'str'", f.kind)
	case f.sign != 0:
		return "", errorf("Sign not allowed in string format specifier")
	case f.align == '=':
		return "", errorf("'=' alignment not allowed in string format specifier")
	}
	if f.zero && f.fill == "" {
		f.fill = "0"
	}
	f.zero = false
	if f.align == 0 {
		f.align = '<'
	}
	return f.pad("", f.cut(s))
}

// parseSpec reads [[fill]align][sign][z][#][0][width][,_][.precision][type].
func parseSpec(s string) (*spec2, error) {
	f := &spec2{precision: -1}
	_, n := utf8.DecodeRuneInString(s)
	switch {
	case len(s) > n && strings.IndexByte("<>=^", s[n]) >= 0:
		f.fill, f.align, s = s[:n], s[n], s[n+1:]
	case strings.IndexByte("<>=^", s[0]) >= 0:
		f.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	f.sign = take("+- ")
	f.alternate = take("#") != 0
	f.zero = take("0") != 0
	digits := func() (int, error) {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi("0" + s[:i])
		if err != nil || n > maxWidth {
			return 0, &ErrTooLarge{"the width"}
		}
		s = s[i:]
		return n, nil
	}
	var err error
	if f.width, err = digits(); err != nil {
		return nil, err
	}
	f.group = take(",_")
	if take(".") != 0 {
		if s == "" || s[0] < '0' || s[0] > '9' {
			return nil, errorf("Format specifier missing precision")
		}
		if f.precision, err = digits(); err != nil {
			return nil, err
		}
	}
	if s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if f.kind = r; len(s) > n {
			return nil, errorf("Invalid format specifier")
		}
	}
	return f, nil
}

// FormatText is "text".format(*args, **kwargs).
func FormatText(format string, pos []any, named []Kwarg) (string, error) {
	f := formatter{pos: pos, named: named}
	return f.run(format, 0)
}

func formatMethod(on any, a args) (any, error) { return FormatText(on.(string), a.all, a.kw) }

func formatMap(on any, a args) (any, error) {
	d, ok := a.all[0].(*value.Dict)
	if !ok {
		return nil, errorf("'%s' object is not subscriptable", name(a.all[0]))
	}
	var named []Kwarg
	for k, v := range d.All() {
		if s, ok := k.(string); ok {
			named = append(named, Kwarg{s, v})
		}
	}
	return FormatText(on.(string), nil, named)
}

type formatter struct {
	pos   []any
	named []Kwarg
	auto  int
	mode  byte // 'a' fields are numbered by themselves, 'm' by the user
}

func (f *formatter) run(s string, depth int) (string, error) {
	if depth > 2 {
		return "", errorf("Max string recursion exceeded")
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		if s[i] == '}' {
			return "", errorf("Single '}' encountered in format string")
		}
		field, rest, err := cutField(s[i+1:])
		if err != nil {
			return "", err
		}
		s = rest
		text, err := f.field(field, depth)
		if err != nil {
			return "", err
		}
		if b.Len()+len(text) > MaxText {
			return "", &ErrTooLarge{"the text"}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// cutField gives what stands up to the brace that closes a field.
func cutField(s string) (field, rest string, err error) {
	open := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return s[:i], s[i+1:], nil
			}
		}
	}
	if s == "" {
		return "", "", errorf("Single '{' encountered in format string")
	}
	return "", "", errorf("expected '}' before end of string")
}

func (f *formatter) field(field string, depth int) (string, error) {
	expression, spec, _ := strings.Cut(field, ":")
	expression, conversion, converted := strings.Cut(expression, "!")
	v, err := f.value(expression)
	if err != nil {
		return "", err
	}
	if converted {
		switch conversion {
		case "s":
			v = value.String(v)
		case "r", "a":
			v = value.Repr(v)
		default:
			return "", errorf("Unknown conversion specifier %s", conversion)
		}
	}
	if strings.Contains(spec, "{") {
		if spec, err = f.run(spec, depth+1); err != nil {
			return "", err
		}
	}
	return Format(v, spec)
}

// value finds what a field names: an argument, and parts of it.
func (f *formatter) value(expression string) (any, error) {
	end := strings.IndexAny(expression, ".[")
	if end < 0 {
		end = len(expression)
	}
	v, err := f.argument(expression[:end])
	for rest := expression[end:]; err == nil && rest != ""; {
		if rest[0] == '.' {
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			attribute := rest[1 : n+1]
			rest = rest[n+1:]
			a, ok := Attribute(v, attribute)
			if !ok || strings.HasPrefix(attribute, "_") {
				return nil, errorf("'%s' object has no attribute '%s'", name(v), attribute)
			}
			v = a
			continue
		}
		key, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return nil, errorf("Missing ']' in format string")
		}
		rest = after
		var k any = key
		if n, err := strconv.ParseInt(key, 10, 64); err == nil {
			k = n
		}
		var found bool
		if v, found, err = Item(v, k); err == nil && !found {
			err = keyError(k)
		}
	}
	return v, err
}

func (f *formatter) argument(n string) (any, error) {
	i, err := strconv.Atoi(n)
	numbered := err == nil
	if n == "" {
		if f.mode == 'm' {
			return nil, errorf("cannot switch from manual field specification to automatic field numbering")
		}
		f.mode, i, numbered = 'a', f.auto, true
		f.auto++
	} else if numbered {
		if f.mode == 'a' {
			return nil, errorf("cannot switch from automatic field numbering to manual field specification")
		}
		f.mode = 'm'
	}
	if numbered {
		if i < 0 || i >= len(f.pos) {
			return nil, errorf("Replacement index %d out of range for positional args tuple", i)
		}
		return f.pos[i], nil
	}
	for _, k := range f.named {
		if k.Name == n {
			return k.Value, nil
		}
	}
	return nil, keyError(n)
}
