package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func copySpec() argument.Spec {
	return argument.Spec{Check: true, FileAttributes: true, Options: []argument.Option{
		{Name: "src", Type: argument.Path},
		{Name: "_original_basename"},
		{Name: "content", NoLog: true},
		{Name: "dest", Type: argument.Path, Required: true},
		{Name: "backup", Type: argument.Bool, Default: false},
		{Name: "force", Type: argument.Bool, Default: true},
		{Name: "validate"},
		{Name: "directory_mode", Type: argument.Raw},
		{Name: "remote_src", Type: argument.Bool, Default: false},
		{Name: "local_follow", Type: argument.Bool},
		{Name: "checksum"},
		{Name: "follow", Type: argument.Bool, Default: false},
	}}
}

func copyModule() module.Module {
	return module.Module{Name: "copy", Spec: copySpec(), Run: func(ctx context.Context, c *module.Call) module.Result {
		k := &copier{Call: c, ctx: ctx, src: c.String("src"), dest: c.String("dest")}
		result, err := k.run()
		if err != nil {
			return attribute.Result(err)
		}
		return result
	}}
}

// copier is one call of the copy module: src is a file of the host already.
type copier struct {
	*module.Call
	ctx       context.Context
	src, dest string
	// sum and md5 are of the source, destSum of what is at dest; "" for what is no file.
	sum, md5, destSum string
}

func (k *copier) run() (module.Result, error) {
	if err := k.source(); err != nil {
		return nil, err
	}
	if !strings.Contains(k.dest, "/") {
		k.dest = "./" + k.dest
	}
	early, changed, err := k.destination()
	if early != nil || err != nil {
		return early, err
	}
	if err := k.reachable(); err != nil {
		return nil, err
	}
	backup := ""
	if k.sum != k.destSum || isLink(k.dest) {
		changed = true
		if !k.CheckMode {
			if backup, err = k.place(); err != nil {
				return nil, err
			}
		}
	}
	didTree, err := k.tree()
	if err != nil {
		return nil, err
	}
	result := module.Result{"dest": k.dest, "src": k.src, "md5sum": orNil(k.md5), "checksum": orNil(k.sum)}
	if backup != "" {
		result["backup_file"] = backup
	}
	result["changed"], err = attribute.Of(k.Call, k.dest).Apply(k.ctx, k.Call, changed || didTree, nil)
	return result, err
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// source looks at what is to be copied.
func (k *copier) source() error {
	info, err := os.Stat(k.src)
	switch {
	case err != nil:
		return attribute.Failed(fmt.Sprintf("Source %s not found", k.src))
	case !readable(k.src):
		return attribute.Failed(fmt.Sprintf("Source %s not readable", k.src))
	}
	if k.Args["mode"] == "preserve" {
		k.Args["mode"] = fmt.Sprintf("0%03o", modeOf(info))
	}
	switch {
	case info.Mode().IsRegular():
		sums, err := attribute.Checksums(k.src, "sha1", "md5")
		if err != nil {
			return attribute.Failed(attribute.OSError(err, k.src))
		}
		k.sum, k.md5 = sums[0], sums[1]
	case k.Bool("remote_src") && !info.IsDir():
		return attribute.Failed(fmt.Sprintf("Cannot copy invalid source '%s': not a file", k.src))
	}
	if want := k.String("checksum"); want != "" && want != k.sum {
		return attribute.Failed("Copied file does not match the expected checksum. Transfer failed.", "checksum", orNil(k.sum), "expected_checksum", want)
	}
	return nil
}

func modeOf(info os.FileInfo) uint32 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Mode & 0o7777
	}
	return uint32(info.Mode().Perm())
}

// destination finds out which file is to be made, and makes the folders that a dest which
// ends in a slash asks for. early is the result when there is nothing more to do.
func (k *copier) destination() (early module.Result, changed bool, err error) {
	base := k.String("_original_basename")
	if strings.HasSuffix(k.dest, "/") {
		k.dest = join(k.dest, base)
		dir := k.dest[:strings.LastIndexByte(k.dest, '/')]
		if dir == "" {
			dir = "/"
		}
		if !exists(dir) {
			if k.CheckMode {
				return module.Result{"msg": fmt.Sprintf("dest directory %s would be created", dir), "changed": true, "src": k.src}, true, nil
			}
			if err := k.makeParents(dir); err != nil {
				return nil, false, err
			}
			changed = true
		}
	}
	if isDir(k.dest) {
		if base == "" {
			base = baseName(k.src)
		}
		k.dest = join(k.dest, base)
	}
	if !exists(k.dest) {
		return nil, changed, nil
	}
	if k.Bool("follow") && isLink(k.dest) {
		k.dest = attribute.RealPath(k.dest)
	}
	if !k.Bool("force") {
		return module.Result{"msg": "file already exists", "src": k.src, "dest": k.dest, "changed": false}, false, nil
	}
	if readable(k.dest) && isFile(k.dest) {
		sums, err := attribute.Checksums(k.dest, "sha1")
		if err != nil {
			return nil, false, attribute.Failed(attribute.OSError(err, k.dest))
		}
		k.destSum = sums[0]
	}
	return nil, changed, nil
}

