package callback

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// recorded are runs of the real ansible-playbook (testdata/record/record.sh) with the options
// that stand for the settings that each had.
var recorded = map[string]struct {
	callback string
	options  Options
	// head is where the callback's own text begins; what stands before is the command's.
	head string
}{
	"plain":        {options: Options{CustomStats: true}},
	"color":        {options: Options{Color: true, Diff: true}},
	"v":            {options: Options{Verbosity: 1}, head: "\nPLAY ["},
	"vv":           {options: Options{Verbosity: 2}, head: "\nPLAYBOOK: "},
	"check":        {options: Options{Check: true, Diff: true, CheckMarkers: true}},
	"quiet":        {options: Options{HideSkipped: true, HideOK: true}},
	"stderr":       {options: Options{FailedStderr: true}},
	"minimal":      {callback: "minimal", options: Options{Diff: true}},
	"oneline":      {callback: "oneline"},
	"yaml":         {options: Options{Format: "yaml", Diff: true, Verbosity: 1}, head: "\nPLAY ["},
	"pretty":       {options: Options{Pretty: "yes", Verbosity: 1}, head: "\nPLAY ["},
	"free":         {},
	"freequiet":    {options: Options{HideOK: true}},
	"trouble":      {},
	"troublecolor": {options: Options{Color: true, Verbosity: 1}, head: "\nPLAY ["},
	"troublecheck": {options: Options{Check: true}},
}

// TestRecorded plays the notes of each recorded run and compares with the text that Ansible's
// own callback printed in that run.
func TestRecorded(t *testing.T) {
	for name, test := range recorded {
		t.Run(name, func(t *testing.T) {
			notes, err := os.ReadFile("testdata/recorded/" + name + ".notes")
			if err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			o := test.options
			o.Out, o.Err = &out, &errs
			o.Source = func(file string) []byte {
				text, _ := os.ReadFile(filepath.Join("testdata/record", path.Base(file)))
				return text
			}
			if test.callback == "" {
				test.callback = "default"
			}
			v, err := New(test.callback, o)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(notes)) {
				n, err := Read(line)
				if err != nil {
					t.Fatal(err)
				}
				v.Note(n)
			}
			compare(t, name+".out", out.String(), test.head)
			if !strings.HasPrefix(name, "trouble") { // there Ansible's strategy tells of an include that is missing
				compare(t, name+".err", errs.String(), "")
			}
		})
	}
}

// compare reports the first line that differs, with some before it.
func compare(t *testing.T, name, got, head string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/recorded/" + name)
	if err != nil {
		t.Fatal(err)
	}
	want := string(raw)
	if head != "" {
		if i := strings.Index(want, head); i >= 0 {
			want = want[i:]
		}
	}
	if strings.HasSuffix(name, ".err") { // those of the inventory are not the callback's
		want = dropLines(want, "Could not match supplied host pattern")
	}
	// How many plays there are, what a strategy does and which interpreter was found is not
	// the callback's to say; our errors have no tracebacks that could be missing.
	want = strings.ReplaceAll(want, `{"ansible_loop_var": "item","changed": false,"exception": "(traceback unavailable)",`, `{"ansible_loop_var": "item","changed": false,`)
	for _, with := range []string{"plays in many.yml", "Notification for handler", "META: ", "statically imported", "(traceback unavailable)"} {
		want = dropLines(want, with)
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "<end>", "<end>"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("%s, line %d:\ngot  %q\nwant %q\nbefore: %q", name, i+1, x, y, b[max(0, i-4):i])
			return
		}
	}
}

func dropLines(text, with string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, with) {
			b.WriteString(line)
		}
	}
	return b.String()
}
