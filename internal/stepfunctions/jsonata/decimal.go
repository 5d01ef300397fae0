package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// decimalFormat are the characters that a picture of $formatNumber is written with: XPath and XQuery Functions and
// Operators 3.1, section 4.7.1.
type decimalFormat struct {
	point, grouping, exponent, minus, percent, perMille, digit, pattern string

	zero rune
}

func newDecimalFormat(options *data.Object) decimalFormat {
	get := func(key, otherwise string) string {
		if v, ok := options.Get(key); ok {
			if s, ok := v.(string); ok {
				return s
			}
		}
		return otherwise
	}
	f := decimalFormat{
		point: get("decimal-separator", "."), grouping: get("grouping-separator", ","), exponent: get("exponent-separator", "e"),
		minus: get("minus-sign", "-"), percent: get("percent", "%"), perMille: get("per-mille", "‰"), digit: get("digit", "#"),
		pattern: get("pattern-separator", ";"), zero: '0',
	}
	for _, c := range get("zero-digit", "0") {
		f.zero = c
		break
	}
	return f
}

func (f *decimalFormat) isDigit(c rune) bool { return c >= f.zero && c < f.zero+10 }

func (f *decimalFormat) active(c rune) bool {
	s := string(c)
	return f.isDigit(c) || s == f.point || s == f.exponent || s == f.grouping || s == f.digit || s == f.pattern
}

func (f *decimalFormat) countDigits(text string, optional bool) int {
	n := 0
	for _, c := range text {
		if f.isDigit(c) || optional && string(c) == f.digit {
			n++
		}
	}
	return n
}

// subPicture is a picture for numbers of one sign, taken apart.
type subPicture struct {
	text, prefix, suffix      string
	active, mantissa          string
	whole, fraction, exponent string
	hasExponent               bool
}

func (f *decimalFormat) split(text string) *subPicture {
	p := &subPicture{text: text}
	starts := func(c rune) bool { return f.active(c) && string(c) != f.exponent }
	first, last := strings.IndexFunc(text, starts), strings.LastIndexFunc(text, starts)
	if first >= 0 {
		p.prefix = text[:first]
		_, width := firstRune(text[last:])
		p.suffix = text[last+width:]
	}
	p.active = text[len(p.prefix) : len(text)-len(p.suffix)]
	p.mantissa = p.active
	if at := strings.Index(text[len(p.prefix):], f.exponent); f.exponent != "" && at >= 0 && at+len(p.prefix) <= len(text)-len(p.suffix) {
		// The reference takes the offset in the whole picture for one in its active part.
		at += len(p.prefix)
		p.hasExponent = true
		p.mantissa = p.active[:min(at, len(p.active))]
		p.exponent = p.active[min(at+len(f.exponent), len(p.active)):]
	}
	var hasPoint bool
	if p.whole, p.fraction, hasPoint = strings.Cut(p.mantissa, f.point); !hasPoint {
		p.fraction = p.suffix
	}
	return p
}

func firstRune(text string) (rune, int) {
	for i, c := range text {
		return c, i + len(string(c))
	}
	return 0, 0
}

// check holds a sub-picture to the rules of section 4.7.3. Of several that are broken the last one is told.
func (f *decimalFormat) check(p *subPicture) error {
	several := func(s string) bool { return strings.Count(p.text, s) > 1 }
	has := func(s string) bool { return strings.Contains(p.text, s) }
	code := ""
	rules := [...]struct {
		code   string
		broken bool
	}{
		{"D3081", several(f.point)},
		{"D3082", several(f.percent)},
		{"D3083", several(f.perMille)},
		{"D3084", has(f.percent) && has(f.perMille)},
		{"D3085", f.countDigits(p.mantissa, true) == 0},
		{"D3086", strings.ContainsFunc(p.active, func(c rune) bool { return !f.active(c) })},
		{"D3087", has(f.grouping+f.point) || has(f.point+f.grouping)},
		{"D3088", !has(f.point) && strings.HasSuffix(p.whole, f.grouping)},
		{"D3089", has(f.grouping + f.grouping)},
		{"D3090", f.countDigits(before(p.whole, f.digit), false) > 0},
		{"D3091", f.countDigits(behind(p.fraction, f.digit), false) > 0},
		{"D3092", p.exponent != "" && (has(f.percent) || has(f.perMille))},
		{"D3093", p.hasExponent && (p.exponent == "" || strings.ContainsFunc(p.exponent, func(c rune) bool { return !f.isDigit(c) }))},
	}
	for _, rule := range rules {
		if rule.broken {
			code = rule.code
		}
	}
	if code != "" {
		return &Error{Code: code}
	}
	return nil
}

