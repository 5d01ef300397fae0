package worker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// all reads a source page by page and gives the items, with their keys, as text.
func all(t *testing.T, w *worker.Worker, c execution.ReadCall) string {
	t.Helper()
	var list []string
	for pages := 0; ; pages++ {
		out := do(t, w, execution.ActivityRead, c)
		var r execution.ReadResult
		if err := json.Unmarshal([]byte(out), &r); err != nil || strings.HasPrefix(out, "States.") {
			return out
		}
		for i, item := range r.Items {
			text := string(item)
			if len(r.Keys) > 0 {
				text = r.Keys[i] + "=" + text
			}
			list = append(list, text)
		}
		if c.Cursor = r.Next; c.Cursor == "" {
			return strings.Join(list, " ")
		}
		if pages > 1000 {
			t.Fatal("the pages do not end")
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := worker.New(worker.Options{Dir: dir})
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.json", "{\"skip\": [1, {\"x\": []}], \"orders\": {\"a/b\": [ {\"n\":1} ,\n 2 , \"x,]\", [3] ]}}\n")
	write("o.json", `{"a": 1, "b,": {"c": [2]}, "d":null}`)
	write("n.json", `7`)
	write("cut.json", `[1, 2`)
	write("l.jsonl", "{\"n\":1}\n\n 2 \r\n\"x\"")
	write("bad.jsonl", "1\n{\n")
	write("c.csv", "id,name\n1,\"a, \"\"b\"\"\"\n2\n3,c,extra\n")
	write("p.csv", "1|x\n2|y\n")
	write("empty.csv", "")
	tests := []struct {
		path string
		c    execution.ReadCall
		want string
	}{
		{"a.json", execution.ReadCall{InputType: "JSON", ItemsPointer: "/orders/a~1b"}, `{"n":1} 2 "x,]" [3]`},
		{"a.json", execution.ReadCall{InputType: "JSON", ItemsPointer: "/skip/1/x"}, ``},
		{"a.json", execution.ReadCall{InputType: "JSON", ItemsPointer: "/skip/2"}, "States.ItemReaderFailed: read the items of a.json: nothing is at /skip/2, the ItemsPointer"},
		{"o.json", execution.ReadCall{InputType: "JSON"}, `a=1 b,={"c":[2]} d=null`},
		{"n.json", execution.ReadCall{InputType: "JSON"}, "States.ItemReaderFailed: read the items of n.json: the items are neither an array nor an object"},
		{"cut.json", execution.ReadCall{InputType: "JSON"}, "States.ItemReaderFailed: read the items of cut.json: it is no JSON: unexpected EOF"},
		{"l.jsonl", execution.ReadCall{InputType: "JSONL"}, `{"n":1} 2 "x"`},
		{"bad.jsonl", execution.ReadCall{InputType: "JSONL"}, "States.ItemReaderFailed: read the items of bad.jsonl: the line that ends at byte 4 is no JSON"},
		{"c.csv", execution.ReadCall{InputType: "CSV", CSVHeaderLocation: "FIRST_ROW"}, `{"id":"1","name":"a, \"b\""} {"id":"2"} {"id":"3","name":"c"}`},
		{"p.csv", execution.ReadCall{InputType: "CSV", CSVHeaderLocation: "GIVEN", CSVHeaders: []string{"n", "t"}, CSVDelimiter: "PIPE"}, `{"n":"1","t":"x"} {"n":"2","t":"y"}`},
		{"empty.csv", execution.ReadCall{InputType: "CSV"}, ``},
		{"p.csv", execution.ReadCall{InputType: "PARQUET"}, "States.ItemReaderFailed: read the items of p.csv: local files of the type PARQUET cannot be read; JSON, JSONL and CSV can"},
		{"n.json", execution.ReadCall{InputType: "JSON", Cursor: "9"}, "States.ItemReaderFailed: read the items of n.json: the file has become shorter while its items were read"},
		{"n.json", execution.ReadCall{InputType: "JSON", Cursor: "x"}, `States.ItemReaderFailed: read the items of n.json: the cursor "x" is none of ours`},
		{".", execution.ReadCall{InputType: "JSON"}, "States.ItemReaderFailed: read the items of .: it is a folder"},
	}
	for _, tt := range tests {
		for _, count := range []int{1, 2, 100} {
			tt.c.Resource, tt.c.Arguments, tt.c.Count = "arn:tutti:file", json.RawMessage(fmt.Sprintf(`{"Path":%q}`, tt.path)), count
			if got := all(t, w, tt.c); got != tt.want {
				t.Errorf("%s by %d:\n got %s\nwant %s", tt.path, count, got, tt.want)
			}
		}
	}
	got := all(t, w, execution.ReadCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(`{"Path":"."}`), Count: 2})
	if strings.Count(got, `"Key"`) != 9 || !strings.Contains(got, `/a.json","LastModified":"`) {
		t.Errorf("the folder has %s", got)
	}
}

// TestReadPages holds reading in pages of any size against reading at once.
func TestReadPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := worker.New(worker.Options{Dir: dir})
	rapid.Check(t, func(r *rapid.T) {
		var items []json.RawMessage
		for range rapid.IntRange(0, 30).Draw(r, "items") {
			raw, err := json.Marshal(rapid.OneOf(rapid.String().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.SliceOf(rapid.String()).AsAny()).Draw(r, "item"))
			if err != nil {
				r.Fatal(err)
			}
			items = append(items, raw)
		}
		whole, err := json.Marshal(items)
		if err != nil {
			r.Fatal(err)
		}
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = string(item)
		}
		for kind, text := range map[string]string{"JSON": string(whole), "JSONL": strings.Join(texts, "\n")} {
			if kind == "JSON" && items == nil {
				text = "[]"
			}
			if err := os.WriteFile(filepath.Join(dir, kind), []byte(text), 0o644); err != nil {
				r.Fatal(err)
			}
			c := execution.ReadCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(`{"Path":"` + kind + `"}`), InputType: kind, Count: rapid.IntRange(1, 40).Draw(r, "count")}
			if got, want := all(t, w, c), strings.Join(texts, " "); got != want {
				r.Fatalf("%s by %d:\n got %s\nwant %s", kind, c.Count, got, want)
			}
		}
	})
}

