package configfile

import (
	"strings"
	"testing"
)

// What Python's configparser makes of most files is held by the recorded lookups; these are
// its limits.
func TestReferencesThatNeverEndAreRefused(t *testing.T) {
	f := New(Options{Interpolate: true})
	if err := f.Read("[a]\nx = %(y)s\ny = %(x)s\nz = %\nw = %(\n"); err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{
		"x": "Recursion limit exceeded in value substitution", "z": "'%' must be followed by '%' or '(', found: '%'", "w": "bad interpolation variable reference '%('",
	} {
		if _, _, err := f.Get("a", option); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", option, err, want)
		}
	}
}

func TestWhatIsReadLaterCountsMore(t *testing.T) {
	f := New(Options{})
	for _, text := range []string{"[a]\nx = 1\ny = 2\n", "[a]\nx = 3\n"} {
		if err := f.Read(text); err != nil {
			t.Fatal(err)
		}
	}
	for option, want := range map[string]any{"X": "3", "y": "2"} {
		if got, found, err := f.Get("a", option); got != want || !found || err != nil {
			t.Errorf("%s: got %v, %v, %v", option, got, found, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[a]\nx = 1\n  2\n\n  3\n# c\ny: %(x)s\n[DEFAULT]\nz=%%\n", true)
	f.Add("x\n", false)
	f.Fuzz(func(t *testing.T, text string, lax bool) {
		file := New(Options{AllowNoValue: lax, Interpolate: true})
		if file.Read(text) != nil {
			return
		}
		for _, section := range file.names {
			if _, err := file.Items(section); err != nil {
				continue
			}
		}
	})
}
