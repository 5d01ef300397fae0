package ssh

import (
	"strings"
	"testing"
)

func FuzzConfig(f *testing.F) {
	f.Add("Host a*b !c\n Port=22\nMatch originalhost \"x y\" !user z\nUser u\n", "ab")
	f.Add("Include no/such/*\nIdentityFile ~/%h-%%\nHostName %h.example", "x")
	f.Fuzz(func(t *testing.T, text, host string) {
		if strings.Contains(strings.ToLower(text), "exec") || strings.Contains(strings.ToLower(text), "include") {
			return // commands and files of this machine are not for fuzzing
		}
		s := newSettings(host, "/nowhere")
		if err := s.read(t.Context(), configFile{path: "config", user: true}, strings.NewReader(text)); err == nil {
			_ = s.hostName()
			for _, v := range s.values {
				for _, word := range v {
					_ = s.path(word)
				}
			}
		}
	})
}

func FuzzArguments(f *testing.F) {
	f.Add("-o StrictHostKeyChecking=no -Cp 22 -i 'a b' -J x,y")
	f.Fuzz(func(t *testing.T, text string) {
		s := newSettings("h", "/nowhere")
		_, _ = s.arguments([]string{text}, func(string) {})
	})
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxbyy", false}, {"?", "a", true}, {"?", "", false}, {"", "", true}, {"", "a", false},
		{"10.0.*.1", "10.0.22.1", true}, {strings.Repeat("*a", 40) + "b", strings.Repeat("a", 400), false},
	} {
		if got := wildcard(c.pattern, c.name); got != c.want {
			t.Errorf("%s and %s: %v", c.pattern, c.name, got)
		}
	}
}
