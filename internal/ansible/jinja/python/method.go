package python

import (
	"math"
	"slices"
	"strings"

	"tutti/internal/ansible/value"
)

// Kwarg is an argument that is given by its name.
type Kwarg struct {
	Name  string
	Value any
}

// Method is a method of a value.
type Method struct {
	On   any
	Name string
	spec spec
}

// PythonType names the type.
func (*Method) PythonType() string { return "builtin_function_or_method" }

func (m *Method) String() string {
	return "<built-in method " + m.Name + " of " + name(m.On) + " object>"
}

// spec is how a method is called: the names of its parameters, parted by blanks, of which
// the first few are required.
type spec struct {
	params   string
	required int
	run      func(on any, a args) (any, error)
	// open methods take any arguments.
	open bool
}

// args are bound arguments: one for each parameter, nil where none was given.
type args struct {
	all   []any
	given []bool
	kw    []Kwarg
}

func (a args) has(i int) bool { return i < len(a.given) && a.given[i] }

// text gives an argument that has to be text.
func (a args) text(i int, method string) (string, error) {
	s, ok := a.all[i].(string)
	if !ok {
		return "", errorf("%s() argument %d must be str, not %s", method, i+1, name(a.all[i]))
	}
	return s, nil
}

// number gives an argument that has to be an integer, or a default.
func (a args) number(i int, standard int64) (int64, error) {
	if !a.has(i) || a.all[i] == nil {
		return standard, nil
	}
	n, ok := index(a.all[i])
	if !ok {
		return 0, errorf("'%s' object cannot be interpreted as an integer", name(a.all[i]))
	}
	return n, nil
}

