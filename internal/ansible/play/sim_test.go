package play_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/play"
	"tutti/internal/flow"
	"tutti/internal/flow/sim"
)

// TestSimulation plays random playbooks through crashes, lost, doubled and late answers,
// pauses and full disks. TUTTI_SIM_SEEDS says how many; TUTTI_SIM_SEED plays one.
func TestSimulation(t *testing.T) {
	seeds := 150
	if s := os.Getenv("TUTTI_SIM_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("TUTTI_SIM_SEED"); s != "" {
		seed, _ := strconv.Atoi(s)
		simulate(t, uint64(seed))
		return
	}
	for seed := range seeds {
		if simulate(t, uint64(seed)); t.Failed() {
			return
		}
	}
}

// replayed is a machine whose snapshot is its whole history.
type replayed struct {
	*play.Machine
	events []string
	// cut is set when a task was cut off that nobody may do again: that is a failure.
	cut bool
}

// Handle implements flow.Machine.
func (r *replayed) Handle(e flow.Event) []flow.Command {
	r.events = append(r.events, flow.FormatEvent(e, time.Time{}))
	if f, ok := e.(flow.ActivityFailed); ok && f.Failure.Kind == flow.Cancelled {
		r.cut = true
	}
	return r.Machine.Handle(e)
}

// Snapshot implements flow.Machine.
func (r *replayed) Snapshot() ([]byte, error) { return json.Marshal(r.events) }

func fresh() *replayed { return &replayed{Machine: play.New()} }

func restored(snapshot []byte) (flow.Machine, error) {
	var events []string
	if err := json.Unmarshal(snapshot, &events); err != nil {
		return nil, err
	}
	r := fresh()
	for _, text := range events {
		e, err := flow.ParseEvent(text, time.Time{})
		if err != nil {
			return nil, err
		}
		r.Handle(e)
	}
	return r, nil
}

func simulate(t *testing.T, seed uint64) {
	g := &author{rand: rand.New(rand.NewPCG(seed, 11)), files: map[string]play.Recorded{}}
	book := g.playbook()
	g.file("/p/site.yml", book)
	input := g.input(t)
	want := undisturbed(t, input)
	err := sim.Run(seed, sim.Options{
		New:     func() flow.Machine { return fresh() },
		Restore: restored,
		Input:   input, Limit: 1000,
		Effect: effect, Answer: answer,
		Signal:  func(*rand.Rand) flow.Signaled { return flow.Signaled{Name: "nothing", Payload: json.RawMessage("{}")} },
		Sending: func(flow.Machine, flow.Do) error { return nil },
		Ended: func(m flow.Machine, end flow.Command, effects map[string]int, retried map[string]bool) error {
			for name, n := range effects {
				if n > 1 && !retried[name] {
					return fmt.Errorf("%s was done %d times", name, n)
				}
			}
			if f, failed := end.(flow.Fail); failed && f.Failure.Kind == flow.Cancelled {
				return nil
			}
			if len(retried) == 0 && !m.(*replayed).cut && outputOf(end) != outputOf(want) {
				return fmt.Errorf("it ends with\n%s\ninstead of\n%s", outputOf(end), outputOf(want))
			}
			return nil
		},
	})
	if err != nil {
		t.Errorf("%v\nthe playbook:\n%s", err, book)
	}
}

func outputOf(c flow.Command) string {
	switch c := c.(type) {
	case flow.Complete:
		return string(c.Output)
	case flow.Fail:
		return c.Failure.Code + c.Failure.Message
	}
	return fmt.Sprintf("%T", c)
}

// effect names what a task does in the world, when it may be done only once.
func effect(d flow.Do) string {
	if d.Activity != play.ActivityTask || d.Idempotent {
		return ""
	}
	c := callOf(d)
	return fmt.Sprintf("%s %s %d #%d", c.Host, c.Name, c.Item, d.ID)
}

func callOf(d flow.Do) play.Call {
	var c play.Call
	if err := json.Unmarshal(d.Input, &c); err != nil {
		panic(err)
	}
	return c
}

// answer is the world's: who fails depends on what is asked, not on when.
func answer(d flow.Do) (json.RawMessage, *flow.Failure) {
	if d.Activity != play.ActivityTask {
		return json.RawMessage(`{"recorded":{"missing":true}}`), nil
	}
	c := callOf(d)
	h := fnv.New32a()
	fmt.Fprint(h, c.Host, c.Name, c.Item, c.Task.Args["n"])
	switch n := h.Sum32() % 12; {
	case n == 0:
		return json.RawMessage(`{"failed":true,"changed":false,"msg":"as drawn","rc":1}`), nil
	case n == 1 && h.Sum32()%5 == 0:
		return json.RawMessage(`{"unreachable":true,"changed":false,"msg":"gone"}`), nil
	case n < 7:
		return json.RawMessage(`{"changed":true,"stdout":"out","rc":0}`), nil
	}
	return json.RawMessage(`{"changed":false,"stdout":"same","rc":0}`), nil
}

