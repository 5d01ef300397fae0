package value

import (
	"cmp"
	"fmt"
	"time"
)

// TypeName is Python's name of a value's type, as error messages show it.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string, *Template, *Vaulted:
		return "str"
	case *List:
		if v.Tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case *Time:
		if v.DateOnly {
			return "date"
		}
		return "datetime"
	case Duration:
		return "timedelta"
	case *Undefined:
		return "Undefined"
	case *Unknown:
		return "unknown"
	case interface{ PythonType() string }:
		return v.PythonType()
	default:
		return fmt.Sprintf("%T", v)
	}
}

// Truth is what Python's bool() gives.
func Truth(v any) bool {
	switch v := v.(type) {
	case nil, *Undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return v.Len() > 0
	case Duration:
		return v != 0
	default:
		return true
	}
}

// number gives an int, float or bool as both kinds of number.
func number(v any) (i int64, f float64, whole, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// Equal is Python's ==.
func Equal(a, b any) bool {
	if ai, af, aw, ok := number(a); ok {
		bi, bf, bw, ok := number(b)
		if aw && bw {
			return ok && ai == bi
		}
		return ok && af == bf
	}
	switch a := a.(type) {
	case *List:
		b, ok := b.(*List)
		if !ok || a.Tuple != b.Tuple || len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.All() {
			if w, ok := b.Get(k); !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case *Time:
		b, ok := b.(*Time)
		return ok && a.DateOnly == b.DateOnly && a.Naive == b.Naive && a.Time.Equal(b.Time)
	case *Undefined:
		_, ok := b.(*Undefined)
		return ok
	default:
		return a == b
	}
}

// Compare orders two values as Python's < does. Values of kinds that have no order are an
// error in Python's words.
func Compare(a, b any) (int, error) {
	if ai, af, aw, ok := number(a); ok {
		if bi, bf, bw, ok := number(b); ok {
			if aw && bw {
				return cmp.Compare(ai, bi), nil
			}
			return cmp.Compare(af, bf), nil
		}
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b), nil
		}
	case *List:
		if b, ok := b.(*List); ok && a.Tuple == b.Tuple {
			return compareItems(a.Items, b.Items)
		}
	case *Time:
		if b, ok := b.(*Time); ok && a.Naive == b.Naive && a.DateOnly == b.DateOnly {
			return a.Time.Compare(b.Time), nil
		}
	case Duration:
		if b, ok := b.(Duration); ok {
			return cmp.Compare(time.Duration(a), time.Duration(b)), nil
		}
	}
	return 0, fmt.Errorf("'<' not supported between instances of '%s' and '%s'", TypeName(a), TypeName(b))
}

func compareItems(a, b []any) (int, error) {
	for i := range min(len(a), len(b)) {
		if !Equal(a[i], b[i]) {
			return Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b)), nil
}
