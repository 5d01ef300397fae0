package task

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

var update = flag.Bool("update", false, "write what is reported into testdata/mistakes.txtar")

// TestMistakes holds what is reported of each file in testdata/mistakes.txtar against
// the text that follows it there. A file that loads is evaluated too.
func TestMistakes(t *testing.T) {
	const name = "testdata/mistakes.txtar"
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		src, want := a.Files[i], &a.Files[i+1]
		t.Run(strings.TrimSuffix(src.Name, ".tutti.hcl"), func(t *testing.T) {
			d := reported(t, src.Name, src.Data)
			got := told(d)
			if *update {
				want.Data = []byte(got)
			} else if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
			if !d.HasErrors() {
				t.Error("no mistake was found")
			}
		})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func reported(t *testing.T, name string, src []byte) diag.List {
	f, d := block.Load(map[string][]byte{name: src}, Kinds())
	if d.HasErrors() {
		return d
	}
	values := scope{
		"var.secret":    secretText("hunter22"),
		"var.ephemeral": cty.StringVal("gone").Mark(object.Ephemeral),
		"var.null":      cty.NullVal(cty.String),
		"var.text":      cty.StringVal("text"),
	}
	for _, o := range objects(f, testEnv(".")) {
		x, xd := o.Expand(t.Context(), values)
		d = append(d, xd...)
		for _, inst := range x.Instances {
			_, wd := o.Wanted(t.Context(), values, inst)
			d = append(d, wd...)
		}
	}
	return d
}

func told(d diag.List) string {
	var b strings.Builder
	for _, x := range d.Sorted() {
		place := "-"
		if x.Subject != nil {
			place = fmt.Sprintf("%d:%d", x.Subject.Start.Line, x.Subject.Start.Column)
		}
		fmt.Fprintf(&b, "%s %s: %s\n", place, x.Headline, x.Detail)
	}
	return b.String()
}

// FuzzLoad holds that no text makes Load panic or report something without a place,
// and that what loads can be evaluated, planned or refused.
func FuzzLoad(f *testing.F) {
	a, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(a.Files); i += 2 {
		f.Add(string(a.Files[i].Data))
	}
	f.Add(`task "a" { command = ["true"] }`)
	f.Fuzz(func(t *testing.T, src string) {
		file, d := block.Load(map[string][]byte{"fuzz.tutti.hcl": []byte(src)}, Kinds())
		for _, x := range d {
			if x.Subject == nil {
				t.Errorf("no place: %s", x)
			}
		}
		if d.HasErrors() {
			return
		}
		for _, o := range objects(file, testEnv(t.TempDir())) {
			v, wd := o.Wanted(t.Context(), scope{}, object.Instance{})
			if wd.HasErrors() {
				continue
			}
			drv, _ := o.(object.Driven).Driver(t.Context(), scope{}, object.Instance{})
			if _, pd := drv.Plan(t.Context(), object.PlanRequest{Wanted: v}); pd.HasErrors() {
				t.Error(pd.Err())
			}
		}
	})
}
