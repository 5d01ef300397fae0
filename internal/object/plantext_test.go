package object_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/object"
)

func TestActionsText(t *testing.T) {
	text := strings.Join([]string{
		`#1 create local_file.a change=0 idempotent`,
		`#2 join - needs=#1,#3`,
		`#3 delete module.b["x y"].local_file.c["\"]"] deposed="k1" change=2 queue="eu" group="g 1"`,
		`#4 run approval.go needs=#2`,
	}, "\n") + "\n"
	actions, err := object.ParseActions(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := object.Print(actions); got != text {
		t.Errorf("got\n%swant\n%s", got, text)
	}
	if a := actions[2]; a.Verb != object.Delete || a.Deposed != "k1" || a.Change != 2 || a.Queue != "eu" || a.Group != "g 1" || a.Idempotent {
		t.Errorf("action 3 is %+v", a)
	}
	if a := actions[3]; a.Change != -1 || a.Addr.Kind != addr.Approval || !slices.Equal(a.Needs, []int{2}) {
		t.Errorf("action 4 is %+v", a)
	}
}

func TestActionsTextRefuses(t *testing.T) {
	for _, text := range []string{
		"#2 create a.b\n", "create a.b\n", "#1 make a.b\n", "#1 create\n", "#1 create a\n", "#1 create a.b needs=#1\n", "#1 create a.b needs=#2\n",
		"#1 create a.b needs=\n", "#1 create a.b needs=2\n#2 join -\n", "#1 join - needs=#3,#2\n#2 join -\n#3 join -\n", "#1 create a.b change=-1\n",
		"#1 create a.b queue=x\n", "#1 create a.b queue=\"\"\n", "#1 create a.b idempotentx\n", "#1 create a.b odd\n", "\n", "#1 join - needs=#2,#2\n#2 join -\n",
	} {
		if a, err := object.ParseActions(text); err == nil {
			t.Errorf("%q is read as %+v", text, a)
		}
	}
}

func TestActionsTextInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "actions")
		actions := make([]object.Action, 0, n)
		for id := 1; id <= n; id++ {
			actions = append(actions, drawAction(t, id, n))
		}
		text := object.Print(actions)
		got, err := object.ParseActions(text)
		if err != nil || !reflect.DeepEqual(got, actions) {
			t.Fatalf("%s\n got %+v, %v\nwant %+v", text, got, err, actions)
		}
	})
}

func drawAction(t *rapid.T, id, n int) object.Action {
	a := object.Action{
		Verb: object.Verb(rapid.IntRange(1, int(object.Set)).Draw(t, "verb")), Change: rapid.IntRange(-1, 30).Draw(t, "change"),
		Deposed: rapid.SampledFrom([]string{"", "00aa", "x y"}).Draw(t, "deposed"), Idempotent: rapid.Bool().Draw(t, "idempotent"),
		Queue: rapid.StringN(0, 3, -1).Draw(t, "queue"), Group: rapid.StringN(0, 3, -1).Draw(t, "group"),
	}
	if rapid.Bool().Draw(t, "address") {
		key := addr.NoKey
		if rapid.Bool().Draw(t, "keyed") {
			key = addr.StringKey(rapid.String().Draw(t, "key"))
		}
		a.Addr = addr.Object{Module: addr.Module{}.Child("m", key), Name: addr.Name{Kind: addr.Resource, Type: "t", Name: "n"}}.Instance(addr.IntKey(id))
	}
	for _, need := range rapid.SliceOfNDistinct(rapid.IntRange(1, n), 0, min(n, 4), rapid.ID).Draw(t, "needs") {
		if need != id {
			a.Needs = append(a.Needs, need)
		}
	}
	slices.Sort(a.Needs)
	return a
}

func FuzzParseActions(f *testing.F) {
	f.Add("#1 create local_file.a change=0 idempotent\n#2 join - needs=#1\n")
	f.Add(`#1 delete module.b["x"].local_file.c deposed="k1" change=2 queue="eu" group="g"`)
	f.Fuzz(func(t *testing.T, text string) {
		actions, err := object.ParseActions(text)
		if err != nil {
			return
		}
		again, err := object.ParseActions(object.Print(actions))
		if err != nil || !reflect.DeepEqual(actions, again) {
			t.Fatalf("%q is read as %+v and then as %+v, %v", text, actions, again, err)
		}
	})
}

func BenchmarkActionsText(b *testing.B) {
	actions := make([]object.Action, 100_000)
	for i := range actions {
		o := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "local_file", Name: fmt.Sprintf("file%d", i%10)}}
		actions[i] = object.Action{Verb: object.Create, Addr: o.Instance(addr.IntKey(i)), Change: i}
		if i > 1 {
			actions[i].Needs = []int{i - 1, i}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := object.ParseActions(object.Print(actions)); err != nil || len(got) != len(actions) {
			b.Fatal(err)
		}
	}
}
