package lookup

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tutti/internal/ansible/value"
)

// Type is what the value of an option is turned into.
type Type string

// The types of options, as Ansible's configuration names them.
const (
	Raw     Type = ""
	Bool    Type = "bool"
	Integer Type = "integer"
	Int     Type = "int" // the same, by the name that some lookups call it
	Number  Type = "float"
	Text    Type = "string"
	Items   Type = "list"
	Mapping Type = "dictionary"
)

// Option is one option of a lookup.
type Option struct {
	Name    string
	Type    Type
	Default any
}

// Options are the options of one lookup with their values. Make them with NewOptions.
type Options struct {
	lookup string
	known  []Option
	values *value.Dict
}

// NewOptions gives the options of a lookup, set as a call gives them. What the lookup does
// not know is passed over, as in Ansible.
func NewOptions(lookup string, given *value.Dict, known ...Option) (*Options, error) {
	o := &Options{lookup: lookup, known: known, values: &value.Dict{}}
	for _, k := range known {
		o.values.Set(k.Name, k.Default)
		if v, ok := given.Get(k.Name); ok && v != nil {
			if err := o.Set(k.Name, v); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// Has tells whether the lookup has such an option.
func (o *Options) Has(name string) bool { return o.values.Has(name) }

// Set sets an option to a value, which is turned into its type.
func (o *Options) Set(name string, v any) error {
	for _, k := range o.known {
		if k.Name != name {
			continue
		}
		typed, ok := convert(v, k.Type)
		if !ok {
			return fmt.Errorf("Config '%s' for '%s' lookup plugin from 'Direct' has an invalid value: Invalid value provided for '%s': %s", // Ansible's own words
				name, o.lookup, k.Type, value.Repr(v))
		}
		o.values.Set(name, typed)
	}
	return nil
}

// Get gives an option's value.
func (o *Options) Get(name string) any {
	v, _ := o.values.Get(name)
	return v
}

// Text gives an option as text; "" when it is not set.
func (o *Options) Text(name string) string {
	v := o.Get(name)
	if v == nil {
		return ""
	}
	return value.String(v)
}

// Bool gives an option that is one.
func (o *Options) Bool(name string) bool { return Boolean(o.Get(name)) }

// Int gives an option that is a whole number; set tells whether it is there.
func (o *Options) Int(name string) (n int64, set bool) {
	n, set = o.Get(name).(int64)
	return n, set
}

// Texts gives the items of an option that is a list.
func (o *Options) Texts(name string) []string {
	l, ok := o.Get(name).(*value.List)
	if !ok {
		return nil
	}
	out := make([]string, len(l.Items))
	for i, x := range l.Items {
		out[i] = value.String(x)
	}
	return out
}

// Boolean is what Ansible takes as true where it asks for a boolean; all else is false.
func Boolean(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "y", "yes", "on", "1", "true", "t":
			return true
		}
	case int64, float64:
		return value.Equal(v, int64(1))
	}
	return false
}

func convert(v any, to Type) (any, bool) {
	switch to {
	case Bool:
		return Boolean(v), true
	case Integer, Int:
		return integer(v)
	case Number:
		return number(v)
	case Text:
		switch v.(type) {
		case string, bool, int64, float64:
			return value.String(v), true
		}
		return nil, false
	case Items:
		return listOf(v)
	case Mapping:
		d, ok := v.(*value.Dict)
		return d, ok
	default:
		return v, true
	}
}

func integer(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<63
	case string:
		text := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(text, 64)
		plain := strings.Trim(text, "0123456789.eE+-") == ""
		return int64(f), err == nil && plain && f == math.Trunc(f) && math.Abs(f) < 1<<63
	}
	return nil, false
}

func number(v any) (any, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return nil, false
}

func listOf(v any) (any, bool) {
	switch v := v.(type) {
	case *value.List:
		return v, true
	case string:
		out := &value.List{}
		for _, part := range strings.Split(v, ",") {
			out.Items = append(out.Items, unquote(strings.TrimSpace(part)))
		}
		return out, true
	}
	return nil, false
}

func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}
