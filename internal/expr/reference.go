package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// Refs is what an expression refers to, in the order of the text.
type Refs struct {
	// Objects are the references to other objects of the graph.
	Objects []addr.Reference
	// Specials are those to what is known where the expression stands.
	Specials []Special
	// Functions are the calls of provider-defined functions.
	Functions []ProviderFunction
}

// Special is a reference to count, each, self, path, terraform or tofu.
type Special struct {
	Root  string
	Name  string // count.index has "index"; "" for self
	Range hcl.Range
}

// ProviderFunction is a call of provider::LOCAL::NAME or
// provider::LOCAL::ALIAS::NAME.
type ProviderFunction struct {
	Local, Alias, Name string
	Range              hcl.Range
}

// FullName gives the function's name as expressions write it.
func (f ProviderFunction) FullName() string {
	if f.Alias != "" {
		return "provider::" + f.Local + "::" + f.Alias + "::" + f.Name
	}
	return "provider::" + f.Local + "::" + f.Name
}

// ParseReference reads one traversal. Exactly one of the results is set when
// there is no error.
func ParseReference(tr hcl.Traversal) (*addr.Reference, *Special, diag.List) {
	root := tr.RootName()
	rng := tr.SourceRange()
	switch root {
	case "count", "each", "path", "terraform", "tofu":
		s, diags := parseSpecial(root, tr)
		return nil, s, diags
	case "self":
		return nil, &Special{Root: root, Range: rng}, nil
	case "output", "check", "provider":
		return nil, nil, diag.Errorf(&rng, "Invalid reference",
			"An expression cannot refer to %s block%s.", article(root), instead(root))
	case "lazy", "arg":
		return nil, nil, diag.Errorf(&rng, "Reserved symbol name", "The name %q is reserved. If it is a resource type, write resource.%s.NAME.", root, root)
	case "resource":
		return parseTyped(addr.Resource, tr, 1)
	case "data":
		return parseTyped(addr.Data, tr, 1)
	case "ephemeral":
		return parseTyped(addr.Ephemeral, tr, 1)
	}
	if kind, ok := addr.Root(root); ok {
		return parseNamed(kind, root, tr)
	}
	return parseTyped(addr.Resource, tr, 0)
}

func article(root string) string {
	if root == "output" {
		return "an output"
	}
	return "a " + root
}

func instead(root string) string {
	if root == "output" {
		return ": refer to what the output's own value refers to, or give it a name in a locals block"
	}
	return ""
}

func parseSpecial(root string, tr hcl.Traversal) (*Special, diag.List) {
	rng := tr.SourceRange()
	if len(tr) < 2 {
		return nil, diag.Errorf(&rng, "Invalid reference",
			"The %q object cannot be accessed directly. Instead, access one of its attributes, such as %s.", root, specialExample(root))
	}
	attr, ok := tr[1].(hcl.TraverseAttr)
	if !ok {
		at := tr[1].SourceRange()
		return nil, diag.Errorf(&at, "Invalid reference",
			"The %q object has attributes, not elements: write a dot and a name, such as %s.", root, specialExample(root))
	}
	return &Special{Root: root, Name: attr.Name, Range: hcl.RangeBetween(tr[0].SourceRange(), attr.SrcRange)}, nil
}

func specialExample(root string) string {
	switch root {
	case "count":
		return "count.index"
	case "each":
		return "each.key"
	case "path":
		return "path.module"
	default:
		return root + ".workspace"
	}
}

func parseNamed(kind addr.Kind, root string, tr hcl.Traversal) (*addr.Reference, *Special, diag.List) {
	name, diags := attrAt(tr, 1, root)
	if diags != nil {
		return nil, nil, diags
	}
	ref := &addr.Reference{Subject: addr.Name{Kind: kind, Name: name}, Range: hcl.RangeBetween(tr[0].SourceRange(), tr[1].SourceRange())}
	rest := tr[2:]
	if kind != addr.Variable && kind != addr.Local {
		ref.Key, rest = takeKey(rest)
	}
	ref.Remaining = rest
	ref.Range = refRange(tr, rest)
	return ref, nil, nil
}

