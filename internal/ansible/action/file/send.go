package file

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"syscall"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
	host "tutti/internal/ansible/module/file"
)

// inlineLimit is up to which size content travels with the call that needs it, in bytes.
// Above, the host is first asked whether it has the content already.
const inlineLimit = 256 << 10

// source is one local file, or content that a task has itself.
type source struct {
	// path is the local file; "" for content.
	path string
	// content is all of it, when it is small or was never in a file.
	content []byte
	loaded  bool
	// rel is its name below dest.
	rel string
	// always has the copy module called even when the content is there already.
	always bool
	// inline tells that the task has the content as an argument.
	inline bool
	mode   uint32
	size   int64
	sum    string
}

// load reads what is small and takes the checksum of all.
func (s *source) load() error {
	if s.loaded {
		s.sum, s.size = sumOf(s.content), int64(len(s.content))
		return nil
	}
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	s.size, s.mode = info.Size(), uint32(info.Mode().Perm())
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.mode = st.Mode & 0o7777
	}
	if s.size <= inlineLimit {
		if s.content, err = io.ReadAll(file); err != nil {
			return err
		}
		s.loaded = true
		return s.load()
	}
	h := sha1.New()
	if s.size, err = io.Copy(h, file); err != nil {
		return err
	}
	s.sum = hex.EncodeToString(h.Sum(nil))
	return nil
}

func (s *source) open() (io.ReadCloser, error) {
	if s.loaded {
		return io.NopCloser(bytes.NewReader(s.content)), nil
	}
	return os.Open(s.path)
}

func sumOf(content []byte) string {
	sum := sha1.Sum(content)
	return hex.EncodeToString(sum[:])
}

// send brings one source to dest: at most one round trip when it is small, or already there.
// skipped tells that there is something and force forbids to replace it.
func send(ctx context.Context, t action.Target, task action.Task, s *source, dest string, follow bool) (result module.Result, skipped bool, err error) {
	if err := s.load(); err != nil {
		return module.Result{"failed": true, "diff": []any{}, "msg": fmt.Sprintf("could not find src=%s, %s", s.path, notFound(s.path, nil))}, false, nil
	}
	args := map[string]any{
		"args": without(task.Args, "content", "decrypt"), "dest": dest, "rel": s.rel, "checksum": s.sum, "size": s.size,
		"origin": s.path, "inline": s.inline, "follow": follow, "force": yes(task, "force", true),
		"always": s.always,
	}
	if task.Args["mode"] == "preserve" {
		args["mode"] = fmt.Sprintf("0%03o", s.mode)
	}
	if s.size <= inlineLimit && s.loaded {
		args["content"] = s.content
	}
	result, err = t.Run(ctx, request(task, host.Place, args))
	if err != nil || result[host.NeedContent] != true {
		return tidy(result), result["_tutti_skip"] == true, err
	}
	content, err := s.open()
	if err != nil {
		return module.Fail(fmt.Sprintf("could not find src=%s, %v", s.path, err)), false, nil
	}
	defer func() { _ = content.Close() }()
	remote, err := t.Put(ctx, s.rel, content)
	if err != nil {
		return nil, false, err
	}
	defer t.Remove(ctx, remote)
	args["src"] = remote
	delete(args, "content")
	result, err = t.Run(ctx, request(task, host.Place, args))
	return tidy(result), false, err
}

// tidy takes out what only concerns the inner call.
func tidy(r module.Result) module.Result {
	delete(r, "invocation")
	return r
}
