package file

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func runCopy(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	result, err := copyTask(ctx, t, task)
	if err != nil {
		return nil, err
	}
	if _, ok := result["invocation"]; !ok {
		result["invocation"] = invocation(task)
	}
	return result, nil
}

// invocation shows the arguments of the task, without the content.
func invocation(task action.Task) any {
	if task.NoLog {
		return "CENSORED: no_log is set"
	}
	shown, inner := maps.Clone(task.Args), maps.Clone(task.Args)
	if _, ok := shown["content"]; ok {
		shown["content"] = "CENSORED: content is a no_log parameter"
		inner["content"] = argument.Hidden
	}
	shown["module_args"] = inner
	return shown
}

func copyTask(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if result := mayCopy(task); result != nil {
		return result, nil
	}
	dest := text(task, "dest")
	if given(task, "content") {
		s := &source{content: contentOf(task.Args["content"]), loaded: true, inline: true, mode: 0o600, rel: ".content"}
		return oneFile(ctx, t, task, s, dest)
	}
	src := text(task, "src")
	if yes(task, "remote_src", false) {
		return t.Run(ctx, request(task, "copy", task.Args))
	}
	path, failure := find(task, "files", src)
	if failure != nil {
		// The real action loses its own words here.
		failure["msg"] = fmt.Sprintf("Unexpected AnsibleActionFail error: %v", failure["msg"])
		return failure, nil
	}
	if strings.HasSuffix(src, "/") && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return copyFolder(ctx, t, task, path, strings.TrimSuffix(dest, "/")+"/")
	}
	path = strings.TrimSuffix(path, "/")
	s, failure := open(task, path, filepath.Base(path))
	if failure != nil {
		return failure, nil
	}
	return oneFile(ctx, t, task, s, dest)
}

// mayCopy checks the arguments that no module sees.
func mayCopy(task action.Task) module.Result {
	for _, internal := range []string{"_original_basename", "_diff_peek"} {
		if given(task, internal) {
			return failed(`Invalid parameter specified: "` + internal + `"`)
		}
	}
	hasContent := given(task, "content")
	msg := ""
	switch src, dest := text(task, "src"), text(task, "dest"); {
	case src == "" && !hasContent:
		msg = "src (or content) is required"
	case dest == "":
		msg = "dest is required"
	case src != "" && hasContent:
		msg = "src and content are mutually exclusive"
	case hasContent && strings.HasSuffix(dest, "/"):
		msg = "can not use content with a dir as dest"
	default:
		return nil
	}
	return module.Result{"failed": true, "changed": false, "msg": msg}
}

// contentOf is the text of a content; what is no text becomes JSON.
func contentOf(v any) []byte {
	switch v := v.(type) {
	case string:
		return []byte(v)
	case map[string]any, []any:
		return []byte(argument.JSON(v))
	default:
		return []byte(argument.Text(v))
	}
}

func oneFile(ctx context.Context, t action.Target, task action.Task, s *source, dest string) (module.Result, error) {
	result, skipped, err := send(ctx, t, task, s, dest, yes(task, "follow", false))
	if err != nil {
		return nil, err
	}
	if skipped {
		src := any(s.path)
		if s.inline {
			src = nil
		}
		return module.Result{"dest": dest, "src": src, "changed": false}, nil
	}
	if result.Failed() {
		return result, nil
	}
	if _, ok := result["dest"]; !ok && result["path"] != nil {
		result["dest"] = result["path"]
	}
	return result, nil
}

// open makes a source of a local file, which is decrypted when it is a vault.
func open(task action.Task, path, rel string) (*source, module.Result) {
	s := &source{path: path, rel: rel}
	// A pipe or a device has no end that one could wait for.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, module.Fail(fmt.Sprintf("could not find src=%s, %s", path, notFound(path, nil)))
	}
	if !yes(task, "decrypt", true) {
		return s, nil
	}
	plain, isVault, failure := decrypt(task, path)
	if failure != nil {
		return nil, failure
	}
	if isVault {
		s.content, s.loaded, s.mode = plain, true, 0o600
	}
	return s, nil
}