// attrAt gives the attribute name at a place of the traversal.
func attrAt(tr hcl.Traversal, i int, root string) (string, diag.List) {
	rng := tr.SourceRange()
	if len(tr) <= i {
		return "", diag.Errorf(&rng, "Invalid reference",
			"The %q object cannot be accessed directly. Instead, access one of its attributes: %s.NAME.", root, root)
	}
	attr, ok := tr[i].(hcl.TraverseAttr)
	if !ok {
		at := tr[i].SourceRange()
		return "", diag.Errorf(&at, "Invalid reference",
			"The %q object does not support this operation: write a dot and a name after it.", root)
	}
	return attr.Name, nil
}

// parseTyped reads TYPE.NAME, whose TYPE stands at the given place.
func parseTyped(kind addr.Kind, tr hcl.Traversal, at int) (*addr.Reference, *Special, diag.List) {
	rng := tr.SourceRange()
	if len(tr) < at+2 {
		return nil, nil, diag.Errorf(&rng, "Invalid reference", "%s", tooShort(kind, tr, at))
	}
	var names [2]string
	for i := range names {
		switch step := tr[at+i].(type) {
		case hcl.TraverseRoot:
			names[i] = step.Name
		case hcl.TraverseAttr:
			names[i] = step.Name
		default:
			sub := step.SourceRange()
			return nil, nil, diag.Errorf(&sub, "Invalid reference", "%s", tooShort(kind, tr, at))
		}
	}
	ref := &addr.Reference{Subject: addr.Name{Kind: kind, Type: names[0], Name: names[1]}}
	ref.Key, ref.Remaining = takeKey(tr[at+2:])
	ref.Range = refRange(tr, ref.Remaining)
	return ref, nil, nil
}

func tooShort(kind addr.Kind, tr hcl.Traversal, at int) string {
	if at == 1 {
		return "The \"" + tr.RootName() + "\" object must be followed by two attribute names: the " + kind.String() +
			" type and the name, as in " + tr.RootName() + ".TYPE.NAME."
	}
	return "A reference to a resource type must be followed by at least one attribute access, specifying the resource name." +
		diag.DidYouMean(tr.RootName(), []string{"var", "local", "module", "data", "path", "each", "count", "self", "terraform", "ephemeral"})
}

// takeKey splits a literal instance key off the front.
func takeKey(tr hcl.Traversal) (addr.Key, hcl.Traversal) {
	if len(tr) == 0 {
		return addr.NoKey, nil
	}
	idx, ok := tr[0].(hcl.TraverseIndex)
	if !ok {
		return addr.NoKey, tr
	}
	key, err := addr.KeyOf(idx.Key)
	if err != nil {
		return addr.NoKey, tr
	}
	return key, tr[1:]
}

// refRange covers the part of the traversal before what remains.
func refRange(tr, rest hcl.Traversal) hcl.Range {
	return hcl.RangeBetween(tr[0].SourceRange(), tr[len(tr)-len(rest)-1].SourceRange())
}

// specialNames are the attributes of the names that belong to a place.
var specialNames = map[string][]string{
	"count":     {"index"},
	"each":      {"key", "value"},
	"path":      {"module", "root", "cwd"},
	"terraform": {"workspace", "applying"},
	"tofu":      {"workspace", "applying"},
}

// Check complains about an attribute that the name does not have.
func (s Special) Check() diag.List {
	names := specialNames[s.Root]
	if names == nil || slices.Contains(names, s.Name) {
		return nil
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	list := "the attribute " + quoted[0]
	if last := len(quoted) - 1; last > 0 {
		list = "the attributes " + strings.Join(quoted[:last], ", ") + " and " + quoted[last]
	}
	rng := s.Range
	return diag.Errorf(&rng, "Invalid \""+s.Root+"\" attribute", "The %q object has only %s.%s", s.Root, list, diag.DidYouMean(s.Name, names))
}

// path gives where the subject's value stands among the variables of an
// evaluation: the root name and the attributes below it.
func path(root string, n addr.Name) []string {
	switch {
	case n.Kind == addr.Resource && root == "resource":
		return []string{"resource", n.Type, n.Name}
	case n.Kind == addr.Resource:
		return []string{n.Type, n.Name}
	case n.Kind.Typed():
		return []string{root, n.Type, n.Name}
	default:
		return []string{root, n.Name}
	}
}

// keyName is how a sparse collection names an instance: hcl turns an index into
// text when it looks into an object value.
func keyName(k addr.Key) string {
	if s, ok := k.Str(); ok {
		return s
	}
	v := k.Value()
	if v == cty.NilVal {
		panic("expr: invariant broken: an instance without a key in a sparse collection")
	}
	n, _ := k.Int()
	return fmt.Sprint(n)
}
