// Package archtest holds the rules of the house as tests: which room may import which, machines without I/O, no init
// functions, no mutable globals, limits of size, a comment on every package, a reason for every dependency.
//
// In: the module's source, as `go list` and the parser see it. Out: findings, each with the rule, what breaks it and
// what to do. The tables at the top of arrow.go and machine.go are the rules; a new room or machine is added there.
// Offenders that are known stand in exceptions.txt, which may only shrink: an entry that is no longer needed fails too.
//
// It owns the rules and nothing else. It must not be imported by anything, and must not know what the packages do.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
)

// finding is one place that breaks one rule.
type finding struct {
	rule    string // the rule's short name, as exceptions.txt uses it
	subject string // what breaks it: a package, a file, a function, a variable; one word, without the module's name
	size    int    // for the rules with a limit, how large it is now
	where   string // file:line, for a person to go to
	text    string // what is wrong and what to do
}

func (f finding) String() string {
	text := fmt.Sprintf("%s %s: %s", f.rule, f.subject, f.text)
	if f.where != "" {
		text = f.where + ": " + text
	}
	return text
}

// rule is a check of the whole house. Those that need types are silent about a package that does not compile: its own
// build says that louder.
type rule func(*house) []finding

// rules are all checks except the one of dependencies, which reads a document too.
var rules = []rule{
	packageNames, packageComments,
	fileLengths, functionLengths,
	initFunctions, blankImports, mutableGlobals,
	importArrows, leafImports,
	worldImports, clocks, goroutines, mapOrder,
}

// check runs all rules; the order of the findings is stable.
func check(h *house) []finding {
	var all []finding
	for _, r := range rules {
		all = append(all, r(h)...)
	}
	slices.SortStableFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.subject, b.subject))
	})
	return all
}
