package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// Limits of reading items.
const (
	// maxPage is how many bytes of items one page holds before it ends, however many
	// items were asked for.
	maxPage = 4 << 20
	// maxItem is the longest line of a JSONL file, in bytes.
	maxItem = 16 << 20
)

// page gathers items until there are enough.
type page struct {
	execution.ReadResult
	count, bytes int
}

// add takes an item; false means that no more are wanted.
func (p *page) add(key string, item json.RawMessage, keyed bool) bool {
	p.Items = append(p.Items, item)
	if keyed {
		p.Keys = append(p.Keys, key)
	}
	p.bytes += len(item)
	return len(p.Items) < p.count && p.bytes < maxPage
}

// read gives the next items of a local file, or the names in a folder. The cursor is
// the place in the file, in bytes, so that no page reads what an earlier one has read.
func (w *Worker) read(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	var args struct{ Path string }
	if err := arguments(execution.Call{Resource: c.Resource, Arguments: c.Arguments}, &args, "Path"); err != nil {
		return nil, err
	}
	p := &page{count: max(c.Count, 1)}
	p.Items = []json.RawMessage{}
	if err := readItems(ctx, w.path(args.Path), c, p); err != nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: "States.ItemReaderFailed", Message: fmt.Sprintf("read the items of %s: %v", args.Path, err)}
	}
	return json.Marshal(p.ReadResult)
}

func readItems(ctx context.Context, path string, c execution.ReadCall, p *page) error {
	from, err := place(c.Cursor)
	if err != nil {
		return err
	}
	if c.InputType == "" {
		return readFolder(path, from, p)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder")
	case from > info.Size():
		return errors.New("the file has become shorter while its items were read")
	}
	switch c.InputType {
	case "JSONL":
		return readLines(ctx, f, from, p)
	case "CSV":
		return readRows(f, from, c, p)
	case "JSON":
		return readArray(f, from, c, p)
	default:
		return fmt.Errorf("local files of the type %s cannot be read; JSON, JSONL and CSV can", c.InputType)
	}
}

func place(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the cursor %q is none of ours", cursor)
	}
	return n, nil
}

// readFolder lists the files of a folder as a listing of S3 does; the cursor counts
// them, and ReadDir gives them in the order of their names.
func readFolder(path string, from int64, p *page) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for i := from; i < int64(len(entries)); i++ {
		info, err := entries[i].Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		item, err := json.Marshal(struct {
			Key          string
			LastModified string
			Size         int64
		}{filepath.ToSlash(filepath.Join(path, info.Name())), info.ModTime().UTC().Format(time.RFC3339), info.Size()})
		if err != nil {
			return err
		}
		if !p.add("", item, false) && i+1 < int64(len(entries)) {
			p.Next = strconv.FormatInt(i+1, 10)
			return nil
		}
	}
	return nil
}

// readLines reads JSON values, one a line; empty lines are passed over.
func readLines(ctx context.Context, f *os.File, from int64, p *page) error {
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, 1<<18)
	for at := from; ctx.Err() == nil; {
		line, n, err := readLine(r)
		at += n
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if !json.Valid(text) {
				return fmt.Errorf("the line that ends at byte %d is no JSON", at)
			}
			if !p.add("", text, false) && err == nil {
				p.Next = strconv.FormatInt(at, 10)
				return nil
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return context.Cause(ctx)
}

// readLine gives a line of its own, with how many bytes it took.
func readLine(r *bufio.Reader) (line []byte, n int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line, n = append(line, part...), n+int64(len(part))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, n, err
		}
		if n > maxItem {
			return nil, n, fmt.Errorf("a line is longer than %d bytes", maxItem)
		}
	}
}

// readArray reads the elements of a JSON array, or the members of an object, at
// ItemsPointer. A later page begins behind the comma after the last element: with the
// opening bracket put before it, what is left is an array again.
func readArray(f *os.File, from int64, c execution.ReadCall, p *page) error {
	var source io.Reader = bufio.NewReaderSize(f, 1<<18)
	base := int64(0)
	keyed := strings.HasPrefix(c.Cursor, "0") // the sign of an object, see next
	if from > 0 {
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			return err
		}
		open := "["
		if keyed {
			open = "{"
		}
		source, base = io.MultiReader(strings.NewReader(open), bufio.NewReaderSize(f, 1<<18)), from-1
	}
	d := json.NewDecoder(source)
	if from == 0 {
		if err := descend(d, c.ItemsPointer); err != nil {
			return err
		}
	}
	switch t, err := d.Token(); {
	case err != nil:
		return noJSON(err)
	case t != json.Delim('[') && t != json.Delim('{'):
		return errors.New("the items are neither an array nor an object")
	default:
		keyed = t == json.Delim('{')
	}
	for d.More() {
		key := ""
		if keyed {
			t, err := d.Token()
			if err != nil {
				return noJSON(err)
			}
			key, _ = t.(string)
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return noJSON(err)
		}
		if !p.add(key, item, keyed) && d.More() {
			return p.behindComma(f, base+d.InputOffset(), keyed)
		}
	}
	if _, err := d.Token(); err != nil {
		return noJSON(err)
	}
	return nil
}

// behindComma notes where the next element begins. A cursor into an object has a
// leading zero.
func (p *page) behindComma(f *os.File, at int64, keyed bool) error {
	var b [1]byte
	for {
		if _, err := f.ReadAt(b[:], at); err != nil {
			return err
		}
		at++
		if b[0] == ',' {
			break
		}
	}
	p.Next = strconv.FormatInt(at, 10)
	if keyed {
		p.Next = "0" + p.Next
	}
	return nil
}

// descend goes to what a JSON pointer (RFC 6901) names.
func descend(d *json.Decoder, pointer string) error {
	if pointer == "" {
		return nil
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		t, err := d.Token()
		if err != nil {
			return noJSON(err)
		}
		var found bool
		switch t {
		case json.Delim('{'):
			found, err = toMember(d, name)
		case json.Delim('['):
			found, err = toElement(d, name)
		}
		if err != nil {
			return noJSON(err)
		}
		if !found {
			return fmt.Errorf("nothing is at %s, the ItemsPointer", pointer)
		}
	}
	return nil
}

func toMember(d *json.Decoder, name string) (bool, error) {
	for d.More() {
		t, err := d.Token()
		if err != nil || t == name {
			return err == nil, err
		}
		if err := skip(d); err != nil {
			return false, err
		}
	}
	return false, nil
}

func toElement(d *json.Decoder, index string) (bool, error) {
	n, err := strconv.Atoi(index)
	if err != nil {
		return false, nil //nolint:nilerr // an array has no such member
	}
	for i := 0; d.More(); i++ {
		if i == n {
			return true, nil
		}
		if err := skip(d); err != nil {
			return false, err
		}
	}
	return false, nil
}

// skip passes over one value without holding it.
func skip(d *json.Decoder) error {
	depth := 0
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// noJSON says what is wrong with a document. The end of one that is cut off is none.
func noJSON(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("it is no JSON: %w", err)
}
