package jsonata

import "strconv"

// slot is the place of one % operator: the name under which the step that it refers to keeps its input.
type slot struct {
	label string
	level int // how many steps up the parent still is
}

// resolver gives the tree its meaning: dots become paths with steps, predicates become filters of their step, and each
// % finds the step whose input it is. Positions of errors are byte offsets.
type resolver struct {
	slots int
	depth int
}

// resolveTree turns what the parser made into what the compiler takes.
func resolveTree(tree *node) (*node, error) {
	r := &resolver{}
	n, err := r.resolve(tree)
	if err != nil {
		return nil, err
	}
	if n.kind == kindParent || len(n.seeking) > 0 {
		e := &Error{Code: "S0217", Token: n.kind.String(), Position: n.position}
		if n.kind == kindParent || n.kind == kindPath {
			e.Position = 0 // as in the reference, where these two have none
		}
		return nil, e
	}
	return n, nil
}

func (r *resolver) resolve(n *node) (*node, error) {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxTree {
		return nil, limitError("the expression nests too deep")
	}
	result, err := r.byKind(n)
	if err == nil && n.keepArray {
		result.keepArray = true
	}
	return result, err
}

func (r *resolver) byKind(n *node) (*node, error) {
	switch n.kind {
	case kindBinary:
		return r.binary(n)
	case kindUnary:
		return r.unary(n)
	case kindFunction, kindPartial:
		return r.call(n)
	case kindLambda:
		body, err := r.resolve(n.body)
		if err == nil {
			n.body = tailCalls(body)
		}
		return n, err
	case kindCondition, kindElse, kindTransform:
		return r.branches(n)
	case kindBlock:
		return r.block(n)
	case kindName:
		return &node{kind: kindPath, steps: []*node{n}, keepSingleton: n.keepArray, position: n.position}, nil
	case kindParent:
		n.slot = &slot{label: "!" + strconv.Itoa(r.slots), level: 1}
		r.slots++
		return n, nil
	case kindOperator:
		if n.text == "?" {
			return n, nil
		}
		n.kind = kindName // a keyword as the name of a field
		return r.byKind(n)
	case kindEnd:
		return nil, &Error{Code: "S0207", Position: n.position, Token: n.text}
	}
	return n, nil
}

func (r *resolver) binary(n *node) (*node, error) {
	switch n.text {
	case ".":
		return r.path(n)
	case "[":
		return r.predicate(n)
	case "{":
		return r.grouping(n)
	case "^":
		return r.orderBy(n)
	case "@":
		return r.focus(n)
	case "#":
		return r.index(n)
	case ":=":
		n.kind = kindBind
		var err error
		if n.right, err = r.resolve(n.right); err == nil {
			n.seek(n.right)
		}
		return n, err
	}
	var err error
	if n.left, err = r.resolve(n.left); err != nil {
		return nil, err
	}
	if n.right, err = r.resolve(n.right); err != nil {
		return nil, err
	}
	if n.text == "~>" {
		n.kind = kindApply
		n.keepArray = n.left.keepArray || n.right.keepArray
		return n, nil
	}
	n.seek(n.left)
	n.seek(n.right)
	return n, nil
}

// seek takes over the parents that an operand looks for.
func (n *node) seek(operand *node) {
	n.seeking = append(n.seeking, operand.seeking...)
	if operand.kind == kindParent {
		n.seeking = append(n.seeking, operand.slot)
	}
}

func (r *resolver) path(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	if result.kind != kindPath {
		first := result
		result = &node{kind: kindPath, steps: []*node{first}, position: n.position}
		if first.kind == kindParent {
			result.seeking = []*slot{first.slot}
		}
	}
	rest, err := r.resolve(n.right)
	if err != nil {
		return nil, err
	}
	if rest.kind == kindPath {
		result.steps = append(result.steps, rest.steps...)
	} else {
		rest.predicatesToStages()
		result.steps = append(result.steps, rest)
	}
	for _, step := range result.steps {
		switch step.kind {
		case kindNumber, kindValue:
			return nil, &Error{Code: "S0213", Position: step.position, Value: step.value}
		case kindString:
			step.kind, step.text = kindName, step.value.(string)
		}
		if step.keepArray {
			result.keepSingleton = true
		}
	}
	for _, end := range [...]*node{result.steps[0], result.steps[len(result.steps)-1]} {
		if end.kind == kindUnary && end.text == "[" {
			end.consArray = true
		}
	}
	return result, r.findParents(result)
}

func (n *node) predicatesToStages() {
	for _, p := range n.predicates {
		n.stages = append(n.stages, stage{filter: p})
	}
	n.predicates = nil
}

// lastStep is what an operator behind an expression acts on.
func (n *node) lastStep() *node {
	if n.kind == kindPath {
		return n.steps[len(n.steps)-1]
	}
	return n
}

func (r *resolver) predicate(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	step := result.lastStep()
	if step.group != nil {
		return nil, &Error{Code: "S0209", Position: n.position}
	}
	filter, err := r.resolve(n.right)
	if err != nil {
		return nil, err
	}
	if len(filter.seeking) > 0 {
		for _, s := range filter.seeking {
			if s.level != 1 {
				s.level--
			} else if err := r.seekParent(step, s); err != nil {
				return nil, err
			}
		}
		step.seek(filter)
	}
	if result.kind == kindPath {
		step.stages = append(step.stages, stage{filter: filter})
	} else {
		step.predicates = append(step.predicates, filter)
	}
	return result, nil
}

