// Package clock writes and reads times by Python's % directives: strftime and strptime of
// the C locale. Times and layouts go in, text or times come out; the package asks no clock
// and knows no time zone but those that it is given.
package clock

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxWidth bounds the width that a directive may ask for, as in %1000d.
const maxWidth = 4096

// Options say what kind of time is written. The zero value is time.strftime's.
type Options struct {
	// Micro has %f write microseconds, as datetime.strftime does.
	Micro bool
	// Naive is a datetime without a zone: %z and %Z write nothing.
	Naive bool
}

// Format writes a time by a layout. Directives that nobody knows stay as they are.
func Format(layout string, t time.Time, o Options) string {
	if strings.IndexByte(layout, '%') < 0 {
		return layout
	}
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		d, end := scan(layout, i+1)
		if end >= len(layout) {
			b.WriteString(fill(layout[i:], d.width, ' '))
			break
		}
		text, known := d.write(t, layout[end], o)
		if !known {
			text = layout[i : end+1]
		}
		b.WriteString(text)
		i = end
	}
	return b.String()
}

// directive is what stands between % and its letter, as glibc has it.
type directive struct {
	flag  byte // one of _ - 0, or 0
	upper bool // ^
	swap  bool // #
	width int
}

// scan reads flags, width and modifier; it gives the place of the letter.
func scan(layout string, i int) (directive, int) {
	var d directive
	for ; i < len(layout); i++ {
		switch layout[i] {
		case '_', '-', '0':
			d.flag = layout[i]
			continue
		case '^':
			d.upper = true
			continue
		case '#':
			d.swap = true
			continue
		}
		break
	}
	for ; i < len(layout) && layout[i] >= '0' && layout[i] <= '9'; i++ {
		d.width = min(d.width*10+int(layout[i]-'0'), maxWidth)
	}
	if i < len(layout) && (layout[i] == 'E' || layout[i] == 'O') {
		i++
	}
	return d, i
}

func (d directive) write(t time.Time, letter byte, o Options) (string, bool) {
	if n, width, pad, ok := numeric(t, letter); ok {
		return d.number(n, width, pad), true
	}
	if layout, ok := compound(letter); ok {
		return d.text(Format(layout, t, o)), true
	}
	switch letter {
	case 'a':
		return d.name(t.Weekday().String()[:3]), true
	case 'A':
		return d.name(t.Weekday().String()), true
	case 'b', 'h':
		return d.name(t.Month().String()[:3]), true
	case 'B':
		return d.name(t.Month().String()), true
	case 'p':
		if d.swap {
			return d.text(strings.ToLower(t.Format("PM"))), true
		}
		return d.text(t.Format("PM")), true
	case 'P':
		return d.text(t.Format("pm")), true
	case 'f':
		if !o.Micro {
			return "", false
		}
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'z':
		return d.offset(t, o), true
	case 'Z':
		return d.zone(t, o), true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case '%':
		return d.text("%"), true
	}
	return "", false
}

// numeric gives a directive's number, how wide it is, and what fills it up.
func numeric(t time.Time, letter byte) (n int64, width int, pad byte, ok bool) {
	year, week := t.ISOWeek()
	hour12 := (t.Hour()+11)%12 + 1
	table := func(n, width int, pad byte) (int64, int, byte, bool) { return int64(n), width, pad, true }
	switch letter {
	case 'C':
		return table(t.Year()/100, 2, '0')
	case 'd':
		return table(t.Day(), 2, '0')
	case 'e':
		return table(t.Day(), 2, ' ')
	case 'g':
		return table(year%100, 2, '0')
	case 'G':
		return table(year, 1, '0')
	case 'H':
		return table(t.Hour(), 2, '0')
	case 'I':
		return table(hour12, 2, '0')
	case 'j':
		return table(t.YearDay(), 3, '0')
	case 'k':
		return table(t.Hour(), 2, ' ')
	case 'l':
		return table(hour12, 2, ' ')
	case 'm':
		return table(int(t.Month()), 2, '0')
	case 'M':
		return table(t.Minute(), 2, '0')
	case 's':
		return t.Unix(), 1, '0', true
	case 'S':
		return table(t.Second(), 2, '0')
	case 'u':
		return table((int(t.Weekday())+6)%7+1, 1, '0')
	case 'U':
		return table((t.YearDay()+6-int(t.Weekday()))/7, 2, '0')
	case 'V':
		return table(week, 2, '0')
	case 'w':
		return table(int(t.Weekday()), 1, '0')
	case 'W':
		return table((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0')
	case 'y':
		return table(t.Year()%100, 2, '0')
	case 'Y':
		return table(t.Year(), 1, '0')
	}
	return 0, 0, 0, false
}

// compound gives the layout that a letter is short for.
func compound(letter byte) (string, bool) {
	switch letter {
	case 'c':
		return "%a %b %e %H:%M:%S %Y", true
	case 'D', 'x':
		return "%m/%d/%y", true
	case 'F':
		return "%Y-%m-%d", true
	case 'r':
		return "%I:%M:%S %p", true
	case 'R':
		return "%H:%M", true
	case 'T', 'X':
		return "%H:%M:%S", true
	case '+':
		return "%a %b %e %H:%M:%S %Z %Y", false
	}
	return "", false
}

func (d directive) number(n int64, width int, pad byte) string {
	switch d.flag {
	case '-':
		width, pad = 1, ' '
	case '_':
		pad = ' '
	case '0':
		pad = '0'
	}
	if d.width > 0 {
		width = d.width
	}
	return fill(strconv.FormatInt(n, 10), width, pad)
}

// text puts text into the width, in large letters if asked.
func (d directive) text(s string) string {
	if d.upper {
		s = strings.ToUpper(s)
	}
	pad := byte(' ')
	if d.flag == '0' {
		pad = '0'
	}
	return fill(s, d.width, pad)
}

// name is text whose # means large letters.
func (d directive) name(s string) string {
	if d.swap {
		s = strings.ToUpper(s)
	}
	return d.text(s)
}

func fill(s string, width int, pad byte) string {
	if len(s) >= width {
		return s
	}
	return strings.Repeat(string(pad), width-len(s)) + s
}

func (d directive) offset(t time.Time, o Options) string {
	if o.Naive {
		return ""
	}
	_, seconds := t.Zone()
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if rest := seconds % 60; rest != 0 && o.Micro {
		text += fmt.Sprintf("%02d", rest)
	}
	return text
}

func (d directive) zone(t time.Time, o Options) string {
	if o.Naive {
		return ""
	}
	name, _ := t.Zone()
	if d.swap {
		name = strings.ToLower(name)
	}
	return d.text(name)
}
