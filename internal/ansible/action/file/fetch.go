package file

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// runFetch brings a file of the host here.
func runFetch(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if task.CheckMode {
		return module.Result{"skipped": true, "changed": false, "msg": "check mode not (yet) supported for this module"}, nil
	}
	if failure := mayFetch(task); failure != nil {
		return failure, nil
	}
	f := fetch{ctx: ctx, t: t, task: task, src: text(task, "src"), missing: yes(task, "fail_on_missing", true)}
	dest, failure := f.destination()
	if failure != nil {
		return failure, nil
	}
	if early, err := f.look(); early != nil || err != nil {
		return early, err
	}
	if dest, failure = f.place(dest); failure != nil {
		return failure, nil
	}
	return f.bring(dest)
}

func mayFetch(task action.Task) module.Result {
	for _, name := range []string{"src", "dest"} {
		if v := task.Args[name]; v != nil {
			if _, ok := v.(string); !ok {
				return failed("Invalid type supplied for " + map[string]string{"src": "source", "dest": "dest"}[name] + " option, it must be a string")
			}
		}
	}
	if !given(task, "src") || !given(task, "dest") {
		return failed("src and dest are required")
	}
	return nil
}

type fetch struct {
	ctx     context.Context
	t       action.Target
	task    action.Task
	src     string
	missing bool
	sum     string
	// content is what came with the first answer; has tells that it is all of the file.
	content []byte
	has     bool
}

// look asks the host for the file. early is the result when there is nothing to bring.
func (f *fetch) look() (early module.Result, err error) {
	r, err := f.t.Run(f.ctx, module.Request{Module: "stat", Called: "ansible.legacy.stat", Environment: f.task.Environment,
		Args: map[string]any{"path": f.src, "follow": true, "get_mime": false, "get_attributes": false}})
	if err != nil {
		return nil, err
	}
	if r.Failed() {
		msg := fmt.Sprintf("Failed to get information on remote file (%s): %v", f.src, r["msg"])
		if !f.missing {
			return module.Result{"changed": false, "file": f.src, "msg": msg + ", ignored"}, nil
		}
		return module.Fail(msg, "file", f.src), nil
	}
	stat, _ := r["stat"].(map[string]any)
	if stat["exists"] == true {
		if path, ok := stat["path"].(string); ok {
			f.src = path
		}
	}
	const folder = "remote file is a directory, fetch cannot work on directories"
	if stat["isdir"] == true {
		if !f.missing {
			return module.Result{"msg": folder + ", not transferring, ignored"}, nil
		}
		return module.Fail(folder), nil
	}
	f.sum, _ = stat["checksum"].(string)
	if f.sum != "" {
		return nil, nil
	}
	return f.slurp()
}

// slurp tries what cannot be read as a plain file, and makes the failure of what is not there.
func (f *fetch) slurp() (early module.Result, err error) {
	r, err := f.t.Run(f.ctx, request(f.task, "slurp", map[string]any{"src": f.src}))
	if err != nil {
		return nil, err
	}
	if !r.Failed() {
		content, _ := r["content"].(string)
		if f.content, err = base64.StdEncoding.DecodeString(content); err != nil {
			return module.Fail("the content of " + f.src + " cannot be decoded: " + err.Error()), nil
		}
		f.has = true
		f.sum = sumOf(f.content)
		return nil, nil
	}
	msg, _ := r["msg"].(string)
	result := r
	if !f.missing {
		result = module.Result{"file": f.src, "changed": false}
	}
	switch lower := strings.ToLower(msg); {
	case strings.Contains(lower, "not found"):
		result["msg"] = "the remote file does not exist, not transferring, ignored"
	case strings.HasPrefix(lower, "source is a directory"):
		result["msg"] = "remote file is a directory, fetch cannot work on directories"
	}
	return result, nil
}

func (f *fetch) destination() (string, module.Result) {
	dest := expandHome(text(f.task, "dest"))
	if !yes(f.task, "flat", false) {
		return dest, nil
	}
	info, err := os.Stat(dest)
	if err == nil && info.IsDir() && !strings.HasSuffix(dest, "/") {
		return "", failed("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
	}
	return dest, nil
}

// place makes the local file's name: dest/HOST/path, or with flat what dest says.
func (f *fetch) place(dest string) (string, module.Result) {
	relative := !strings.HasPrefix(dest, "/")
	if yes(f.task, "flat", false) {
		if strings.HasSuffix(dest, "/") {
			dest = filepath.Join(dest, filepath.Base(f.src))
			if info, err := os.Stat(dest); err == nil && info.IsDir() {
				return "", failed(fmt.Sprintf("calculated dest '%s' is an existing directory, use another path that does not point to an existing directory", dest))
			}
		}
	} else {
		// What the host says its file is called must not lead out of dest.
		below := filepath.Join(dest, f.task.Host)
		whole := filepath.Join(below, f.src)
		if whole != below && !strings.HasPrefix(whole, below+"/") {
			return "", failed(fmt.Sprintf("Detected directory traversal, expected to be contained in '%s' but got '%s'", below, whole))
		}
		dest = whole
	}
	if relative && len(f.task.Search) > 0 {
		dest = filepath.Join(f.task.Search[len(f.task.Search)-1], dest)
	}
	return filepath.Clean(dest), nil
}

// bring fetches the file, if the local one is another.
func (f *fetch) bring(dest string) (module.Result, error) {
	if sums, err := attribute.Checksums(dest, "sha1", "md5"); err == nil && sums[0] == f.sum {
		return module.Result{"changed": false, "md5sum": sums[1], "file": f.src, "dest": dest, "checksum": sums[0]}, nil
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o777); err != nil {
		return failed("Failed to fetch the file.: " + err.Error()), nil
	}
	if err := f.write(dest); err != nil {
		return nil, err
	}
	sums, err := attribute.Checksums(dest, "sha1", "md5")
	if err != nil {
		return failed("Failed to fetch the file.: " + err.Error()), nil
	}
	result := module.Result{"changed": true, "md5sum": sums[1], "dest": dest, "remote_md5sum": nil, "checksum": sums[0], "remote_checksum": f.sum}
	if yes(f.task, "validate_checksum", true) && sums[0] != f.sum {
		result["failed"], result["changed"], result["msg"], result["file"] = true, false, "checksum mismatch", f.src
	}
	return result, nil
}

// write puts the content beside dest and then in its place, so that a connection that breaks
// leaves the old file.
func (f *fetch) write(dest string) error {
	file, err := os.CreateTemp(filepath.Dir(dest), ".fetch-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if f.has {
		_, err = file.Write(f.content)
	} else {
		err = f.stream(file)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if info, statErr := os.Stat(dest); statErr == nil {
		err = os.Chmod(file.Name(), info.Mode().Perm())
	} else {
		err = os.Chmod(file.Name(), os.FileMode(0o666&^attribute.Umask()))
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), dest)
}

func (f *fetch) stream(to io.Writer) error {
	from, err := f.t.Get(f.ctx, f.src)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	_, err = io.Copy(to, from)
	return err
}
