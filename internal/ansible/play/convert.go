package play

import (
	"fmt"
	"strconv"
	gostrings "strings"

	"tutti/internal/ansible/value"
)

// boolean reads what Ansible takes for a boolean.
func boolean(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v == 1, v == 0 || v == 1
	case float64:
		return v == 1, v == 0 || v == 1
	case string:
		switch gostrings.ToLower(gostrings.TrimSpace(v)) {
		case "y", "yes", "on", "1", "true", "t", "1.0":
			return true, true
		case "n", "no", "off", "0", "false", "f", "0.0":
			return false, true
		}
	}
	return false, false
}

// integer reads a whole number, or text that is one.
func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	case string:
		n, err := strconv.Atoi(gostrings.TrimSpace(v))
		return n, err == nil
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// fieldError says that a keyword has a value that it cannot have.
func (s *scope) fieldError(name string, v any, want string) error {
	k, _ := s.nearest(name)
	return &taskError{at: k.Origin,
		message: fmt.Sprintf("Error processing keyword '%s': The value %s could not be converted to '%s'.", name, value.Repr(v), want)}
}

// taskError is an error of a task that knows where it was written.
type taskError struct {
	at      value.Origin
	message string
}

// Error implements error.
func (e *taskError) Error() string { return e.message }

// list gives a value as the items of a list: itself when it is none; nothing when it is nil.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case *value.List:
		return v.Items
	default:
		return []any{v}
	}
}

// stringList gives a value as texts; text is split at commas.
func stringList(v any) []string {
	if s, ok := v.(string); ok {
		var out []string
		for _, p := range gostrings.Split(s, ",") {
			if p = gostrings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
		return out
	}
	var out []string
	for _, x := range list(v) {
		out = append(out, value.String(x))
	}
	return out
}

// dictItem gives an item of a dict as text, "" when it is not there or nil.
func dictItem(d *value.Dict, key string) string {
	v, ok := d.Get(key)
	if !ok || v == nil {
		return ""
	}
	return value.String(v)
}
