package attribute

import (
	"context"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tutti/internal/ansible/module"
)

const selinuxAttribute = "security.selinux"

func selinuxEnabled() bool {
	_, err := os.Stat("/sys/fs/selinux/enforce")
	return err == nil
}

// SELinuxContext gives a file's context as user:role:type:level; "" where SELinux is off.
func SELinuxContext(path string) string {
	if !selinuxEnabled() {
		return ""
	}
	buffer := make([]byte, 4096)
	n, err := unix.Lgetxattr(path, selinuxAttribute, buffer)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(buffer[:n]), "\x00")
}

// defaultContext is what the policy says a path has; "" when nobody can tell.
func defaultContext(ctx context.Context, path string) string {
	program := module.LookPath(ctx, "matchpathcon")
	if program == "" {
		return ""
	}
	out := module.Exec(ctx, module.Command{Argv: []string{program, "-n", path}})
	if out.Code != 0 || strings.Contains(out.Stdout, "<<none>>") {
		return ""
	}
	return strings.TrimSpace(out.Stdout)
}

func (w Wanted) context(ctx context.Context, c *module.Call, diff *Diff) (bool, error) {
	if !selinuxEnabled() {
		return false, nil
	}
	before := SELinuxContext(w.Path)
	parts := strings.SplitN(before, ":", 4)
	var policy []string
	for i, part := range w.Context {
		text, ok := part.(string)
		if !ok || i >= len(parts) {
			continue
		}
		if text == "_default" {
			if policy == nil {
				policy = strings.SplitN(defaultContext(ctx, w.Path), ":", 4)
			}
			if i >= len(policy) || policy[i] == "" {
				continue
			}
			text = policy[i]
		}
		parts[i] = text
	}
	return setContext(w.Path, before, strings.Join(parts, ":"), c.CheckMode, diff)
}

func setContext(path, before, after string, check bool, diff *Diff) (bool, error) {
	if before == after || after == "" {
		return false, nil
	}
	diff.Set("secontext", strings.SplitN(before, ":", 4), strings.SplitN(after, ":", 4))
	if check {
		return true, nil
	}
	if err := unix.Lsetxattr(path, selinuxAttribute, []byte(after+"\x00"), 0); err != nil {
		return false, Failed("set selinux context failed", "path", path, "details", OSError(err, path))
	}
	return true, nil
}
