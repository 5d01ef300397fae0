package system

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func iptablesSpec() argument.Spec {
	text := func(names ...string) []argument.Option {
		var list []argument.Option
		for _, n := range names {
			list = append(list, argument.Option{Name: n})
		}
		return list
	}
	words := func(name string) argument.Option {
		return argument.Option{Name: name, Type: argument.List, Elements: argument.Str, Default: []any{}}
	}
	flag := func(name string) argument.Option {
		return argument.Option{Name: name, Type: argument.Bool, Default: false}
	}
	options := append([]argument.Option{
		{Name: "table", Default: "filter", Choices: []any{"filter", "nat", "mangle", "raw", "security"}},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		{Name: "action", Default: "append", Choices: []any{"append", "insert"}},
		{Name: "ip_version", Default: "ipv4", Choices: []any{"ipv4", "ipv6", "both"}},
		words("match"), words("destination_ports"), words("ctstate"),
		{Name: "tcp_flags", Type: argument.Dict, Options: &argument.Spec{Options: []argument.Option{
			{Name: "flags", Type: argument.List, Elements: argument.Str},
			{Name: "flags_set", Type: argument.List, Elements: argument.Str}}}},
		{Name: "log_level", Choices: []any{"0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error",
			"warning", "notice", "info", "debug"}},
		{Name: "match_set_flags", Choices: []any{"src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"}},
		{Name: "syn", Default: "ignore", Choices: []any{"ignore", "match", "negate"}},
		{Name: "policy", Choices: []any{"ACCEPT", "DROP", "QUEUE", "RETURN"}},
		flag("flush"), flag("chain_management"), flag("numeric"),
	}, text("chain", "rule_num", "protocol", "wait", "source", "to_source", "destination", "to_destination", "jump", "gateway",
		"log_prefix", "goto", "in_interface", "out_interface", "fragment", "set_counters", "source_port", "destination_port",
		"to_ports", "set_dscp_mark", "set_dscp_mark_class", "comment", "src_range", "dst_range", "match_set", "limit",
		"limit_burst", "uid_owner", "gid_owner", "reject_with", "icmp_type")...)
	return argument.Spec{
		Options:           options,
		MutuallyExclusive: [][]string{{"set_dscp_mark", "set_dscp_mark_class"}, {"flush", "policy"}},
		RequiredBy:        map[string][]string{"set_dscp_mark": {"jump"}, "set_dscp_mark_class": {"jump"}},
		RequiredIf: []argument.Condition{
			{Option: "jump", Value: "TEE", Then: []string{"gateway"}},
			{Option: "jump", Value: "tee", Then: []string{"gateway"}},
			{Option: "flush", Value: false, Then: []string{"chain"}},
		},
		Check: true,
	}
}

// rule are the words of a rule while they are put together.
type rule struct {
	call  *module.Call
	jump  string
	words []string
}

// param adds a flag with the value of an option; "!" before the value negates.
func (r *rule) param(option, flag string) {
	value := r.call.String(option)
	if option == "jump" {
		value = r.jump
	}
	if value == "" {
		return
	}
	if rest, negated := strings.CutPrefix(value, "!"); negated {
		r.words = append(r.words, "!", flag, rest)
		return
	}
	r.words = append(r.words, flag, value)
}

func (r *rule) match(given bool, name string) {
	if given {
		r.words = append(r.words, "-m", name)
	}
}

func (r *rule) list(option, flag string) {
	if values := r.call.Strings(option); len(values) > 0 {
		r.words = append(r.words, flag, strings.Join(values, ","))
	}
}

func (r *rule) has(option string) bool { return r.call.String(option) != "" }

func (r *rule) matches(name string) bool {
	for _, m := range r.call.Strings("match") {
		if m == name {
			return true
		}
	}
	return false
}

