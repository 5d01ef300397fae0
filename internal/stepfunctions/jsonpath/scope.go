package jsonpath

import "tutti/internal/stepfunctions/data"

// Scope holds the documents that the paths of a state start from.
type Scope struct {
	Input     any
	Context   any
	Variables *data.Object // by name, without $
}

// Document gives what a path starts from. The error is a *NotFoundError for a variable
// that is not there.
func (s Scope) Document(p *Path) (any, error) {
	switch p.root {
	case Input:
		return s.Input, nil
	case Context:
		return s.Context, nil
	}
	name, _ := p.root.Variable()
	v, ok := s.Variables.Get(name)
	if !ok {
		return nil, &NotFoundError{Path: p.text, Where: string(p.root), What: "there is no such variable"}
	}
	return v, nil
}

// Eval gives what a path has in its document; errors are those of Path.Eval.
func (s Scope) Eval(p *Path) (any, error) {
	document, err := s.Document(p)
	if err != nil {
		return nil, err
	}
	return p.Eval(document)
}
