package password

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// number reads a column that may be empty.
func number(t *testing.T, text string) *int {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return &n
}

func TestHashesAreThoseOfPasslib(t *testing.T) {
	data, err := os.ReadFile("testdata/hashes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		var secret string
		if err := json.Unmarshal([]byte(f[0]), &secret); err != nil {
			t.Fatal(err)
		}
		got, err := Hash(secret, Name(f[1]), Options{Salt: f[2], SaltSize: number(t, f[3]), Rounds: number(t, f[4]), Ident: f[5]}, nil)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != f[6] {
			t.Errorf("%.20q %v:\n got %s\nwant %s", secret, f[1:6], got, f[6])
		}
		tested++
	}
	if tested < 40 {
		t.Errorf("only %d hashes were compared", tested)
	}
}

func TestSaltsAreMadeOfTheCallersRandomness(t *testing.T) {
	last := func(n int) int { return n - 1 }
	for algorithm, want := range map[string]string{
		"md5_crypt": "zzzzzzzz", "sha512_crypt": "zzzzzzzzzzzzzzzz",
		"bcrypt": "zzzzzzzzzzzzzzzzzzzzzu", "foo": "zzzzzzzz",
	} {
		if got := Salt(algorithm, last); got != want {
			t.Errorf("%s: got %s, want %s", algorithm, got, want)
		}
	}
	four, rounds := 4, 1000
	got, err := Hash("x", "sha512_crypt", Options{SaltSize: &four, Rounds: &rounds}, last)
	if err != nil || !strings.HasPrefix(got, "$6$rounds=1000$zzzz$") {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestRoundsThatWouldTakeForEverAreRefused(t *testing.T) {
	for algorithm, rounds := range map[string]int{"sha512_crypt": 999_999_999, "bcrypt": 31} {
		_, err := Hash("x", algorithm, Options{Salt: "abcdefghijklmnop", Rounds: &rounds}, nil)
		if algorithm == "bcrypt" {
			_, err = Hash("x", algorithm, Options{Salt: "abcdefghijklmnopqrstuu", Rounds: &rounds}, nil)
		}
		if err == nil || !strings.Contains(err.Error(), "longer than anybody waits") {
			t.Errorf("%s: got %v", algorithm, err)
		}
	}
}
