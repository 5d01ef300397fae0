package tfstate

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
)

// locate finds the line of a value by its path of object keys and array indexes,
// or of the nearest value above it that exists. It reads the text again: that is
// done for mistakes only, so that reading a good file costs nothing for it.
func (r *reader) locate(path ...any) *hcl.Range {
	dec := json.NewDecoder(bytes.NewReader(r.src))
	dec.UseNumber()
	at := valueStart(r.src, 0)
	for _, step := range path {
		found := false
		switch step := step.(type) {
		case string:
			found = enterObject(dec, step)
		case int:
			found = enterArray(dec, step)
		default:
			panic("tfstate: a path into a state file has names and numbers")
		}
		if !found {
			break
		}
		at = valueStart(r.src, int(dec.InputOffset()))
	}
	return rangeAt(r.src, r.filename, at)
}

// enterObject moves the decoder to before the value of a key.
func enterObject(dec *json.Decoder, key string) bool {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		if t == key {
			return true
		}
		if !skip(dec) {
			return false
		}
	}
	return false
}

// enterArray moves the decoder to before an element.
func enterArray(dec *json.Decoder, index int) bool {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return false
	}
	for range index {
		if !dec.More() || !skip(dec) {
			return false
		}
	}
	return dec.More()
}

func skip(dec *json.Decoder) bool {
	var raw json.RawMessage
	return dec.Decode(&raw) == nil
}

// valueStart gives where the next value begins: after space and separators.
func valueStart(src []byte, at int) int {
	for at < len(src) && bytes.IndexByte([]byte(" \t\r\n,:"), src[at]) >= 0 {
		at++
	}
	return at
}

// rangeAt turns an offset into a line and column: to the end of its line, but at
// most a few words.
func rangeAt(src []byte, filename string, offset int) *hcl.Range {
	const width = 60
	offset = max(0, min(offset, len(src)))
	line := 1 + bytes.Count(src[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(src[:offset], '\n')
	end := offset
	for end < len(src) && src[end] != '\n' && end-offset < width {
		end++
	}
	return &hcl.Range{
		Filename: filename,
		Start:    hcl.Pos{Line: line, Column: column, Byte: offset},
		End:      hcl.Pos{Line: line, Column: column + end - offset, Byte: end},
	}
}
