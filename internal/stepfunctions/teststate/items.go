package teststate

import (
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

// items evaluates what a Map makes of its input before its iterations begin.
func (t *trial) items() error {
	m := t.state.Map
	items := t.effective
	if e := m.Items; e != nil {
		var err error
		if items, err = e.Eval(t.scope(t.effective)); err != nil {
			return err
		}
		if !t.jsonata() {
			t.note("afterItemsPath", items)
		}
	}
	if err := t.bounds(); err != nil {
		return err
	}
	list, ok := items.([]any)
	if !ok || m.Selector == nil || m.Reader != nil {
		return nil
	}
	selected := make([]any, len(list))
	for i, item := range list {
		sc := t.scope(t.effective)
		sc.Context = t.context.With("Map", data.ObjectOf(data.Member{Key: "Item",
			Value: data.ObjectOf(data.Member{Key: "Index", Value: float64(i)}, data.Member{Key: "Value", Value: item})}))
		v, err := m.Selector.Eval(sc)
		if err != nil {
			return err
		}
		selected[i] = v
	}
	t.note("afterItemSelector", selected)
	return nil
}

// bounds notes the numbers that a Map is held to.
func (t *trial) bounds() error {
	m := t.state.Map
	t.inspection.Set("maxConcurrency", 0.0)
	for _, b := range []struct {
		field string
		expr  expression.Expr
	}{{"maxConcurrency", m.MaxConcurrency}, {"toleratedFailureCount", m.ToleratedFailureCount}, {"toleratedFailurePercentage", m.ToleratedFailurePercentage}} {
		if b.expr == nil {
			continue
		}
		v, err := b.expr.Eval(t.scope(t.effective))
		if err != nil {
			return err
		}
		t.inspection.Set(b.field, v)
	}
	return nil
}

// tooManyFailures reports whether more iterations failed than the Map tolerates. One
// without a bound tolerates all, as the service's TestState has it.
func (t *trial) tooManyFailures() bool {
	failures := float64(t.request.MapIterationFailures)
	if t.state.Map == nil || failures == 0 {
		return false
	}
	bound := func(field string) (float64, bool) {
		v, ok := t.inspection.Get(field)
		if !ok {
			return 0, false
		}
		return data.Float(v)
	}
	if most, ok := bound("toleratedFailureCount"); ok && failures > most {
		return true
	}
	list, _ := t.request.Mock.Result.([]any)
	percent, ok := bound("toleratedFailurePercentage")
	return ok && len(list) > 0 && 100*failures/float64(len(list)) > percent
}
