package document

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// node makes a node of the library's; nil after a failure.
func (r *reader) node(y *yaml.Node, depth int) *Node {
	if depth > MaxDepth {
		return r.fail(y.Line, y.Column, fmt.Sprintf("Values lie more than %d deep in each other.", MaxDepth))
	}
	if y.Kind == yaml.AliasNode {
		return r.alias(y)
	}
	r.made[y] = nil
	n := r.tagged(y, depth)
	if n == nil {
		return nil
	}
	n.size = 1
	for _, inner := range n.Items {
		n.size += inner.size
	}
	n.size += len(n.Keys)
	if y.Anchor != "" {
		r.made[y] = n
	} else {
		delete(r.made, y)
	}
	if r.size++; r.size > MaxNodes {
		return r.tooMany(y)
	}
	return n
}

func (r *reader) tooMany(y *yaml.Node) *Node {
	return r.fail(y.Line, y.Column, fmt.Sprintf("The document has more than %d values, with aliases counted each time.", MaxNodes))
}

func (r *reader) alias(y *yaml.Node) *Node {
	n := r.made[y.Alias]
	if n == nil {
		return r.fail(y.Line, y.Column, fmt.Sprintf("The alias %q stands inside of what it is an alias of.", y.Value))
	}
	if r.size += n.size; r.size > MaxNodes {
		return r.tooMany(y)
	}
	return n
}

// tagged makes a node by its explicit tag, or, without one, by its form.
func (r *reader) tagged(y *yaml.Node, depth int) *Node {
	switch {
	case y.Tag == "!" && y.Kind == yaml.ScalarNode && y.Value == "":
		return r.scalar(y, tagStr)
	case y.Style&yaml.TaggedStyle == 0, y.Tag == "", y.Tag == "!":
		return r.untagged(y, depth)
	}
	tag := y.ShortTag()
	if !r.options.PlainTags {
		switch tag {
		case "!unsafe":
			r.unsafe++
			defer func() { r.unsafe-- }()
			return r.untagged(y, depth)
		case "!vault":
			return r.vault(y, tag)
		case "!vault-encrypted":
			r.deprecated(y, tag, "Use the `!vault` tag instead.")
			return r.vault(y, tag)
		}
	}
	switch tag {
	case "!!map", "!!python/dict":
		if y.Kind != yaml.MappingNode {
			return r.mismatch(y, "mapping")
		}
		return r.dict(y, depth)
	case "!!seq":
		if y.Kind != yaml.SequenceNode {
			return r.mismatch(y, "sequence")
		}
		return r.list(y, depth)
	case "!!set":
		return r.set(y, depth)
	case "!!omap", "!!pairs":
		r.deprecated(y, tag, "Use a standard mapping instead; the order of its keys is kept.")
		return r.pairs(y, tag, depth)
	case "!!python/unicode":
		tag = tagStr
	case tagStr, tagNull, tagBool, tagInt, tagFloat, tagTimestamp, tagBinary:
	default:
		return r.fail(y.Line, y.Column, fmt.Sprintf("Could not determine a constructor for the tag '%s'.", longTag(tag)))
	}
	if y.Kind != yaml.ScalarNode {
		return r.mismatch(y, "scalar")
	}
	return r.scalar(y, tag)
}

func (r *reader) deprecated(y *yaml.Node, tag, instead string) {
	r.diags = append(r.diags, diag.Warnf(RangeOf(r.at(y.Line, y.Column)), DeprecatedTag,
		"Use of the YAML `%s` tag is deprecated. %s", tag, instead)...)
}

func longTag(tag string) string {
	if short, ok := strings.CutPrefix(tag, "!!"); ok {
		return "tag:yaml.org,2002:" + short
	}
	return tag
}

func (r *reader) mismatch(y *yaml.Node, wanted string) *Node {
	return r.fail(y.Line, y.Column, fmt.Sprintf("Expected a %s node, but found %s.", wanted, kindName(y)))
}

