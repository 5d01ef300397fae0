// Command ansible measures `tutti playbook` and ansible-playbook (ansible-core 2.19)
// side by side, in turns and with the same playbooks: loops on this machine, many hosts
// by SSH, facts, the time until the first task, and the memory that hosts take.
//
// In: the tutti binary ($TUTTI), the environment of `make ansible` ($TUTTI_ANSIBLE), and
// for SSH an sshd, root, and Linux. Out: a table with the least, the median and the most
// of each measurement, the ratio of the medians, and whether it is what is promised. Both
// must end alike: the recap of each is compared, so who does not do the work has no time.
// It judges nothing else, and must not know how either of them works.
//
// Files: main.go the measurements, play.go what is played, tool.go the two programs,
// sshd.go hosts on the loopback.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	o := options{}
	cache, _ := os.UserCacheDir()
	flag.StringVar(&o.tutti, "tutti", os.Getenv("TUTTI"), "the tutti binary")
	flag.StringVar(&o.venv, "venv", envOr("TUTTI_ANSIBLE", filepath.Join(cache, "tutti", "ansible")), "the Python environment that has ansible-core")
	flag.StringVar(&o.only, "only", "", "run only the measurements whose name contains this")
	flag.IntVar(&o.runs, "runs", 5, "how often tutti is measured")
	flag.IntVar(&o.peerRuns, "peer-runs", 1, "how often ansible-core is")
	flag.IntVar(&o.hosts, "hosts", 20, "how many hosts are reached by SSH")
	flag.BoolVar(&o.peer, "peer", true, "measure ansible-core beside tutti")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench/ansible:", err)
		os.Exit(1)
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

type options struct {
	tutti, venv, only     string
	runs, peerRuns, hosts int
	peer                  bool
}

// measurement is one number of a program. Less is better in all of them.
type measurement struct {
	name, unit string
	// ratio is how many times better than the peer is promised, bound what is promised of
	// the number by itself; 0 is nothing.
	ratio, bound float64
	// alone: the peer is not asked. ssh: the hosts are reached by SSH.
	alone, ssh bool
	play       string
	inventory  func(b *bench) string
	// of takes the number from a run.
	of func(r result) float64
}

func seconds(r result) float64 { return r.wall.Seconds() }

func (o options) measurements() []measurement {
	far := func(b *bench) string { return b.sshd.inventory(o.hosts) }
	local := func(*bench) string { return "here ansible_connection=local\n" }
	return []measurement{
		{name: "150 loop items, local", unit: "s", ratio: 50, play: itemsPlay, inventory: local, of: seconds},
		{name: fmt.Sprintf("%d hosts by SSH x 30 tasks", o.hosts), unit: "s", ratio: 20, ssh: true, play: tasksPlay(), inventory: far, of: seconds},
		{name: fmt.Sprintf("gather_facts, %d hosts by SSH", o.hosts), unit: "s", ratio: 10, ssh: true, play: factsPlay, inventory: far, of: seconds},
		{name: "start to first task", unit: "ms", bound: 100, play: firstPlay, inventory: local, of: func(r result) float64 { return r.first.Seconds() * 1000 }},
		{name: "1000 hosts, 4 tasks: peak memory", unit: "MB", alone: true, play: manyPlay, inventory: manyHosts, of: func(r result) float64 { return r.peak }},
		{name: "10 hosts, the same: peak memory", unit: "MB", alone: true, play: manyPlay, inventory: fewHosts, of: func(r result) float64 { return r.peak }},
	}
}

// bench is what all measurements use.
type bench struct {
	options
	dir  string
	sshd *sshd
	// recap is what the first run of the measurement ended with; all others must too.
	recap string
}

func run(o options) error {
	if o.tutti == "" {
		return fmt.Errorf("which binary? -tutti FILE, or $TUTTI")
	}
	tutti, err := filepath.Abs(o.tutti)
	if err != nil {
		return err
	}
	// Short: ssh makes sockets below it.
	dir, err := os.MkdirTemp("", "ba-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{options: o, dir: dir}
	b.tutti = tutti
	defer func() { b.sshd.stop() }()
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%d processors, load %s\n\n%-34s %-4s %26s %26s %8s\n", runtime.NumCPU(), strings.TrimSpace(string(load)), "", "", "tutti (min median max)", "ansible-core", "ratio")
	for _, m := range o.measurements() {
		if !strings.Contains(m.name, o.only) {
			continue
		}
		if err := b.measure(m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// measure has both take turns, and prints a line.
func (b *bench) measure(m measurement) error {
	if m.ssh && b.sshd == nil {
		s, why := startSSHD(filepath.Join(b.dir, "sshd"))
		if why != nil {
			fmt.Printf("%-34s not measured: %v\n", m.name, why)
			return nil
		}
		b.sshd = s
	}
	b.recap = ""
	// The first one puts the program onto the hosts and fills caches; it does not count.
	if _, err := b.play(m, b.ours()); err != nil {
		return err
	}
	var ours, theirs []float64
	for round := range max(b.runs, b.peerRuns) {
		if round < b.runs {
			r, err := b.play(m, b.ours())
			if err != nil {
				return err
			}
			ours = append(ours, m.of(r))
		}
		if b.peer && !m.alone && round < b.peerRuns {
			r, err := b.play(m, b.theirs())
			if err != nil {
				return err
			}
			theirs = append(theirs, m.of(r))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	fmt.Printf("%-34s %-4s %26s %26s %8s  %s\n", m.name, m.unit, three(ours), three(theirs), times(ours, theirs), m.verdict(ours, theirs))
	return nil
}

func three(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s %s %s", short(v[0]), short(middle(v)), short(v[len(v)-1]))
}

func middle(v []float64) float64 { return v[len(v)/2] }

func short(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func times(ours, theirs []float64) string {
	if len(theirs) == 0 || len(ours) == 0 {
		return ""
	}
	return short(middle(theirs)/middle(ours)) + "x"
}

// verdict compares with what is promised.
func (m measurement) verdict(ours, theirs []float64) string {
	var text string
	met := true
	switch {
	case len(ours) == 0:
		return ""
	case m.bound > 0:
		text, met = fmt.Sprintf("under %s %s", short(m.bound), m.unit), middle(ours) < m.bound
	case m.ratio > 0 && len(theirs) > 0:
		text, met = fmt.Sprintf("%sx", short(m.ratio)), middle(theirs)/middle(ours) >= m.ratio
	default:
		return ""
	}
	if met {
		return text + " (met)"
	}
	return text + " (MISSED)"
}
