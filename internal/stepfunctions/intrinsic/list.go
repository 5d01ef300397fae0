package intrinsic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"tutti/internal/stepfunctions/data"
)

func array(args []any, _ Scope) (any, error) { return args, nil }

func arrayPartition(args []any, _ Scope) (any, error) {
	list, err := listAt(args, 0)
	if err != nil {
		return nil, err
	}
	size, err := integerAt(args, 1)
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, errors.New("the size of a part must be positive")
	}
	parts := make([]any, 0, (int64(len(list))+size-1)/size)
	for len(list) > 0 {
		n := min(int(size), len(list))
		parts = append(parts, list[:n:n])
		list = list[n:]
	}
	return parts, nil
}

func arrayContains(args []any, _ Scope) (any, error) {
	list, err := listAt(args, 0)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		if data.Equal(item, args[1]) {
			return true, nil
		}
	}
	return false, nil
}

// arrayRange counts from the first number by the step up to the last one, inclusive.
func arrayRange(args []any, _ Scope) (any, error) {
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = integerAt(args, i); err != nil {
			return nil, err
		}
	}
	first, last, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("the step must not be 0")
	}
	count := (last-first)/step + 1
	if (last-first)*step < 0 {
		count = 0
	}
	if count > MaxRange {
		return nil, fmt.Errorf("the array would have %d elements, the limit is %d", count, MaxRange)
	}
	list := make([]any, count)
	for i := range list {
		list[i] = data.Integer(first + int64(i)*step)
	}
	return list, nil
}

func arrayGetItem(args []any, _ Scope) (any, error) {
	list, err := listAt(args, 0)
	if err != nil {
		return nil, err
	}
	at, err := integerAt(args, 1)
	if err != nil {
		return nil, err
	}
	if at < 0 || at >= int64(len(list)) {
		return nil, fmt.Errorf("the index %d lies outside of an array of %d elements", at, len(list))
	}
	return list[at], nil
}

func arrayLength(args []any, _ Scope) (any, error) {
	list, err := listAt(args, 0)
	if err != nil {
		return nil, err
	}
	return data.Integer(int64(len(list))), nil
}

// arrayUnique keeps the first of equal elements.
func arrayUnique(args []any, _ Scope) (any, error) {
	list, err := listAt(args, 0)
	if err != nil {
		return nil, err
	}
	seen := map[uint64][]any{}
	unique := []any{}
next:
	for _, item := range list {
		key := fingerprint(item)
		for _, other := range seen[key] {
			if data.Equal(item, other) {
				continue next
			}
		}
		seen[key] = append(seen[key], item)
		unique = append(unique, item)
	}
	return unique, nil
}

// fingerprint gives equal values the same number, and others hardly ever, so that a
// long array is not compared each with each.
func fingerprint(v any) uint64 {
	h := fnv.New64a()
	if f, ok := data.Float(v); ok {
		h.Write(data.AppendFloat(nil, f))
		return h.Sum64()
	}
	switch v := v.(type) {
	case []any:
		h.Write([]byte{'['})
		for _, item := range v {
			h.Write(binary.LittleEndian.AppendUint64(nil, fingerprint(item)))
		}
	case *data.Object:
		sum := uint64(v.Len())
		for _, m := range v.Members() {
			// The order of members does not count.
			sum += fingerprint(m.Key)*31 ^ fingerprint(m.Value)
		}
		return sum
	default:
		h.Write(data.Encode(v))
	}
	return h.Sum64()
}

// jsonMerge merges two objects; where both have a member, the second one's counts. The
// service knows the shallow mode only.
func jsonMerge(args []any, _ Scope) (any, error) {
	first, ok := args[0].(*data.Object)
	if !ok {
		return nil, wrong(args, 0, "an object")
	}
	second, ok := args[1].(*data.Object)
	if !ok {
		return nil, wrong(args, 1, "an object")
	}
	deep, ok := args[2].(bool)
	switch {
	case !ok:
		return nil, wrong(args, 2, "a boolean")
	case deep:
		return nil, errors.New("argument 3 must be false: only shallow merging is supported")
	}
	merged := data.NewObject(first.Len() + second.Len())
	for _, o := range []*data.Object{first, second} {
		for _, m := range o.Members() {
			merged.Set(m.Key, m.Value)
		}
	}
	return merged, nil
}
