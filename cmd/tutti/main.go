// Command tutti plans and carries out everything that a folder holds: see package
// cli.
package main

import (
	"os"
	"runtime"

	"tutti/internal/cli"
)

// version is set by the build.
var version = "0.0.0-dev"

// heapFloor is how many bytes are made to count as alive without being used: Go's
// garbage collector then waits for as many of garbage, where it would otherwise run
// every few MB (measured: an eighth of the processor time of an apply). They are
// address space, no memory: nobody ever writes to them.
const heapFloor = 64 << 20

func main() {
	floor := make([]byte, heapFloor)
	code := cli.Main(version)
	runtime.KeepAlive(floor)
	os.Exit(code)
}
