package local

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// faultVariable is the environment variable by which tests kill the process, the
// real binary's too, at one of its journal writes, as kill -9 would:
//
//	TUTTI_FAULT=kill-at-append:N     just before the Nth append of the process
//	TUTTI_FAULT=kill-after-append:N  just after it, when it is durable and nothing
//	                                 has followed from it
const faultVariable = "TUTTI_FAULT"

// fault kills the process at one append; nil never does.
type fault struct {
	at    int64
	after bool
	count atomic.Int64
}

// faultFromEnvironment is the only place that looks at TUTTI_FAULT.
func faultFromEnvironment() (*fault, error) {
	text := os.Getenv(faultVariable)
	if text == "" {
		return nil, nil
	}
	kind, num, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n < 1 || kind != "kill-at-append" && kind != "kill-after-append" {
		return nil, fmt.Errorf("%s=%s: it must be kill-at-append:N or kill-after-append:N with N above 0", faultVariable, text)
	}
	return &fault{at: n, after: kind == "kill-after-append"}, nil
}

// around does an append, and dies before or after it when its turn has come.
func (f *fault) around(doAppend func() error) error {
	if f == nil {
		return doAppend()
	}
	mine := f.count.Add(1) == f.at
	if mine && !f.after {
		killSelf()
	}
	err := doAppend()
	if mine && f.after {
		killSelf()
	}
	return err
}

// killSelf ends the process without giving anything in it a chance, and does not
// return.
func killSelf() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill() // where it cannot be killed, it exits below
	}
	os.Exit(137)
}
