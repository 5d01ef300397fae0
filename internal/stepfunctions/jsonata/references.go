package jsonata

// References are what an expression's text refers to outside of itself, for whoever checks an expression without
// evaluating it.
type References struct {
	// Context are the names that are looked up in the input itself: phone in phone.number, and price in
	// $map($x, function($i) { price }). A name behind a dot or in a filter is not among them.
	Context []string
	// Root says that $$ is used.
	Root bool
	// Members are the first members taken of a variable, by the variable's name: input of $states.input.a.
	Members map[string][]string
}

// ReferencesOf tells what an expression refers to. The error is that of Parse.
func ReferencesOf(source string) (References, error) {
	if _, err := Parse(source); err != nil {
		return References{}, err
	}
	tree, err := parseTree(source)
	if err != nil {
		return References{}, err
	}
	r := References{Members: map[string][]string{}}
	r.walk(tree, true)
	return r, nil
}

// walk looks at a node of the unresolved tree. context says that names there are looked up in the input.
func (r *References) walk(n *node, context bool) {
	if n == nil {
		return
	}
	switch n.kind {
	case kindName:
		if context {
			r.Context = append(r.Context, n.text)
		}
		return
	case kindVariable:
		r.Root = r.Root || n.text == "$"
		return
	case kindBinary:
		r.binary(n, context)
		return
	case kindTransform: // Its parts are about what the transformation is applied to.
		context = false
	}
	for _, part := range [...]*node{n.left, n.right, n.procedure, n.body, n.then, n.other} {
		r.walk(part, context)
	}
	for _, item := range n.list {
		r.walk(item, context)
	}
	for _, pair := range n.pairs {
		r.walk(pair[0], context)
		r.walk(pair[1], context)
	}
}

// binary looks at an operator between operands, of which some are evaluated for what stands left of them.
func (r *References) binary(n *node, context bool) {
	r.walk(n.left, context)
	inner := false
	switch n.text {
	case ".":
		if n.left.kind == kindVariable {
			if name, ok := firstName(n.right); ok {
				r.Members[n.left.text] = append(r.Members[n.left.text], name)
			}
		}
	case "[", "^", "{", "@", "#":
	default:
		inner = context
	}
	r.walk(n.right, inner)
	for _, t := range n.terms {
		r.walk(t.key, false)
	}
	for _, pair := range n.pairs {
		r.walk(pair[0], false)
		r.walk(pair[1], false)
	}
}

// firstName gives the name that a step takes, with or without filters.
func firstName(n *node) (string, bool) {
	for n.kind == kindBinary && (n.text == "[" || n.text == "^" || n.text == "{") {
		n = n.left
	}
	if n.kind == kindString {
		s, ok := n.value.(string)
		return s, ok
	}
	return n.text, n.kind == kindName
}
