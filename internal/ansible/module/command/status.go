package command

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func statusSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "jid", Required: true},
			{Name: "mode", Default: "status", Choices: []any{"cleanup", "status"}},
			{Name: "_async_dir", Type: argument.Path, Default: "~/.ansible_async"},
		},
		Check: true,
	}
}

// asyncStatus looks a background job up by its file, which whoever started the job keeps: a
// JSON object with "started" and "finished" until the job ends, and its result after that.
func asyncStatus(_ context.Context, c *module.Call) module.Result {
	jid := c.String("jid")
	file := filepath.Join(c.String("_async_dir"), jid)
	r := module.Result{"ansible_job_id": jid, "started": false, "finished": false, "stdout": "", "stderr": ""}
	add := func(key string, value any) { r[key] = value }
	cleanup := c.String("mode") == "cleanup"
	if cleanup {
		add("erased", file)
	} else {
		add("results_file", file)
		add("started", true)
	}
	text, err := os.ReadFile(file)
	// A job's name is no path: nothing outside its folder is told or removed.
	if errors.Is(err, fs.ErrNotExist) || filepath.Base(jid) != jid {
		for k, v := range module.Fail("could not find job", "started", true, "finished", true) {
			add(k, v)
		}
		return r
	}
	if cleanup {
		if err := os.Remove(file); err != nil {
			return module.Fail("the job's file could not be removed: "+err.Error(), "ansible_job_id", jid)
		}
		return r
	}
	var data module.Result
	if err != nil || json.Unmarshal(text, &data) != nil || data == nil {
		// It is being written right now, so the job runs.
		return r
	}
	if _, running := data["started"]; !running {
		add("finished", true)
	}
	for k, v := range data {
		add(k, v)
	}
	// Jobs of old wrappers say 0 and 1.
	for _, key := range []string{"started", "finished"} {
		if n, ok := r[key].(float64); ok {
			add(key, n != 0)
		}
	}
	return r
}