// Call calls a method.
func (m *Method) Call(pos []any, named []Kwarg) (any, error) {
	if m.spec.open {
		return m.spec.run(m.On, args{all: pos, kw: named})
	}
	names := strings.Fields(m.spec.params)
	if len(pos) > len(names) {
		if len(names) == 0 {
			return nil, errorf("%s.%s() takes no arguments (%d given)", name(m.On), m.Name, len(pos)+len(named))
		}
		return nil, errorf("%s expected at most %d argument%s, got %d", m.Name, len(names), plural(len(names)), len(pos)+len(named))
	}
	a := args{all: make([]any, len(names)), given: make([]bool, len(names))}
	for i, v := range pos {
		a.all[i], a.given[i] = v, true
	}
	for _, k := range named {
		i := slices.Index(names, k.Name)
		if i < 0 {
			return nil, errorf("%s() got an unexpected keyword argument '%s'", m.Name, k.Name)
		}
		if a.given[i] {
			return nil, errorf("argument for %s() given by name ('%s') and position (%d)", m.Name, k.Name, i+1)
		}
		a.all[i], a.given[i] = k.Value, true
	}
	for i := range m.spec.required {
		if !a.given[i] {
			return nil, errorf("%s expected at least %d argument%s, got %d", m.Name, m.spec.required, plural(m.spec.required), len(pos)+len(named))
		}
	}
	return m.spec.run(m.On, a)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// Attribute gives a method or an attribute of a value's type.
func Attribute(v any, attribute string) (any, bool) {
	table := map[string]spec(nil)
	switch v := v.(type) {
	case string:
		switch attribute { // not in the table, for these look up attributes themselves
		case "format":
			return &Method{On: v, Name: attribute, spec: spec{open: true, run: formatMethod}}, true
		case "format_map":
			return &Method{On: v, Name: attribute, spec: spec{params: "mapping", required: 1, run: formatMap}}, true
		}
		table = stringMethods
	case *value.Dict:
		table = dictMethods
	case *value.List:
		table = listMethods
		if v.Tuple && attribute != "index" && attribute != "count" {
			return groupAttribute(v, attribute)
		}
	case *value.Time, value.Duration:
		return timeAttribute(v, attribute)
	case int64, float64, bool:
		return numberAttribute(v, attribute)
	case Range:
		switch attribute {
		case "start":
			return v.Start, true
		case "stop":
			return v.Stop, true
		case "step":
			return v.Step, true
		case "index", "count":
			items, err := Items(v)
			if err != nil {
				return nil, false
			}
			return Attribute(list(items), attribute)
		}
	case Mapping:
		table = mappingMethods
	}
	s, ok := table[attribute]
	if !ok {
		return nil, false
	}
	return &Method{On: v, Name: attribute, spec: s}, true
}

// groupAttribute gives the names of what groupby makes: pairs of a grouper and a list.
// Other pairs have them too, which is simpler than a type of its own and harms nobody.
func groupAttribute(t *value.List, attribute string) (any, bool) {
	if len(t.Items) != 2 {
		return nil, false
	}
	switch attribute {
	case "grouper":
		return t.Items[0], true
	case "list":
		return t.Items[1], true
	}
	return nil, false
}

func numberAttribute(v any, attribute string) (any, bool) {
	i, f, whole, _ := number(v)
	switch {
	case attribute == "real" && whole, attribute == "numerator" && whole:
		return i, true
	case attribute == "real":
		return f, true
	case attribute == "imag" && whole:
		return int64(0), true
	case attribute == "imag":
		return 0.0, true
	case attribute == "denominator" && whole:
		return int64(1), true
	case attribute == "bit_length" && whole, attribute == "is_integer" && !whole:
		return &Method{On: v, Name: attribute, spec: spec{run: numberMethod(attribute)}}, true
	case whole && bitwise(attribute):
		return &Method{On: v, Name: attribute, spec: spec{params: "other", required: 1, run: bits2(attribute)}}, true
	}
	return nil, false
}

// bitwise names the attributes that Ansible allows on integers, for lack of operators.
func bitwise(attribute string) bool {
	switch attribute {
	case "__and__", "__or__", "__xor__", "__lshift__", "__rshift__":
		return true
	}
	return false
}

func bits2(attribute string) func(on any, a args) (any, error) {
	return func(on any, a args) (any, error) {
		x, _ := index(on)
		y, ok := index(a.all[0])
		if !ok {
			return nil, errorf("'%s' object cannot be interpreted as an integer", name(a.all[0]))
		}
		switch attribute {
		case "__and__":
			return x & y, nil
		case "__or__":
			return x | y, nil
		case "__xor__":
			return x ^ y, nil
		}
		if y < 0 {
			return nil, errorf("negative shift count")
		}
		if attribute == "__rshift__" {
			return x >> min(y, 63), nil
		}
		if r := x << min(y, 63); y < 63 && r>>y == x {
			return r, nil
		}
		return nil, &ErrTooLarge{"the integer"}
	}
}

func numberMethod(attribute string) func(on any, a args) (any, error) {
	return func(on any, _ args) (any, error) {
		i, f, _, _ := number(on)
		if attribute == "is_integer" {
			return f == math.Trunc(f), nil
		}
		n := int64(0)
		for u := uint64(max(i, -i)); u > 0; u >>= 1 {
			n++
		}
		return n, nil
	}
}

// keyError is Python's error about a key that is not there: the key alone.
func keyError(key any) error { return errorf("%s", value.Repr(key)) }

var dictMethods = map[string]spec{
	"get": {params: "key default", required: 1, run: func(on any, a args) (any, error) {
		if err := Hashable(a.all[0]); err != nil {
			return nil, err
		}
		if v, ok := on.(*value.Dict).Get(a.all[0]); ok {
			return v, nil
		}
		return a.all[1], nil
	}},
	"keys": {run: func(on any, _ args) (any, error) { return list(on.(*value.Dict).Keys()), nil }},
	"values": {run: func(on any, _ args) (any, error) {
		out := &value.List{}
		for _, v := range on.(*value.Dict).All() {
			out.Items = append(out.Items, v)
		}
		return out, nil
	}},
	"items": {run: func(on any, _ args) (any, error) {
		out := &value.List{}
		for k, v := range on.(*value.Dict).All() {
			out.Items = append(out.Items, value.NewTuple(k, v))
		}
		return out, nil
	}},
	"copy": {run: func(on any, _ args) (any, error) { return on.(*value.Dict).Shallow(), nil }},
	"pop": {params: "key default", required: 1, run: func(on any, a args) (any, error) {
		d := on.(*value.Dict)
		v, ok := d.Get(a.all[0])
		switch {
		case ok:
			d.Delete(a.all[0])
			return v, nil
		case a.has(1):
			return a.all[1], nil
		}
		return nil, keyError(a.all[0])
	}},
	"popitem": {run: func(on any, _ args) (any, error) {
		d := on.(*value.Dict)
		if d.Len() == 0 {
			return nil, errorf("'popitem(): dictionary is empty'")
		}
		k := d.Keys()[d.Len()-1]
		v, _ := d.Get(k)
		d.Delete(k)
		return value.NewTuple(k, v), nil
	}},
	"setdefault": {params: "key default", required: 1, run: func(on any, a args) (any, error) {
		d := on.(*value.Dict)
		if err := Hashable(a.all[0]); err != nil {
			return nil, err
		}
		if v, ok := d.Get(a.all[0]); ok {
			return v, nil
		}
		d.Set(a.all[0], a.all[1])
		return a.all[1], nil
	}},
	"update": {open: true, run: dictUpdate},
	"clear": {run: func(on any, _ args) (any, error) {
		*on.(*value.Dict) = value.Dict{}
		return nil, nil
	}},
	"fromkeys": {params: "iterable value", required: 1, run: func(_ any, a args) (any, error) {
		keys, err := Items(a.all[0])
		if err != nil {
			return nil, err
		}
		d := &value.Dict{}
		for _, k := range keys {
			d.Set(k, a.all[1])
		}
		return d, nil
	}},
}

var mappingMethods = map[string]spec{
	"get": {params: "key default", required: 1, run: func(on any, a args) (any, error) {
		v, ok, err := on.(Mapping).Item(a.all[0])
		if ok || err != nil {
			return v, err
		}
		return a.all[1], nil
	}},
	"keys": {run: func(on any, _ args) (any, error) { return list(on.(Mapping).Keys()), nil }},
	"values": {run: func(on any, _ args) (any, error) {
		m := on.(Mapping)
		out := &value.List{}
		for _, k := range m.Keys() {
			v, _, err := m.Item(k)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, v)
		}
		return out, nil
	}},
	"items": {run: func(on any, _ args) (any, error) {
		m := on.(Mapping)
		out := &value.List{}
		for _, k := range m.Keys() {
			v, _, err := m.Item(k)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, value.NewTuple(k, v))
		}
		return out, nil
	}},
}

