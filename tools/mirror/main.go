//go:build unix

// Mirror builds real provider binaries from their Go modules into a filesystem mirror, so that the demo, the tests and
// the benchmarks run the providers that people use without asking a provider registry.
//
// In goes the module in tools/providers, which pins every provider as a Go tool; out comes a folder in the unpacked
// layout that Terraform, OpenTofu and tutti read as a filesystem mirror:
//
//	registry.terraform.io/hashicorp/random/3.9.0/linux_amd64/terraform-provider-random_v3.9.0_x5
//
// with the same platform folders linked under registry.opentofu.org. It knows nothing of tutti itself: it only runs
// the go command. Binaries that are up to date are left alone, and two processes may run it at once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mirror:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mirror", flag.ContinueOnError)
	module := flags.String("providers", "tools/providers", "`folder` of the module that pins the providers")
	dir := flags.String("dir", "", "`folder` of the mirror (default $TUTTI_MIRROR, else tutti/mirror in the cache folder)")
	show := flags.Bool("print", false, "print the mirror's folder and build nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		var err error
		if *dir, err = defaultDir(); err != nil {
			return err
		}
	}
	if *show {
		fmt.Println(*dir)
		return nil
	}
	root, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	return build(ctx, *module, root)
}

// defaultDir is where the mirror lies when no flag says otherwise. The Makefile and the tests use the same rule.
func defaultDir() (string, error) {
	if dir := os.Getenv("TUTTI_MIRROR"); dir != "" {
		return dir, nil
	}
	for _, name := range []string{"TUTTI_CACHE", "XDG_CACHE_HOME"} {
		if dir := os.Getenv(name); dir != "" {
			return filepath.Join(dir, "tutti", "mirror"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (set TUTTI_CACHE): %w", err)
	}
	return filepath.Join(home, ".cache", "tutti", "mirror"), nil
}
