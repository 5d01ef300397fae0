package file

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/account"
	"tutti/internal/ansible/module/attribute"
)

func statModule() module.Module {
	return module.Module{Name: "stat", Run: runStat, Spec: argument.Spec{Check: true, Options: []argument.Option{
		{Name: "path", Type: argument.Path, Required: true, Aliases: []string{"dest", "name"}},
		{Name: "follow", Type: argument.Bool, Default: false},
		{Name: "get_checksum", Type: argument.Bool, Default: true},
		{Name: "get_mime", Type: argument.Bool, Default: true, Aliases: []string{"mime", "mime_type", "mime-type"}},
		{Name: "get_attributes", Type: argument.Bool, Default: true, Aliases: []string{"attr", "attributes"}},
		{Name: "checksum_algorithm", Default: "sha1", Choices: []any{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"},
			Aliases: []string{"checksum", "checksum_algo"}},
	}}}
}

func runStat(ctx context.Context, c *module.Call) module.Result {
	path := c.String("path")
	look := syscall.Lstat
	if c.Bool("follow") {
		look = syscall.Stat
	}
	var st syscall.Stat_t
	if err := look(path, &st); errors.Is(err, syscall.ENOENT) {
		return module.Result{"changed": false, "stat": map[string]any{"exists": false}}
	} else if err != nil {
		return module.Fail(attribute.Reason(err))
	}
	out := describe(path, &st)
	if out["islnk"] == true {
		out["lnk_source"] = attribute.RealPath(path)
		if target, err := os.Readlink(path); err == nil {
			out["lnk_target"] = target
		}
	}
	if name, ok := account.UserName(int(st.Uid)); ok {
		out["pw_name"] = name
	}
	if name, ok := account.GroupName(int(st.Gid)); ok {
		out["gr_name"] = name
	}
	if out["isreg"] == true && out["readable"] == true && c.Bool("get_checksum") {
		sums, err := attribute.Checksums(path, c.String("checksum_algorithm"))
		if err != nil {
			return module.Fail(attribute.Reason(err))
		}
		out["checksum"] = sums[0]
	}
	if c.Bool("get_mime") {
		out["mimetype"], out["charset"] = mimeOf(ctx, path)
	}
	if c.Bool("get_attributes") {
		out["version"], out["attributes"], out["attr_flags"] = nil, []string{}, ""
		if flags, ok := attribute.ReadFlags(path); ok {
			out["version"] = strconv.FormatUint(uint64(flags.Version), 10)
			out["attributes"], out["attr_flags"] = flags.Names, flags.Letters
		}
	}
	return module.Result{"changed": false, "stat": out}
}

func describe(path string, st *syscall.Stat_t) map[string]any {
	kind := func(want uint32) bool { return st.Mode&syscall.S_IFMT == want }
	bit := func(mask uint32) bool { return st.Mode&mask != 0 }
	return map[string]any{
		"exists": true, "path": path, "mode": octal4(st.Mode & 0o7777),
		"isdir": kind(syscall.S_IFDIR), "ischr": kind(syscall.S_IFCHR), "isblk": kind(syscall.S_IFBLK), "isreg": kind(syscall.S_IFREG),
		"isfifo": kind(syscall.S_IFIFO), "islnk": kind(syscall.S_IFLNK), "issock": kind(syscall.S_IFSOCK),
		"uid": int64(st.Uid), "gid": int64(st.Gid), "size": st.Size, "inode": st.Ino, "dev": st.Dev, "nlink": int64(st.Nlink),
		"atime": seconds(st.Atim), "mtime": seconds(st.Mtim), "ctime": seconds(st.Ctim),
		"wusr": bit(0o200), "rusr": bit(0o400), "xusr": bit(0o100), "wgrp": bit(0o020), "rgrp": bit(0o040), "xgrp": bit(0o010),
		"woth": bit(0o002), "roth": bit(0o004), "xoth": bit(0o001), "isuid": bit(syscall.S_ISUID), "isgid": bit(syscall.S_ISGID),
		"blocks": st.Blocks, "block_size": int64(st.Blksize), "device_type": st.Rdev,
		"readable": readable(path), "writeable": writable(path), "executable": executable(path),
	}
}

func octal4(mode uint32) string {
	text := strconv.FormatUint(uint64(mode), 8)
	return strings.Repeat("0", max(0, 4-len(text))) + text
}

// seconds is a time as Python's os.stat gives it.
func seconds(t syscall.Timespec) float64 { return float64(t.Sec) + 1e-9*float64(t.Nsec) }

// mimeOf asks the program "file" what a file is. What needs no look into it is told without.
func mimeOf(ctx context.Context, path string) (mime, charset string) {
	program := module.LookPath(ctx, "file")
	if program == "" {
		return "unknown", "unknown"
	}
	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.IsDir():
			return "inode/directory", "binary"
		case info.Mode()&os.ModeSymlink != 0 && exists(path):
			return "inode/symlink", "binary"
		case info.Mode().IsRegular() && info.Size() == 0:
			return "inode/x-empty", "binary"
		}
	}
	out := module.Exec(ctx, module.Command{Argv: []string{program, "--mime-type", "--mime-encoding", path}, KeepLocale: true})
	colon := strings.LastIndexByte(out.Stdout, ':')
	if out.Code != 0 || out.Err != nil || colon < 0 {
		return "unknown", "unknown"
	}
	kind, encoding, _ := strings.Cut(out.Stdout[colon+1:], ";")
	_, charset, ok := strings.Cut(encoding, "=")
	if !ok {
		return "unknown", "unknown"
	}
	return strings.TrimSpace(kind), strings.TrimSpace(charset)
}
