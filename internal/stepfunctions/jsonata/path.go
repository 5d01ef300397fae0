package jsonata

import (
	"math"

	"tutti/internal/stepfunctions/data"
)

// path is a.b.c: each step is evaluated with every item that the step before gave as its context, and the results are
// put together in one flat sequence.
type path struct {
	steps         []step
	keepSingleton bool // [] was written in it: the result stays an array
	keepArray     bool // [] was written behind it
	absolute      bool // it begins with a variable, so an array as input is not iterated over
	tuple         bool // the result is a stream of tuples for the path around it
	firstTuple    int  // the first step that binds variables; the number of steps if there is none
	group         *group
}

// step is one part of a path.
type step struct {
	op        op
	name      string // the field, if named: the step is only a name, perhaps with stages
	named     bool
	chain     int // how many steps from here on are only names, without stages
	stages    []stageOp
	sort      *orderBy // an order-by clause instead of op
	consArray bool
	focus     string // bound to the value by @
	index     string // bound to the position by #
	ancestor  string // bound to the input, for %
}

// stageOp is a filter of a step's result, or binds the position.
type stageOp struct {
	filter filter
	index  string
}

// filter is a predicate [..].
type filter struct {
	test  op
	fixed bool // the predicate is the number index
	index float64
}

// tuples is the value of a path that carries variables along.
type tuples struct{ list []tuple }

// tuple is one item with the variables that were bound on the way to it.
type tuple struct {
	at      any
	carried *binding
}

func (t tuple) frame(env *frame) *frame { return &frame{parent: env, carried: t.carried} }

func (t tuple) with(name string, value any) tuple {
	return tuple{t.at, &binding{name: name, value: value, next: t.carried}}
}

func (o *path) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.evalSteps(r, in, env)
	if err != nil {
		return nil, err
	}
	r.leave()
	if o.keepArray {
		if a, ok := v.(*array); ok && a.sequence {
			a.keep = true
		}
	}
	return single(v), nil
}

func (o *path) evalSteps(r *run, in any, env *frame) (any, error) {
	items, ok := list(in)
	if !ok || o.absolute {
		items = []any{in}
	}
	return o.evalFrom(r, 0, items, env)
}

// evalFrom evaluates the steps from number i on.
func (o *path) evalFrom(r *run, i int, items []any, env *frame) (any, error) {
	var result any
	for ; i < o.firstTuple; i++ {
		s := &o.steps[i]
		var err error
		switch {
		case s.chain > 0:
			next := i + s.chain
			result, err = chain(r, o.steps[i:next], items, next == len(o.steps))
			i = next - 1
		case i == 0 && s.consArray:
			result, err = s.op.eval(r, sequenceOf(items...), env)
		default:
			result, err = s.eval(r, items, result, env, i == len(o.steps)-1)
		}
		if err != nil {
			return nil, err
		}
		var many bool
		if items, many = list(result); len(items) == 0 && (many || isUndefined(result)) {
			break
		}
	}
	if i == o.firstTuple && i < len(o.steps) {
		return o.evalTuples(r, items, env)
	}
	if o.keepSingleton {
		result = keepSingle(result)
	}
	if o.group != nil {
		return o.group.eval(r, result, env)
	}
	return result, nil
}

// keepSingle marks the result of a path in which [] was written.
func keepSingle(v any) any {
	if a, ok := v.(*array); ok {
		if a.cons && !a.sequence {
			return &array{items: []any{a}, sequence: true, keep: true}
		}
		a.keep = true
	}
	return v
}

func (o *path) evalTuples(r *run, items []any, env *frame) (any, error) {
	stream := &tuples{}
	for i := o.firstTuple; i < len(o.steps); i++ {
		var err error
		if stream, err = o.steps[i].evalTuples(r, items, stream, i == o.firstTuple, env); err != nil {
			return nil, err
		}
	}
	if o.group != nil {
		return o.group.eval(r, stream, env)
	}
	if o.tuple {
		return stream, nil
	}
	if err := r.chargeList(len(stream.list)); err != nil {
		return nil, err
	}
	result := &array{sequence: true, keep: o.keepSingleton, items: make([]any, len(stream.list))}
	for i, t := range stream.list {
		result.items[i] = r.kept(t.at)
	}
	return result, nil
}

// eval evaluates a step for each item of what the step before gave.
func (s *step) eval(r *run, items []any, before any, env *frame, last bool) (any, error) {
	if s.sort != nil {
		if len(items) > 1 {
			sorted, err := s.sort.items(r, items, env)
			if err != nil {
				return nil, err
			}
			before = sorted
		}
		return s.filter(r, before, env)
	}
	out := results{r: r, only: last, expected: len(items)}
	for _, item := range items {
		v, err := s.value(r, item, env)
		if err != nil {
			return nil, err
		}
		if err := out.add(v); err != nil {
			return nil, err
		}
	}
	return out.sequence(), nil
}

