package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// reader is how a part of a picture is found in a text, and what it is worth there.
type reader struct {
	pattern   string
	component byte // 0 for a literal
	value     func(text string) (value float64, ok bool, err error)
}

// readers makes the readers of a picture.
func (p datePicture) readers() ([]reader, error) {
	all := make([]reader, len(p))
	for i := range p {
		var err error
		switch part := &p[i]; {
		case part.component == 0:
			all[i] = reader{pattern: regexp.QuoteMeta(part.literal)}
		case part.component == 'Z' || part.component == 'z':
			all[i] = part.zoneReader()
		case part.component == 'f':
			all[i] = reader{pattern: "[0-9]+", value: readFraction}
		case part.integer != nil:
			all[i], err = part.integer.reader()
		default:
			all[i], err = part.nameReader()
		}
		if err != nil {
			return nil, err
		}
		all[i].component = p[i].component
	}
	return all, nil
}

func readFraction(text string) (float64, bool, error) {
	f, err := strconv.ParseFloat("0."+text[:min(3, len(text))], 64)
	return f * 1000, err == nil, nil
}

// zoneReader reads the offset of a timezone, in minutes. As in the reference, minutes count east also behind a minus.
func (part *datePart) zoneReader() reader {
	r := reader{pattern: "[-+][0-9]+"}
	prefix := ""
	if part.component == 'z' {
		prefix = "GMT"
		r.pattern = prefix + r.pattern
	}
	mark := ""
	if part.integer.interval > 0 {
		mark = string(part.integer.separators[0].char)
		r.pattern += regexp.QuoteMeta(mark) + "[0-9]+"
	}
	r.value = func(text string) (float64, bool, error) {
		text = text[len(prefix):]
		hours, minutes := text, "0"
		switch {
		case mark != "":
			hours, minutes, _ = strings.Cut(text, mark)
		case len(text) > 4:
			hours, minutes = text[:3], text[3:]
		case len(text) > 3:
			hours, minutes = text[:3], text[3:]
		}
		return leadingInteger(hours)*60 + leadingInteger(minutes), true, nil
	}
	return r
}

func (p *integerPicture) reader() (reader, error) {
	r := reader{value: func(text string) (float64, bool, error) {
		f, err := p.parse(text)
		return f, true, err
	}}
	switch p.style {
	case styleUnknown:
		return r, &Error{Code: "D3130", Value: p.token}
	case styleLetters:
		r.pattern = "[a-z]+"
	case styleRoman:
		r.pattern = "[mdclxvi]+"
	case styleWords:
		r.pattern = "(?:" + wordPattern + ")+"
	default:
		r.pattern = "[0-9]+"
		if p.width > 0 {
			r.pattern = "[0-9]{" + strconv.Itoa(p.width) + "}"
		}
		if p.ordinal {
			r.pattern += "(?:th|st|nd|rd)"
		}
	}
	return r, nil
}

// wordPattern matches one word of a number, or what stands between two. Longer words come first.
var wordPattern = func() string {
	var words []string
	add := func(list []string, ending string) {
		for _, w := range list {
			words = append(words, strings.ToLower(w)+ending)
		}
	}
	add(smallOrdinals[:], "")
	for _, w := range tenWords {
		words = append(words, strings.TrimSuffix(strings.ToLower(w), "y")+"ieth")
	}
	words = append(words, "hundredth", "hundred")
	add(magnitudeWords[:], "th")
	add(magnitudeWords[:], "")
	add(tenWords[:], "")
	for i := len(smallWords) - 1; i >= 0; i-- {
		words = append(words, strings.ToLower(smallWords[i])) // sixteen before six
	}
	return strings.Join(words, "|") + `|and|[\-, ]`
}()

func (part *datePart) nameReader() (reader, error) {
	r := reader{pattern: "[a-zA-Z]+"}
	if part.component == 'P' {
		r.value = func(text string) (float64, bool, error) {
			switch text {
			case "am", "AM":
				return 0, true, nil
			case "pm", "PM":
				return 1, true, nil
			}
			return 0, false, nil
		}
		return r, nil
	}
	names, err := namesOf(part.component)
	r.value = func(text string) (float64, bool, error) {
		for i, name := range names {
			if part.maxWidth > 0 {
				name = name[:min(part.maxWidth, len(name))]
			}
			if name == text {
				return float64(i + 1), true, nil
			}
		}
		return 0, false, nil
	}
	return r, err
}

