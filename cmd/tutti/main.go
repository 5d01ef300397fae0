// Command tutti plans and carries out everything that a folder holds: see package
// cli.
package main

import (
	"os"

	"tutti/internal/cli"
)

// version is set by the build.
var version = "0.0.0-dev"

func main() { os.Exit(cli.Main(version)) }