// makeParents makes folders; the new ones get directory_mode, owner and group.
func (k *copier) makeParents(dir string) error {
	var lacking []string
	for d := dir; !exists(d); d = filepath.Dir(d) {
		lacking = append(lacking, d)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return attribute.Failed(attribute.OSError(err, dir))
	}
	for i := len(lacking) - 1; i >= 0; i-- {
		w := attribute.Of(k.Call, lacking[i])
		w.Mode = k.Args["directory_mode"]
		if _, err := w.Apply(k.ctx, k.Call, false, nil); err != nil {
			return err
		}
	}
	return nil
}

// dirOf is Python's dirname: what is before the last slash.
func dirOf(path string) string {
	i := strings.LastIndexByte(path, '/')
	switch {
	case i < 0:
		return ""
	case i == 0:
		return "/"
	}
	return path[:i]
}

func (k *copier) reachable() error {
	dir := dirOf(k.dest)
	if !exists(k.dest) && !exists(dir) {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrPermission) {
			return attribute.Failed(fmt.Sprintf("Destination directory %s is not accessible", dir))
		}
		return attribute.Failed(fmt.Sprintf("Destination directory %s does not exist", dir))
	}
	if !writable(dir) && !k.Bool("unsafe_writes") {
		return attribute.Failed(fmt.Sprintf("Destination %s not writable", dir))
	}
	return nil
}

// place puts the source where it belongs and gives the name of the backup.
func (k *copier) place() (backup string, err error) {
	if k.Bool("backup") && exists(k.dest) {
		if backup, err = attribute.Backup(k.ctx, k.Call, k.dest); err != nil {
			return "", err
		}
	}
	if isLink(k.dest) {
		// A file takes the place of the link, not of what it points to.
		if err := os.Remove(k.dest); err != nil {
			return "", attribute.Failed(attribute.OSError(err, k.dest))
		}
		file, err := os.Create(k.dest)
		if err != nil {
			return "", attribute.Failed(attribute.OSError(err, k.dest))
		}
		_ = file.Close()
	}
	if command := k.String("validate"); command != "" {
		if err := k.validate(command); err != nil {
			return "", err
		}
	}
	from := k.src
	if k.Bool("remote_src") && isFile(k.src) {
		if from, err = k.duplicate(); err != nil {
			return "", err
		}
	}
	return backup, attribute.AtomicMove(k.ctx, from, k.dest, attribute.Move{Unsafe: k.Bool("unsafe_writes"), Fresh: k.Bool("remote_src")})
}

func (k *copier) validate(command string) error {
	// Some checks need the file's mode and owner to be right already.
	w := attribute.Wanted{Path: k.src, Mode: k.Args["mode"], Owner: k.Args["owner"], Group: k.Args["group"]}
	if _, err := w.Apply(k.ctx, k.Call, false, nil); err != nil {
		return err
	}
	if !strings.Contains(command, "%s") {
		return attribute.Failed("validate must contain %s: " + command)
	}
	out, err := attribute.Validate(k.ctx, command, k.src)
	if err != nil {
		return err
	}
	if out.Code != 0 {
		return attribute.Failed("failed to validate", "exit_status", out.Code, "stdout", out.Stdout, "stderr", out.Stderr)
	}
	return nil
}

// duplicate copies the source beside dest, with its mode and times: the source stays.
func (k *copier) duplicate() (string, error) {
	file, err := os.CreateTemp(dirOf(k.dest), "tmp*")
	if err != nil {
		return "", attribute.Failed(attribute.OSError(err, dirOf(k.dest)))
	}
	_ = file.Close()
	if err := attribute.CopyWithMeta(k.src, file.Name()); err != nil {
		_ = os.Remove(file.Name())
		return "", attribute.Failed(fmt.Sprintf("Failed to copy '%s' to '%s': %s", k.src, k.dest, attribute.OSError(err, "")))
	}
	return file.Name(), nil
}
