package file

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/regex"
)

func blockinfileModule() module.Module {
	return module.Module{Name: "blockinfile", Run: runBlockinfile, Spec: argument.Spec{Check: true, FileAttributes: true,
		MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}},
		Options: []argument.Option{
			{Name: "path", Type: argument.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK"},
			{Name: "block", Default: "", Aliases: []string{"content"}},
			{Name: "insertafter"},
			{Name: "insertbefore"},
			{Name: "create", Type: argument.Bool, Default: false},
			{Name: "backup", Type: argument.Bool, Default: false},
			{Name: "validate"},
			{Name: "marker_begin", Default: "BEGIN"},
			{Name: "marker_end", Default: "END"},
			{Name: "append_newline", Type: argument.Bool, Default: false},
			{Name: "prepend_newline", Type: argument.Bool, Default: false},
		}}}
}

func runBlockinfile(ctx context.Context, c *module.Call) module.Result {
	b := &blockEdit{Call: c, ctx: ctx, path: c.String("path")}
	result, err := b.run()
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

// blockEdit is one call of blockinfile.
type blockEdit struct {
	*module.Call
	ctx      context.Context
	path     string
	there    bool
	original []byte
	lines    [][]byte
}

func (b *blockEdit) run() (module.Result, error) {
	if err := editable(b.path); err != nil {
		return nil, err
	}
	if b.there = exists(b.path); !b.there {
		if !b.Bool("create") {
			return nil, attribute.Failed("Path "+b.path+" does not exist !", "rc", 257)
		}
		if dir := dirOf(b.path); dir != "" && !exists(dir) && !b.CheckMode {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return nil, attribute.Failed(fmt.Sprintf("Error creating %s Error: %s", dir, attribute.OSError(err, dir)))
			}
		}
	} else {
		var err error
		if b.original, err = os.ReadFile(b.path); err != nil {
			return nil, attribute.Failed(attribute.OSError(err, b.path))
		}
		b.lines = splitLines(b.original)
	}
	present := b.String("state") == "present"
	if !present && !b.there {
		return module.Result{"changed": false, "msg": "File " + b.path + " not present"}, nil
	}
	block := b.block(present)
	at, err := b.clear()
	if err != nil {
		return nil, err
	}
	b.put(at, block, present)
	return b.finish(bytes.Join(b.lines, nil), len(block) > 0)
}

// splitLines splits after every end of a line that Python's bytes know: \n, \r\n and \r.
func splitLines(content []byte) [][]byte {
	var list [][]byte
	for len(content) > 0 {
		end := bytes.IndexAny(content, "\r\n")
		switch {
		case end < 0:
			end = len(content)
		case content[end] == '\r' && end+1 < len(content) && content[end+1] == '\n':
			end += 2
		default:
			end++
		}
		list = append(list, content[:end])
		content = content[end:]
	}
	return list
}

func (b *blockEdit) marker(mark string) []byte {
	return []byte(strings.ReplaceAll(b.String("marker"), "{mark}", b.String(mark)) + "\n")
}

// block gives the lines that have to be there, markers and all.
func (b *blockEdit) block(present bool) [][]byte {
	text := []byte(b.String("block"))
	if !present || len(text) == 0 {
		return nil
	}
	block := append([][]byte{b.marker("marker_begin")}, splitLines(withEnd(text))...)
	return append(block, b.marker("marker_end"))
}

// clear takes the old block out and tells where the new one belongs.
func (b *blockEdit) clear() (at int, err error) {
	begin, end := -1, -1
	for i, line := range b.lines {
		if bytes.Equal(line, b.marker("marker_begin")) {
			begin = i
		}
		if bytes.Equal(line, b.marker("marker_end")) {
			end = i
		}
	}
	switch {
	case begin < 0 || end < 0:
		return b.place()
	case begin < end:
		b.lines = slices.Delete(b.lines, begin, end+1)
		return begin, nil
	default:
		b.lines = slices.Delete(b.lines, end, begin+1)
		return end, nil
	}
}

// place finds where a new block belongs.
func (b *blockEdit) place() (int, error) {
	after, before := b.Args["insertafter"], b.Args["insertbefore"]
	pattern, given := after.(string)
	if !given {
		pattern, given = before.(string)
	}
	switch {
	case !given || after == "EOF":
		return len(b.lines), nil
	case before == "BOF":
		return 0, nil
	}
	re, err := regex.Compile(pattern, regex.Bytes)
	if err != nil {
		return 0, attribute.Failed(fmt.Sprintf("insertafter or insertbefore is not a regular expression: %v", err))
	}
	at := -1
	if re.Flags()&regex.Multiline != 0 {
		m, err := re.Search(string(b.original))
		if err != nil {
			return 0, err
		}
		if m != nil {
			start, end := m.Span(0)
			if after != nil {
				start = end
			}
			at = bytes.Count(b.original[:start], []byte("\n"))
		}
	} else {
		for i, line := range b.lines {
			m, err := re.Search(string(line))
			if err != nil {
				return 0, err
			}
			if m != nil {
				at = i
			}
		}
	}
	switch {
	case at < 0:
		return len(b.lines), nil
	case after != nil:
		return min(at+1, len(b.lines)), nil
	}
	return min(at, len(b.lines)), nil
}

// put inserts the block, with blank lines around it where they are asked for.
func (b *blockEdit) put(at int, block [][]byte, present bool) {
	blank := []byte("\n")
	if at > 0 {
		b.lines[at-1] = withEnd(b.lines[at-1])
	}
	if b.Bool("prepend_newline") && present && at != 0 && !bytes.Equal(b.lines[at-1], blank) {
		b.lines = slices.Insert(b.lines, at, blank)
		at++
	}
	b.lines = slices.Insert(b.lines, at, block...)
	if next := at + len(block); b.Bool("append_newline") && present && next < len(b.lines) && !bytes.Equal(b.lines[next], blank) {
		b.lines = slices.Insert(b.lines, next, blank)
	}
}

func (b *blockEdit) finish(after []byte, inserted bool) (module.Result, error) {
	diff := contentDiff(b.path, nil, nil)
	if b.Diff {
		diff = contentDiff(b.path, b.original, after)
	}
	msg, changed := "Block inserted", true
	switch {
	case b.there && bytes.Equal(b.original, after):
		msg, changed = "", false
	case !b.there:
		msg = "File created"
	case !inserted:
		msg = "Block removed"
	}
	result := module.Result{"diff": diff}
	if changed && !b.CheckMode {
		if b.Bool("backup") && b.there {
			backup, err := attribute.Backup(b.ctx, b.Call, b.path)
			if err != nil {
				return nil, err
			}
			result["backup_file"] = backup
		}
		if err := writeChanges(b.ctx, b.Call, after, attribute.RealPath(b.path)); err != nil {
			return nil, err
		}
	}
	if b.CheckMode && !b.there {
		result["changed"], result["msg"] = changed, msg
		return result, nil
	}
	d := &attribute.Diff{}
	var err error
	result["msg"], result["changed"], err = settle(b.ctx, b.Call, changed, msg, d)
	result["diff"] = []any{diff, attributeDiff(b.path, d)}
	return result, err
}
