package module

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func sha256Of(data []byte) [32]byte { return sha256.Sum256(data) }

func TestParseSource(t *testing.T) {
	for in, want := range map[string]string{
		"./a/../b/":                           "./b",
		"./":                                  "./",
		".":                                   "./",
		"..":                                  "..",
		"../a":                                "../a",
		"acme/net/any":                        "registry.terraform.io/acme/net/any",
		"example.com/acme/net/any//sub":       "example.com/acme/net/any//sub",
		"github.com/acme/net":                 "git::https://github.com/acme/net.git",
		"github.com/acme/net.git//a/b?ref=v1": "git::https://github.com/acme/net.git//a/b?ref=v1",
		"github.com/acme/net/a/b?ref=v1":      "git::https://github.com/acme/net.git//a/b?ref=v1",
		"bitbucket.org/acme/net":              "git::https://bitbucket.org/acme/net.git",
		"gitlab.com/acme/net":                 "git::https://gitlab.com/acme/net.git",
		"git@github.com:acme/net.git":         "git::ssh://git@github.com/acme/net.git",
		"git@github.com:acme/net.git//s?ref=v1&depth=1": "git::ssh://git@github.com/acme/net.git//s?ref=v1&depth=1",
		"git::me@example.com:net.git":                   "git::ssh://me@example.com/net.git",
		"git::ssh://git@example.com:2222/net.git":       "git::ssh://git@example.com:2222/net.git",
		"git::https://example.com/net.git//s":           "git::https://example.com/net.git//s",
		"https://example.com/net.zip//a?x=1":            "https://example.com/net.zip//a?x=1",
		"hg::http://example.com/net":                    "hg::http://example.com/net",
		"s3::https://s3.amazonaws.com/b/k.zip":          "s3::https://s3.amazonaws.com/b/k.zip",
		"b.s3-eu-west-1.amazonaws.com/k.zip":            "s3::https://b.s3-eu-west-1.amazonaws.com/k.zip",
		"/srv/net":                                      "file:///srv/net",
		"/srv/net//sub":                                 "file:///srv/net//sub",
	} {
		s, err := ParseSource(in, false)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", " ./a", "abc", "a/b", "github.com/acme", "git::https://example.com/x//../y", "git::https://example.com/x////y", "https://a b/c"} {
		if s, err := ParseSource(in, false); err == nil {
			t.Errorf("%q was read as %s", in, s)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add("git::https://u:p@example.com/a.git//b?ref=c")
	f.Add("github.com/a/b//c")
	f.Add("./a")
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ParseSource(in, false)
		if err != nil {
			return
		}
		_ = redactSource(s.String())
		if s.Kind == Remote && (strings.HasPrefix(s.Subdir, "../") || strings.HasPrefix(s.Subdir, "/") || s.Subdir == "..") {
			t.Fatalf("%q leaves its package: %q", in, s.Subdir)
		}
		again, err := ParseSource(s.String(), false)
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q was written as %q, read back as %q (%v)", in, s, again, err)
		}
	})
}
