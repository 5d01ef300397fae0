package clock

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/value"
)

func TestTimesAreThoseOfPython(t *testing.T) {
	data, err := os.ReadFile("testdata/python.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var f [4]any
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		layout, want := f[1].(string), f[3].(string)
		got := ""
		if f[0] == "parse" {
			at, err := Parse(f[2].(string), layout)
			if err != nil {
				got = "error: " + err.Error()
			} else {
				got = value.String(at)
			}
		} else {
			whole, part := math.Modf(f[2].(float64))
			at := time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC()
			if f[0] == "time" {
				at = at.In(time.FixedZone("GMT", 0)) // as gmtime calls it
			}
			got = Format(layout, at, Options{Micro: f[0] != "time", Naive: f[0] == "naive"})
		}
		if got != want {
			t.Errorf("%v %q %v: got %q, want %q", f[0], layout, f[2], got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2020-01-02", "%Y-%m-%d")
	f.Add("5 1 2020", "%w %U %Y")
	f.Fuzz(func(t *testing.T, text, layout string) {
		if at, err := Parse(text, layout); err == nil {
			Format(layout, at.Time, Options{Micro: true, Naive: at.Naive})
		}
	})
}
