package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestMaskerString(t *testing.T) {
	pem := "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nAB==\n-----END KEY-----\n"
	basic := base64.StdEncoding.EncodeToString([]byte("admin:correct horse"))
	tests := []struct{ name, secret, in, want string }{
		{"plain", "hunter2", "the password is hunter2.", "the password is (sensitive value)."},
		{"twice", "hunter2", "hunter2 hunter2", "(sensitive value) (sensitive value)"},
		{"touching", "hunter2", "hunter2hunter2", "(sensitive value)"},
		{"overlapping itself", "abcabc", "xabcabcabcx", "x(sensitive value)x"},
		{"too short", "ab", "ab", "ab"},
		{"shortest", "abc", "abcd", "(sensitive value)d"},
		{"a common word", "true", "true", "true"},
		{"only space", "   ", "a   b", "a   b"},
		{"json", `a"b\c<d`, `{"p":"a\"b\\c\u003cd","q":"a\"b\\c<d"}`, `{"p":"(sensitive value)","q":"(sensitive value)"}`},
		{"url", "p@ss w/rd", "?p=" + url.QueryEscape("p@ss w/rd") + "&q=" + url.PathEscape("p@ss w/rd"),
			"?p=(sensitive value)&q=(sensitive value)"},
		{"base64", "correct horse", base64.StdEncoding.EncodeToString([]byte("correct horse")), "(sensitive value)=="},
		{"newline at the end", "correct horse\n", "say correct horse now", "say (sensitive value) now"},
		{"pem whole", pem, "key:\n" + pem + "end", "key:\n(sensitive value)end"},
		{"pem indented", pem, "    MIIEvQIBADANBgkq\n    -----END KEY-----", "    (sensitive value)\n    -----END KEY-----"},
		{"unicode", "pässwörd", "x pässwörd x", "x (sensitive value) x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Masker
			m.Add(tt.secret)
			if got := m.String(tt.in); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	t.Run("inside basic authentication", func(t *testing.T) {
		var m Masker
		m.Add("correct horse")
		got := m.String(basic)
		decoded, _ := base64.StdEncoding.DecodeString(strings.Split(got, Masked)[0])
		if !strings.Contains(got, Masked) || strings.Contains(string(decoded), "corr") {
			t.Errorf("%s became %s", basic, got)
		}
	})
}

func TestMaskerLeavesNoRestOfALongerValue(t *testing.T) {
	var m Masker
	m.Add("abcdef", "defghi", "bcd")
	if got := m.String("<abcdefghi>"); got != "<(sensitive value)>" {
		t.Error(got)
	}
}

func TestMaskerLongValue(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "%x.", i*7919)
	}
	var m Masker
	m.Add(b.String())
	if got := m.String("<" + b.String() + ">"); got != "<(sensitive value)>" {
		t.Errorf("%d bytes are left of %d", len(got), b.Len())
	}
}

func TestMaskerEmpty(t *testing.T) {
	var m Masker
	if got := m.String("nothing is known"); got != "nothing is known" {
		t.Error(got)
	}
}

func TestMaskingWriterAddsWhileHolding(t *testing.T) {
	var m Masker
	var out bytes.Buffer
	w := m.Writer(&out)
	m.Add("abcXXX")
	write(t, w, "12abc")
	m.Add("abcdef")
	write(t, w, "def34")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != "12(sensitive value)34" {
		t.Errorf("%q", out.String())
	}
}

func TestMaskingWriterHoldsNothingNeedlessly(t *testing.T) {
	var m Masker
	m.Add("hunter2")
	var out bytes.Buffer
	w := m.Writer(&out)
	write(t, w, "a line\nhun")
	if out.String() != "a line\n" {
		t.Errorf("%q", out.String())
	}
}

func write(t *testing.T, w interface{ Write([]byte) (int, error) }, s string) {
	t.Helper()
	if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(s), err)
	}
}

// naive marks every byte that any pattern covers, and replaces what is marked.
func naive(patterns []string, text string) string {
	marked := make([]bool, len(text)+1)
	for _, p := range patterns {
		for i := 0; i+len(p) <= len(text); i++ {
			if text[i:i+len(p)] == p {
				for j := range p {
					marked[i+j] = true
				}
			}
		}
	}
	var out strings.Builder
	for i := range len(text) {
		if !marked[i] {
			out.WriteByte(text[i])
		} else if i == 0 || !marked[i-1] {
			out.WriteString(Masked)
		}
	}
	return out.String()
}

func TestMaskerAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[ab\n]{3,12}`), 0, 6).Draw(t, "secrets")
		text := rapid.StringMatching(`[abc\n]{0,60}`).Draw(t, "text")
		var m Masker
		m.Add(secrets...)
		var patterns []string
		for _, s := range secrets {
			patterns = append(patterns, forms(s)...)
		}
		want := naive(patterns, text)
		if got := m.String(text); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		var out bytes.Buffer
		w := m.Writer(&out)
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil || out.String() != want {
			t.Fatalf("stream gave %q, want %q (%v)", out.String(), want, err)
		}
	})
}

func TestMaskerConcurrent(t *testing.T) {
	var m Masker
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				s := fmt.Sprintf("secret-%d-%d", i, j)
				m.Add(s)
				if got := m.String("<" + s + ">"); got != "<"+Masked+">" {
					t.Errorf("%s stayed: %s", s, got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzMaskerHidesValue(f *testing.F) {
	f.Add("hunter2", "x")
	f.Add("two\nlines of text", "{}")
	f.Fuzz(func(t *testing.T, secret, around string) {
		if !Maskable(secret) || strings.Contains(Masked, secret) {
			return
		}
		var m Masker
		m.Add(secret)
		asJSON, err := json.Marshal(secret)
		if err != nil {
			return
		}
		for _, text := range []string{secret, around + secret + around, string(asJSON)} {
			got := m.String(text)
			if !strings.Contains(got, Masked) {
				t.Errorf("%q is not masked in %q: %q", secret, text, got)
			}
		}
	})
}

func BenchmarkMasker(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d secrets", n), func(b *testing.B) {
			var m Masker
			for i := range n {
				m.Add(fmt.Sprintf("%x-secret-%d", i*7919, i))
			}
			line := strings.Repeat("an ordinary line of output, with 12 words and some 3f2a9 hex\n", 100)
			m.String(line)
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				m.String(line)
			}
		})
	}
}
