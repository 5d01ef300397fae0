package file

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// writeChanges puts new content in the place of a file, when the validate command agrees.
func writeChanges(ctx context.Context, c *module.Call, content []byte, path string) error {
	temporary, err := attribute.Temporary(c, content)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if command := c.String("validate"); command != "" {
		if !strings.Contains(command, "%s") {
			return attribute.Failed("validate must contain %s: " + command)
		}
		out, err := attribute.Validate(ctx, command, temporary)
		if err != nil {
			return err
		}
		if out.Code != 0 {
			return attribute.Failed(fmt.Sprintf("failed to validate: rc:%d error:%s", out.Code, out.Stderr))
		}
	}
	return attribute.AtomicMove(ctx, temporary, path, attribute.Move{Unsafe: c.Bool("unsafe_writes")})
}

// settle applies the attributes of an edited file and adds to the message that it did.
func settle(ctx context.Context, c *module.Call, changed bool, msg string, d *attribute.Diff) (string, bool, error) {
	did, err := attribute.Of(c, c.String("path")).Apply(ctx, c, false, d)
	if err != nil || !did {
		return msg, changed, err
	}
	if changed {
		msg += " and "
	}
	return msg + "ownership, perms or SE linux context changed", true, nil
}

// contentDiff is the diff of an edited file, of which there is always one.
func contentDiff(path string, before, after []byte) map[string]any {
	return map[string]any{
		"before": string(before), "after": string(after), "before_header": path + " (content)", "after_header": path + " (content)",
	}
}

func attributeDiff(path string, d *attribute.Diff) map[string]any {
	m := d.Map()
	m["before_header"], m["after_header"] = path+" (file attributes)", path+" (file attributes)"
	return m
}

// editable refuses to edit what is no file: reading a pipe or a device might never end.
func editable(path string) error {
	switch {
	case isDir(path):
		return attribute.Failed("Path "+path+" is a directory !", "rc", 256)
	case exists(path) && !isFile(path):
		return attribute.Failed("Path "+path+" is a pipe, socket or device and cannot be edited", "rc", 256)
	}
	return nil
}

// lines splits content after every line's end.
func lines(content []byte) [][]byte {
	split := bytes.SplitAfter(content, []byte("\n"))
	if n := len(split); n > 0 && len(split[n-1]) == 0 {
		split = split[:n-1]
	}
	return split
}

func trimEnd(line []byte) []byte { return bytes.TrimRight(line, "\r\n") }

func withEnd(line []byte) []byte {
	if bytes.HasSuffix(line, []byte("\n")) {
		return line
	}
	return append(bytes.Clone(line), '\n')
}
