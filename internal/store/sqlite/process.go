package sqlite

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process identifies a process beyond the reuse of its number: by when it began
// and where it runs.
type process struct {
	pid     int
	started string // as the system counts it; "" when it cannot be told
	place   place
}

// place is where a process runs, for telling whether its number means anything
// here.
type place struct {
	Host string `json:"host"`
	// Boot changes with each start of the machine.
	Boot string `json:"boot,omitempty"`
	// PIDs is the process number space: containers on one machine have their own.
	PIDs string `json:"pids,omitempty"`
	// Machine stays the same over starts.
	Machine string `json:"machine,omitempty"`
}

func thisProcess() process {
	pid := os.Getpid()
	started, _ := startedAt(pid)
	return process{pid: pid, started: started, place: thisPlace()}
}

func thisPlace() place {
	p := place{Host: hostName(), Boot: line("/proc/sys/kernel/random/boot_id"), Machine: line("/etc/machine-id")}
	p.PIDs, _ = os.Readlink("/proc/self/ns/pid")
	return p
}

func line(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (p place) text() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic("sqlite: a place is strings only: " + err.Error())
	}
	return string(data)
}

// fate is what is known of a process from here.
type fate uint8

const (
	unknown fate = iota + 1
	alive
	dead
)

// fateOf tells whether a process lives, as far as that can be seen from here.
func (s process) fateOf(other process) fate {
	here, there := s.place, other.place
	if here.Host != there.Host {
		return unknown
	}
	if here.Boot == "" || here.Boot != there.Boot {
		// The same machine after a restart; without its ID, or from another that
		// has the same name, nothing can be said.
		if here.Machine != "" && here.Machine == there.Machine && here.Boot != "" && there.Boot != "" {
			return dead
		}
		return unknown
	}
	if here.PIDs != there.PIDs {
		return unknown
	}
	started, err := startedAt(other.pid)
	switch {
	case err == nil && (other.started == "" || started == other.started):
		return alive
	case err == nil || os.IsNotExist(err):
		return dead
	}
	if syscall.Kill(other.pid, 0) == syscall.ESRCH {
		return dead
	}
	return unknown
}

// startedAt gives when a process began, in ticks since the machine's start (field
// 22 of proc_pid_stat(5)); a process that has ended but was not waited for counts
// as gone.
func startedAt(pid int) (string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// The name in brackets may hold anything, also brackets and spaces.
	_, rest, ok := strings.Cut(string(data), ")")
	for ok && strings.Contains(rest, ")") {
		_, rest, _ = strings.Cut(rest, ")")
	}
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "", fmt.Errorf("process %d: unexpected form of its status", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", os.ErrNotExist
	}
	return fields[19], nil
}
