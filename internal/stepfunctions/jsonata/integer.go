package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tutti/internal/stepfunctions/data"
)

// integerStyle is how an integer is written.
type integerStyle uint8

const (
	styleDecimal integerStyle = iota
	styleLetters
	styleRoman
	styleWords
	styleUnknown
)

// letterCase is how names and words are written.
type letterCase uint8

const (
	caseNone letterCase = iota
	caseLower
	caseUpper
	caseTitle
)

// integerPicture says how an integer is written: XPath and XQuery Functions and Operators 3.1, section 4.6.
type integerPicture struct {
	style      integerStyle
	letters    letterCase
	ordinal    bool
	zero       rune // of the group of digits
	mandatory  int  // digits
	optional   int
	interval   int         // between equal separators; 0: they stand where separators says
	separators []separator // from the right
	width      int         // digits when parsing, if the next part follows without a gap
	token      string
}

// separator stands left of this many digits.
type separator struct {
	digits int
	char   rune
}

// zeros are the first digits of the decimal groups that a picture may be written in.
var zeros = [...]rune{0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
	0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
	0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

// maxPicture bounds the length of pictures in bytes.
const maxPicture = 4096

func parseIntegerPicture(picture string) (*integerPicture, error) {
	if len(picture) > maxPicture {
		return nil, limitError("the picture is too long")
	}
	p := &integerPicture{letters: caseLower}
	primary := picture
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		primary = picture[:i]
		p.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch primary {
	case "A", "a":
		p.style = styleLetters
	case "I", "i":
		p.style = styleRoman
	case "W", "Ww", "w":
		p.style = styleWords
	default:
		return p, p.digits(primary)
	}
	switch {
	case primary == "Ww":
		p.letters = caseTitle
	case primary < "a":
		p.letters = caseUpper
	}
	return p, nil
}

// digits reads a decimal digit pattern such as #,##0.
func (p *integerPicture) digits(pattern string) error {
	count := 0
	runes := []rune(pattern)
	slices.Reverse(runes)
	for _, c := range runes {
		zero := rune(0)
		for _, z := range zeros {
			if c >= z && c <= z+9 {
				zero = z
			}
		}
		switch {
		case zero != 0 && p.zero != 0 && p.zero != zero:
			return &Error{Code: "D3131"}
		case zero != 0:
			p.zero = zero
			p.mandatory++
			count++
		case c == '#':
			p.optional++
			count++
		default:
			p.separators = append(p.separators, separator{count, c})
		}
	}
	if p.mandatory == 0 {
		p.style, p.token = styleUnknown, pattern
		return nil
	}
	p.interval = regularInterval(p.separators)
	return nil
}

// regularInterval gives the distance of separators that are equal and equally spaced, or 0.
func regularInterval(separators []separator) int {
	if len(separators) == 0 {
		return 0
	}
	interval := 0
	for _, s := range separators {
		if s.char != separators[0].char {
			return 0
		}
		interval = gcd(interval, s.digits)
	}
	for i := range separators {
		wanted := (i + 1) * interval
		if !slices.ContainsFunc(separators, func(s separator) bool { return s.digits == wanted }) {
			return 0
		}
	}
	return interval
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// maxRoman bounds the numbers that are written with Roman numerals, one letter a thousand.
const maxRoman = 1e7

// format writes an integer.
func (p *integerPicture) format(value float64) (string, error) {
	if value-value != 0 || p.style == styleRoman && math.Abs(value) > maxRoman {
		return "", &Error{Code: "D1001", Value: value}
	}
	text := ""
	whole := math.Abs(value)
	switch p.style {
	case styleLetters:
		text = alphabetic(whole)
	case styleRoman:
		text = roman(int(whole))
	case styleWords:
		text = words(whole, false, p.ordinal)
	case styleUnknown:
		return "", &Error{Code: "D3130", Value: p.token}
	default:
		text = p.decimal(whole)
	}
	if p.style != styleDecimal {
		text = p.letters.apply(text)
	}
	if value < 0 {
		text = "-" + text
	}
	return text, nil
}

func (c letterCase) apply(text string) string {
	switch c {
	case caseUpper:
		return strings.ToUpper(text)
	case caseLower:
		return strings.ToLower(text)
	}
	return text
}

func (p *integerPicture) decimal(value float64) string {
	digits := []rune(string(data.AppendFloat(nil, value)))
	for len(digits) < p.mandatory {
		digits = slices.Insert(digits, 0, slices.Repeat([]rune{'0'}, p.mandatory-len(digits))...)
	}
	for i := range digits {
		digits[i] += p.zero - '0'
	}
	if p.interval > 0 {
		for n := (len(digits) - 1) / p.interval; n > 0; n-- {
			digits = slices.Insert(digits, len(digits)-n*p.interval, p.separators[0].char)
		}
	} else {
		for _, s := range slices.Backward(p.separators) {
			at := len(digits) - s.digits
			if at < 0 {
				// Too few digits: the reference counts the place from the other end, and so keeps the end of the text.
				digits = append([]rune{s.char}, digits[max(0, len(digits)+at):]...)
			} else {
				digits = slices.Insert(digits, at, s.char)
			}
		}
	}
	text := string(digits)
	if p.ordinal {
		text += ordinalSuffix(digits)
	}
	return text
}

func ordinalSuffix(digits []rune) string {
	n := len(digits)
	if n > 1 && digits[n-2] == '1' {
		return "th"
	}
	switch digits[n-1] {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

// alphabetic writes 1 as a, 26 as z, 27 as aa.
func alphabetic(value float64) string {
	var letters []byte
	for value > 0 {
		letters = append(letters, 'a'+byte(math.Mod(value-1, 26)))
		value = math.Floor((value - 1) / 26)
	}
	slices.Reverse(letters)
	return string(letters)
}

func roman(value int) string {
	numerals := [...]struct {
		value int
		text  string
	}{{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"},
		{9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}}
	var b strings.Builder
	for _, n := range numerals {
		b.WriteString(strings.Repeat(n.text, value/n.value))
		value %= n.value
	}
	return b.String()
}

var (
	smallWords = [...]string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven",
		"Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"}
	smallOrdinals = [...]string{"Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth",
		"Tenth", "Eleventh", "Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth",
		"Nineteenth"}
	tenWords       = [...]string{"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}
	magnitudeWords = [...]string{"Thousand", "Million", "Billion", "Trillion"}
)

// words writes a number in English. follows says that a larger part of it stands before.
func words(n float64, follows, ordinal bool) string {
	and, comma := "", ""
	if follows {
		and, comma = " and ", ", "
	}
	suffix := ""
	if ordinal {
		suffix = "th"
	}
	switch {
	case n < 20 && ordinal:
		return and + smallOrdinals[int(n)]
	case n < 20:
		return and + smallWords[int(n)]
	case n < 100:
		text := and + tenWords[int(n)/10-2]
		if rest := math.Mod(n, 10); rest > 0 {
			return text + "-" + words(rest, false, ordinal)
		}
		if ordinal {
			text = strings.TrimSuffix(text, "y") + "ieth"
		}
		return text
	case n < 1000:
		text := comma + smallWords[int(n)/100] + " Hundred"
		if rest := math.Mod(n, 100); rest > 0 {
			return text + words(rest, true, ordinal)
		}
		return text + suffix
	}
	magnitude := min(int(math.Floor(math.Log10(n)/3)), len(magnitudeWords))
	factor := math.Pow(10, float64(3*magnitude))
	mantissa := math.Floor(n / factor)
	text := comma + words(mantissa, false, false) + " " + magnitudeWords[magnitude-1]
	if rest := n - mantissa*factor; rest > 0 {
		return text + words(rest, true, ordinal)
	}
	return text + suffix
}

// wordValues gives the numbers that the words stand for.
var wordValues = func() map[string]float64 {
	values := map[string]float64{"hundred": 100, "hundredth": 100}
	for i := range smallWords {
		values[strings.ToLower(smallWords[i])] = float64(i)
		values[strings.ToLower(smallOrdinals[i])] = float64(i)
	}
	for i, word := range tenWords {
		word = strings.ToLower(word)
		values[word] = float64(i+2) * 10
		values[strings.TrimSuffix(word, "y")+"ieth"] = float64(i+2) * 10
	}
	value := 1.0
	for _, word := range magnitudeWords {
		value *= 1000
		values[strings.ToLower(word)] = value
		values[strings.ToLower(word)+"th"] = value
	}
	return values
}()

// parse reads an integer; NaN for what is none.
func (p *integerPicture) parse(text string) (float64, error) {
	switch p.style {
	case styleLetters:
		first := 'a'
		if p.letters == caseUpper {
			first = 'A'
		}
		value := 0.0
		for _, c := range text {
			value = value*26 + float64(c-first+1)
		}
		return value, nil
	case styleRoman:
		if p.letters == caseLower {
			text = strings.ToUpper(text)
		}
		return parseRoman(text), nil
	case styleWords:
		return parseWords(strings.ToLower(text)), nil
	case styleUnknown:
		return 0, &Error{Code: "D3130", Value: p.token}
	}
	return p.parseDecimal(text), nil
}

func (p *integerPicture) parseDecimal(text string) float64 {
	runes := []rune(text)
	if p.ordinal {
		runes = runes[:max(0, len(runes)-2)]
	}
	var digits []rune
	for _, c := range runes {
		grouping := p.interval > 0 && c == ','
		if p.interval == 0 {
			grouping = slices.ContainsFunc(p.separators, func(s separator) bool { return s.char == c })
		}
		if !grouping {
			digits = append(digits, c-p.zero+'0')
		}
	}
	return leadingInteger(string(digits))
}

// leadingInteger reads the integer that a text begins with, as ECMAScript's parseInt does; NaN if there is none.
func leadingInteger(text string) float64 {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	end := 0
	if end < len(text) && (text[end] == '-' || text[end] == '+') {
		end++
	}
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if f, err := strconv.ParseFloat(text[:end], 64); err == nil {
		return f
	}
	return math.NaN()
}

func parseRoman(text string) float64 {
	values := map[byte]float64{'M': 1000, 'D': 500, 'C': 100, 'L': 50, 'X': 10, 'V': 5, 'I': 1}
	total, most := 0.0, 1.0
	for i := len(text) - 1; i >= 0; i-- {
		value, ok := values[text[i]]
		switch {
		case !ok:
			return math.NaN()
		case value < most:
			total -= value
		default:
			most = value
			total += value
		}
	}
	return total
}

func parseWords(text string) float64 {
	text = strings.NewReplacer(", ", " ", " and ", " ", "-", " ", "\n", " ", "\t", " ").Replace(text)
	segments := []float64{0}
	for _, word := range strings.Split(text, " ") {
		value, ok := wordValues[word]
		if !ok {
			return math.NaN()
		}
		last := len(segments) - 1
		switch {
		case value >= 100:
			segments[last] *= value
		case segments[last] >= 1000:
			segments = append(segments, value)
		default:
			segments[last] += value
		}
	}
	total := 0.0
	for _, s := range segments {
		total += s
	}
	return total
}

func formatIntegerFunction(r *run, args []any) (any, error) {
	value, ok := number(args[0])
	if !ok {
		return Undefined, nil
	}
	picture, _ := args[1].(string)
	p, err := parseIntegerPicture(picture)
	if err != nil {
		return nil, err
	}
	text, err := p.format(math.Floor(value))
	if err != nil {
		return nil, err
	}
	return text, r.chargeText(len(text))
}

func parseIntegerFunction(r *run, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeText(4 * len(text)); err != nil {
		return nil, err
	}
	picture, _ := args[1].(string)
	p, err := parseIntegerPicture(picture)
	if err != nil {
		return nil, err
	}
	return result(p.parse(text))
}