// components are the values found in a text, by component.
type components map[byte]float64

// parseMoment reads a timestamp as a picture says; undefined if it looks different.
func parseMoment(r *run, text, picture string) (any, error) {
	if err := r.work(100 * len(picture)); err != nil {
		return nil, err
	}
	p, err := parseDatePicture(picture)
	if err != nil {
		return nil, err
	}
	readers, err := p.readers()
	if err != nil {
		return nil, err
	}
	var pattern strings.Builder
	pattern.WriteString("(?i)^")
	for _, part := range readers {
		pattern.WriteString("(" + part.pattern + ")")
	}
	compiled, err := regexp.Compile(pattern.String() + "$")
	if err != nil {
		return Undefined, nil // wider than any number can be
	}
	if err := r.work(len(text) * len(readers)); err != nil {
		return nil, err
	}
	found := compiled.FindStringSubmatch(text)
	if found == nil {
		return Undefined, nil
	}
	values := components{}
	seen := false
	for i, part := range readers {
		if part.value == nil {
			continue
		}
		seen = true
		f, ok, err := part.value(found[i+1])
		if err != nil {
			return nil, err
		}
		if ok {
			values[part.component] = f
		}
	}
	if !seen {
		return Undefined, nil
	}
	return values.millis(r.options.Now)
}

// has tells whether the components are among those of a kind of date or time, and at least one of them is there. What
// is zero counts as missing, as in the reference.
func (c components) has(all, kind string) bool {
	any := false
	for i := range len(all) {
		f := c[all[i]]
		if f == 0 || math.IsNaN(f) {
			continue
		}
		if strings.IndexByte(kind, all[i]) < 0 {
			return false
		}
		any = true
	}
	return any
}

const (
	dateComponents = "YXMxWwdD"
	timeComponents = "PHhmsf"
)

// millis makes a timestamp of the components. Missing ones above the most significant one are those of now, missing
// ones below the least significant one are zero, and there must be no gap between.
func (c components) millis(now time.Time) (any, error) {
	byDay := !c.has(dateComponents, "YMD") && c.has(dateComponents, "Yd")
	byWeek := c.has(dateComponents, "Xxw") || c.has(dateComponents, "XW")
	order := "YMD"
	switch {
	case byDay:
		order = "YD"
	case c.has(dateComponents, "Xxw"):
		order = "XxwF"
	case byWeek:
		order = "XWF"
	}
	halfDays := !c.has(timeComponents, "Hmsf") && c.has(timeComponents, "Phmsf")
	if halfDays {
		order += "Phmsf"
	} else {
		order += "Hmsf"
	}
	if err := c.fill(order, momentOf(now.UnixMilli())); err != nil {
		return nil, err
	}
	if byWeek {
		return nil, &Error{Code: "D3136"}
	}
	month, day, hour := math.Max(c['M'], 1), c['D'], c['H']
	if math.IsNaN(c['M']) {
		month = 1
	}
	if byDay {
		_, m, d := civil(dayNumber(int(c['Y']), 1, 1) + int64(c['d']) - 1)
		month, day = float64(m), float64(d)
	}
	if halfDays {
		if hour = c['h']; hour == 12 {
			hour = 0
		}
		if c['P'] == 1 {
			hour += 12
		}
	}
	millis := utc(c['Y'], month, day, hour, c['m'], c['s'], c['f'])
	zone := c['Z']
	if zone == 0 {
		zone = c['z']
	}
	return millis - zone*60000, nil
}

func (c components) fill(order string, now moment) error {
	started, ended := false, false
	for i := range len(order) {
		part := order[i]
		_, given := c[part]
		switch {
		case given && ended:
			return &Error{Code: "D3136"}
		case given:
			started = true
		case started:
			ended = true
			c[part] = 0
			if part == 'M' || part == 'D' || part == 'd' {
				c[part] = 1
			}
		case part == 'P':
			c[part] = 0
		default:
			c[part] = float64(now.component(part))
		}
	}
	return nil
}
