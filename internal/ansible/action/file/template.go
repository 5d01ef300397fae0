package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// runTemplate copies the text that the play has rendered.
func runTemplate(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if given(task, "state") {
		return failed("'state' cannot be specified on a template"), nil
	}
	src := text(task, "src")
	if src == "" || text(task, "dest") == "" {
		return failed("src and dest are required"), nil
	}
	path, failure := find(task, "templates", src)
	if failure != nil {
		return failure, nil
	}
	if task.Rendered == nil {
		return failed("the template " + path + " was not rendered"), nil
	}
	content, err := encoded(*task.Rendered, text(task, "output_encoding"))
	if err != nil {
		return failed(err.Error()), nil
	}
	task.Args = without(task.Args, "newline_sequence", "block_start_string", "block_end_string", "variable_start_string",
		"variable_end_string", "comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks", "output_encoding")
	task.Args["src"], task.Args["follow"] = path, yes(task, "follow", false)
	s := &source{path: path, rel: filepath.Base(path), content: content, loaded: true}
	if info, err := os.Stat(path); err == nil && task.Args["mode"] == "preserve" {
		task.Args["mode"] = fmt.Sprintf("0%03o", info.Mode().Perm())
	}
	result, err := oneFile(ctx, t, task, s, text(task, "dest"))
	if err != nil {
		return nil, err
	}
	if _, ok := result["invocation"]; !ok {
		result["invocation"] = invocation(task)
	}
	return result, nil
}

// encoded writes text in another encoding than UTF-8.
func encoded(text, encoding string) ([]byte, error) {
	switch name := strings.ReplaceAll(strings.ToLower(encoding), "_", "-"); name {
	case "", "utf-8", "utf8":
		return []byte(text), nil
	case "latin-1", "latin1", "iso-8859-1", "ascii", "us-ascii":
		limit := rune(256)
		if strings.HasSuffix(name, "ascii") {
			limit = 128
		}
		out := make([]byte, 0, len(text))
		for _, r := range text {
			if r >= limit {
				return nil, fmt.Errorf("'%s' codec can't encode character %q", name, r)
			}
			out = append(out, byte(r))
		}
		return out, nil
	case "utf-16-le", "utf-16-be", "utf-16", "utf16":
		var out []byte
		if name == "utf-16" || name == "utf16" {
			out = append(out, 0xff, 0xfe)
		}
		for _, u := range utf16.Encode([]rune(text)) {
			if name == "utf-16-be" {
				out = append(out, byte(u>>8), byte(u))
			} else {
				out = append(out, byte(u), byte(u>>8))
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("unknown encoding: %s", encoding)
}
