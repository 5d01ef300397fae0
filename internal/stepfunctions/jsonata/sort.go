package jsonata

// orderBy is the clause ^(a, >b).
type orderBy struct {
	keys       []op
	descending []bool
	position   int
}

// sortable is an item with the keys that were needed so far.
type sortable struct {
	in   any
	env  *frame
	keys []any
}

// items gives the items in order.
func (o *orderBy) items(r *run, items []any, env *frame) ([]any, error) {
	order, err := o.order(r, len(items), func(i int) (any, *frame) { return items[i], env })
	if err != nil {
		return nil, err
	}
	sorted := make([]any, len(items))
	for i, from := range order {
		sorted[i] = items[from]
	}
	return sorted, nil
}

func (o *orderBy) tuples(r *run, stream *tuples, env *frame) (*tuples, error) {
	order, err := o.order(r, len(stream.list), func(i int) (any, *frame) {
		return stream.list[i].at, stream.list[i].frame(env)
	})
	if err != nil {
		return nil, err
	}
	sorted := &tuples{list: make([]tuple, len(stream.list))}
	for i, from := range order {
		sorted.list[i] = stream.list[from]
	}
	return sorted, nil
}

// order gives the numbers of n items in their order.
func (o *orderBy) order(r *run, n int, item func(int) (any, *frame)) ([]int, error) {
	if err := r.chargeList(n * (3 + len(o.keys))); err != nil {
		return nil, err
	}
	all := make([]sortable, n)
	keys := make([]any, n*len(o.keys))
	for i := range all {
		all[i].in, all[i].env = item(i)
		all[i].keys, keys = keys[:0:len(o.keys)], keys[len(o.keys):]
	}
	return mergeSort(r, n, func(a, b int) (bool, error) { return o.after(r, &all[a], &all[b]) })
}

// key gives a key of an item, which is evaluated only once.
func (o *orderBy) key(r *run, s *sortable, k int) (any, error) {
	if k < len(s.keys) {
		return s.keys[k], nil
	}
	v, err := o.keys[k].eval(r, s.in, s.env)
	s.keys = append(s.keys, v)
	return v, err
}

// after tells whether a belongs behind b. What has no key comes last.
func (o *orderBy) after(r *run, a, b *sortable) (bool, error) {
	for k := range o.keys {
		x, err := o.key(r, a, k)
		if err != nil {
			return false, err
		}
		y, err := o.key(r, b, k)
		if err != nil {
			return false, err
		}
		switch {
		case isUndefined(x) && isUndefined(y):
			continue
		case isUndefined(x) || isUndefined(y):
			return isUndefined(x), nil
		}
		order, err := o.compare(x, y)
		if err != nil {
			return false, err
		}
		if order != 0 {
			return (order > 0) != o.descending[k], nil
		}
	}
	return false, nil
}

func (o *orderBy) compare(x, y any) (int, error) {
	for _, v := range [...]any{x, y} {
		if !comparable(v) {
			return 0, &Error{Code: "T2008", Position: o.position, Value: v}
		}
	}
	if letter(x) != letter(y) {
		return 0, &Error{Code: "T2007", Position: o.position, Value: x, Value2: y}
	}
	if s, ok := x.(string); ok {
		return compareStrings(s, y.(string)), nil
	}
	p, _ := number(x)
	q, _ := number(y)
	switch {
	case p == q:
		return 0, nil
	case p < q:
		return -1, nil
	}
	return 1, nil
}

// mergeSort gives the order of n items: a stable top-down merge, which asks in the same sequence as the reference
// does, so that a comparison that contradicts itself gives the same result.
func mergeSort(r *run, n int, after func(a, b int) (bool, error)) ([]int, error) {
	order, room := make([]int, n), make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order, mergeHalves(r, order, room, after)
}

func mergeHalves(r *run, order, room []int, after func(a, b int) (bool, error)) error {
	if len(order) < 2 {
		return nil
	}
	middle := len(order) / 2
	if err := mergeHalves(r, order[:middle], room[:middle], after); err != nil {
		return err
	}
	if err := mergeHalves(r, order[middle:], room[middle:], after); err != nil {
		return err
	}
	if err := r.work(len(order)); err != nil {
		return err
	}
	copy(room, order)
	left, right := room[:middle], room[middle:]
	for at := 0; len(left) > 0 && len(right) > 0; at++ {
		later, err := after(left[0], right[0])
		if err != nil {
			return err
		}
		if later {
			order[at], right = right[0], right[1:]
		} else {
			order[at], left = left[0], left[1:]
		}
	}
	rest := append(left[:len(left):len(left)], right...)
	copy(order[len(order)-len(rest):], rest)
	return nil
}
