package archtest

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// House style 8. machines are the packages that hold deterministic state machines: events in, commands out. Every
// language adds its own here (internal/stepfunctions/machine, ...).
var machines = []string{"internal/flow", "internal/apply",
	// What a machine calls while it decides is held to the same.
	"internal/stepfunctions/jsonpath", "internal/stepfunctions/intrinsic", "internal/stepfunctions/jsonata",
	"internal/stepfunctions/expression", "internal/stepfunctions/execution",
	"internal/ansible/value", "internal/ansible/jinja", "internal/ansible/jinja/syntax", "internal/ansible/jinja/python",
	"internal/ansible/jinja/builtin", "internal/ansible/document", "internal/ansible/document/dump", "internal/ansible/inventory",
	"internal/ansible/inventory/literal", "internal/ansible/vault",
	"internal/ansible/filter", "internal/ansible/filter/clock", "internal/ansible/filter/jsontext", "internal/ansible/filter/mersenne",
	"internal/ansible/filter/password", "internal/ansible/filter/real", "internal/ansible/filter/version", "internal/ansible/lookup",
	"internal/ansible/lookup/configfile", "internal/ansible/playbook", "internal/ansible/argument", "internal/ansible/regex", "internal/ansible/play"}

// worldless packages decide and do not do: they import nothing that reaches the world, and ask no clock, but may use
// goroutines (the planner waits for many drivers at once).
var worldless = []string{"internal/schedule", "internal/addr", "internal/diag", "internal/object", "internal/eval", "internal/planner"}

// worldPackages reach the world, and so does everything below them except the pure ones.
var (
	worldPackages = []string{"os", "net", "database/sql", "log", "math/rand", "crypto/rand", "syscall", "plugin"}
	purePackages  = []string{"net/url", "net/netip"}
	// outerPackages belong around a machine: whoever needs a lock or a context there is not in a machine.
	outerPackages = []string{"sync", "context"}
)

func below(importPath string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return importPath == root || strings.HasPrefix(importPath, root+"/")
	})
}

func worldImports(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		machine := slices.Contains(machines, p.path)
		if !machine && !slices.Contains(worldless, p.path) {
			continue
		}
		for _, imported := range p.imports {
			reaches := below(imported, worldPackages) && !slices.Contains(purePackages, imported)
			if reaches || machine && below(imported, outerPackages) {
				found = append(found, finding{rule: "world-import", subject: p.path + "->" + imported,
					text: "this package reaches the world only through commands or drivers: take the value from an event or a request"})
			}
		}
	}
	return found
}

// clockFunctions are the functions of package time that ask the machine's clock.
var clockFunctions = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func clocks(h *house) []finding {
	return h.inPackages(slices.Concat(machines, worldless), func(p *pkg, f *file) []finding {
		var found []finding
		ast.Inspect(f.tree, func(n ast.Node) bool {
			name, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if fn, ok := p.info.Uses[name].(*types.Func); ok && inPackage(fn, "time", clockFunctions) {
				found = append(found, finding{rule: "clock", subject: p.path + ":time." + fn.Name(), where: h.where(n),
					text: "no clock here: times come with events"})
			}
			return true
		})
		return found
	})
}

// inPackage says whether fn is one of the named functions (not methods) of a package.
func inPackage(fn *types.Func, path string, names []string) bool {
	return fn.Pkg() != nil && fn.Pkg().Path() == path && fn.Signature().Recv() == nil && slices.Contains(names, fn.Name())
}

func goroutines(h *house) []finding {
	return h.inPackages(machines, func(p *pkg, f *file) []finding {
		var found []finding
		ast.Inspect(f.tree, func(n ast.Node) bool {
			what := ""
			switch n.(type) {
			case *ast.GoStmt:
				what = "go statement"
			case *ast.SelectStmt:
				what = "select statement"
			case *ast.SendStmt:
				what = "channel send"
			case *ast.ChanType:
				what = "channel"
			default:
				return true
			}
			found = append(found, finding{rule: "goroutine", subject: p.path + ":" + strings.ReplaceAll(what, " ", "-"), where: h.where(n),
				text: what + " in a machine: give out a command instead, and its runtime does the waiting"})
			return true
		})
		return found
	})
}

// mapOrder finds where the order of a map, which differs from run to run, could reach a machine's commands: ranging
// over a map, and its iterators unless they are sorted on the spot or go into another map.
func mapOrder(h *house) []finding {
	return h.inPackages(machines, func(p *pkg, f *file) []finding {
		var found []finding
		tamed := map[ast.Node]bool{}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				if t := p.info.TypeOf(n.X); t != nil && n.Key != nil && holdsMap(t) {
					found = append(found, finding{rule: "map-order", subject: p.path, where: h.where(n),
						text: fmt.Sprintf("range over %s has no order: range over slices.Sorted(maps.Keys(...))", t)})
				}
			case *ast.CallExpr:
				if callsOneOf(p, n, "slices", "Sorted", "SortedFunc", "SortedStableFunc") || callsOneOf(p, n, "maps", "Collect", "Insert") {
					for _, argument := range n.Args {
						tamed[argument] = true
					}
				}
				if callsOneOf(p, n, "maps", "Keys", "Values", "All") && !tamed[n] {
					found = append(found, finding{rule: "map-order", subject: p.path, where: h.where(n),
						text: "this iterator has no order: wrap it in slices.Sorted"})
				}
			}
			return true
		})
		return found
	})
}

func callsOneOf(p *pkg, call *ast.CallExpr, path string, names ...string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	fn, ok := p.info.Uses[selector.Sel].(*types.Func)
	return ok && inPackage(fn, path, names)
}

// holdsMap says whether a value of type t is, or as a type parameter may be, a map.
func holdsMap(t types.Type) bool {
	if parameter, ok := types.Unalias(t).(*types.TypeParam); ok {
		constraint, ok := parameter.Constraint().Underlying().(*types.Interface)
		if !ok {
			return false
		}
		for embedded := range constraint.EmbeddedTypes() {
			if union, ok := embedded.(*types.Union); ok {
				for term := range union.Terms() {
					if holdsMap(term.Type()) {
						return true
					}
				}
			} else if holdsMap(embedded) {
				return true
			}
		}
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// inPackages runs a typed check in the named packages.
func (h *house) inPackages(paths []string, check func(*pkg, *file) []finding) []finding {
	var found []finding
	h.eachTyped(func(p *pkg, f *file) {
		if slices.Contains(paths, p.path) {
			found = append(found, check(p, f)...)
		}
	})
	return found
}
