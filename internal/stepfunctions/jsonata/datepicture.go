package jsonata

import (
	"strconv"
	"strings"
	"unicode"
)

// datePicture says how a timestamp is written: literals and components, XPath and XQuery Functions and Operators 3.1,
// section 9.8.4, with the components X and x for the year and month that ISO weeks belong to.
type datePicture []datePart

// datePart is a literal, or if component is set, a component.
type datePart struct {
	literal   string
	component byte
	names     letterCase // other than caseNone: written as a name
	style     string     // the first presentation modifier
	modifier  byte       // the second one: a, t, c, o
	minWidth  int        // -1: not given
	maxWidth  int
	integer   *integerPicture // nil: not written as an integer
	yearWidth int             // digits of a year; -1: all
}

// integerComponents may be written as integers.
const integerComponents = "YMDdFWwXxHhmsf"

// isoPicture is the format of ISO 8601 that $now() and $fromMillis() use by themselves.
const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

func parseDatePicture(picture string) (datePicture, error) {
	if len(picture) > maxPicture {
		return nil, limitError("the picture is too long")
	}
	var parts datePicture
	literal := func(text string) {
		if text != "" {
			parts = append(parts, datePart{literal: strings.ReplaceAll(text, "]]", "]")})
		}
	}
	for {
		open := strings.IndexByte(picture, '[')
		if open < 0 {
			literal(picture)
			return parts, nil
		}
		literal(picture[:open])
		picture = picture[open+1:]
		if strings.HasPrefix(picture, "[") {
			parts = append(parts, datePart{literal: "["})
			picture = picture[1:]
			continue
		}
		end := strings.IndexByte(picture, ']')
		if end < 0 {
			return nil, &Error{Code: "D3135"}
		}
		part, err := parseMarker(picture[:end])
		if err != nil {
			return nil, err
		}
		if n := len(parts) - 1; n >= 0 && part.integer != nil && part.component != 'Z' && part.component != 'z' && parts[n].integer != nil {
			// Two integers without a gap: when parsing, the first one has as many digits as it must have.
			parts[n].integer.width = parts[n].integer.mandatory
		}
		parts = append(parts, part)
		picture = picture[end+1:]
	}
}

// parseMarker reads what stands between brackets, such as FNn,3-3.
func parseMarker(marker string) (datePart, error) {
	marker = strings.Join(strings.FieldsFunc(marker, unicode.IsSpace), "")
	part := datePart{minWidth: -1, maxWidth: -1, yearWidth: -1}
	name := ""
	if marker != "" {
		part.component, name = marker[0], marker[:1]
		marker = marker[1:]
	}
	if comma := strings.LastIndexByte(marker, ','); comma >= 0 {
		part.minWidth, part.maxWidth = widths(marker[comma+1:])
		marker = marker[:comma]
	}
	if n := len(marker) - 1; n > 0 && strings.IndexByte("atco", marker[n]) >= 0 {
		part.modifier = marker[n]
		marker = marker[:n]
	}
	if marker == "" {
		marker = defaultStyle(part.component)
	}
	if marker == "" {
		return part, &Error{Code: "D3132", Value: name}
	}
	part.style = marker
	return part, part.presentation()
}

// widths reads a width modifier: min, or min-max, where * says nothing.
func widths(text string) (least, most int) {
	low, high, _ := strings.Cut(text, "-")
	least, most = -1, -1
	if n := leadingInteger(low); n >= 0 && n <= maxPicture {
		least = int(n)
	}
	if n := leadingInteger(high); n >= 0 && n <= maxPicture {
		most = int(n)
	}
	return least, most
}

func defaultStyle(component byte) string {
	switch component {
	case 'Y', 'M', 'D', 'd', 'W', 'w', 'X', 'x', 'H', 'h', 'f':
		return "1"
	case 'm', 's':
		return "01"
	case 'F', 'P', 'C', 'E':
		return "n"
	case 'Z', 'z':
		return "01:01"
	}
	return ""
}

