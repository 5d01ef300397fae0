package world

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

var errNoKey = errors.New("Search key is required but was not found") // Ansible's own words

func (m *Machine) csvfile(r Request) ([]any, error) {
	o, err := lookup.NewOptions(r.Name, r.Options, lookup.Option{Name: "col", Type: lookup.Int, Default: int64(1)},
		lookup.Option{Name: "keycol", Type: lookup.Int, Default: int64(0)}, lookup.Option{Name: "default"},
		lookup.Option{Name: "delimiter", Default: "TAB"}, lookup.Option{Name: "file", Default: "ansible.csv"},
		lookup.Option{Name: "encoding", Default: "utf-8"})
	if err != nil {
		return nil, err
	}
	if len(r.Terms) == 0 {
		return nil, errNoKey
	}
	terms, err := texts(r.Terms, "split")
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, t := range terms {
		key, err := keyOf(o, t)
		if err != nil {
			return nil, err
		}
		v, err := m.csvValue(r, o, key)
		switch l, isList := v.(*value.List); {
		case err != nil:
			return nil, err
		case isList:
			out = append(out, l.Items...)
		case v != nil:
			out = append(out, v)
		}
	}
	return out, nil
}

// keyOf takes the options out of a term and gives the key that is left.
func keyOf(o *lookup.Options, term string) (string, error) {
	pairs, err := playbook.ParsePairs(term)
	if err != nil {
		return "", err
	}
	key, ok := pairs.Get(playbook.RawPairs)
	if !ok {
		return "", errNoKey
	}
	for k, v := range pairs.All() {
		name, _ := k.(string)
		switch {
		case name == playbook.RawPairs:
		case !o.Has(name):
			return "", fmt.Errorf("%s is not a valid option", value.Repr(name))
		default:
			if err := o.Set(name, v); err != nil {
				return "", err
			}
		}
	}
	return value.String(key), nil
}

func (m *Machine) csvValue(r Request, o *lookup.Options, key string) (any, error) {
	delimiter := o.Text("delimiter")
	if delimiter == "TAB" {
		delimiter = "\t"
	}
	file := m.find(r, "files", o.Text("file"))
	if file == "" {
		return nil, errors.New("expected str, bytes or os.PathLike object, not NoneType")
	}
	raw, err := readFile(file)
	if err != nil {
		return nil, pythonError(err, file)
	}
	if encoding := strings.ToLower(o.Text("encoding")); encoding == "utf-8" || encoding == "utf8" {
		if err := notUTF8(raw); err != nil {
			return nil, err
		}
	}
	text, err := filter.Decode(raw, o.Text("encoding"))
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(delimiter) != 1 {
		return nil, errors.New(`"delimiter" must be a 1-character string`)
	}
	mark, _ := utf8.DecodeRuneInString(delimiter)
	keyColumn, _ := o.Int("keycol")
	column, _ := o.Int("col")
	table := sheet{text: []rune(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")), delimiter: mark}
	for {
		row, more := table.row()
		if !more {
			return o.Get("default"), nil
		}
		if len(row) == 0 {
			continue
		}
		k, err := cell(row, keyColumn)
		if err != nil {
			return nil, err
		}
		if k == key {
			return cell(row, column)
		}
	}
}

// cell gives a row's column, which counts from the end when it is negative.
func cell(row []string, column int64) (any, error) {
	if column < 0 {
		column += int64(len(row))
	}
	if column < 0 || column >= int64(len(row)) {
		return nil, errors.New("list index out of range")
	}
	return row[column], nil
}

// sheet reads rows as Python's csv module does in its dialect excel: quotes may stand
// anywhere, and two of them within quotes are one.
type sheet struct {
	text      []rune
	at        int
	delimiter rune
}

func (s *sheet) row() (row []string, more bool) {
	if s.at >= len(s.text) {
		return nil, false
	}
	if s.text[s.at] == '\n' {
		s.at++
		return nil, true
	}
	for {
		field, end := s.field()
		row = append(row, field)
		if end {
			return row, true
		}
	}
}

// field reads one field; end tells that it is the row's last.
func (s *sheet) field() (field string, end bool) {
	var b strings.Builder
	quoted := s.at < len(s.text) && s.text[s.at] == '"'
	if quoted {
		s.at++
	}
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case quoted && c == '"':
			if s.at < len(s.text) && s.text[s.at] == '"' {
				s.at++
				b.WriteRune('"')
			} else {
				quoted = false
			}
		case quoted:
			b.WriteRune(c)
		case c == s.delimiter:
			return b.String(), false
		case c == '\n':
			return b.String(), true
		default:
			b.WriteRune(c)
		}
	}
	return b.String(), true
}
