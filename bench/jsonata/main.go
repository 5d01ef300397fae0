// Package main compares the house's JSONata with the reference implementation, jsonata-js in Node, on this machine, in
// one run. Both evaluate the same parsed expressions over the same decoded documents; parsing and decoding are not
// timed. They take turns, round by round, after a warm-up of both, and the results of each case must be equal.
//
//	go run ./bench/jsonata [-rounds 7] [-time 300ms] [-cases NAME,...] [-modules FOLDER]
//
// It prints for each case the time of one evaluation (min, median, max over the rounds), the ratio of the medians, and the
// ratio of the processor time that the two processes used, garbage collection and compiler threads included. The promise
// is a ratio of at least 5 in every case. On a machine that does something else meanwhile, compare the processor time. -modules is a folder node_modules that has jsonata; without it,
// npm installs version 2.2.2 into a temporary folder. Where node or npm is missing, the program says so and ends
// without an error.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonata"
)

const (
	peerVersion = "2.2.2"
	promised    = 5.0
)

func main() {
	rounds := flag.Int("rounds", 7, "rounds in which each side is timed")
	span := flag.Duration("time", 300*time.Millisecond, "how long one side is timed in a round")
	names := flag.String("cases", "", "only these cases, separated by commas")
	modules := flag.String("modules", "", "a folder node_modules with jsonata")
	flag.Parse()
	if err := run(*rounds, *span, *names, *modules); err != nil {
		fmt.Fprintln(os.Stderr, "bench/jsonata:", err)
		os.Exit(1)
	}
}

func run(rounds int, span time.Duration, names, modules string) error {
	folder, err := os.MkdirTemp("", "bench-jsonata-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	cases := selected(names)
	modules, missing, err := findModules(folder, modules)
	if err != nil {
		return err
	}
	if missing != "" {
		fmt.Println("skipped:", missing)
		return nil
	}
	p, err := startPeer(folder, modules, cases)
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Printf("%s %s, node %s, jsonata %s; time of one evaluation: min/median/max of %d rounds\n\n",
		runtime.Version(), runtime.GOARCH, p.node, peerVersion, rounds)
	fmt.Printf("%-24s %-30s %-30s %8s %8s\n", "case", "tutti", "jsonata-js", "time", "cpu")
	missed := 0
	for i, c := range cases {
		ratio, line, err := c.contest(p, i, rounds, span)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if ratio < promised {
			missed++
			line += " (MISSED)"
		}
		fmt.Println(line)
	}
	fmt.Printf("\npromised: %.0fx in every case; missed in %d of %d\n", promised, missed, len(cases))
	return nil
}

func selected(names string) []contest {
	all := contests()
	if names == "" {
		return all
	}
	wanted := strings.Split(names, ",")
	return slices.DeleteFunc(all, func(c contest) bool { return !slices.Contains(wanted, c.name) })
}

// findModules finds or installs the peer. missing says what is not on this machine.
func findModules(folder, modules string) (found, missing string, err error) {
	if _, err := exec.LookPath("node"); err != nil {
		return "", "node is not installed", nil
	}
	if modules != "" {
		found, err = filepath.Abs(modules)
		return found, "", err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", "npm is not installed; -modules can name a folder that has jsonata", nil
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "jsonata@"+peerVersion)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("npm install: %w\n%s", err, out)
	}
	return filepath.Join(folder, "node_modules"), "", nil
}

// contest is an expression with its document.
type contest struct {
	name       string
	expression string
	document   []byte
}

// timing is what one side took in one round, for one evaluation, in nanoseconds.
type timing struct{ wall, cpu float64 }

// contest times both sides in turns and gives a line of the table.
func (c contest) contest(p *peer, number, rounds int, span time.Duration) (float64, string, error) {
	e, err := jsonata.Parse(c.expression)
	if err != nil {
		return 0, "", err
	}
	input, err := data.Decode(c.document)
	if err != nil {
		return 0, "", err
	}
	var ours, theirs []timing
	for round := range rounds + 1 {
		own, value, err := measure(e, input, span)
		if err != nil {
			return 0, "", err
		}
		answer, err := p.measure(number, span)
		if err != nil {
			return 0, "", err
		}
		if round == 0 { // warm-up
			if err := sameJSON(value, answer.Value); err != nil {
				return 0, "", err
			}
			continue
		}
		ours = append(ours, own)
		theirs = append(theirs, timing{answer.Wall, answer.CPU})
	}
	wall := func(t timing) float64 { return t.wall }
	cpu := func(t timing) float64 { return t.cpu }
	ratio := median(theirs, wall) / median(ours, wall)
	return ratio, fmt.Sprintf("%-24s %-30s %-30s %7.1fx %7.1fx", c.name, spread(ours), spread(theirs), ratio,
		median(theirs, cpu)/median(ours, cpu)), nil
}

// measure evaluates an expression again and again.
func measure(e *jsonata.Expr, input any, span time.Duration) (t timing, value any, err error) {
	start, used := time.Now(), cpuTime()
	for n := 1; ; n++ {
		if value, _, err = e.Eval(input, jsonata.Options{}); err != nil {
			return timing{}, nil, err
		}
		// The clock is asked rarely where an evaluation takes less than asking it.
		if n < 64 || n%64 == 0 {
			if d := time.Since(start); d >= span {
				return timing{float64(d) / float64(n), float64(cpuTime()-used) / float64(n)}, value, nil
			}
		}
	}
}

func sameJSON(value any, text json.RawMessage) error {
	other, err := data.Decode(text)
	if err != nil {
		return err
	}
	if !data.Equal(value, other) {
		return fmt.Errorf("the results differ: %.200s and %.200s", data.Encode(value), text)
	}
	return nil
}

func sorted(times []timing, of func(timing) float64) []float64 {
	var all []float64
	for _, t := range times {
		all = append(all, of(t))
	}
	slices.Sort(all)
	return all
}

func median(times []timing, of func(timing) float64) float64 { return sorted(times, of)[len(times)/2] }

func spread(times []timing) string {
	all := sorted(times, func(t timing) float64 { return t.wall })
	return fmt.Sprintf("%s/%s/%s", short(all[0]), short(all[len(all)/2]), short(all[len(all)-1]))
}

func short(nanos float64) string {
	switch {
	case nanos < 1e3:
		return fmt.Sprintf("%.0fns", nanos)
	case nanos < 1e6:
		return fmt.Sprintf("%.2fµs", nanos/1e3)
	}
	return fmt.Sprintf("%.2fms", nanos/1e6)
}
