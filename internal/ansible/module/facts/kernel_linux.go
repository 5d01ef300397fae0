package facts

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernel is what uname tells.
type kernel struct{ system, node, release, version, machine string }

func kernelName() kernel {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return kernel{system: "Linux"}
	}
	return kernel{unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Release[:]),
		unix.ByteSliceToString(u.Version[:]), unix.ByteSliceToString(u.Machine[:])}
}

func effectiveUser() int { return os.Geteuid() }

// affinity is how many processors this process may use; 0 when that is not known.
func affinity() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0
	}
	return set.Count()
}

func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// rootInode is the number that the root of a file system of this kind has.
func rootInode(path string) uint64 {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) == nil {
		switch s.Type {
		case unix.BTRFS_SUPER_MAGIC:
			return 256
		case unix.XFS_SUPER_MAGIC:
			return 128
		}
	}
	return 2
}

// deviceNumber gives the numbers of a block device.
func deviceNumber(path string) (major, minor uint32, ok bool) {
	var s unix.Stat_t
	if unix.Stat(path, &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, 0, false
	}
	return unix.Major(s.Rdev), unix.Minor(s.Rdev), true
}

// fileSystemSize gives sizes in bytes, blocks and inodes; nil when they cannot be told.
func fileSystemSize(path string) map[string]any {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return nil
	}
	unit := uint64(s.Frsize)
	if unit == 0 {
		unit = uint64(s.Bsize)
	}
	return map[string]any{
		"size_total": unit * s.Blocks, "size_available": unit * s.Bavail,
		"block_size": s.Bsize, "block_total": s.Blocks, "block_available": s.Bavail, "block_used": s.Blocks - s.Bavail,
		"inode_total": s.Files, "inode_available": s.Ffree, "inode_used": s.Files - s.Ffree,
	}
}

// loadAverages are those of one, five and fifteen minutes.
func loadAverages() (averages [3]float64, ok bool) {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return averages, false
	}
	for i, fixed := range s.Loads {
		averages[i] = float64(fixed) / (1 << 16)
	}
	return averages, true
}