func kindName(y *yaml.Node) string {
	switch y.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "sequence"
	case yaml.AliasNode:
		return kindName(y.Alias)
	default:
		return "scalar"
	}
}

func (r *reader) untagged(y *yaml.Node, depth int) *Node {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case y.Kind == yaml.MappingNode:
		return r.dict(y, depth)
	case y.Kind == yaml.SequenceNode:
		return r.list(y, depth)
	case y.Style&quoted != 0:
		return r.scalar(y, tagStr)
	}
	tag := Resolve(y.Value)
	if tag == tagMerge || tag == tagValue {
		return r.fail(y.Line, y.Column, fmt.Sprintf("Could not determine a constructor for the tag '%s'.", longTag(tag)))
	}
	return r.scalar(y, tag)
}

func (r *reader) scalar(y *yaml.Node, tag string) *Node {
	n := &Node{Kind: Scalar, Origin: r.at(y.Line, y.Column)}
	if tag == tagStr {
		n.Scalar = r.string(y.Value, n.Origin)
		return n
	}
	v, err := scalarOf(tag, y.Value)
	if err != nil {
		return r.plainFail(y.Line, y.Column, sentence(err.Error()))
	}
	n.Scalar = v
	return n
}

func (r *reader) string(text string, at value.Origin) any {
	if r.options.Untrusted || r.unsafe > 0 {
		return text
	}
	return TextValue(text, at)
}

func (r *reader) vault(y *yaml.Node, tag string) *Node {
	n := r.untagged(y, 1)
	if n == nil {
		return nil
	}
	text, ok := n.Text()
	if !ok {
		return r.plainFail(y.Line, y.Column, fmt.Sprintf("The '%s' tag requires a string value.", tag))
	}
	n.Scalar = &value.Vaulted{Text: text, Origin: n.Origin}
	return n
}

func (r *reader) list(y *yaml.Node, depth int) *Node {
	n := &Node{Kind: List, Origin: r.at(y.Line, y.Column), Items: make([]*Node, 0, len(y.Content))}
	for _, inner := range y.Content {
		item := r.node(inner, depth+1)
		if item == nil {
			return nil
		}
		n.Items = append(n.Items, item)
	}
	return n
}

// set gives the keys of a mapping as a list; there are no sets here.
func (r *reader) set(y *yaml.Node, depth int) *Node {
	if y.Kind != yaml.MappingNode {
		return r.mismatch(y, "mapping")
	}
	d := r.dict(y, depth)
	if d == nil {
		return nil
	}
	return &Node{Kind: List, Origin: d.Origin, Items: d.Keys}
}

// pairs gives a list of (key, value) for !!omap and !!pairs.
func (r *reader) pairs(y *yaml.Node, tag string, depth int) *Node {
	what := map[string]string{"!!omap": "an ordered map", "!!pairs": "pairs"}[tag]
	if y.Kind != yaml.SequenceNode {
		return r.fail(y.Line, y.Column, fmt.Sprintf("While constructing %s expected a sequence, but found %s.", what, kindName(y)))
	}
	n := &Node{Kind: List, Origin: r.at(y.Line, y.Column)}
	for _, inner := range y.Content {
		d := r.node(inner, depth+1)
		if d == nil {
			return nil
		}
		if d.Kind != Dict || len(d.Keys) != 1 {
			return r.fail(inner.Line, inner.Column, fmt.Sprintf("While constructing %s expected a mapping of length 1, but found %s.", what, kindName(inner)))
		}
		n.Items = append(n.Items, &Node{Kind: List, Tuple: true, Origin: d.Origin, Items: []*Node{d.Keys[0], d.Items[0]}, size: 3})
	}
	return n
}

