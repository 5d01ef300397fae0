//go:build !linux

package facts

import (
	"io/fs"
	"os"
	"runtime"
)

// kernel is what uname tells.
type kernel struct{ system, node, release, version, machine string }

func kernelName() kernel {
	node, _ := os.Hostname()
	return kernel{system: capitalise(runtime.GOOS), node: node, machine: runtime.GOARCH}
}

func effectiveUser() int { return os.Geteuid() }

func affinity() int { return runtime.NumCPU() }

func inode(fs.FileInfo) uint64 { return 0 }

func rootInode(string) uint64 { return 0 }

func deviceNumber(string) (major, minor uint32, ok bool) { return 0, 0, false }

func fileSystemSize(string) map[string]any { return nil }

func loadAverages() (averages [3]float64, ok bool) { return averages, false }

// network collects nothing but on Linux.
func (h *host) network() facts { return nil }