// before gives what stands before the first mark; nothing if there is no mark.
func before(text, mark string) string {
	if i := strings.Index(text, mark); i >= 0 {
		return text[:i]
	}
	return ""
}

// behind gives what stands behind the last mark; nothing if there is no mark.
func behind(text, mark string) string {
	if i := strings.LastIndex(text, mark); i >= 0 {
		return text[i:]
	}
	return ""
}

// numberPicture is what follows from a sub-picture: section 4.7.4.
type numberPicture struct {
	*subPicture
	interval       int // of grouping separators in the whole part; 0: they stand where wholeGroups says
	wholeGroups    []int
	fractionGroups []int
	minWhole       int // digits
	scaling        int
	minFraction    int
	maxFraction    int
	minExponent    int
}

func (f *decimalFormat) analyse(p *subPicture) *numberPicture {
	n := &numberPicture{subPicture: p}
	n.wholeGroups = f.groups(p.whole, p.whole, false)
	separators := make([]separator, len(n.wholeGroups))
	for i, digits := range n.wholeGroups {
		separators[i].digits = digits
	}
	n.interval = regularInterval(separators)
	n.fractionGroups = f.groups(p.fraction, p.whole, true)
	n.minWhole = f.countDigits(p.whole, false)
	n.scaling = n.minWhole
	n.minFraction = f.countDigits(p.fraction, false)
	n.maxFraction = f.countDigits(p.fraction, true)
	if n.minWhole == 0 && n.maxFraction == 0 {
		if p.hasExponent {
			n.minFraction, n.maxFraction = 1, 1
		} else {
			n.minWhole = 1
		}
	}
	if p.hasExponent && n.minWhole == 0 && strings.Contains(p.whole, f.digit) {
		n.minWhole = 1
	}
	if n.minWhole == 0 && n.minFraction == 0 {
		n.minFraction = 1
	}
	n.minExponent = f.countDigits(p.exponent, false)
	return n
}

