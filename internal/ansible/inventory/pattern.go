package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/regex"
	"tutti/internal/diag"
)

// Selection says which hosts are asked for.
type Selection struct {
	// Patterns are those of a play or a command; each may hold several.
	Patterns []string
	// Limit are the patterns of --limit, already read from files; nil is none.
	Limit []string
	// Order is that of the keyword order: inventory, sorted, reverse_sorted, reverse_inventory
	// or shuffle. Empty is inventory.
	Order string
	// Seed is what shuffle goes by.
	Seed uint64
}

// NoMatch is the headline of the warning about a pattern that matches nothing.
const NoMatch = "Could not match supplied host pattern"

// Select gives the hosts that match, each once, in order.
func (inv *Inventory) Select(s Selection) ([]*Host, diag.List, error) {
	m := &matcher{inv: inv, found: map[string][]*Host{}}
	hosts, err := m.all(split(s.Patterns))
	if err != nil {
		return nil, m.warnings, err
	}
	if s.Limit != nil {
		limit, err := m.all(s.Limit)
		if err != nil {
			return nil, m.warnings, err
		}
		within := set(limit)
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h *Host) bool { return !within[h] })
	}
	hosts, err = ordered(unique(hosts), s.Order, s.Seed)
	return hosts, m.warnings, err
}

// ErrNoTargets says that an inventory has hosts, and that a pattern and a limit leave none.
var ErrNoTargets = errors.New("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.")

// EmptyInventory is the headline of the warning that there is nothing but localhost.
const EmptyInventory = "The inventory has no hosts"

// Targets gives the hosts that a command is about: as Select does, but that none are left is
// an error, and an inventory without hosts a warning.
func (inv *Inventory) Targets(pattern string, limit []string) ([]*Host, diag.List, error) {
	all := inv.reach(inv.groupBy[All])
	hosts, diags, err := inv.Select(Selection{Patterns: []string{pattern}, Limit: limit})
	if len(all) == 0 && !inv.options.QuietLocalhost && !isLocalhost(pattern) {
		diags = append(diag.Warnf(nil, EmptyInventory, "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'"), diags...)
	}
	switch {
	case err != nil:
		return nil, diags, err
	case len(hosts) == 0 && isLocalhost(pattern):
		return []*Host{inv.Host(pattern)}, diags, nil
	case len(hosts) == 0 && len(all) > 0:
		return nil, diags, ErrNoTargets
	}
	return hosts, diags, nil
}

func set(hosts []*Host) map[*Host]bool {
	in := make(map[*Host]bool, len(hosts))
	for _, h := range hosts {
		in[h] = true
	}
	return in
}

func unique(hosts []*Host) []*Host {
	seen := make(map[*Host]bool, len(hosts))
	out := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}

// ordered puts hosts into the order of the keyword. The slice is its own.
func ordered(hosts []*Host, order string, seed uint64) ([]*Host, error) {
	byName := func(a, b *Host) int { return strings.Compare(a.Name, b.Name) }
	switch order {
	case "", "inventory":
	case "sorted":
		slices.SortStableFunc(hosts, byName)
	case "reverse_sorted":
		slices.SortStableFunc(hosts, func(a, b *Host) int { return byName(b, a) })
	case "reverse_inventory":
		slices.Reverse(hosts)
	case "shuffle":
		shuffle(hosts, seed)
	default:
		return nil, fmt.Errorf("Invalid 'order' specified for inventory hosts: %s", order)
	}
	return hosts, nil
}

// shuffle permutes by a seed: the same seed gives the same order, on every machine.
func shuffle(hosts []*Host, seed uint64) {
	for i := len(hosts) - 1; i > 0; i-- {
		seed += 0x9e3779b97f4a7c15 // splitmix64
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		j := int((z ^ z>>31) % uint64(i+1))
		hosts[i], hosts[j] = hosts[j], hosts[i]
	}
}

// matcher answers patterns, each once.
type matcher struct {
	inv      *Inventory
	found    map[string][]*Host
	warnings diag.List
}

// SplitPattern takes a host pattern apart at its commas, or else at colons that belong to no
// address and no range.
func SplitPattern(pattern string) []string {
	var parts []string
	if strings.Contains(pattern, ",") {
		parts = strings.Split(pattern, ",")
	} else if _, _, ok := ParseAddress(pattern); ok {
		parts = []string{pattern}
	} else {
		parts = colonParts.FindAllString(pattern, -1)
	}
	out := parts[:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

var colonParts = regexp.MustCompile(`(?:[^\s:\[\]]|\[[^\]]*\])+`)

func split(patterns []string) []string {
	var all []string
	for _, p := range patterns {
		all = append(all, SplitPattern(p)...)
	}
	return all
}

// all evaluates patterns together: first those that add, then those that intersect, then
// those that exclude.
func (m *matcher) all(patterns []string) ([]*Host, error) {
	var add, keep, drop []string
	for _, p := range patterns {
		switch {
		case p == "":
		case p[0] == '!':
			drop = append(drop, p)
		case p[0] == '&':
			keep = append(keep, p)
		default:
			add = append(add, p)
		}
	}
	if add == nil {
		add = []string{All}
	}
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, p := range add {
		that, err := m.one(p)
		if err != nil {
			return nil, err
		}
		fresh := that
		if len(seen) > 0 {
			fresh = slices.DeleteFunc(slices.Clone(that), func(h *Host) bool { return seen[h] })
		}
		for _, h := range that {
			seen[h] = true
		}
		hosts = append(hosts, fresh...)
	}
	for _, p := range slices.Concat(keep, drop) {
		that, err := m.one(p)
		if err != nil {
			return nil, err
		}
		within := set(that)
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return within[h] == (p[0] == '!') })
	}
	return hosts, nil
}

