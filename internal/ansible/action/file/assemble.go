package file

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	host "tutti/internal/ansible/module/file"
	"tutti/internal/ansible/regex"
)

// runAssemble puts fragments together here (remote_src: false) or has the host do it.
func runAssemble(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if !given(task, "src") || !given(task, "dest") {
		return failed("src and dest are required"), nil
	}
	if yes(task, "remote_src", true) {
		return t.Run(ctx, request(task, "assemble", without(task.Args, "decrypt")))
	}
	dir, failure := find(task, "files", text(task, "src"))
	if failure != nil {
		return thrown(failure), nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return failed("Source (" + dir + ") is not a directory"), nil
	}
	f := host.Fragment{Delimiter: text(task, "delimiter"), IgnoreHidden: yes(task, "ignore_hidden", false)}
	if given(task, "regexp") {
		re, err := regex.Compile(text(task, "regexp"), 0)
		if err != nil {
			return failed(fmt.Sprintf("regexp is not a regular expression: %v", err)), nil
		}
		f.Regexp = re
	}
	f.Read = func(path string) ([]byte, error) {
		if !yes(task, "decrypt", true) {
			return os.ReadFile(path)
		}
		plain, isVault, failure := decrypt(task, path)
		switch {
		case failure != nil:
			return nil, errors.New(argument.Text(failure["msg"]))
		case isVault:
			return plain, nil
		}
		return os.ReadFile(path)
	}
	content, err := host.Fragments(dir, f)
	if err != nil {
		return failed(err.Error()), nil
	}
	task.Args = without(task.Args, "remote_src", "regexp", "delimiter", "ignore_hidden", "decrypt")
	s := &source{path: dir, rel: "src", content: content, loaded: true, always: true}
	result, _, err := send(ctx, t, task, s, text(task, "dest"), yes(task, "follow", false))
	return result, err
}
