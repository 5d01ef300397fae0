package jsonpath_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonpath"
)

// The corpus holds documents ("data …"), paths, and below each path what Jayway
// JsonPath 2.9.0 gives for it: "= VALUE", with a star behind the value when the path is
// indefinite, "missing", "fails" (refused while it is evaluated) or "refused". Where
// this package differs on purpose, a line "here …" follows in the same form, with the
// reason in a comment above. tools/jsonpath/Ask.java made what the library says and
// makes it again.
func TestAgainstJayway(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/jayway.txt")
	if err != nil {
		t.Fatal(err)
	}
	var document any
	count := 0
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		switch {
		case line == "" || line[0] == '#' || line[0] == ' ':
			continue
		case strings.HasPrefix(line, "data "):
			if document, err = data.Decode([]byte(line[5:])); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			continue
		}
		count++
		want, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " # ")
		if here, ok := strings.CutPrefix(lines[i+2], "  here "); ok {
			want = here
		}
		if got := answer(line, document); !same(got, want) {
			t.Errorf("line %d: %s\n  gives %s\n  want  %s", i+1, line, got, want)
		}
	}
	if count < 200 {
		t.Errorf("only %d paths were read", count)
	}
}

func answer(text string, document any) string {
	path, err := jsonpath.Parse(text)
	if err != nil {
		return "refused"
	}
	v, err := path.Eval(document)
	var missing *jsonpath.NotFoundError
	switch {
	case errors.As(err, &missing):
		return "missing"
	case err != nil:
		return err.Error()
	case path.Definite():
		return "= " + string(data.Encode(v))
	default:
		return "= " + string(data.Encode(v)) + " *"
	}
}

// same compares values as JSON. A path that the library finds impossible only while
// evaluating it has no value here.
func same(got, want string) bool {
	if got == want || want == "fails" && got == "missing" {
		return true
	}
	g, ok := strings.CutPrefix(got, "= ")
	w, both := strings.CutPrefix(want, "= ")
	if !ok || !both || strings.HasSuffix(g, " *") != strings.HasSuffix(w, " *") {
		return false
	}
	x, err := data.Decode([]byte(strings.TrimSuffix(g, " *")))
	y, bad := data.Decode([]byte(strings.TrimSuffix(w, " *")))
	return err == nil && bad == nil && data.Equal(x, y)
}
