// Package main compares the house's Jinja with ansible-core's templating and with plain Jinja in Python, on this machine,
// in one run. All render the same templates over the same variables, each parsed or compiled beforehand where the peer
// does that (ansible-core compiles at each use). They take turns, round by round, after a warm-up, and the results of
// each case must be equal.
//
//	go run ./bench/jinja [-rounds 5] [-time 200ms] [-cases NAME,...] [-python /path/to/python]
//
// The Python is one that has ansible-core 2.19 installed.
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/value"
)

//go:embed peer.py
var peerProgram string

func main() {
	rounds := flag.Int("rounds", 5, "how often each side takes its turn")
	each := flag.Duration("time", 200*time.Millisecond, "how long a turn lasts, about")
	only := flag.String("cases", "", "only these, with commas between")
	python := flag.String("python", "python3", "a Python with ansible-core 2.19")
	flag.Parse()
	if err := run(*rounds, *each, *only, *python); err != nil {
		fmt.Fprintln(os.Stderr, "bench/jinja:", err)
		os.Exit(1)
	}
}

func run(rounds int, each time.Duration, only, python string) error {
	p, err := start(python)
	if err != nil {
		return err
	}
	defer p.stop()
	fmt.Printf("%-12s %12s %12s %12s %10s %10s\n", "case", "tutti", "jinja2", "ansible", "x jinja2", "x ansible")
	for _, c := range contests() {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.name) {
			continue
		}
		if err := c.run(p, rounds, each); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// run has all three take turns, and prints the best turn of each.
func (c contest) run(p *peer, rounds int, each time.Duration) error {
	v, err := value.ParseJSON([]byte(c.variables))
	if err != nil {
		return err
	}
	env := builtin.New(jinja.Options{})
	context := jinja.Context{Variables: jinja.Dict{Dict: v.(*value.Dict)}}
	tpl, err := env.Parse(c.source, c.name)
	if err != nil {
		return err
	}
	result, err := tpl.Render(context)
	if err != nil {
		return err
	}
	best := [3]time.Duration{}
	for round := range rounds + 1 {
		times := [3]time.Duration{}
		if times[0], err = turn(tpl, context, each); err != nil {
			return err
		}
		for i, engine := range []string{"jinja2", "ansible"} {
			answer, err := p.ask(question{Engine: engine, Source: c.source, Variables: json.RawMessage(c.variables), Seconds: each.Seconds()})
			if err != nil {
				return err
			}
			if answer.Result != result {
				return fmt.Errorf("%s gives %.200q, and we %.200q", engine, answer.Result, result)
			}
			times[i+1] = time.Duration(answer.Nanoseconds)
		}
		for i, t := range times { // the first round only warms up
			if round == 1 || round > 1 && t < best[i] {
				best[i] = t
			}
		}
	}
	fmt.Printf("%-12s %12s %12s %12s %10.1f %10.1f\n", c.name, best[0], best[1], best[2],
		float64(best[1])/float64(best[0]), float64(best[2])/float64(best[0]))
	return nil
}

// turn renders again and again for about as long as it is told, and gives the time of one.
func turn(tpl *jinja.Template, c jinja.Context, each time.Duration) (time.Duration, error) {
	begin := time.Now()
	n := 0
	for time.Since(begin) < each {
		for range 10 {
			if _, err := tpl.Render(c); err != nil {
				return 0, err
			}
			n++
		}
	}
	return time.Since(begin) / time.Duration(n), nil
}

type question struct {
	Engine    string          `json:"engine"`
	Source    string          `json:"source"`
	Variables json.RawMessage `json:"variables"`
	Seconds   float64         `json:"seconds"`
}

type answer struct {
	Result      string  `json:"result"`
	Nanoseconds float64 `json:"nanoseconds"`
	Error       string  `json:"error"`
}

// peer is a Python that answers one line with one line.
type peer struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func start(python string) (*peer, error) {
	command := exec.Command(python, "-c", peerProgram)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", python, err)
	}
	return &peer{command, in, bufio.NewReader(out)}, nil
}

func (p *peer) ask(q question) (answer, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return answer{}, fmt.Errorf("ask Python (is ansible-core installed there?): %w", err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("read Python's answer (is ansible-core installed there?): %w", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, err
	}
	if a.Error != "" {
		return answer{}, fmt.Errorf("%s: %s", q.Engine, a.Error)
	}
	return a, nil
}

func (p *peer) stop() {
	p.in.Close()
	_ = p.command.Wait() // it ends with its input
}