// construct gives the words of the rule, in the order in which Ansible writes them.
func construct(c *module.Call, jump string) []string {
	r := &rule{call: c, jump: jump}
	r.param("protocol", "-p")
	r.param("source", "-s")
	r.param("destination", "-d")
	for _, m := range c.Strings("match") {
		r.match(true, m)
	}
	if flags := c.Map("tcp_flags"); len(flags) > 0 && flags["flags"] != nil && flags["flags_set"] != nil {
		r.words = append(r.words, "--tcp-flags", comma(flags["flags"]), comma(flags["flags_set"]))
	}
	r.param("jump", "-j")
	if strings.EqualFold(jump, "tee") {
		r.param("gateway", "--gateway")
	}
	r.param("log_prefix", "--log-prefix")
	r.param("log_level", "--log-level")
	r.param("to_destination", "--to-destination")
	r.match(len(c.Strings("destination_ports")) > 0, "multiport")
	r.list("destination_ports", "--dports")
	for _, o := range [][2]string{{"to_source", "--to-source"}, {"goto", "-g"}, {"in_interface", "-i"}, {"out_interface", "-o"},
		{"fragment", "-f"}, {"set_counters", "-c"}, {"source_port", "--source-port"}, {"destination_port", "--destination-port"},
		{"to_ports", "--to-ports"}} {
		r.param(o[0], o[1])
	}
	for _, o := range [][2]string{{"set_dscp_mark", "--set-dscp"}, {"set_dscp_mark_class", "--set-dscp-class"}} {
		r.param(o[0], o[1])
		if r.has(o[0]) && !strings.EqualFold(jump, "dscp") {
			r.words = append(r.words, "-j", "DSCP")
		}
	}
	switch c.String("syn") {
	case "match":
		r.words = append(r.words, "--syn")
	case "negate":
		r.words = append(r.words, "!", "--syn")
	}
	r.extensions()
	r.ending()
	return r.words
}

func comma(list any) string {
	items, _ := list.([]any)
	texts := make([]string, len(items))
	for i, x := range items {
		texts[i], _ = x.(string)
	}
	return strings.Join(texts, ",")
}

// extensions adds what belongs to matches that load by themselves when their options are
// used.
func (r *rule) extensions() {
	switch {
	case r.matches("conntrack"):
		r.list("ctstate", "--ctstate")
	case r.matches("state"):
		r.list("ctstate", "--state")
	case len(r.call.Strings("ctstate")) > 0:
		r.match(true, "conntrack")
		r.list("ctstate", "--ctstate")
	}
	if !r.matches("iprange") {
		r.match(r.has("src_range") || r.has("dst_range"), "iprange")
	}
	r.param("src_range", "--src-range")
	r.param("dst_range", "--dst-range")
	if r.matches("set") || r.has("match_set") {
		r.match(!r.matches("set"), "set")
		r.param("match_set", "--match-set")
		if r.has("match_set_flags") {
			r.words = append(r.words, r.call.String("match_set_flags"))
		}
	}
}

func (r *rule) ending() {
	r.match(r.has("limit") || r.has("limit_burst"), "limit")
	r.param("limit", "--limit")
	r.param("limit_burst", "--limit-burst")
	for _, owner := range [][2]string{{"uid_owner", "--uid-owner"}, {"gid_owner", "--gid-owner"}} {
		r.match(r.has(owner[0]), "owner")
		r.param(owner[0], owner[1])
	}
	if r.jump == "" {
		for _, o := range [][2]string{{"reject_with", "REJECT"}, {"set_dscp_mark_class", "DSCP"}, {"set_dscp_mark", "DSCP"}} {
			if r.has(o[0]) {
				r.words = append(r.words, "-j", o[1])
			}
		}
	}
	r.param("reject_with", "--reject-with")
	r.param("icmp_type", map[string]string{"ipv4": "--icmp-type", "ipv6": "--icmpv6-type",
		"both": "--icmp-type --icmpv6-type"}[r.call.String("ip_version")])
	r.match(r.has("comment"), "comment")
	r.param("comment", "--comment")
}

// firewall is one of the two programs and what it can do.
type firewall struct {
	ctx     context.Context
	call    *module.Call
	program string
	// wait is what follows -w; nil when the program knows no such flag or none is asked for.
	wait *string
	jump string
}

// iptables is the module.
func iptables(ctx context.Context, c *module.Call) module.Result {
	r := module.Result{"changed": false, "failed": false, "ip_version": c.String("ip_version"), "table": c.String("table"),
		"chain": c.Args["chain"], "flush": c.Bool("flush"), "rule": strings.Join(construct(c, c.String("jump")), " "),
		"state": c.String("state"), "chain_management": c.Bool("chain_management"), "wait": c.Args["wait"]}
	var programs []string
	for version, name := range map[string]string{"ipv4": "iptables", "ipv6": "ip6tables"} {
		if c.String("ip_version") == version || c.String("ip_version") == "both" {
			programs = append(programs, name)
		}
	}
	if len(programs) == 2 && programs[0] == "ip6tables" {
		programs[0], programs[1] = programs[1], programs[0]
	}
	changed := false
	for _, name := range programs {
		program, err := require(ctx, name)
		if err != nil {
			return attribute.Result(err)
		}
		f := &firewall{ctx: ctx, call: c, program: program, jump: c.String("jump")}
		did, err := f.apply(r["rule"] != "")
		if err != nil {
			return attribute.Result(err)
		}
		changed = changed || did
	}
	r["changed"] = changed
	return r
}

