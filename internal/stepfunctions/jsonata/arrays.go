package jsonata

import (
	"hash/maphash"
	"math"

	"tutti/internal/stepfunctions/data"
)

// The functions on arrays.

func count(_ *run, args []any) (any, error) {
	items, _ := list(args[0])
	return boxed(float64(len(items))), nil
}

func appendFunction(r *run, args []any) (any, error) {
	var a appended
	for _, arg := range args {
		if err := a.add(r, arg); err != nil {
			return nil, err
		}
	}
	return a.value(), nil
}

func sortFunction(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok || len(items) < 2 {
		return args[0], nil
	}
	after, err := r.comparator(items, args[1])
	if err != nil {
		return nil, err
	}
	if err := r.chargeList(3 * len(items)); err != nil {
		return nil, err
	}
	order, err := mergeSort(r, len(items), after)
	if err != nil {
		return nil, err
	}
	sorted := make([]any, len(items))
	for i, from := range order {
		sorted[i] = items[from]
	}
	return sorted, nil
}

// comparator makes the comparison of $sort: that of the user, or the one of numbers or strings.
func (r *run) comparator(items []any, by any) (func(a, b int) (bool, error), error) {
	if f, ok := by.(function); ok {
		pair := make([]any, 2)
		return func(a, b int) (bool, error) {
			pair[0], pair[1] = items[a], items[b]
			v, err := r.callback(f, pair)
			if err != nil {
				return false, err
			}
			return truthy(v), nil
		}, nil
	}
	if allStrings(items) {
		return func(a, b int) (bool, error) { return compareStrings(items[a].(string), items[b].(string)) > 0, nil }, nil
	}
	if ok, err := numbers(items); err != nil || !ok {
		return nil, errorOr(err, &Error{Code: "D3070", Index: 1})
	}
	return func(a, b int) (bool, error) {
		x, _ := number(items[a])
		y, _ := number(items[b])
		return x > y, nil
	}, nil
}

// truthy is the truth of ECMAScript, which the reference asks for where it does not cast to a boolean.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case nil, undefined:
		return false
	}
	f, ok := number(v)
	return !ok || f != 0 && !math.IsNaN(f)
}

func reverse(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok || len(items) < 2 {
		return args[0], nil
	}
	if err := r.chargeList(len(items)); err != nil {
		return nil, err
	}
	reversed := make([]any, len(items))
	for i, item := range items {
		reversed[len(items)-1-i] = item
	}
	return reversed, nil
}

func shuffle(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok || len(items) < 2 {
		return args[0], nil
	}
	if err := r.chargeList(len(items)); err != nil {
		return nil, err
	}
	shuffled := make([]any, len(items))
	for i, item := range items {
		f, err := r.random()
		if err != nil {
			return nil, err
		}
		j := min(int(f*float64(i+1)), i)
		shuffled[i] = shuffled[j]
		shuffled[j] = item
	}
	return shuffled, nil
}

func zip(r *run, args []any) (any, error) {
	shortest := math.MaxInt
	for _, arg := range args {
		items, _ := list(arg)
		shortest = min(shortest, len(items))
	}
	if err := r.chargeList(shortest * (2 + len(args))); err != nil {
		return nil, err
	}
	r.built += shortest
	rows := make([]any, shortest)
	for i := range rows {
		row := make([]any, len(args))
		for k, arg := range args {
			items, _ := list(arg)
			row[k] = items[i]
		}
		rows[i] = row
	}
	return rows, nil
}

func distinct(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok || len(items) < 2 {
		return args[0], nil
	}
	var seed maphash.Seed = maphash.MakeSeed() // order does not depend on it
	byHash := make(map[uint64][]any, len(items))
	var out []any
	for _, item := range items {
		hash, err := r.hash(seed, item, 0)
		if err != nil {
			return nil, err
		}
		known := false
		for _, other := range byHash[hash] {
			if known, err = r.equal(item, other, 0); known || err != nil {
				break
			}
		}
		if err != nil {
			return nil, err
		}
		if !known {
			byHash[hash] = append(byHash[hash], item)
			out = append(out, item)
		}
	}
	if err := r.chargeList(3 * len(items)); err != nil {
		return nil, err
	}
	if isSequence(args[0]) {
		return sequenceOf(out...), nil
	}
	return out, nil
}

// hash gives equal numbers for equal values.
func (r *run) hash(seed maphash.Seed, v any, depth int) (uint64, error) {
	if err := r.walk(1, depth); err != nil {
		return 0, err
	}
	if f, ok := number(v); ok {
		return maphash.Comparable(seed, f), nil
	}
	switch v := v.(type) {
	case string:
		return maphash.String(seed, v), r.read(len(v))
	case bool:
		return maphash.Comparable(seed, v), nil
	case *data.Object:
		var sum uint64
		for _, m := range v.Members() {
			h, err := r.hash(seed, m.Value, depth+1)
			if err != nil {
				return 0, err
			}
			sum += maphash.Comparable(seed, [2]uint64{maphash.String(seed, m.Key), h})
		}
		return sum, nil
	}
	var sum uint64 = 1
	items, _ := list(v)
	for _, item := range items {
		h, err := r.hash(seed, item, depth+1)
		if err != nil {
			return 0, err
		}
		sum = maphash.Comparable(seed, [2]uint64{sum, h})
	}
	return sum, nil
}