// TestReadLargeFile goes to the last page of a file of a million lines at once: what
// lies before the cursor is not read again, and a page is no larger than asked for.
func TestReadLargeFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "items.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := bufio.NewWriter(f)
	const lines, width = 1_000_000, 15
	for i := range lines {
		_, _ = fmt.Fprintf(b, "{\"n\":%8d}\n", i)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w := worker.New(worker.Options{})
	c := execution.ReadCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(fmt.Sprintf(`{"Path":%q}`, path)), InputType: "JSONL", Count: 1000, Cursor: fmt.Sprint((lines - 1500) * width)}
	var r execution.ReadResult
	for _, want := range []int{1000, 500} {
		if err := json.Unmarshal([]byte(do(t, w, execution.ActivityRead, c)), &r); err != nil || len(r.Items) != want {
			t.Fatalf("%d items, %v", len(r.Items), err)
		}
		c.Cursor = r.Next
		r.Next = ""
	}
	if c.Cursor != "" {
		t.Errorf("there is more behind the end: %s", c.Cursor)
	}
	// A page of long lines ends before it holds too much.
	long := filepath.Join(filepath.Dir(path), "long.jsonl")
	if err := os.WriteFile(long, []byte(strings.Repeat(`"`+strings.Repeat("x", 1<<20)+"\"\n", 10)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Arguments, c.Cursor = json.RawMessage(fmt.Sprintf(`{"Path":%q}`, long)), ""
	if err := json.Unmarshal([]byte(do(t, w, execution.ActivityRead, c)), &r); err != nil || len(r.Items) != 4 || r.Next == "" {
		t.Errorf("%d items, next %q, %v", len(r.Items), r.Next, err)
	}
	if err := os.WriteFile(long, []byte(`"`+strings.Repeat("x", 17<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := do(t, w, execution.ActivityRead, c); !strings.Contains(got, "a line is longer than 16777216 bytes") {
		t.Error(got[:min(len(got), 200)])
	}
}