// groups gives for each grouping separator the number of digits right of it, or left of it. Behind the first one the
// reference looks for further ones in the whole part, also when it is about the fraction.
func (f *decimalFormat) groups(part, whole string, left bool) []int {
	var positions []int
	at := strings.Index(part, f.grouping)
	for at >= 0 {
		side := part[min(at, len(part)):]
		if left {
			side = part[:min(at, len(part))]
		}
		positions = append(positions, f.countDigits(side, true))
		next := -1
		if at+1 <= len(whole) {
			next = strings.Index(whole[at+1:], f.grouping)
		}
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return positions
}

// digitsOf writes a number with fixed decimal places in the digits of the format, without sign.
func (f *decimalFormat) digitsOf(value float64, places int) []rune {
	value = math.Abs(value)
	text := strconv.FormatFloat(value, 'f', places, 64)
	if value >= 1e21 {
		text = string(data.AppendFloat(nil, value)) // as ECMAScript's toFixed
	}
	digits := []rune(text)
	for i, c := range digits {
		if c >= '0' && c <= '9' {
			digits[i] = c - '0' + f.zero
		}
	}
	return digits
}

// scale splits a number into a mantissa with as many whole digits as the picture has, and a power of ten.
func (n *numberPicture) scale(value float64) (mantissa float64, exponent int) {
	if value == 0 {
		return 0, 0
	}
	most := math.Pow(10, float64(n.scaling))
	least := math.Pow(10, float64(n.scaling-1))
	for math.Abs(value) < least {
		value *= 10
		exponent--
	}
	for math.Abs(value) > most {
		value /= 10
		exponent++
	}
	return value, exponent
}

func (f *decimalFormat) format(value float64, n *numberPicture) string {
	switch {
	case strings.Contains(n.text, f.percent):
		value *= 100
	case strings.Contains(n.text, f.perMille):
		value *= 1000
	}
	exponent := 0
	if n.minExponent > 0 {
		value, exponent = n.scale(value)
	}
	digits := f.trimmed(f.digitsOf(round(value, float64(n.maxFraction)), n.maxFraction))
	point := slices.Index(digits, f.pointRune())
	digits = slices.Insert(digits, 0, slices.Repeat([]rune{f.zero}, max(0, n.minWhole-point))...)
	point = max(point, n.minWhole)
	digits = append(digits, slices.Repeat([]rune{f.zero}, max(0, n.minFraction-(len(digits)-point-1)))...)
	digits = f.group(digits, point, n)
	if point := slices.Index(digits, f.pointRune()); !strings.Contains(n.text, f.point) || point == len(digits)-1 {
		digits = digits[:len(digits)-1]
	}
	text := string(digits)
	if n.minExponent > 0 {
		power := f.digitsOf(float64(exponent), 0)
		text += f.exponent
		if exponent < 0 {
			text += f.minus
		}
		text += strings.Repeat(string(f.zero), max(0, n.minExponent-len(power))) + string(power)
	}
	return n.prefix + text + n.suffix
}

func (f *decimalFormat) pointRune() rune {
	for _, c := range f.point {
		return c
	}
	return '.'
}

// trimmed has a point, and no zeros at the ends.
func (f *decimalFormat) trimmed(digits []rune) []rune {
	if i := slices.Index(digits, '.'); i >= 0 {
		digits[i] = f.pointRune()
	} else {
		digits = append(digits, f.pointRune())
	}
	for digits[0] == f.zero {
		digits = digits[1:]
	}
	for digits[len(digits)-1] == f.zero {
		digits = digits[:len(digits)-1]
	}
	return digits
}

// group inserts the grouping separators. Where a picture wants more of them than there are digits, places are counted
// as the reference does.
func (f *decimalFormat) group(digits []rune, point int, n *numberPicture) []rune {
	separator := []rune(f.grouping)
	insert := func(at int) {
		if at < 0 {
			at = max(0, at+len(digits))
		}
		digits = slices.Insert(digits, min(at, len(digits)), separator...)
	}
	if n.interval > 0 {
		for k := 1; k <= (point-1)/n.interval; k++ {
			insert(point - k*n.interval)
		}
	} else {
		for k, count := range n.wholeGroups {
			insert(point + k - count)
		}
	}
	point = slices.Index(digits, f.pointRune())
	for _, count := range n.fractionGroups {
		insert(point + count + 1)
	}
	return digits
}

func formatNumber(r *run, args []any) (any, error) {
	value, ok := number(args[0])
	if !ok {
		return Undefined, nil
	}
	picture, _ := args[1].(string)
	if len(picture) > maxPicture {
		return nil, limitError("the picture is too long")
	}
	if value-value != 0 {
		return nil, &Error{Code: "D1001", Value: value}
	}
	options, _ := args[2].(*data.Object)
	f := newDecimalFormat(options)
	parts := strings.Split(picture, f.pattern)
	if len(parts) > 2 {
		return nil, &Error{Code: "D3080"}
	}
	var pictures []*numberPicture
	for _, part := range parts {
		p := f.split(part)
		if err := f.check(p); err != nil {
			return nil, err
		}
		pictures = append(pictures, f.analyse(p))
	}
	n := pictures[0]
	if value < 0 && len(pictures) == 2 {
		n = pictures[1]
	} else if value < 0 {
		n.prefix = f.minus + n.prefix
	}
	text := f.format(value, n)
	return text, r.chargeText(len(text) + len(picture))
}
