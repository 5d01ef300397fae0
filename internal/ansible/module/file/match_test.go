package file

import (
	"testing"
	"time"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"*", "a.b", true}, {"*.conf", "a.conf", true}, {"*.conf", "a.conf~", false}, {"name", "name", true}, {"name", "aname", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"[ab]*", "bx", true}, {"[!ab]*", "bx", false}, {"[!ab]*", "cx", true}, {"[]]x", "]x", true},
		{"[a-c]1", "b1", true}, {"[", "[", true}, {"a[", "a[", true}, {"[^a]", "^", true}, {"[\\]", "\\", true}, {"a*b*c", "a-b-c", true}, {"*.tar.*", "x.tar.gz", true},
		{"a.c", "abc", false}, {"é*", "été", true}, {"é*", "ét", true}, {"a\nb*", "a\nbc", true},
	} {
		m, err := glob(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := m(c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

func FuzzGlob(f *testing.F) {
	for _, seed := range []string{"*", "[!a-z]?", "[]", "a[b", "[[]", "[z-a]"} {
		f.Add(seed, "abc")
	}
	f.Fuzz(func(_ *testing.T, pattern, name string) {
		if len(pattern) > 30 || len(name) > 30 {
			return
		}
		if m, err := glob(pattern); err == nil {
			m(name)
		}
	})
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ text, format, want string }{
		{"202001020304.05", "%Y%m%d%H%M.%S", "2020-01-02 03:04:05"}, {"2020-2-3", "%Y-%m-%d", "2020-02-03 00:00:00"},
		{"69%1", "%y%%%m", "1969-01-01 00:00:00"}, {"20", "%y", "2020-01-01 00:00:00"},
	} {
		got, err := parseTime(c.text, c.format)
		if err != nil || got.Format(time.DateTime) != c.want {
			t.Errorf("parseTime(%q, %q) = %v, %v; want %s", c.text, c.format, got, err, c.want)
		}
	}
	for _, bad := range [][2]string{{"", "%Y"}, {"20201301", "%Y%m%d"}, {"20200230", "%Y%m%d"}, {"2020x", "%Y"}, {"2020", "%Q"}, {"2020", "%Y%"}} {
		if got, err := parseTime(bad[0], bad[1]); err == nil {
			t.Errorf("parseTime(%q) = %v, want an error", bad, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("202001020304.05", "%Y%m%d%H%M.%S")
	f.Fuzz(func(_ *testing.T, text, format string) { _, _ = parseTime(text, format) })
}