func (s *step) value(r *run, item any, env *frame) (any, error) {
	if err := r.work(1); err != nil {
		return nil, err
	}
	var v any
	var err error
	if o, ok := item.(*data.Object); ok && s.named {
		if v, ok = o.Get(s.name); !ok {
			v = Undefined
		} else if len(s.stages) == 0 {
			return single(v), nil
		} else {
			v = single(v)
		}
	} else if v, err = s.op.eval(r, item, env); err != nil {
		return nil, err
	}
	return s.filter(r, v, env)
}

func (s *step) filter(r *run, v any, env *frame) (any, error) {
	for i := range s.stages {
		var err error
		if v, err = s.stages[i].filter.eval(r, v, env); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// results puts the results of a step together.
type results struct {
	r        *run
	only     bool // of the last step: a plain array that is the only result stays as it is
	expected int  // how many results there may be
	count    int
	plain    any // the first result, if it is a plain array
	items    []any
}

// maxGuess bounds the room that is made for results before they are there.
const maxGuess = 1 << 14

func (o *results) add(v any) error {
	if isUndefined(v) {
		return nil
	}
	o.count++
	items, ok := list(v)
	if a, own := v.(*array); own && a.cons {
		ok = false
	}
	if ok && o.count == 1 && o.only && !isSequence(v) {
		o.plain = v
		return nil
	}
	if o.plain != nil {
		if err := o.unfold(); err != nil {
			return err
		}
	}
	if !ok {
		if err := o.room(o.expected); err != nil {
			return err
		}
		o.items = append(o.items, o.r.kept(v))
		return o.r.charge(sizeItem)
	}
	if err := o.r.chargeList(len(items)); err != nil {
		return err
	}
	if err := o.room(o.expected * len(items)); err != nil {
		return err
	}
	o.items = append(o.items, items...)
	return nil
}

// room makes room for the first results.
func (o *results) room(n int) error {
	if o.items != nil {
		return nil
	}
	n = min(n, maxGuess)
	o.items = make([]any, 0, n)
	return o.r.charge(n * sizeItem)
}

func (o *results) unfold() error {
	first, _ := list(o.plain)
	o.plain = nil
	o.items = append(o.items, first...)
	return o.r.chargeList(len(first))
}

func (o *results) sequence() any {
	if o.plain != nil {
		return o.plain
	}
	return &array{items: o.items, sequence: true}
}

// evalTuples evaluates a step for each tuple, or, as the first such step, for each item.
func (s *step) evalTuples(r *run, items []any, stream *tuples, first bool, env *frame) (*tuples, error) {
	if s.sort != nil {
		sorted, err := s.sortTuples(r, items, stream, first, env)
		if err != nil {
			return nil, err
		}
		return s.stageTuples(r, sorted, env)
	}
	if first {
		stream = &tuples{list: make([]tuple, len(items))}
		for i, item := range items {
			stream.list[i].at = item
		}
	}
	out := &tuples{list: make([]tuple, 0, len(stream.list))}
	if err := r.charge(len(stream.list) * sizeMember); err != nil {
		return nil, err
	}
	for _, t := range stream.list {
		if err := r.work(1); err != nil {
			return nil, err
		}
		v, err := s.tupleValue(r, t, env)
		if err != nil {
			return nil, err
		}
		if err := s.extend(r, out, t, v); err != nil {
			return nil, err
		}
	}
	return s.stageTuples(r, out, env)
}

// tupleValue evaluates the step for one tuple. A name needs no scope.
func (s *step) tupleValue(r *run, t tuple, env *frame) (any, error) {
	if !s.named {
		return s.op.eval(r, t.at, t.frame(env))
	}
	v, err := r.field(t.at, s.name, 0)
	return single(v), err
}

// extend adds the tuples that a step makes of one tuple and its value.
func (s *step) extend(r *run, out *tuples, t tuple, v any) error {
	if isUndefined(v) {
		return nil
	}
	if inner, ok := v.(*tuples); ok {
		for _, u := range inner.list {
			joined := tuple{u.at, t.carried}
			for _, b := range u.inOrder() {
				joined = joined.with(b.name, b.value)
			}
			out.list = append(out.list, joined)
		}
		return r.charge(len(inner.list) * sizeMember)
	}
	values, ok := list(v)
	if !ok {
		values = []any{v}
	}
	if err := r.charge(len(values) * 2 * sizeMember); err != nil {
		return err
	}
	if err := r.work(len(values)); err != nil {
		return err
	}
	for i, value := range values {
		next := tuple{value, t.carried}
		if s.focus != "" {
			next = tuple{t.at, t.carried}.with(s.focus, value)
		}
		if s.index != "" {
			next = next.with(s.index, boxed(float64(i)))
		}
		if s.ancestor != "" {
			next = next.with(s.ancestor, t.at)
		}
		out.list = append(out.list, next)
	}
	return nil
}

// inOrder gives the variables of a tuple, those bound first at the front.
func (t tuple) inOrder() []*binding {
	var all []*binding
	for b := t.carried; b != nil; b = b.next {
		all = append(all, b)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func (s *step) sortTuples(r *run, items []any, stream *tuples, first bool, env *frame) (*tuples, error) {
	if !first {
		return s.sort.tuples(r, stream, env)
	}
	values, err := s.sort.items(r, items, env)
	if err != nil {
		return nil, err
	}
	out := &tuples{}
	for i, v := range values {
		out.list = append(out.list, tuple{at: v}.with(s.index, boxed(float64(i))))
	}
	return out, nil
}

func (s *step) stageTuples(r *run, stream *tuples, env *frame) (*tuples, error) {
	for i := range s.stages {
		st := &s.stages[i]
		if st.index != "" {
			numbered := &tuples{list: make([]tuple, len(stream.list))}
			for k, t := range stream.list {
				numbered.list[k] = t.with(st.index, boxed(float64(k)))
			}
			stream = numbered
			continue
		}
		var err error
		if stream, err = st.filter.tuples(r, stream, env); err != nil {
			return nil, err
		}
	}
	return stream, nil
}

// filtered is an expression that is not a step, with a predicate.
type filtered struct {
	of     op
	filter filter
}

func (o *filtered) eval(r *run, in any, env *frame) (any, error) {
	v, err := o.of.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	if stream, ok := v.(*tuples); ok {
		return o.filter.tuples(r, stream, env)
	}
	return o.filter.eval(r, v, env)
}

// eval gives the items that a predicate lets through, as a sequence; or, for a number, the one item itself if that is
// an array.
func (f *filter) eval(r *run, v any, env *frame) (any, error) {
	items, ok := list(v)
	if !ok {
		items = []any{v}
	}
	if f.fixed {
		i := f.index
		if i < 0 {
			i += float64(len(items))
		}
		if i < 0 || i >= float64(len(items)) || isUndefined(items[int(i)]) {
			return sequenceOf(), nil
		}
		item := items[int(i)]
		if _, ok := list(item); ok {
			return item, nil
		}
		return sequenceOf(item), nil
	}
	out := &array{sequence: true}
	for i, item := range items {
		n, err := f.count(r, item, env, i, len(items))
		if err != nil {
			return nil, err
		}
		for range n {
			out.items = append(out.items, r.kept(item))
		}
	}
	return out, r.charge(len(out.items) * sizeItem)
}

// count tells how often an item passes: as often as the predicate gives its position, or once if it is true.
func (f *filter) count(r *run, in any, env *frame, i, length int) (int, error) {
	if err := r.work(1); err != nil {
		return 0, err
	}
	if f.fixed {
		return positions([]any{boxed(f.index)}, i, length), nil
	}
	v, err := f.test.eval(r, in, env)
	if err != nil {
		return 0, err
	}
	if yes, ok := v.(bool); ok {
		if yes {
			return 1, nil
		}
		return 0, nil
	}
	wanted, ok := list(v)
	if !ok {
		wanted = []any{v}
	}
	if ok, err = numbers(wanted); err != nil {
		return 0, err
	}
	if ok {
		n := positions(wanted, i, length)
		if n > 1 {
			err = r.chargeList(n)
		}
		if err == nil {
			err = r.work(len(wanted))
		}
		return n, err
	}
	yes, err := truth(v)
	if yes {
		return 1, err
	}
	return 0, err
}

// positions counts how often an item's position is among those wanted; negative ones count from the end.
func positions(wanted []any, i, length int) int {
	n := 0
	for _, w := range wanted {
		at, _ := number(w)
		at = math.Floor(at)
		if at < 0 {
			at += float64(length)
		}
		if at == float64(i) {
			n++
		}
	}
	return n
}

func (f *filter) tuples(r *run, stream *tuples, env *frame) (*tuples, error) {
	out := &tuples{}
	for i, t := range stream.list {
		n, err := f.count(r, t.at, t.frame(env), i, len(stream.list))
		if err != nil {
			return nil, err
		}
		for range n {
			out.list = append(out.list, t)
		}
	}
	return out, r.charge(len(out.list) * sizeItem)
}
