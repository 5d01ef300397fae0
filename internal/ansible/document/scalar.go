package document

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tutti/internal/ansible/value"
)

// The tags of scalars, as YAML abbreviates them.
const (
	tagStr       = "!!str"
	tagNull      = "!!null"
	tagBool      = "!!bool"
	tagInt       = "!!int"
	tagFloat     = "!!float"
	tagTimestamp = "!!timestamp"
	tagBinary    = "!!binary"
	tagMerge     = "!!merge"
	tagValue     = "!!value"
)

// What YAML 1.1 takes for a number or a time, in the reading of PyYAML: an exponent needs
// its point and its sign, a time of day in base 60 is a number.
var (
	intForm = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
		`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	floatForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	timeForm = regexp.MustCompile(`^([0-9]{4})-([0-9][0-9]?)-([0-9][0-9]?)(?:(?:[Tt]|[ \t]+)([0-9][0-9]?):([0-9][0-9]):([0-9][0-9])` +
		`(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9][0-9]?)(?::([0-9][0-9]))?))?)?$`)
	dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

// Resolve tells the tag that a plain scalar has by its form. The dump package asks it too:
// text that would be read as something else needs quotes.
func Resolve(text string) string {
	if text == "" {
		return tagNull
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '-', c == '+', c == '.':
		return resolveNumber(text)
	case c == '~', c == 'n', c == 'N', c == 'y', c == 'Y', c == 't', c == 'T', c == 'f', c == 'F', c == 'o', c == 'O':
		return resolveWord(text)
	case text == "<<":
		return tagMerge
	case text == "=":
		return tagValue
	}
	return tagStr
}

func resolveNumber(text string) string {
	switch {
	case floatForm.MatchString(text):
		return tagFloat
	case intForm.MatchString(text):
		return tagInt
	case text[0] > '9' || text[0] < '0' || len(text) < 10 || text[4] != '-':
		return tagStr
	case len(text) == 10 && dateForm.MatchString(text), len(text) > 10 && timeForm.MatchString(text):
		return tagTimestamp
	}
	return tagStr
}

func resolveWord(text string) string {
	switch text {
	case "~", "null", "Null", "NULL":
		return tagNull
	case "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE",
		"on", "On", "ON", "off", "Off", "OFF":
		return tagBool
	}
	return tagStr
}

// scalarOf makes the value of a scalar with a tag. Text is left to the caller.
func scalarOf(tag, text string) (any, error) {
	switch tag {
	case tagNull:
		return nil, nil
	case tagBool:
		switch strings.ToLower(text) {
		case "yes", "true", "on":
			return true, nil
		case "no", "false", "off":
			return false, nil
		}
		return nil, fmt.Errorf("%q is no boolean", text)
	case tagInt:
		return intOf(text)
	case tagFloat:
		return floatOf(text)
	case tagTimestamp:
		return timeOf(text)
	case tagBinary:
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, fmt.Errorf("failed to decode base64 data: %w", err)
		}
		return string(raw), nil
	default:
		return text, nil
	}
}

// intOf reads what intForm matches, and what somebody tagged !!int.
func intOf(text string) (any, error) {
	digits, negative := strings.ReplaceAll(text, "_", ""), false
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		digits, negative = digits[1:], digits[0] == '-'
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		digits, base = digits[2:], 2
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	case strings.Contains(digits, ":"):
		return sexagesimal(digits, negative)
	}
	if digits == "" || digits[0] == '-' || digits[0] == '+' {
		return nil, fmt.Errorf("%q is no integer of base %d", text, base)
	}
	signed := digits
	if negative {
		signed = "-" + digits
	}
	n, err := strconv.ParseInt(signed, base, 64)
	if err != nil {
		return largeInt(text, digits, base, negative)
	}
	return n, nil
}

// largeInt reads an integer that has no place in 64 bits. One of base 10 stays the text that
// it is, so that an identifier of twenty digits keeps them all.
func largeInt(text, digits string, base int, negative bool) (any, error) {
	f := 0.0
	for _, c := range digits {
		d, err := strconv.ParseInt(string(c), base, 8)
		if err != nil {
			return nil, fmt.Errorf("%q is no integer of base %d", text, base)
		}
		f = f*float64(base) + float64(d)
	}
	switch {
	case base == 10:
		return text, nil
	case negative:
		f = -f
	}
	return f, nil
}

func sexagesimal(digits string, negative bool) (any, error) {
	n := int64(0)
	for part := range strings.SplitSeq(digits, ":") {
		d, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n > (math.MaxInt64-d)/60 {
			return nil, fmt.Errorf("%q is no number of base 60", digits)
		}
		n = n*60 + d
	}
	if negative {
		n = -n
	}
	return n, nil
}

func floatOf(text string) (any, error) {
	digits, sign := strings.ToLower(strings.ReplaceAll(text, "_", "")), 1.0
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		if digits[0] == '-' {
			sign = -1
		}
		digits = digits[1:]
	}
	switch digits {
	case ".inf":
		return math.Inf(int(sign)), nil
	case ".nan":
		return math.NaN(), nil
	}
	f := 0.0
	for part := range strings.SplitSeq(digits, ":") {
		d, err := strconv.ParseFloat(part, 64)
		if err != nil && !math.IsInf(d, 0) {
			return nil, fmt.Errorf("%q is no number", text)
		}
		f = f*60 + d
	}
	return sign * f, nil
}

// timeOf reads a date or a time. Without a zone it is naive; another zone than UTC stays.
func timeOf(text string) (any, error) {
	m := timeForm.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%q is no date and no time", text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	year, month, day := number(1), number(2), number(3)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1 || t.Month() != time.Month(month) || t.Day() != day {
		return nil, fmt.Errorf("%q is no day of the calendar", text)
	}
	if m[4] == "" {
		return &value.Time{Time: t, DateOnly: true, Naive: true}, nil
	}
	hour, minute, second := number(4), number(5), number(6)
	if hour > 23 || minute > 59 || second > 59 {
		return nil, fmt.Errorf("%q is no time of the day", text)
	}
	zone := time.UTC
	if m[9] != "" {
		offset := number(10)*3600 + number(11)*60
		if m[9] == "-" {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	}
	micro, _ := strconv.Atoi((m[7] + "000000")[:6])
	return &value.Time{Time: time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, zone), Naive: m[8] == ""}, nil
}
