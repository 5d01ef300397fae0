// Package attribute is what all modules that make files share: mode, owner, group, flags and
// SELinux context of a file, moving a finished file into its place, backups, validation and
// checksums, as AnsibleModule does them.
//
// In: the checked arguments of a call and paths of this machine. Out: whether something had to
// be changed, with a Diff, or a *Failure that says what the module has to tell. In check mode
// nothing is changed. The package knows no module in particular.
package attribute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/account"
)

// Failure is an error that is told as a module's result.
type Failure struct{ Result module.Result }

// Error implements error.
func (f *Failure) Error() string { s, _ := f.Result["msg"].(string); return s }

// Failed makes a Failure; the pairs are further keys and values of the result.
func Failed(msg string, pairs ...any) error { return &Failure{module.Fail(msg, pairs...)} }

// Result gives the result that tells an error.
func Result(err error) module.Result {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Result
	}
	return module.Fail(err.Error())
}

// Diff is what a module would change at a file's attributes.
type Diff struct{ Before, After map[string]any }

// NewDiff gives a diff about a path.
func NewDiff(path string) *Diff {
	return &Diff{Before: map[string]any{"path": path}, After: map[string]any{"path": path}}
}

// Set notes one change. A nil diff notes nothing.
func (d *Diff) Set(key string, before, after any) {
	if d == nil {
		return
	}
	if d.Before == nil {
		d.Before, d.After = map[string]any{}, map[string]any{}
	}
	d.Before[key], d.After[key] = before, after
}

// Map gives the diff as it stands in a result.
func (d *Diff) Map() map[string]any {
	m := map[string]any{}
	if d.Before != nil {
		m["before"], m["after"] = d.Before, d.After
	}
	return m
}

// Wanted is how a file has to be. Fields that are nil do not matter.
type Wanted struct {
	Path string
	// Mode is a number or text, octal or symbolic.
	Mode         any
	Owner, Group any
	// Context is the SELinux user, role, type and level.
	Context [4]any
	// Attributes are flags of chattr, with "=", "+" or "-" before them.
	Attributes any
}

// Of gives what the arguments of a call want of a file. When "follow" is set and the path is
// a link, it is about what that points to.
func Of(c *module.Call, path string) Wanted {
	if c.Bool("follow") {
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			path = RealPath(path)
		}
	}
	w := Wanted{Path: path, Mode: c.Args["mode"], Owner: c.Args["owner"], Group: c.Args["group"], Attributes: c.Args["attributes"],
		Context: [4]any{c.Args["seuser"], c.Args["serole"], c.Args["setype"], c.Args["selevel"]}}
	return w
}

// RealPath resolves all links of a path, also where the end of it does not exist.
func RealPath(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return resolve(path, 0)
}

// linkLimit is how many links in a row are followed, as in the kernel.
const linkLimit = 40

func resolve(path string, links int) string {
	done := "/"
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part == "" {
			continue
		}
		next := filepath.Join(done, part)
		target, err := os.Readlink(next)
		if err != nil {
			done = next
			continue
		}
		if links >= linkLimit {
			return filepath.Join(append([]string{next}, parts[i+1:]...)...)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(done, target)
		}
		return resolve(filepath.Join(append([]string{target}, parts[i+1:]...)...), links+1)
	}
	return done
}

// Apply makes a file as it is wanted and tells whether that, or anything before (changed), was
// a change. In check mode a file that is not there would be changed.
func (w Wanted) Apply(ctx context.Context, c *module.Call, changed bool, diff *Diff) (bool, error) {
	if c.CheckMode && w.any() {
		if _, err := os.Stat(w.Path); err != nil {
			return true, nil
		}
	}
	for _, step := range []func(context.Context, *module.Call, *Diff) (bool, error){w.context, w.owner, w.group, w.mode, w.flags} {
		did, err := step(ctx, c, diff)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

func (w Wanted) any() bool {
	return w.Mode != nil || w.Owner != nil || w.Group != nil || w.Attributes != nil || selinuxEnabled()
}

func lstat(path string) (*syscall.Stat_t, error) {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return nil, Failed(OSError(err, path), "path", path)
	}
	return &st, nil
}

func (w Wanted) owner(_ context.Context, c *module.Call, diff *Diff) (bool, error) {
	if w.Owner == nil {
		return false, nil
	}
	name := fmt.Sprint(w.Owner)
	st, err := lstat(w.Path)
	if err != nil {
		return false, err
	}
	uid, err := strconv.Atoi(strings.TrimSpace(name))
	if err != nil {
		found := false
		if uid, found = account.UserID(name); !found {
			return false, Failed("chown failed: failed to look up user "+name, "path", w.Path)
		}
	}
	if int(st.Uid) == uid {
		return false, nil
	}
	diff.Set("owner", int(st.Uid), uid)
	if c.CheckMode {
		return true, nil
	}
	if err := os.Lchown(w.Path, uid, -1); err != nil {
		return false, Failed("chown failed: "+OSError(err, w.Path), "path", w.Path)
	}
	return true, nil
}

func (w Wanted) group(_ context.Context, c *module.Call, diff *Diff) (bool, error) {
	if w.Group == nil {
		return false, nil
	}
	name := fmt.Sprint(w.Group)
	st, err := lstat(w.Path)
	if err != nil {
		return false, err
	}
	gid, err := strconv.Atoi(strings.TrimSpace(name))
	if err != nil {
		found := false
		if gid, found = account.GroupID(name); !found {
			return false, Failed("chgrp failed: failed to look up group "+name, "path", w.Path)
		}
	}
	if int(st.Gid) == gid {
		return false, nil
	}
	diff.Set("group", int(st.Gid), gid)
	if c.CheckMode {
		return true, nil
	}
	if err := os.Lchown(w.Path, -1, gid); err != nil {
		return false, Failed("chgrp failed", "path", w.Path)
	}
	return true, nil
}

func (w Wanted) mode(_ context.Context, c *module.Call, diff *Diff) (bool, error) {
	if w.Mode == nil {
		return false, nil
	}
	st, err := lstat(w.Path)
	if err != nil {
		return false, err
	}
	mode, err := ParseMode(w.Mode, st.Mode)
	if err != nil {
		return false, Failed("mode must be in octal or symbolic form", "path", w.Path, "details", err.Error())
	}
	before := st.Mode & 0o7777
	if before == mode {
		return false, nil
	}
	diff.Set("mode", fmt.Sprintf("0%03o", before), fmt.Sprintf("0%03o", mode))
	if c.CheckMode {
		return true, nil
	}
	if st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		// A link has no mode of its own on Linux, and what it points to is left alone.
		return false, nil
	}
	if err := syscall.Chmod(w.Path, mode&0o7777); err != nil {
		return false, Failed("chmod failed", "path", w.Path, "details", OSError(err, w.Path))
	}
	after, err := lstat(w.Path)
	if err != nil {
		return false, err
	}
	return after.Mode&0o7777 != before, nil
}

// OSError tells an error of the system in Python's words: "[Errno 2] No such file or
// directory: b'/x'".
func OSError(err error, path string) string {
	text := Reason(err)
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		text = fmt.Sprintf("[Errno %d] %s", int(errno), text)
	}
	if path != "" {
		text += ": b'" + path + "'"
	}
	return text
}

// Reason tells an error of the system as C's strerror does: "No such file or directory".
func Reason(err error) string {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err.Error()
	}
	text := errno.Error()
	if text == "" {
		return "Unknown error"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
