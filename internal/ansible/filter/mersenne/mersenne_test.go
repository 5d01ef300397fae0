package mersenne

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

func seed(t *testing.T, text string) any {
	switch {
	case text == "True":
		return true
	case text == "inf":
		return math.Inf(1)
	case text[0] == '"':
		var s string
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNumbersAreThoseOfPython(t *testing.T) {
	data, err := os.ReadFile("testdata/numbers.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		from, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		r, err := New(seed(t, from))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range []int64{1, 2, 3, 10, 1000, 1 << 31, 1 << 32, 1<<33 + 1, 1<<62 + 1} {
			got = append(got, fmt.Sprint(r.Below(n)))
		}
		for i := range 1000 {
			if n := r.Below(100); i >= 997 {
				got = append(got, fmt.Sprint(n))
			}
		}
		if text := "[" + strings.Join(got, ", ") + "]"; text != want {
			t.Errorf("seed %.40s:\n got %s\nwant %s", from, text, want)
		}
	}
}

func TestASeedOfAnotherTypeIsRefused(t *testing.T) {
	if _, err := New([]int{1}); err != ErrSeed {
		t.Errorf("got %v", err)
	}
}
