package main

import (
	"os"
	"syscall"
)

// peak is the greatest resident memory of a process that ended, in MB.
func peak(s *os.ProcessState) float64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return float64(u.Maxrss) / 1024
	}
	return 0
}