func (part *datePart) presentation() error {
	var err error
	switch {
	case part.style[0] == 'n':
		part.names = caseLower
	case strings.HasPrefix(part.style, "Nn"):
		part.names = caseTitle
	case part.style[0] == 'N':
		part.names = caseUpper
	case strings.IndexByte(integerComponents, part.component) >= 0:
		pattern := part.style
		if part.modifier != 0 {
			pattern += ";" + string(part.modifier)
		}
		if part.integer, err = parseIntegerPicture(pattern); err != nil {
			return err
		}
		if part.integer.style == styleDecimal {
			part.integer.mandatory = max(part.integer.mandatory, part.minWidth)
		}
		if part.component == 'Y' {
			part.year()
		}
	}
	if part.component == 'Z' || part.component == 'z' {
		part.integer, err = parseIntegerPicture(part.style)
	}
	return err
}

// year finds how many digits a year has: section 9.8.4.4.
func (part *datePart) year() {
	if part.maxWidth >= 0 {
		part.yearWidth = part.maxWidth
		part.integer.mandatory = part.maxWidth
	} else if n := part.integer.mandatory + part.integer.optional; n >= 2 {
		part.yearWidth = n
	}
}

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"}
	dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
)

// namesOf gives the names of a component that has some, of 1, 2, ...
func namesOf(component byte) ([]string, error) {
	switch component {
	case 'M', 'x':
		return monthNames[:], nil
	case 'F':
		return dayNames[:], nil
	}
	return nil, &Error{Code: "D3133", Value: string(component)}
}

// format writes a moment. offset is that of the timezone in minutes, hours and minutes apart.
func (p datePicture) format(t moment, hours, minutes int) (string, error) {
	var b strings.Builder
	for i := range p {
		if p[i].component == 0 {
			b.WriteString(p[i].literal)
			continue
		}
		text, err := p[i].format(t, hours, minutes)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (part *datePart) format(t moment, hours, minutes int) (string, error) {
	switch part.component {
	case 'Z', 'z':
		return part.formatZone(hours, minutes)
	case 'P':
		text := "am"
		if t.hour >= 12 {
			text = "pm"
		}
		if part.names == caseUpper {
			text = strings.ToUpper(text)
		}
		return text, nil
	case 'C', 'E':
		return "ISO", nil
	}
	value := t.component(part.component)
	if part.component == 'Y' && part.yearWidth >= 0 && part.yearWidth < 10 {
		for n, limit := part.yearWidth, 1; n >= 0; n, limit = n-1, limit*10 {
			if n == 0 {
				value %= limit
			}
		}
	}
	if part.names != caseNone && part.component != 'f' {
		names, err := namesOf(part.component)
		if err != nil {
			return "", err
		}
		name := part.names.apply(names[value-1])
		if part.maxWidth >= 0 {
			name = name[:min(part.maxWidth, len(name))]
		}
		return name, nil
	}
	if part.integer == nil {
		return "", &Error{Code: "D3133", Value: string(part.component)}
	}
	return part.integer.format(float64(value))
}

// formatZone writes the offset of a timezone: section 9.8.4.6.
func (part *datePart) formatZone(hours, minutes int) (string, error) {
	offset := hours*100 + minutes
	if part.integer == nil {
		return "", &Error{Code: "D3134"}
	}
	value := offset
	tail := ""
	if part.integer.interval == 0 {
		switch part.integer.mandatory {
		case 1, 2:
			value = hours
			if minutes != 0 {
				tail = ":" + padded(minutes)
			}
		case 3, 4:
		default:
			return "", &Error{Code: "D3134", Value: float64(part.integer.mandatory)}
		}
	}
	text, err := part.integer.format(float64(value))
	if err != nil {
		return "", err
	}
	text += tail
	if offset >= 0 {
		text = "+" + text
	}
	if part.component == 'z' {
		text = "GMT" + text
	}
	if offset == 0 && part.modifier == 't' {
		text = "Z"
	}
	return text, nil
}

func padded(minutes int) string {
	text := strconv.Itoa(max(minutes, -minutes))
	if len(text) == 1 {
		text = "0" + text
	}
	if minutes < 0 {
		text = "-" + text
	}
	return text
}
