package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// loader builds one module. It goes through the files twice: first every block
// finds its declaration, overrides on top, then each declaration is understood.
type loader struct {
	module *Module
	found  map[addr.Name]*declaration
	order  []addr.Name // of found
	// actions are those already read, by type and name.
	actions map[string]hcl.Range
}

// LoadDir reads one folder, from the disk when files is nil. The module is there, as far as it could be
// understood, even when there are errors.
func LoadDir(files FileSource, dir string) (*Module, diag.List) {
	if files == nil {
		files = Disk{}
	}
	m := &Module{
		Dir: dir, Variables: map[string]*Variable{}, Locals: map[string]*Local{}, Outputs: map[string]*Output{},
		Resources: map[addr.Name]*Resource{}, Calls: map[string]*ModuleCall{}, Providers: map[addr.Name]*ProviderConfig{},
		Checks:   map[string]*Check{},
		Settings: Settings{Required: map[string]*ProviderRequirement{}, ProviderMeta: map[string]*ProviderMeta{}},
	}
	sources, texts, diags := readModule(files, dir)
	m.Sources = texts
	versionDiags := checkVersions(sources)
	if versionDiags.HasErrors() {
		// A module for another version may well hold what this one does not
		// know: saying so would only distract.
		return m, versionDiags
	}
	diags = append(diags, versionDiags...)
	l := &loader{module: m, found: map[addr.Name]*declaration{}, actions: map[string]hcl.Range{}}
	for _, src := range sources {
		content, hd := src.body.Content(rootSchema)
		diags = append(diags, misplaced(diag.FromHCL(hd))...)
		for _, block := range content.Blocks {
			diags = append(diags, l.block(block, src.override)...)
		}
	}
	for _, name := range l.order {
		diags = append(diags, l.understand(name, l.found[name])...)
	}
	diags = append(diags, l.finish()...)
	return m, diags
}

// misplaced says of tutti's own blocks where they belong.
func misplaced(diags diag.List) diag.List {
	for i, d := range diags {
		for kind := addr.Task; kind <= addr.Service; kind++ {
			if d.Headline == "Unsupported block type" && strings.Contains(d.Detail, "\""+kind.String()+"\"") {
				c := *d
				c.Detail = fmt.Sprintf("A %s block stands in a file whose name ends in .tutti.hcl, beside this one: other tools read this file too.", kind)
				diags[i] = &c
			}
		}
	}
	return diags
}

// block finds the place of one top-level block.
func (l *loader) block(block *hcl.Block, override bool) diag.List {
	switch block.Type {
	case "terraform":
		return l.terraform(block, override)
	case "language":
		return l.language(block, override)
	case "required_providers":
		return diag.Errorf(&block.TypeRange, "Invalid required_providers block",
			"A required_providers block must stand inside a terraform block.")
	case "locals":
		return l.locals(block, override)
	case "moved", "removed", "import", "action":
		if override {
			return diag.Errorf(&block.DefRange, "Cannot override "+block.Type+" blocks",
				"A %s block can stand only in a normal file, not in an override file.", block.Type)
		}
		return l.change(block)
	case "provider":
		return l.declareProvider(block, override)
	default:
		return l.declare(block, override)
	}
}

// change reads the blocks that are lists rather than named declarations.
func (l *loader) change(block *hcl.Block) diag.List {
	switch block.Type {
	case "moved":
		return l.moved(block)
	case "removed":
		return l.removed(block)
	case "import":
		return l.imports(block)
	default:
		return l.action(block)
	}
}

// declare notes a named block, or lays an override over it.
func (l *loader) declare(block *hcl.Block, override bool) diag.List {
	name, schema, open, diags := nameOf(block)
	if block.Type == "check" && override {
		return diag.Errorf(&block.DefRange, "Cannot override check blocks",
			"A check block can stand only in a normal file, not in an override file.")
	}
	lay, moreDiags := readLayer(block, schema, open, override)
	diags = append(diags, moreDiags...)
	return append(diags, l.place(name, lay, override)...)
}

