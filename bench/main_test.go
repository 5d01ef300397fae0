package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
)

// TestMain stands in for a measured process when TestMeasure asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_TEST_HOLD") != "" && len(os.Args) > 1 {
		if _, err := strconv.Atoi(os.Args[1]); err == nil || os.Args[1] == "broken" {
			os.Exit(hold(os.Args[1:]))
		}
	}
	os.Exit(m.Run())
}

// hold takes as many megabytes as the first argument says, then runs itself with
// the others; the argument "wait" waits for the end of the standard input.
func hold(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 3
	}
	held := make([]byte, n<<20)
	for i := range held {
		held[i] = byte(i)
	}
	fmt.Println("holds", n)
	switch {
	case len(args) > 1 && args[1] == "wait":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case len(args) > 1:
		below := exec.Command(os.Args[0], args[1:]...)
		below.Stdin, below.Stdout = os.Stdin, os.Stdout
		if err := below.Run(); err != nil {
			return 4
		}
	}
	runtime.KeepAlive(held)
	return 0
}
