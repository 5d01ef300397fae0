package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// String is Python's str(): what a value becomes within text. None is "None" and True is
// "True"; a Template is its own text, for rendering is the jinja package's business.
func String(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case *Template:
		return v.Text
	case *Vaulted:
		return v.Text
	case *Time:
		return v.format()
	case Duration:
		return v.String()
	case *Undefined:
		return ""
	default:
		return Repr(v)
	}
}

// Repr is Python's repr().
func Repr(v any) string {
	var b strings.Builder
	repr(&b, v)
	return b.String()
}

func repr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(Float(v))
	case string:
		quote(b, v)
	case *Template:
		quote(b, v.Text)
	case *Vaulted:
		quote(b, v.Text)
	case *List:
		reprList(b, v)
	case *Dict:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			repr(b, k)
			b.WriteString(": ")
			repr(b, v.values[i])
		}
		b.WriteByte('}')
	case *Time:
		v.repr(b)
	case Duration:
		v.repr(b)
	case *Undefined:
		b.WriteString("Undefined")
	case *Unknown:
		b.WriteString("(unknown until applied)")
	default:
		fmt.Fprintf(b, "%v", v)
	}
}

func reprList(b *strings.Builder, l *List) {
	open, end := byte('['), "]"
	if l.Tuple {
		open, end = '(', ")"
		if len(l.Items) == 1 {
			end = ",)"
		}
	}
	b.WriteByte(open)
	for i, x := range l.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		repr(b, x)
	}
	b.WriteString(end)
}

// quote writes text as Python does: in single quotes, unless it has some and no double ones.
func quote(b *strings.Builder, s string) {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b.WriteByte(q)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\udc%02x`, s[i])
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(b, `\x%02x`, r)
		case r > 0x7f && !unicode.IsPrint(r):
			escape(b, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	b.WriteByte(q)
}

func escape(b *strings.Builder, r rune) {
	switch {
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// Float prints a float as Python does: the shortest text that reads back, always with a
// point or an exponent.
func Float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		return s
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (t *Time) format() string {
	if t.DateOnly {
		return t.Time.Format(time.DateOnly)
	}
	layout := time.DateTime
	if t.Time.Nanosecond() >= 1000 {
		layout += ".000000"
	}
	if !t.Naive {
		layout += "-07:00"
	}
	return t.Time.Format(layout)
}

// repr writes datetime.datetime(2024, 1, 2, 15, 4), leaving out seconds and what follows
// them when they are 0.
func (t *Time) repr(b *strings.Builder) {
	y, m, d := t.Time.Date()
	if t.DateOnly {
		fmt.Fprintf(b, "datetime.date(%d, %d, %d)", y, m, d)
		return
	}
	fmt.Fprintf(b, "datetime.datetime(%d, %d, %d, %d, %d", y, m, d, t.Time.Hour(), t.Time.Minute())
	micro := t.Time.Nanosecond() / 1000
	if t.Time.Second() != 0 || micro != 0 {
		fmt.Fprintf(b, ", %d", t.Time.Second())
	}
	if micro != 0 {
		fmt.Fprintf(b, ", %d", micro)
	}
	if !t.Naive {
		if _, offset := t.Time.Zone(); offset == 0 {
			b.WriteString(", tzinfo=datetime.timezone.utc")
		} else {
			b.WriteString(", tzinfo=datetime.timezone(")
			Duration(time.Duration(offset) * time.Second).repr(b)
			b.WriteByte(')')
		}
	}
	b.WriteByte(')')
}

// repr writes datetime.timedelta(days=1, seconds=2, microseconds=3), without parts that are 0.
func (d Duration) repr(b *strings.Builder) {
	const day = 24 * 3600 * 1_000_000
	micro := time.Duration(d).Microseconds()
	days := micro / day
	if micro %= day; micro < 0 {
		micro += day
		days--
	}
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{{"days", days}, {"seconds", micro / 1_000_000}, {"microseconds", micro % 1_000_000}} {
		if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", p.name, p.n))
		}
	}
	if parts == nil {
		parts = []string{"0"}
	}
	b.WriteString("datetime.timedelta(" + strings.Join(parts, ", ") + ")")
}

// ISO is datetime.isoformat(): as String, with a T between date and time.
func (t *Time) ISO() string { return strings.Replace(t.format(), " ", "T", 1) }

// String is Python's str(timedelta), such as "1 day, 2:03:04.500000".
func (d Duration) String() string {
	micro := time.Duration(d).Microseconds()
	const day = 24 * 3600 * 1_000_000
	days := micro / day
	if micro %= day; micro < 0 {
		micro += day
		days--
	}
	text := ""
	if days != 0 {
		text = fmt.Sprintf("%d days, ", days)
		if days == 1 || days == -1 {
			text = fmt.Sprintf("%d day, ", days)
		}
	}
	seconds := micro / 1_000_000
	text += fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if micro %= 1_000_000; micro != 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	return text
}
