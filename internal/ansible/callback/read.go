package callback

import (
	"encoding/json"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// Read gives the note of a record's text.
func Read(text string) (play.Note, error) {
	type plain play.Note
	n := struct {
		plain
		Item json.RawMessage `json:"item"`
	}{}
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return play.Note{}, err
	}
	out := play.Note(n.plain)
	if n.Item != nil {
		item, err := value.ParseJSON(n.Item)
		if err != nil {
			return play.Note{}, err
		}
		out.Item = item
	}
	return out, nil
}
