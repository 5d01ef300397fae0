package expr

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// locals are the root names that belong to the place where an expression stands:
// they are values of the evaluation, not objects.
var locals = map[string]bool{"count": true, "each": true, "self": true, "path": true, "terraform": true, "tofu": true}

// ParseReference reads what a traversal refers to. The result has no subject (its
// Kind is 0) for names that belong to the place, such as each.key.
func ParseReference(tr hcl.Traversal) (addr.Reference, diag.List) {
	root := tr.RootName()
	rng := tr.SourceRange()
	switch {
	case locals[root]:
		return addr.Reference{Remaining: tr[1:], Range: rng}, checkLocal(root, tr)
	case root == "resource":
		return parseTyped(addr.Resource, tr, 1)
	case root == "template" || root == "lazy" || root == "arg":
		if root != "template" {
			return addr.Reference{}, diag.Errorf(&rng, "Reserved symbol name", "The name %q is reserved. If it is a resource type, write resource.%s.NAME.", root, root)
		}
	}
	kind, reserved := addr.Root(root)
	switch {
	case !reserved:
		return parseTyped(addr.Resource, tr, 0)
	case kind.Typed():
		return parseTyped(kind, tr, 1)
	case kind == addr.Output || kind == addr.Check || kind == addr.Provider:
		return addr.Reference{}, diag.Errorf(&rng, "Invalid reference", "The name %q cannot be referred to. If it is a resource type, write resource.%s.NAME.", root, root)
	}
	name, ok := attr(tr, 1)
	if !ok {
		return addr.Reference{}, diag.Errorf(&rng, "Invalid reference", "The %q object cannot be used by itself: follow it by a dot and a name, as in %s.NAME.", root, root)
	}
	return keyed(addr.Name{Kind: kind, Name: name}, tr, 2), nil
}

func parseTyped(kind addr.Kind, tr hcl.Traversal, at int) (addr.Reference, diag.List) {
	rng := tr.SourceRange()
	typeName, ok := tr.RootName(), true
	if at == 1 {
		typeName, ok = attr(tr, 1)
	}
	name, ok2 := attr(tr, at+1)
	if !ok || !ok2 {
		what := "a resource type"
		if kind != addr.Resource {
			what = fmt.Sprintf("%q", kind)
		}
		return addr.Reference{}, diag.Errorf(&rng, "Invalid reference",
			"A reference to %s must be followed by at least one attribute access, specifying the name: %s.%s.NAME.", what, kindPrefix(kind), typeName)
	}
	return keyed(addr.Name{Kind: kind, Type: typeName, Name: name}, tr, at+2), nil
}

func kindPrefix(k addr.Kind) string { return k.String() }

// keyed takes a literal instance key behind the subject, if there is one.
func keyed(n addr.Name, tr hcl.Traversal, rest int) addr.Reference {
	ref := addr.Reference{Subject: n, Remaining: tr[rest:], Range: tr.SourceRange()}
	if n.Kind.IsValue() && n.Kind != addr.ModuleCall {
		return ref
	}
	if rest < len(tr) {
		if idx, ok := tr[rest].(hcl.TraverseIndex); ok {
			if k, err := addr.KeyOf(idx.Key); err == nil {
				ref.Key, ref.Remaining = k, tr[rest+1:]
			}
		}
	}
	return ref
}

func attr(tr hcl.Traversal, i int) (string, bool) {
	if i >= len(tr) {
		return "", false
	}
	a, ok := tr[i].(hcl.TraverseAttr)
	return a.Name, ok
}

var localAttrs = map[string][]string{
	"count":     {"index"},
	"each":      {"key", "value"},
	"path":      {"module", "root", "cwd"},
	"terraform": {"workspace", "applying"},
	"tofu":      {"workspace", "applying"},
}

func checkLocal(root string, tr hcl.Traversal) diag.List {
	allowed := localAttrs[root]
	if allowed == nil {
		return nil
	}
	rng := tr.SourceRange()
	name, ok := attr(tr, 1)
	if !ok {
		return diag.Errorf(&rng, "Invalid reference", "The %q object cannot be used by itself: follow it by a dot and an attribute, as in %s.%s.", root, root, allowed[0])
	}
	for _, a := range allowed {
		if a == name {
			return nil
		}
	}
	return diag.Errorf(&rng, "Invalid "+root+" attribute", "The %q object has no attribute %q.%s", root, name, diag.DidYouMean(name, allowed))
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
