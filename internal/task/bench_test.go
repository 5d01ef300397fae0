package task

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/object"
)

// BenchmarkNothingToDo is all that a task costs in a plan that finds it as it should
// be: reading its row, evaluating its block, comparing.
func BenchmarkNothingToDo(b *testing.B) {
	f, d := block.Load(map[string][]byte{"m.tutti.hcl": []byte(`task "a" {
  count       = 1
  command     = ["/bin/true", count.index]
  environment = { A = "x", B = var.key }
  triggers    = { i = count.index }
}`)}, Kinds())
	if d.HasErrors() {
		b.Fatal(d.Err())
	}
	o := objects(f, testEnv("."))[0].(object.Driven)
	values := scope{"var.key": secretText("hunter22")}
	inst := object.Instance{Key: addr.IntKey(0)}
	wanted, d := o.Wanted(b.Context(), values, inst)
	if d.HasErrors() {
		b.Fatal(d.Err())
	}
	drv := &driver{root: "."}
	p := private{Salt: block.NewSalt(), Ran: true}
	out := outcome{exit: new(int), stdout: `{"a": [1, 2, 3]}`}.values(true, nil)
	row, err := drv.Encode(&object.Actual{Value: block.Join(concealed(p.Salt, wanted, runInputs, otherInputs), out), Private: p.bytes()})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		wanted, _ := o.Wanted(b.Context(), values, inst)
		prior, _ := drv.Decode(b.Context(), row)
		c, _ := drv.Plan(b.Context(), object.PlanRequest{Wanted: wanted, Prior: prior})
		if c.Verb != object.NoOp || c.After == cty.NilVal {
			b.Fatal(c.Verb, c.Note)
		}
	}
}
