package attribute

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tutti/internal/ansible/module"
)

// Move is how a finished file comes into its place.
type Move struct {
	// Unsafe writes into the old file where it cannot be replaced (unsafe_writes).
	Unsafe bool
	// Fresh gives the new file its own attributes and not those of the one it replaces.
	Fresh bool
}

// AtomicMove puts the file src in the place of dest in one step: whoever reads dest sees the
// old content or the new one. A new file gets the mode that the umask leaves and belongs to
// this process; one that replaces another takes its owner, mode and times over.
func AtomicMove(ctx context.Context, src, dest string, m Move) error {
	before, statErr := os.Stat(dest)
	exists := statErr == nil
	context := ""
	if selinuxEnabled() {
		if exists && !m.Fresh {
			context = SELinuxContext(dest)
		} else {
			context = defaultContext(ctx, dest)
		}
	}
	if exists && !m.Fresh {
		if err := takeOver(before, dest, src); err != nil {
			return err
		}
	}
	if err := os.Rename(src, dest); err != nil {
		if !worthAnotherWay(err) {
			return Failed("Could not replace '" + dest + "' with '" + src + "': " + OSError(err, ""))
		}
		if err := moveByCopy(src, dest, before, m); err != nil {
			return err
		}
	}
	if !exists {
		if err := fresh(dest); err != nil {
			return err
		}
	}
	if context != "" {
		if _, err := setContext(dest, SELinuxContext(dest), context, false, nil); err != nil {
			return err
		}
	}
	return nil
}

// worthAnotherWay are errors of a rename that a copy into the same folder may get around:
// other file systems, mount points, busy programs.
func worthAnotherWay(err error) bool {
	for _, e := range []syscall.Errno{syscall.EPERM, syscall.EXDEV, syscall.EACCES, syscall.ETXTBSY, syscall.EBUSY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// takeOver gives src the owner and mode of the file that it will replace.
func takeOver(before os.FileInfo, dest, src string) error {
	st, ok := before.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	for _, err := range []error{
		os.Chown(src, int(st.Uid), int(st.Gid)),
		syscall.Chmod(src, st.Mode&0o7777),
		copyXattrs(dest, src),
		os.Chtimes(src, time.Now(), time.Now()),
	} {
		if err != nil && !errors.Is(err, syscall.EPERM) {
			return Failed(OSError(err, src))
		}
	}
	return nil
}

// moveByCopy copies into a temporary file beside dest and renames that.
func moveByCopy(src, dest string, before os.FileInfo, m Move) error {
	dir := filepath.Dir(dest)
	temporary, err := os.CreateTemp(dir, ".ansible_tmp*"+filepath.Base(dest))
	if err != nil {
		if m.Unsafe {
			return overwrite(src, dest)
		}
		return Failed("The destination directory '" + dir + "' is not writable by the current user: " + OSError(err, ""))
	}
	name := temporary.Name()
	_ = temporary.Close()
	defer func() { _ = os.Remove(name) }()
	if err := CopyFile(src, name); err != nil {
		if m.Unsafe {
			return overwrite(src, dest)
		}
		return Failed("Failed to replace '" + dest + "' with '" + src + "': " + OSError(err, ""))
	}
	_ = copyMeta(src, name)
	if before != nil && !m.Fresh {
		if err := takeOver(before, dest, name); err != nil {
			return err
		}
	}
	if err := os.Rename(name, dest); err != nil {
		if m.Unsafe && errors.Is(err, syscall.EBUSY) {
			return overwrite(name, dest)
		}
		return Failed("Unable to make '" + src + "' into to '" + dest + "', failed final rename from '" + name + "': " + OSError(err, ""))
	}
	_ = os.Remove(src)
	return nil
}

// fresh gives a new file what open(2) would have given it.
func fresh(dest string) error {
	if err := syscall.Chmod(dest, 0o666&^Umask()); err != nil {
		return Failed(OSError(err, dest))
	}
	gid := os.Getegid()
	if dir, err := os.Stat(filepath.Dir(dest)); err == nil && dir.Mode()&os.ModeSetgid != 0 {
		if st, ok := dir.Sys().(*syscall.Stat_t); ok {
			gid = int(st.Gid)
		}
	}
	// Who is not root may not give files away, and need not.
	_ = os.Chown(dest, os.Geteuid(), gid)
	return nil
}

func overwrite(src, dest string) error {
	if err := CopyFile(src, dest); err != nil {
		return Failed("Could not write data to file '" + dest + "' from '" + src + "': " + OSError(err, ""))
	}
	return nil
}

// CopyFile copies content into a file, which is made or emptied.
func CopyFile(src, dest string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// copyMeta gives dest the mode, times and extended attributes of src.
func copyMeta(src, dest string) error {
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return errors.Join(
		os.Chtimes(dest, time.Unix(st.Atim.Unix()), time.Unix(st.Mtim.Unix())),
		copyXattrs(src, dest),
		syscall.Chmod(dest, st.Mode&0o7777),
	)
}

// PreservedCopy copies a file with its owner, mode, times and flags.
func PreservedCopy(ctx context.Context, src, dest string) error {
	if err := CopyFile(src, dest); err != nil {
		return err
	}
	if err := copyMeta(src, dest); err != nil {
		return err
	}
	var from, to syscall.Stat_t
	if err := errors.Join(syscall.Stat(src, &from), syscall.Stat(dest, &to)); err != nil {
		return err
	}
	if from.Uid != to.Uid || from.Gid != to.Gid {
		if err := os.Chown(dest, int(from.Uid), int(from.Gid)); err != nil && !errors.Is(err, syscall.EPERM) {
			return err
		}
	}
	if flags, ok := ReadFlags(src); ok && flags.Letters != "" {
		_, err := Wanted{Path: dest, Attributes: flags.Letters}.flags(ctx, &module.Call{}, nil)
		return err
	}
	return nil
}

// CopyWithMeta copies a file with its mode, times and extended attributes.
func CopyWithMeta(src, dest string) error {
	if err := CopyFile(src, dest); err != nil {
		return err
	}
	return copyMeta(src, dest)
}