// dict makes a mapping; what << brings comes first, and the mapping's own keys over it.
func (r *reader) dict(y *yaml.Node, depth int) *Node {
	b := newDictBuilder(r, &Node{Kind: Dict, Origin: r.at(y.Line, y.Column)}, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		if isMerge(y.Content[i]) && !r.merge(b, y, y.Content[i+1], depth) {
			return nil
		}
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		if isMerge(y.Content[i]) {
			continue
		}
		k := r.node(y.Content[i], depth+1)
		if k == nil {
			return nil
		}
		if k.Kind != Scalar {
			return r.fail(k.Origin.Line, k.Origin.Column, "While constructing a mapping found unhashable key.")
		}
		v := r.node(y.Content[i+1], depth+1)
		if v == nil || !b.add(keyOf(k), v) {
			return nil
		}
	}
	return b.dict
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && (k.ShortTag() == tagMerge || k.Value == "<<" && k.Style == 0)
}

// keyOf gives the key as plain text where it is text: keys are no templates.
func keyOf(k *Node) *Node {
	switch s := k.Scalar.(type) {
	case *value.Template:
		return &Node{Kind: Scalar, Scalar: s.Text, Origin: k.Origin}
	case *value.Vaulted:
		return &Node{Kind: Scalar, Scalar: s.Text, Origin: k.Origin}
	}
	return k
}

// merge adds what a << brings; of several mappings the first counts most.
func (r *reader) merge(b *dictBuilder, y, from *yaml.Node, depth int) bool {
	n := r.node(from, depth+1)
	if n == nil {
		return false
	}
	wrong := func(what string) bool {
		return r.fail(from.Line, from.Column, "While constructing a mapping "+what) != nil
	}
	switch n.Kind {
	case Dict:
		return b.addAll(n)
	case List:
		for i := len(n.Items) - 1; i >= 0; i-- {
			if n.Items[i].Kind != Dict {
				return wrong(fmt.Sprintf("expected a mapping for merging, but found %s.", nodeKind(n.Items[i])))
			}
			if !b.addAll(n.Items[i]) {
				return false
			}
		}
		return true
	}
	return wrong(fmt.Sprintf("expected a mapping or list of mappings for merging, but found %s.", nodeKind(n)))
}

func nodeKind(n *Node) string {
	if n.Kind == List {
		return "sequence"
	}
	return "scalar"
}

// dictBuilder puts keys and values into a dict node; of equal keys the first keeps its
// place and the last its value.
type dictBuilder struct {
	reader *reader
	dict   *Node
	// places tells where each key is; values know which keys are equal.
	places value.Dict
}

func newDictBuilder(r *reader, n *Node, length int) *dictBuilder {
	n.Keys, n.Items = make([]*Node, 0, length), make([]*Node, 0, length)
	return &dictBuilder{reader: r, dict: n}
}

func (b *dictBuilder) addAll(n *Node) bool {
	for i, k := range n.Keys {
		if b.reader.size++; b.reader.size > MaxNodes {
			b.reader.fail(k.Origin.Line, k.Origin.Column, fmt.Sprintf("The document has more than %d values, with aliases counted each time.", MaxNodes))
			return false
		}
		if !b.add(k, n.Items[i]) {
			return false
		}
	}
	return true
}

func (b *dictBuilder) add(k, v *Node) bool {
	if place, twice := b.places.Get(k.Scalar); twice {
		b.dict.Items[place.(int64)] = v
		return b.reader.duplicate(k)
	}
	b.places.Set(k.Scalar, int64(len(b.dict.Keys)))
	b.dict.Keys, b.dict.Items = append(b.dict.Keys, k), append(b.dict.Items, v)
	return true
}

// duplicate tells of a key that is there already, and whether to go on.
func (r *reader) duplicate(k *Node) bool {
	message := fmt.Sprintf("Found duplicate mapping key %s.", value.Repr(k.Scalar))
	switch r.options.Duplicates {
	case IgnoreDuplicates:
	case RefuseDuplicates:
		r.plainFail(k.Origin.Line, k.Origin.Column, message)
		return false
	default:
		if len(r.diags) >= maxWarnings {
			return true
		}
		r.diags = append(r.diags, diag.Warnf(k.Range(), DuplicateKey, "%s Using last defined value only.", message)...)
	}
	return true
}
