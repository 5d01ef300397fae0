package jsonata

// frame is a scope: the parameters of a call, the variables of a block, or those that a step of a path carries along.
type frame struct {
	parent  *frame
	names   []string
	values  []any
	carried *binding
	room    [3]any // for values, so that most frames are one allocation
}

// binding is a variable of a tuple. Bindings of the tuples of one stream share their tails.
type binding struct {
	name  string
	value any
	next  *binding
}

// inner makes a scope inside f with these names, which it does not change, and no values yet.
func (f *frame) inner(names []string) *frame {
	in := &frame{parent: f, names: names[:len(names):len(names)]}
	if len(names) <= len(in.room) {
		in.values = in.room[:len(names)]
	} else {
		in.values = make([]any, len(names))
	}
	return in
}

// lookup gives the value of a variable in this scope or one around it.
func (f *frame) lookup(name string) (any, bool) {
	for ; f != nil; f = f.parent {
		for i := len(f.names) - 1; i >= 0; i-- {
			if f.names[i] == name {
				return f.values[i], true
			}
		}
		for b := f.carried; b != nil; b = b.next {
			if b.name == name {
				return b.value, true
			}
		}
	}
	return nil, false
}

// bind gives a variable its value in this scope.
func (f *frame) bind(name string, value any) {
	for i := range f.names {
		if f.names[i] == name {
			f.values[i] = value
			return
		}
	}
	f.names = append(f.names, name)
	f.values = append(f.values, value)
}
