package worker

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"tutti/internal/stepfunctions/execution"
)

// delimiters are the values of CSVDelimiter.
func delimiter(name string) (rune, error) {
	switch name {
	case "", "COMMA":
		return ',', nil
	case "PIPE":
		return '|', nil
	case "SEMICOLON":
		return ';', nil
	case "SPACE":
		return ' ', nil
	case "TAB":
		return '\t', nil
	default:
		return 0, fmt.Errorf("%q is no CSVDelimiter", name)
	}
}

// readRows reads the rows of a CSV file as objects of texts.
func readRows(f *os.File, from int64, c execution.ReadCall, p *page) error {
	comma, err := delimiter(c.CSVDelimiter)
	if err != nil {
		return err
	}
	header := c.CSVHeaders
	begin := int64(0)
	if c.CSVHeaderLocation != "GIVEN" {
		r := rows(f, comma)
		if header, err = r.Read(); errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		begin = r.InputOffset()
	}
	begin = max(begin, from)
	if _, err := f.Seek(begin, io.SeekStart); err != nil {
		return err
	}
	r := rows(f, comma)
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("behind byte %d: %w", begin, err)
		}
		item, err := object(header, row)
		if err != nil {
			return err
		}
		if !p.add("", item, false) {
			p.Next = strconv.FormatInt(begin+r.InputOffset(), 10)
			return nil
		}
	}
}

// rows reads records of any length: a short one has fewer members, and of a long one
// what has no header is left out, as the service has it.
func rows(f io.Reader, comma rune) *csv.Reader {
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	return r
}

// object makes a row an object whose members are in the order of the header.
func object(header, row []string) (json.RawMessage, error) {
	out := []byte{'{'}
	for i, name := range header {
		if i >= len(row) {
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		for _, part := range []string{name, row[i]} {
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			out = append(append(out, text...), ':')
		}
		out = out[:len(out)-1]
	}
	return append(out, '}'), nil
}
