// Tally reads what `go test -json` prints and makes of it what a person wants to see in CI: go test's own line per
// package, the whole output of each test that failed, the reason of each skip, and at the end the counts.
//
// In goes the stream on standard input; lines that are not events (make's, a compiler's) pass through. Out go the
// report on standard output and, with -counts, "passed failed skipped" into a file for the script that calls it.
// It knows nothing of tutti. It exits with 1 when anything failed.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	counts := flag.String("counts", "", "write \"passed failed skipped\" into this `file`")
	flag.Parse()
	total, err := report(os.Stdin, os.Stdout)
	if err == nil && *counts != "" {
		err = os.WriteFile(*counts, fmt.Appendf(nil, "%d %d %d\n", total.passed, total.failed, total.skipped), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if total.failed > 0 {
		os.Exit(1)
	}
}

// report copies the stream from in to out in a readable form and counts it.
func report(in io.Reader, out io.Writer) (counts, error) {
	w := bufio.NewWriter(out)
	t := tally{out: w, output: map[test][]string{}, failures: map[string]int{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			t.line(line)
		}
		// A person watches this: each line goes out when it is there.
		if flushErr := w.Flush(); flushErr != nil {
			return t.counts, flushErr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return t.counts, err
		}
	}
	fmt.Fprintln(w, t.counts)
	return t.counts, w.Flush()
}
