// Command tutti-target is the small program that connections put onto hosts: it carries out the
// native modules there. See package target.
package main

import (
	"os"

	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/connection/target"
)

func main() {
	os.Exit(target.Main(os.Args[1:], target.Table(builtin.Modules())))
}