func (f *firewall) apply(hasRule bool) (changed bool, err error) {
	c := f.call
	if c.Given("log_prefix") || c.Given("log_level") {
		if f.jump == "" {
			f.jump = "LOG"
		} else if f.jump != "LOG" {
			return false, attribute.Failed("Logging options can only be used with the LOG jump target.")
		}
	}
	if err := f.version(); err != nil {
		return false, err
	}
	present := c.String("state") == "present"
	switch {
	case c.Bool("flush"):
		return true, f.do("-F")
	case c.Given("policy"):
		return f.policy()
	case !hasRule:
		_, there := f.run(f.listing()...)
		if there != present && c.Bool("chain_management") {
			err = f.do(map[bool]string{true: "-N", false: "-X"}[present])
		}
		return there != present, err
	}
	if _, there := f.run(f.arguments("-C", true)...); there == present {
		return false, nil
	}
	action := "-D"
	if present {
		action = map[string]string{"insert": "-I", "append": "-A"}[c.String("action")]
	}
	return true, f.doArguments(f.arguments(action, true))
}

// version finds out whether the program can wait for another one to finish.
func (f *firewall) version() error {
	out := ask(f.ctx, f.program, "--version")
	if out.code != 0 {
		return f.problem(out, "--version")
	}
	_, text, _ := strings.Cut(out.stdout, "v")
	m := regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?`).FindStringSubmatch(text)
	if m == nil {
		return attribute.Failed("the version of " + f.program + " cannot be told from: " + strings.TrimSpace(out.stdout))
	}
	number := 0
	for _, part := range m[1:] {
		n, _ := strconv.Atoi(part)
		number = number*1000 + n
	}
	const waits, waitsForSeconds = 1_004_020, 1_006_000
	switch wait := f.call.String("wait"); {
	case number < waits:
	case number < waitsForSeconds:
		// It waits, but not for a number of seconds; and an empty text adds no flag.
	case wait != "":
		f.wait = &wait
	}
	return nil
}

func (f *firewall) policy() (bool, error) {
	out, ok := f.run(f.listing()...)
	if !ok {
		return false, f.problem(out, f.listing()...)
	}
	header, _, _ := strings.Cut(out.stdout, "\n")
	m := regexp.MustCompile(`\(policy ([A-Z]+)\)`).FindStringSubmatch(header)
	if m == nil {
		return false, attribute.Failed("Can't detect current policy")
	}
	wanted := f.call.String("policy")
	if m[1] == wanted {
		return false, nil
	}
	return true, f.doArguments(append(f.arguments("-P", false), wanted))
}

func (f *firewall) listing() []string {
	args := f.arguments("-L", false)
	if f.call.Bool("numeric") {
		args = append(args, "--numeric")
	}
	return args
}

func (f *firewall) arguments(action string, withRule bool) []string {
	c := f.call
	args := []string{"-t", c.String("table"), action}
	if c.Given("chain") {
		args = append(args, c.String("chain"))
	}
	if number := c.String("rule_num"); action == "-I" && number != "" {
		args = append(args, number)
	}
	if f.wait != nil {
		args = append(args, "-w", *f.wait)
	}
	if withRule {
		args = append(args, construct(c, f.jump)...)
	}
	return args
}

func (f *firewall) run(args ...string) (outcome, bool) {
	out := ask(f.ctx, append([]string{f.program}, args...)...)
	return out, out.code == 0
}

func (f *firewall) do(action string) error { return f.doArguments(f.arguments(action, false)) }

func (f *firewall) doArguments(args []string) error {
	if f.call.CheckMode {
		return nil
	}
	if out, ok := f.run(args...); !ok {
		return f.problem(out, args...)
	}
	return nil
}

func (f *firewall) problem(out outcome, args ...string) error {
	return attribute.Failed(strings.TrimRight(out.stderr, " \r\n\t"), "cmd", fmt.Sprintf("%s %s", f.program, strings.Join(args, " ")),
		"rc", out.code, "stdout", out.stdout, "stderr", out.stderr)
}
