package jsonata

// frame is a scope: the parameters of a call, the variables of a block, or those that a step of a path carries along.
type frame struct {
	parent  *frame
	names   []string
	values  []any
	carried *binding
	index   map[string]int // of names, once there are many
	room    [3]any         // for values, so that most frames are one allocation
}

// indexFrom is how many names a scope has before it gets an index.
const indexFrom = 16

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
		if i := f.place(name); i >= 0 {
			return f.values[i], true
		}
		for b := f.carried; b != nil; b = b.next {
			if b.name == name {
				return b.value, true
			}
		}
	}
	return nil, false
}

// place finds a name of this scope; -1 if it is not there. Of two parameters with one name the last one counts.
func (f *frame) place(name string) int {
	if f.index != nil {
		if i, ok := f.index[name]; ok {
			return i
		}
		return -1
	}
	for i := len(f.names) - 1; i >= 0; i-- {
		if f.names[i] == name {
			return i
		}
	}
	return -1
}

// bind gives a variable its value in this scope.
func (f *frame) bind(name string, value any) {
	if i := f.place(name); i >= 0 {
		f.values[i] = value
		return
	}
	f.names = append(f.names, name)
	f.values = append(f.values, value)
	switch n := len(f.names); {
	case f.index != nil:
		f.index[name] = n - 1
	case n >= indexFrom:
		f.index = make(map[string]int, 2*n)
		for i, known := range f.names {
			f.index[known] = i
		}
	}
}
