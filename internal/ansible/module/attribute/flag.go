package attribute

import (
	"context"
	"strings"

	"golang.org/x/sys/unix"

	"tutti/internal/ansible/module"
)

// flag is one of a file's flags: its letter for chattr, its bit in the kernel and Ansible's
// name for it ("" has none).
type flag struct {
	letter byte
	bit    uint32
	name   string
}

// flagTable has the flags in the order in which lsattr shows them.
func flagTable() []flag {
	return []flag{
		{'s', 0x1, "zero"}, {'u', 0x2, "undelete"}, {'S', 0x8, "synchronous"}, {'D', 0x10000, "dirsync"},
		{'i', 0x10, "immutable"}, {'a', 0x20, "append"}, {'d', 0x40, "nodump"}, {'A', 0x80, "noatime"},
		{'c', 0x4, "compressed"}, {'E', 0x800, "encrypted"}, {'j', 0x4000, "journalled"}, {'I', 0x1000, "indexed"}, {'t', 0x8000, "notail"},
		{'T', 0x20000, "blockroot"}, {'e', 0x80000, "extents"}, {'C', 0x800000, "nocow"}, {'x', 0x2000000, ""},
		{'F', 0x40000000, ""}, {'N', 0x10000000, "inline"}, {'P', 0x20000000, ""}, {'V', 0x100000, ""}, {'m', 0x400, ""},
	}
}

// Flags are those of a file, as lsattr tells them.
type Flags struct {
	Version uint32
	Letters string
	Names   []string
}

// ReadFlags asks the file system for a file's flags; ok is false where it has none to tell,
// which is so for all but files and folders.
func ReadFlags(path string) (flags Flags, ok bool) {
	st, err := lstat(path)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return Flags{}, false
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return Flags{}, false
	}
	defer func() { _ = unix.Close(fd) }()
	bits, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return Flags{}, false
	}
	// Some file systems have flags and no version; lsattr fails on those.
	version, err := unix.IoctlGetUint32(fd, fsIocGetVersion)
	if err != nil {
		return Flags{}, false
	}
	flags.Version = version
	flags.Names = []string{}
	for _, f := range flagTable() {
		if bits&f.bit == 0 {
			continue
		}
		flags.Letters += string(f.letter)
		if f.name != "" {
			flags.Names = append(flags.Names, f.name)
		}
	}
	return flags, true
}

// fsIocGetVersion is FS_IOC_GETVERSION of a 64 bit machine, which x/sys does not name.
const fsIocGetVersion = 0x80087601

func (w Wanted) flags(ctx context.Context, c *module.Call, diff *Diff) (bool, error) {
	text, ok := w.Attributes.(string)
	if !ok {
		return false, nil
	}
	existing, _ := ReadFlags(w.Path)
	operator := "="
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		operator, text = text[:1], text[1:]
	}
	if text == "" || existing.Letters == text && operator != "-" {
		return false, nil
	}
	program := module.LookPath(ctx, "chattr")
	if program == "" {
		return false, nil
	}
	diff.Set("attributes", existing.Letters, operator+text)
	if c.CheckMode {
		return true, nil
	}
	out := module.Exec(ctx, module.Command{Argv: []string{program, operator + text, w.Path}})
	if out.Code != 0 || out.Stderr != "" || out.Err != nil {
		return false, Failed("chattr failed", "path", w.Path, "details", "Error while setting attributes: "+out.Stdout+out.Stderr)
	}
	return true, nil
}
