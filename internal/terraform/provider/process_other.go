//go:build !linux

package provider

import "syscall"

// processAttributes: only Linux can tie a process to the life of its parent.
func processAttributes() *syscall.SysProcAttr { return nil }
