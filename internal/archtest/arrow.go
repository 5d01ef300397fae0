package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// room is a folder below internal, and the rooms that it may import; its own packages it always may.
type room struct {
	name string
	may  []string
}

var (
	nouns     = []string{"object", "flow", "addr", "diag", "secret"}
	toolbox   = []string{"expr", "block", "process", "aws", "schedule"} // what several languages need beside the nouns
	hall      = []string{"planner", "eval", "apply", "activity", "runtime", "store", "planfile"}
	languages = []string{"terraform", "stepfunctions", "ansible", "kubernetes", "cloudformation", "airflow", "task", "service"}
)

// rooms is the plan of the house: imports point one way, from the front door over the languages and the hall to the
// nouns. Languages never import each other, and nothing in the hall imports a language.
func rooms() []room {
	plan := []room{
		{"diag", nil},
		{"flow", nil},
		{"secret", nil},
		{"addr", []string{"diag"}},
		{"object", []string{"addr", "diag", "flow", "secret"}},
		{"expr", nouns},
		// Reads tutti's own files, for the languages whose blocks stand there.
		{"block", slices.Concat(nouns, []string{"expr"})},
		{"process", nil},
		// Calls AWS; knows nothing of those who have something to call.
		{"aws", nil},
		// Tells when something is due.
		{"schedule", nil},

		{"eval", nouns},
		{"planner", slices.Concat(nouns, []string{"eval"})},
		{"apply", nouns},
		// The worker behind the apply machine: it gives what runtime/local asks for.
		{"activity", slices.Concat(nouns, []string{"eval", "store", "runtime"})},
		{"planfile", nouns},
		{"store", nouns},
		{"runtime", slices.Concat(nouns, []string{"store"})},

		// Makes a stored execution of a state machine, or a play, into a machine and a worker.
		{"executor", slices.Concat(nouns, []string{"store", "runtime", "stepfunctions", "ansible"})},

		{"stack", slices.Concat(nouns, toolbox, languages)},
		// Puts the parts together for whoever drives them.
		{"engine", slices.Concat(nouns, toolbox, hall, languages, []string{"stack", "executor"})},
		{"server", slices.Concat(nouns, toolbox, hall, languages, []string{"stack", "engine", "executor"})},
		{"cli", slices.Concat(nouns, toolbox, hall, languages, []string{"stack", "engine", "server", "executor"})},
		{"archtest", nil},
		// Runs the binary against faults; knows only where test providers lie.
		{"faulttest", []string{"terraform", "ansible"}},
	}
	for _, l := range languages {
		plan = append(plan, room{l, slices.Concat(nouns, toolbox)})
	}
	return plan
}

// importArrows holds the plan. cmd hands over to cli and knows nothing else of the house; what lies outside internal
// and cmd (tools, benchmarks, examples) may import any room and is imported by none.
func importArrows(h *house) []finding {
	may := map[string][]string{}
	for _, r := range rooms() {
		may[r.name] = r.may
	}
	var found []finding
	for _, p := range h.packages {
		from := p.room()
		allowed, known := may[from]
		switch {
		case p.path == "cmd/tutti-target":
			allowed = []string{"ansible"} // what runs on hosts, and nothing that plans
		case strings.HasPrefix(p.path, "cmd/"):
			allowed = []string{"cli"}
		case from == "":
			continue
		case !known:
			found = append(found, finding{rule: "room", subject: p.path,
				text: fmt.Sprintf("room %s is not on the plan: add it to rooms in internal/archtest/arrow.go, with what it may import", from)})
			continue
		}
		found = append(found, h.wrongImports(p, allowed)...)
	}
	return found
}

func (h *house) wrongImports(p *pkg, allowed []string) []finding {
	var found []finding
	for _, imported := range p.imports {
		path, inside := h.inside(imported)
		to := roomOf(path)
		if !inside || to != "" && (to == p.room() || slices.Contains(allowed, to)) {
			continue
		}
		who := p.room()
		if who == "" {
			who = p.path
		}
		found = append(found, finding{rule: "import-arrow", subject: p.path + "->" + path,
			text: fmt.Sprintf("%s may import only %s; move what is shared into a noun, or hand it in from above", who, list(allowed))})
	}
	return found
}

func list(names []string) string {
	if len(names) == 0 {
		return "its own packages"
	}
	return strings.Join(names, ", ")
}

// leaves are the rooms that everything else stands on, so they stand on next to nothing.
var leaves = []string{"addr", "diag", "flow"}

// leafImports holds the leaves to the standard library and the value and syntax libraries of every language.
func leafImports(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		if !slices.Contains(leaves, p.room()) {
			continue
		}
		for _, imported := range p.imports {
			if _, inside := h.inside(imported); inside || standard(imported) ||
				strings.HasPrefix(imported, "github.com/zclconf/go-cty/") || strings.HasPrefix(imported, "github.com/hashicorp/hcl/v2") {
				continue
			}
			found = append(found, finding{rule: "leaf-import", subject: p.path + "->" + imported,
				text: "a leaf imports the standard library, cty and hcl only"})
		}
	}
	return found
}

// standard knows the standard library by what every other import path has: a dot in its first element.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}
