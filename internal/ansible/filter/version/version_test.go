package version

import (
	"os"
	"strings"
	"testing"
)

func TestTheOrderIsAnsibles(t *testing.T) {
	data, err := os.ReadFile("testdata/order.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]Kind{"loose": Loose, "strict": Strict, "semver": Semantic, "pep440": PEP440}
	tested := 0
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		n, err := Compare(kinds[f[0]], f[1], f[2])
		got := string("<=>"[n+1])
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != f[3] {
			t.Errorf("%s: %q to %q: got %s, want %s", f[0], f[1], f[2], got, f[3])
		}
		tested++
	}
	if tested < 1000 {
		t.Errorf("only %d pairs were compared", tested)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0-rc.1", "1.0.0+x")
	f.Add("1!2.0.post1.dev3+l.1", "v1")
	f.Fuzz(func(t *testing.T, a, b string) {
		for kind := Loose; kind <= PEP440; kind++ {
			n, err := Compare(kind, a, b)
			m, err2 := Compare(kind, b, a)
			if (err == nil) != (err2 == nil) || err == nil && n != -m {
				t.Errorf("kind %d: %q to %q is %d (%v), the other way %d (%v)", kind, a, b, n, err, m, err2)
			}
		}
	})
}
