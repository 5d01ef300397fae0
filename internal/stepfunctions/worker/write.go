package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// write writes one part of a map run's results into a folder of its own below Path. A
// part that was written before is replaced, whole or not at all.
func (w *Worker) write(c execution.WriteCall) (json.RawMessage, error) {
	var args struct{ Path string }
	if err := arguments(execution.Call{Resource: c.Resource, Arguments: c.Arguments}, &args, "Path"); err != nil {
		return nil, err
	}
	if args.Path == "" || c.Name != filepath.Base(c.Name) {
		return nil, flow.Failure{Kind: flow.Terminal, Code: "States.ResultWriterFailed", Message: "ResultWriter needs a Path, the folder that results go to"}
	}
	folder := filepath.Join(w.path(args.Path), c.MapRun[strings.LastIndexAny(c.MapRun, ":/")+1:])
	name := filepath.Join(folder, c.Name)
	content := ResultText(c)
	if err := replace(folder, name, content); err != nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: "States.ResultWriterFailed", Message: err.Error()}
	}
	return json.Marshal(execution.WriteResult{Key: filepath.ToSlash(name), Size: int64(len(content))})
}

// ResultText gives a part of a map run's results as its file holds it.
func ResultText(c execution.WriteCall) []byte {
	if c.Document != nil {
		return c.Document
	}
	var b bytes.Buffer
	lines := c.OutputType == "JSONL"
	if !lines {
		b.WriteByte('[')
	}
	for i, item := range c.Items {
		switch {
		case i > 0 && lines:
			b.WriteByte('\n')
		case i > 0:
			b.WriteByte(',')
		}
		b.Write(item)
	}
	if lines {
		b.WriteByte('\n')
	} else {
		b.WriteByte(']')
	}
	return b.Bytes()
}

func replace(folder, name string, content []byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