func (r *resolver) grouping(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	if result.group != nil {
		return nil, &Error{Code: "S0210", Position: n.position}
	}
	group := &node{kind: kindUnary, text: "{", position: n.position, pairs: n.pairs}
	for i := range group.pairs {
		for k := range 2 {
			if group.pairs[i][k], err = r.resolve(group.pairs[i][k]); err != nil {
				return nil, err
			}
		}
	}
	result.group = group
	return result, nil
}

func (r *resolver) orderBy(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	if result.kind != kindPath {
		result = &node{kind: kindPath, steps: []*node{result}, position: n.position}
	}
	step := &node{kind: kindSort, position: n.position, terms: n.terms}
	for i := range step.terms {
		key, err := r.resolve(step.terms[i].key)
		if err != nil {
			return nil, err
		}
		step.terms[i].key = key
		step.seek(key)
	}
	result.steps = append(result.steps, step)
	return result, r.findParents(result)
}

func (r *resolver) focus(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	step := result.lastStep()
	switch {
	case len(step.stages) > 0 || len(step.predicates) > 0:
		return nil, &Error{Code: "S0215", Position: n.position}
	case step.kind == kindSort:
		return nil, &Error{Code: "S0216", Position: n.position}
	}
	if n.keepArray {
		step.keepArray = true
	}
	step.focus, step.tuple = n.right.text, true
	return result, nil
}

func (r *resolver) index(n *node) (*node, error) {
	result, err := r.resolve(n.left)
	if err != nil {
		return nil, err
	}
	step := result.lastStep()
	if result.kind != kindPath {
		result = &node{kind: kindPath, steps: []*node{step}, position: n.position}
		step.predicatesToStages()
	}
	if len(step.stages) == 0 {
		step.index = n.right.text
	} else {
		step.stages = append(step.stages, stage{index: n.right.text})
	}
	step.tuple = true
	return result, nil
}

func (r *resolver) unary(n *node) (*node, error) {
	var err error
	switch n.text {
	case "[":
		for i, item := range n.list {
			if n.list[i], err = r.resolve(item); err != nil {
				return nil, err
			}
			n.seek(n.list[i])
		}
	case "{":
		for i := range n.pairs {
			for k := range 2 {
				if n.pairs[i][k], err = r.resolve(n.pairs[i][k]); err != nil {
					return nil, err
				}
				n.seek(n.pairs[i][k])
			}
		}
	default:
		if n.left, err = r.resolve(n.left); err != nil {
			return nil, err
		}
		if f, ok := n.left.value.(float64); ok && n.left.kind == kindNumber {
			n.left.value = -f
			return n.left, nil
		}
		n.seek(n.left)
	}
	return n, nil
}

func (r *resolver) call(n *node) (*node, error) {
	var err error
	for i, argument := range n.list {
		if n.list[i], err = r.resolve(argument); err != nil {
			return nil, err
		}
		n.seek(n.list[i])
	}
	n.procedure, err = r.resolve(n.procedure)
	return n, err
}

func (r *resolver) branches(n *node) (*node, error) {
	for _, part := range [...]**node{&n.left, &n.then, &n.other} {
		if *part == nil {
			continue
		}
		var err error
		if *part, err = r.resolve(*part); err != nil {
			return nil, err
		}
		if n.kind != kindTransform {
			n.seek(*part)
		}
	}
	return n, nil
}

func (r *resolver) block(n *node) (*node, error) {
	for i, e := range n.list {
		part, err := r.resolve(e)
		if err != nil {
			return nil, err
		}
		n.list[i] = part
		n.seek(part)
		if part.consArray || part.kind == kindPath && part.steps[0].consArray {
			n.consArray = true
		}
	}
	return n, nil
}

// tailCalls marks the calls whose value is the value of the function, so that they need not nest.
func tailCalls(n *node) *node {
	switch n.kind {
	case kindFunction:
		n.thunk = len(n.predicates) == 0
	case kindCondition:
		n.then = tailCalls(n.then)
		if n.other != nil {
			n.other = tailCalls(n.other)
		}
	case kindElse:
		n.other = tailCalls(n.other)
	case kindBlock:
		if last := len(n.list) - 1; last >= 0 {
			n.list[last] = tailCalls(n.list[last])
		}
	}
	return n
}

// findParents resolves the % of the last step of a path against the steps before it.
func (r *resolver) findParents(path *node) error {
	last := path.steps[len(path.steps)-1]
	slots := last.seeking
	if last.kind == kindParent {
		slots = append(slots[:len(slots):len(slots)], last.slot)
	}
	for _, s := range slots {
		for i := len(path.steps) - 2; s.level > 0; {
			if i < 0 {
				path.seeking = append(path.seeking, s)
				break
			}
			step := path.steps[i]
			i--
			// Of steps that bind a variable with @ one after the other, all but the first keep the context.
			for i >= 0 && step.focus != "" && path.steps[i].focus != "" {
				step = path.steps[i]
				i--
			}
			if err := r.seekParent(step, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// seekParent makes a step keep its input for a %, if it is the one that is meant, or counts it.
func (r *resolver) seekParent(n *node, s *slot) error {
	switch n.kind {
	case kindName, kindWildcard:
		s.level--
		if s.level == 0 {
			if n.ancestor != nil {
				s.label = n.ancestor.label
			}
			n.ancestor, n.tuple = s, true
		}
	case kindParent:
		s.level++
	case kindBlock:
		if last := len(n.list) - 1; last >= 0 {
			n.tuple = true
			return r.seekParent(n.list[last], s)
		}
	case kindPath:
		n.tuple = true
		for i := len(n.steps) - 1; i >= 0; i-- {
			if err := r.seekParent(n.steps[i], s); err != nil {
				return err
			}
			if s.level <= 0 {
				break
			}
		}
	default:
		return &Error{Code: "S0217", Token: n.kind.String(), Position: n.position}
	}
	return nil
}