func list(items []any) *value.List { return &value.List{Items: append([]any(nil), items...)} }

func dictUpdate(on any, a args) (any, error) {
	d := on.(*value.Dict)
	if len(a.all) > 1 {
		return nil, errorf("update expected at most 1 argument, got %d", len(a.all))
	}
	for _, from := range a.all {
		if x, ok := from.(*value.Dict); ok {
			d.Update(x.Shallow())
			continue
		}
		items, err := Items(from)
		if err != nil {
			return nil, err
		}
		for i, x := range items {
			pair, err := Items(x)
			if err != nil {
				return nil, errorf("cannot convert dictionary update sequence element #%d to a sequence", i)
			}
			if len(pair) != 2 {
				return nil, errorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
			}
			d.Set(pair[0], pair[1])
		}
	}
	for _, k := range a.kw {
		d.Set(k.Name, k.Value)
	}
	return nil, nil
}

var listMethods = map[string]spec{
	"append": {params: "object", required: 1, run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		if len(l.Items) >= MaxItems {
			return nil, &ErrTooLarge{"the list"}
		}
		l.Items = append(l.Items, a.all[0])
		return nil, nil
	}},
	"extend": {params: "iterable", required: 1, run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		more, err := Items(a.all[0])
		if err != nil {
			return nil, err
		}
		if len(l.Items)+len(more) > MaxItems {
			return nil, &ErrTooLarge{"the list"}
		}
		l.Items = append(l.Items[:len(l.Items):len(l.Items)], more...)
		return nil, nil
	}},
	"insert": {params: "index object", required: 2, run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		i, err := a.number(0, 0)
		if err != nil {
			return nil, err
		}
		if len(l.Items) >= MaxItems {
			return nil, &ErrTooLarge{"the list"}
		}
		if i < 0 {
			i = max(i+int64(len(l.Items)), 0)
		}
		l.Items = slices.Insert(l.Items, int(min(i, int64(len(l.Items)))), a.all[1])
		return nil, nil
	}},
	"pop": {params: "index", run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		i, err := a.number(0, -1)
		if err != nil {
			return nil, err
		}
		if len(l.Items) == 0 {
			return nil, errorf("pop from empty list")
		}
		n, ok := position(i, len(l.Items))
		if !ok {
			return nil, errorf("pop index out of range")
		}
		v := l.Items[n]
		l.Items = slices.Delete(l.Items, n, n+1)
		return v, nil
	}},
	"remove": {params: "value", required: 1, run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		for i, x := range l.Items {
			if value.Equal(x, a.all[0]) {
				l.Items = slices.Delete(l.Items, i, i+1)
				return nil, nil
			}
		}
		return nil, errorf("list.remove(x): x not in list")
	}},
	"index": {params: "value start stop", required: 1, run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		from, err := a.number(1, 0)
		if err != nil {
			return nil, err
		}
		if from < 0 {
			from = max(from+int64(len(l.Items)), 0)
		}
		for i := int(from); i < len(l.Items); i++ {
			if value.Equal(l.Items[i], a.all[0]) {
				return int64(i), nil
			}
		}
		if l.Tuple {
			return nil, errorf("tuple.index(x): x not in tuple")
		}
		return nil, errorf("%s is not in list", value.Repr(a.all[0]))
	}},
	"count": {params: "value", required: 1, run: func(on any, a args) (any, error) {
		n := int64(0)
		for _, x := range on.(*value.List).Items {
			if value.Equal(x, a.all[0]) {
				n++
			}
		}
		return n, nil
	}},
	"sort": {params: "key reverse", run: func(on any, a args) (any, error) {
		l := on.(*value.List)
		items, err := Sorted(l.Items, nil, a.has(1) && Truth(a.all[1]))
		if err == nil {
			l.Items = items
		}
		return nil, err
	}},
	"reverse": {run: func(on any, _ args) (any, error) {
		slices.Reverse(on.(*value.List).Items)
		return nil, nil
	}},
	"copy": {run: func(on any, _ args) (any, error) { return list(on.(*value.List).Items), nil }},
	"clear": {run: func(on any, _ args) (any, error) {
		on.(*value.List).Items = nil
		return nil, nil
	}},
}

// Sorted gives items in order, those that are equal in the order that they have. With keys,
// one for each item, those are compared.
func Sorted(items, keys []any, reverse bool) ([]any, error) {
	if keys == nil {
		keys = items
	}
	at := make([]int, len(items))
	for i := range at {
		at[i] = i
	}
	var failure error
	slices.SortStableFunc(at, func(i, j int) int {
		if failure != nil {
			return 0
		}
		n, err := value.Compare(keys[i], keys[j])
		if err != nil { // Python asks whether the later one is smaller
			later, earlier := keys[max(i, j)], keys[min(i, j)]
			if reverse {
				later, earlier = earlier, later
			}
			_, failure = value.Compare(later, earlier)
		}
		if reverse {
			return -n
		}
		return n
	})
	if failure != nil {
		return nil, failure
	}
	out := make([]any, len(items))
	for i, j := range at {
		out[i] = items[j]
	}
	return out, nil
}
