package archtest

import (
	"go/ast"
	"go/token"
)

func (h *house) line(at token.Pos) int { return h.fset.Position(at).Line }

// eachDecl goes through all top-level declarations that a person wrote.
func (h *house) eachDecl(visit func(*pkg, *file, ast.Decl)) {
	for _, p := range h.packages {
		for _, f := range p.written() {
			for _, decl := range f.tree.Decls {
				visit(p, f, decl)
			}
		}
	}
}

// eachTyped goes through all files that a person wrote in packages whose types are known.
func (h *house) eachTyped(visit func(*pkg, *file)) {
	for _, p := range h.packages {
		if p.info == nil || p.broken != nil {
			continue
		}
		for _, f := range p.written() {
			visit(p, f)
		}
	}
}
