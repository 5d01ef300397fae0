package main

import (
	"os"
	"strings"
	"testing"
)

// Each testdata/NAME.jsonl is a stream, and NAME.txt the whole report of it.
func TestReport(t *testing.T) {
	for _, test := range []struct {
		name string
		want counts
	}{
		{"mixed", counts{passed: 2, failed: 1, skipped: 2}},
		{"broken_build", counts{failed: 1}},
		{"panic_outside_test", counts{passed: 1, failed: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, err := os.Open("testdata/" + test.name + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			want, err := os.ReadFile("testdata/" + test.name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			got, err := report(in, &out)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("counts %+v, want %+v", got, test.want)
			}
			if out.String() != string(want) {
				t.Errorf("report:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}
