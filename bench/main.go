// Command bench measures tutti beside OpenTofu and beside the physical limits:
// the same provider driven by a client that makes only the calls that it must
// (package bare), and the disk. It prints a table and, for each goal of the
// project, whether it was met in this run. README.md says how to read it.
//
// In: the tutti binary, the providers' mirror, the peer's binary, all built by the
// Makefile. Out: text. It judges nothing else: a goal that is missed is printed and
// is no failure, a command that fails or does the wrong thing is one.
//
// Everything that is measured runs in a process of its own, also what needs none:
// the kernel then tells its time and memory the same way for all.
//
// Files: case.go the cases, contest.go tools side by side on one stack, command.go
// measuring a process, inside.go measurements of single packages, report.go the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

// options are the command's flags and what is found in the environment.
type options struct {
	cases     string
	runs      int
	peerRuns  int
	peer      bool
	peerLarge bool
	keep      bool
	tutti     string
	tofu      string
	mirror    string
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := insides()[os.Args[1]]; ok {
			exit(run(os.Args[2:]))
		}
	}
	o, list, err := parse()
	switch {
	case err != nil:
		exit(err)
	case list:
		for _, c := range cases() {
			fmt.Printf("%-14s %s\n", c.name, c.about)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		stop()
		exit(err)
	}
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func parse() (options, bool, error) {
	o := options{}
	flag.StringVar(&o.cases, "cases", "", "run only these, separated by commas (default all)")
	flag.IntVar(&o.runs, "runs", 5, "repetitions of tutti and of what is measured beside it")
	flag.IntVar(&o.peerRuns, "peer-runs", 1, "repetitions of OpenTofu, which takes most of the time")
	flag.BoolVar(&o.peer, "peer", true, "run OpenTofu beside tutti")
	flag.BoolVar(&o.peerLarge, "peer-large", false, "OpenTofu also on 2 x 5000 (15 minutes and 16 GB)")
	flag.BoolVar(&o.keep, "keep", false, "keep the folders that were worked in")
	list := flag.Bool("list", false, "list the cases")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, false, fmt.Errorf("unexpected argument %q (see -help)", flag.Arg(0))
	}
	if o.runs < 1 || o.peerRuns < 1 {
		return o, false, errors.New("-runs and -peer-runs must be at least 1")
	}
	if *list {
		return o, true, nil
	}
	return o, false, o.find()
}

// find fills in where the tools lie, by the variables of the Makefile.
func (o *options) find() error {
	cache, err := os.UserCacheDir()
	if dir := os.Getenv("TUTTI_CACHE"); dir != "" {
		cache = dir
	} else if err != nil {
		return err
	}
	o.tutti = env("TUTTI", filepath.Join("bin", "tutti"))
	o.mirror = env("TUTTI_MIRROR", filepath.Join(cache, "tutti", "mirror"))
	o.tofu = env("TUTTI_TOFU", filepath.Join(cache, "tutti", "bin", "tofu"))
	for _, p := range []*string{&o.tutti, &o.mirror, &o.tofu} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath(o.tutti); err != nil {
		return fmt.Errorf("%w: run `make build` first", err)
	}
	if _, err := os.Stat(o.mirror); err != nil {
		return fmt.Errorf("%w: run `make providers` first", err)
	}
	if _, err := exec.LookPath(o.tofu); err != nil && o.peer {
		return fmt.Errorf("%w: run `make tofu` first, or give -peer=false", err)
	}
	return nil
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// bench is one call of the command.
type bench struct {
	options
	dir     string // everything happens below it
	self    string // this program
	report  report
	started int // folders, for their names
}

func run(ctx context.Context, o options) error {
	chosen, err := choose(o.cases)
	if err != nil {
		return err
	}
	b := &bench{options: o, report: report{to: os.Stdout}}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "tutti-bench-"); err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(os.Stderr, "working in", b.dir)
	} else {
		defer os.RemoveAll(b.dir)
	}
	b.report.head(fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.versions(ctx)))
	// What the machine does beside makes wall time worth little.
	if busy := load(); busy > float64(runtime.NumCPU())/2 {
		b.report.head(fmt.Sprintf("NOTE: the machine is busy (load %.1f): compare the CPU rather than the time", busy))
	}
	for _, c := range chosen {
		b.report.begin(c.name, c.about)
		if err := c.run(ctx, b); err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		b.report.end()
	}
	b.report.verdict()
	return nil
}

// choose gives the cases of a list of names; all that run by default when empty.
func choose(names string) ([]benchCase, error) {
	if names == "" {
		return cases(), nil
	}
	var out []benchCase
	for _, name := range strings.Split(names, ",") {
		found := false
		for _, c := range cases() {
			if c.name == strings.TrimSpace(name) {
				out, found = append(out, c), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no case %q; -list lists them", name)
		}
	}
	return out, nil
}

// versions gives the first lines that the tools say of themselves.
func (b *bench) versions(ctx context.Context) string {
	var out []string
	for _, path := range []string{b.tutti, b.tofu} {
		if path == b.tofu && !b.peer {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "version")
		cmd.Env = b.environment()
		text, err := cmd.Output()
		if err != nil {
			text = []byte(filepath.Base(path) + " of unknown version")
		}
		out = append(out, firstLine(string(text)))
	}
	return strings.Join(out, ", ")
}

// firstLine skips lines that are empty.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// folder makes an empty folder.
func (b *bench) folder(name string) (string, error) {
	b.started++
	dir := filepath.Join(b.dir, fmt.Sprintf("%03d-%s", b.started, name))
	return dir, os.MkdirAll(dir, 0o755)
}