// undisturbed gives how the play ends when nothing goes wrong around it.
func undisturbed(t *testing.T, input json.RawMessage) flow.Command {
	t.Helper()
	m := play.New()
	var o flow.Outstanding
	var e flow.Event = flow.Started{Input: input, Seed: 1}
	for range 20_000 {
		o.Took(e)
		o.Gave(m.Handle(e))
		switch {
		case o.End() != nil:
			return o.End()
		case len(o.Activities()) > 0:
			d := o.Activities()[0]
			out, failure := answer(d)
			e = flow.ActivityDone{ID: d.ID, Output: out}
			if failure != nil {
				e = flow.ActivityFailed{ID: d.ID, Failure: *failure}
			}
		case len(o.Timers()) > 0:
			e = flow.TimerFired{ID: o.Timers()[0].ID, At: o.Timers()[0].At}
		default:
			t.Fatal("the machine waits for nothing")
		}
	}
	t.Fatal("the machine does not end")
	return nil
}

// author writes random playbooks.
type author struct {
	rand  *rand.Rand
	files map[string]play.Recorded
	n     int
}

func (g *author) file(path, text string) {
	g.files["read:"+path] = play.Recorded{Content: []byte(text)}
}

func (g *author) input(t *testing.T) json.RawMessage {
	t.Helper()
	inv := inventory.New(inventory.Options{})
	for _, name := range []string{"h1", "h2", "h3"} {
		if _, err := inv.AddHost(name, "all", 0); err != nil {
			t.Fatal(err)
		}
	}
	inv.Reconcile()
	hosts, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	in := play.Input{Playbooks: []string{"/p/site.yml"}, Dir: "/p", Files: g.files, Inventory: hosts}
	in.Options.Forks = 1 + g.rand.IntN(4)
	in.Settings = play.Settings{InjectFacts: true, ErrorOnMissingHandler: true, PollInterval: 5}
	for _, m := range []string{"command", "copy", "stat"} {
		in.Modules = append(in.Modules, "ansible.builtin."+m)
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (g *author) playbook() string {
	var b strings.Builder
	for range 1 + g.rand.IntN(2) {
		b.WriteString("- hosts: all\n  gather_facts: false\n")
		switch g.rand.IntN(4) {
		case 0:
			b.WriteString("  strategy: free\n")
		case 1:
			b.WriteString("  serial: 2\n")
		case 2:
			b.WriteString("  force_handlers: true\n")
		}
		b.WriteString("  tasks:\n")
		g.tasks(&b, 2, "    ")
		b.WriteString("  handlers:\n    - name: handler\n      command: handled\n    - name: listener\n      listen: handler\n      copy: {dest: /h}\n")
	}
	return b.String()
}

func (g *author) tasks(b *strings.Builder, depth int, indent string) {
	for range 1 + g.rand.IntN(4) {
		g.task(b, depth, indent)
	}
}

func (g *author) task(b *strings.Builder, depth int, indent string) {
	g.n++
	kinds := 7
	if depth > 0 {
		kinds = 9
	}
	switch g.rand.IntN(kinds) {
	case 0, 1:
		fmt.Fprintf(b, "%s- name: t%d\n%s  command: run %d\n", indent, g.n, indent, g.n)
	case 2, 3:
		fmt.Fprintf(b, "%s- name: t%d\n%s  copy: {dest: /x, n: %d}\n", indent, g.n, indent, g.n)
	case 4:
		fmt.Fprintf(b, "%s- name: t%d\n%s  stat: {path: /x}\n", indent, g.n, indent)
	case 5:
		fmt.Fprintf(b, "%s- set_fact: {f%d: \"{{ inventory_hostname }}-{{ %d + 1 }}\"}\n", indent, g.n, g.n)
		return
	case 6:
		fmt.Fprintf(b, "%s- debug: {msg: \"{{ r | default('none') }}\"}\n", indent)
		return
	case 7:
		name := fmt.Sprintf("inc%d.yml", g.n)
		var inc strings.Builder
		g.tasks(&inc, depth-1, "")
		g.file("/p/"+name, inc.String())
		fmt.Fprintf(b, "%s- include_tasks: %s\n", indent, name)
		return
	default:
		fmt.Fprintf(b, "%s- block:\n", indent)
		g.tasks(b, depth-1, indent+"    ")
		if g.rand.IntN(2) == 0 {
			fmt.Fprintf(b, "%s  rescue:\n", indent)
			g.tasks(b, depth-1, indent+"    ")
		}
		if g.rand.IntN(2) == 0 {
			fmt.Fprintf(b, "%s  always:\n", indent)
			g.tasks(b, depth-1, indent+"    ")
		}
		return
	}
	g.extras(b, indent)
}

func (g *author) extras(b *strings.Builder, indent string) {
	for _, x := range []string{"loop: [1, 2, 3]", "register: r", "notify: handler", "ignore_errors: true", "run_once: true", "delegate_to: h2",
		"until: result.stdout | default('') == 'out'\n" + indent + "  register: result\n" + indent + "  retries: 2", "when: inventory_hostname != 'h1'"} {
		if g.rand.IntN(7) == 0 {
			if strings.HasPrefix(x, "register") && strings.Contains(b.String()[strings.LastIndex(b.String(), "- name"):], "register") {
				continue
			}
			if strings.HasPrefix(x, "until") && strings.Contains(b.String()[strings.LastIndex(b.String(), "- name"):], "register") {
				continue
			}
			fmt.Fprintf(b, "%s  %s\n", indent, x)
		}
	}
}
