package teststate

import (
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
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
	if m.Reader != nil {
		var err error
		if list, ok, err = t.read(m.Reader); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	if m.Selector != nil {
		var err error
		if list, err = t.selected(list); err != nil {
			return err
		}
	}
	if m.Batcher == nil {
		return nil
	}
	return t.batches(list)
}

// read gives what the ItemReader reads, where that is said.
func (t *trial) read(r *definition.Reader) (list []any, ok bool, err error) {
	if t.request.ReaderData == nil {
		return nil, false, nil
	}
	if list, err = t.request.Read(r, *t.request.ReaderData); err != nil {
		return nil, false, &Failure{execution.ItemReaderFailed, err.Error()}
	}
	if r.MaxItems != nil {
		v, err := r.MaxItems.Eval(t.scope(t.effective))
		if err != nil {
			return nil, false, err
		}
		if most, ok := data.Int(v); ok && most > 0 && most < int64(len(list)) {
			list = list[:most]
		}
	}
	if r.ItemsPointer != "" {
		t.note("afterItemsPointer", list)
	}
	return list, true, nil
}

// selected is what ItemSelector makes of the items.
func (t *trial) selected(list []any) ([]any, error) {
	m := t.state.Map
	selected := make([]any, len(list))
	for i, item := range list {
		sc := t.scope(t.effective)
		sc.Context = t.context.With("Map", data.ObjectOf(data.Member{Key: "Item",
			Value: data.ObjectOf(data.Member{Key: "Index", Value: float64(i)}, data.Member{Key: "Value", Value: item})}))
		v, err := m.Selector.Eval(sc)
		if err != nil {
			return nil, err
		}
		selected[i] = v
	}
	t.note("afterItemSelector", selected)
	return selected, nil
}

// maxSize is from where on nobody asks how large an item is.
const maxSize = 1 << 30

// batches notes the inputs that ItemBatcher makes of the items.
func (t *trial) batches(list []any) error {
	b := t.state.Map.Batcher
	var input any
	var most, bytes int64
	for _, f := range []struct {
		expr expression.Expr
		set  func(any)
	}{{b.BatchInput, func(v any) { input = v }}, {b.MaxItems, func(v any) { most, _ = data.Int(v) }}, {b.MaxBytes, func(v any) { bytes, _ = data.Int(v) }}} {
		if f.expr == nil {
			continue
		}
		v, err := f.expr.Eval(t.scope(t.effective))
		if err != nil {
			return err
		}
		f.set(v)
	}
	all := []any{}
	for len(list) > 0 {
		n := 1
		size := int64(data.Size(list[0], maxSize))
		for ; n < len(list) && (most == 0 || int64(n) < most); n++ {
			if size += int64(data.Size(list[n], maxSize)); bytes > 0 && size > bytes {
				break
			}
		}
		all, list = append(all, batch(input, list[:n])), list[n:]
	}
	t.note("afterItemBatcher", all)
	return nil
}

// batch is the input of one batch.
func batch(input any, items []any) *data.Object {
	o := &data.Object{}
	if input != nil {
		o.Set("BatchInput", input)
	}
	o.Set("Items", items)
	return o
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
