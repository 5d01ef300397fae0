package action

import (
	"bytes"
	"encoding/json"

	"tutti/internal/ansible/value"
)

// UnmarshalJSON reads a task as it was written: whole numbers among its arguments and facts
// stay such, which decides what "mode: 384" means and how a number becomes text.
func (t *Task) UnmarshalJSON(data []byte) error {
	type plain Task
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode((*plain)(t)); err != nil {
		return err
	}
	for _, m := range []map[string]any{t.Args, t.Facts} {
		for k, v := range m {
			m[k] = numbers(v)
		}
	}
	return nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := value.Number(v.String())
		if err != nil {
			return v.String()
		}
		return n
	case map[string]any:
		for k, x := range v {
			v[k] = numbers(x)
		}
	case []any:
		for i, x := range v {
			v[i] = numbers(x)
		}
	}
	return v
}