// one gives the hosts of one pattern, whatever sign it has.
func (m *matcher) one(p string) ([]*Host, error) {
	if h := m.inv.hostBy[p]; h != nil {
		return []*Host{h}, nil
	}
	if p[0] == '&' || p[0] == '!' {
		p = p[1:]
	}
	if hosts, ok := m.found[p]; ok {
		return hosts, nil
	}
	if len(p) > maxPattern {
		return nil, fmt.Errorf("a host pattern is longer than %d characters", maxPattern)
	}
	expr, sub := subscriptOf(p)
	hosts, err := m.enumerate(expr)
	if err == nil && sub != nil {
		if sub.dash {
			m.warn("Wrong subscript", "Use [x:y] inclusive subscripts instead of [x-y] which has been removed")
		}
		hosts, err = sub.apply(p, hosts)
	}
	if err != nil {
		return nil, err
	}
	m.found[p] = hosts
	return hosts, nil
}

func (m *matcher) warn(headline, detail string) {
	m.warnings = append(m.warnings, diag.Warnf(nil, headline, "%s", detail)...)
}

// subscript is what follows a pattern in brackets: an index, or a range whose end belongs
// to it.
type subscript struct {
	start, end int
	ranged     bool
	dash       bool
}

var subscriptForm = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)

// subscriptOf takes a subscript off a pattern that is no regular expression.
func subscriptOf(p string) (string, *subscript) {
	if strings.HasPrefix(p, "~") {
		return p, nil
	}
	m := subscriptForm.FindStringSubmatch(p)
	if m == nil {
		return p, nil
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil && n > 0 {
			return 1 << 30
		}
		return max(n, -1<<30)
	}
	if m[2] != "" {
		return m[1], &subscript{start: number(m[2])}
	}
	end := -1
	if m[5] != "" {
		end = number(m[5])
	}
	return m[1], &subscript{start: number(m[3]), end: end, ranged: true, dash: m[4] == "-"}
}

func (s *subscript) apply(p string, hosts []*Host) ([]*Host, error) {
	if len(hosts) == 0 {
		return hosts, nil
	}
	// A range that ends at 0 is the index it begins with: so it is with Ansible.
	if s.ranged && s.end != 0 {
		end := len(hosts)
		if s.end > 0 {
			end = min(end, s.end+1)
		}
		return hosts[min(s.start, end):end], nil
	}
	at := s.start
	if at < 0 {
		at += len(hosts)
	}
	if at < 0 || at >= len(hosts) {
		return nil, fmt.Errorf("No hosts matched the subscripted pattern '%s'", p)
	}
	return hosts[at : at+1], nil
}

// enumerate gives the hosts of all groups that match, and hosts that match themselves.
func (m *matcher) enumerate(expr string) ([]*Host, error) {
	if expr == "" {
		return nil, fmt.Errorf("Invalid host list pattern: %s", expr)
	}
	matches, err := matching(expr)
	if err != nil {
		return nil, err
	}
	var hosts []*Host
	groups := 0
	each(m.inv.groups, m.inv.groupBy, (*Group).name, expr, matches, func(g *Group) {
		groups++
		hosts = append(hosts, m.inv.reach(g)...)
	})
	if groups == 0 || expr[0] == '~' || strings.ContainsAny(expr, ".?*[") {
		each(m.inv.hosts, m.inv.hostBy, (*Host).name, expr, matches, func(h *Host) { hosts = append(hosts, h) })
	}
	if len(hosts) == 0 && isLocalhost(expr) {
		hosts = append(hosts, m.inv.Host(expr))
	}
	if len(hosts) == 0 && groups == 0 && expr != All {
		text := "Could not match supplied host pattern, ignoring: " + expr
		switch m.inv.options.Mismatch {
		case MismatchError:
			return nil, fmt.Errorf("%s", text)
		case MismatchWarning:
			m.warn(NoMatch, text)
		}
	}
	return hosts, nil
}

func (g *Group) name() string { return g.Name }
func (h *Host) name() string  { return h.Name }

// each calls for everything whose name matches; a pattern without special characters (matches
// is nil) is looked up.
func each[T any](all []*T, by map[string]*T, name func(*T) string, expr string, matches func(string) bool, do func(*T)) {
	if matches == nil {
		if one := by[expr]; one != nil {
			do(one)
		}
		return
	}
	for _, one := range all {
		if matches(name(one)) {
			do(one)
		}
	}
}

// matching makes a test of a glob or, behind ~, of a regular expression that has to match
// from the start. It is nil for a plain name.
func matching(expr string) (func(string) bool, error) {
	switch {
	case expr == "*":
		return func(string) bool { return true }, nil
	case expr[0] == '~':
		re, err := regex.Compile(`\A(?:`+expr[1:]+`)`, 0)
		if err != nil {
			return nil, fmt.Errorf("Invalid host list pattern: %s", expr)
		}
		return func(name string) bool {
			m, err := re.Search(name)
			return err == nil && m != nil
		}, nil
	case !strings.ContainsAny(expr, "*?["):
		return nil, nil
	}
	return parseGlob(expr).matches, nil
}