// place adds a declaration, or a layer to one.
func (l *loader) place(name addr.Name, lay layerOf, override bool) diag.List {
	prev := l.found[name]
	switch {
	case override && prev == nil:
		return diag.Errorf(&lay.block.DefRange, "Missing "+lay.block.Type+" to override",
			"There is no %s to override.%s An override file changes only what another file declares.", name, l.nearName(name))
	case override:
		prev.layers = append(prev.layers, lay)
	case prev != nil:
		return diag.Errorf(&lay.block.DefRange, "Duplicate "+lay.block.Type+" declaration",
			"%s is already declared at %s. Names must be unique in a module%s.", name, prev.block.DefRange, perType(name.Kind))
	default:
		l.found[name] = &declaration{block: lay.block, layers: []layerOf{lay}}
		l.order = append(l.order, name)
		l.module.Order = append(l.module.Order, name)
	}
	return nil
}

func perType(k addr.Kind) string {
	if k.Typed() {
		return " for each type"
	}
	return ""
}

func (l *loader) nearName(name addr.Name) string {
	var candidates []string
	for n := range l.found {
		if n.Kind == name.Kind {
			candidates = append(candidates, n.String())
		}
	}
	return diag.DidYouMean(name.String(), candidates)
}

// nameOf gives the name of a block, its schema, and whether it has arguments
// beyond that.
func nameOf(block *hcl.Block) (addr.Name, *hcl.BodySchema, bool, diag.List) {
	labels := block.Labels
	switch block.Type {
	case "variable":
		return addr.Name{Kind: addr.Variable, Name: labels[0]}, variableSchema, false,
			notIdentifier("Invalid variable name", labels[0], block.LabelRanges[0])
	case "output":
		return addr.Name{Kind: addr.Output, Name: labels[0]}, outputSchema, false,
			notIdentifier("Invalid output name", labels[0], block.LabelRanges[0])
	case "module":
		return addr.Name{Kind: addr.ModuleCall, Name: labels[0]}, moduleSchema, true,
			notIdentifier("Invalid module instance name", labels[0], block.LabelRanges[0])
	case "check":
		return addr.Name{Kind: addr.Check, Name: labels[0]}, checkSchema, false,
			notIdentifier("Invalid check block name", labels[0], block.LabelRanges[0])
	}
	name := addr.Name{Type: labels[0], Name: labels[1]}
	schema := dataSchema
	switch block.Type {
	case "resource":
		name.Kind, schema = addr.Resource, resourceSchema
	case "data":
		name.Kind = addr.Data
	case "ephemeral":
		name.Kind = addr.Ephemeral
	default:
		panic("config: invariant broken: no schema for block type " + block.Type)
	}
	diags := notIdentifier("Invalid "+block.Type+" type name", labels[0], block.LabelRanges[0])
	return name, schema, true, append(diags, notIdentifier("Invalid "+block.Type+" name", labels[1], block.LabelRanges[1])...)
}

// understand makes the typed form of a declaration.
func (l *loader) understand(name addr.Name, d *declaration) diag.List {
	switch name.Kind {
	case addr.Variable:
		return l.variable(name, d)
	case addr.Output:
		return l.output(name, d)
	case addr.ModuleCall:
		return l.call(name, d)
	case addr.Check:
		return l.check(name, d)
	case addr.Provider:
		return l.provider(name, d)
	default:
		return l.resource(name, d)
	}
}

// finish puts what was found in order and checks what needs the whole module.
func (l *loader) finish() diag.List {
	m := l.module
	at := map[addr.Name]hcl.Range{}
	for _, n := range m.Order {
		if n.Kind == addr.Local {
			at[n] = m.Locals[n.Name].DeclRange
		} else if d := l.found[n]; d != nil {
			at[n] = d.block.DefRange
		}
	}
	for n, r := range m.Resources {
		if r.Check != "" {
			m.Order = append(m.Order, n)
			at[n] = r.DeclRange
		}
	}
	sort.SliceStable(m.Order, func(i, j int) bool {
		a, b := at[m.Order[i]], at[m.Order[j]]
		if a.Filename != b.Filename {
			return a.Filename < b.Filename
		}
		return a.Start.Byte < b.Start.Byte
	})
	return m.checkImports()
}

func byPosition(attrs hcl.Attributes) []*hcl.Attribute {
	out := make([]*hcl.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Range.Start.Byte < out[j].Range.Start.Byte })
	return out
}
