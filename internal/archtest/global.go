package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
)

// House style 16: no init, no mutable globals, no registration by import.

func initFunctions(h *house) []finding {
	var found []finding
	h.eachDecl(func(p *pkg, _ *file, decl ast.Decl) {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, finding{rule: "init", subject: p.path, where: h.where(fn),
				text: "no init functions: let the caller ask for what is set up here"})
		}
	})
	return found
}

func blankImports(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		for _, f := range p.written() {
			for _, i := range f.tree.Imports {
				// time/tzdata brings data, not behaviour: the zones, for machines that have none.
				if i.Name == nil || i.Name.Name != "_" || i.Path.Value == `"embed"` || i.Path.Value == `"time/tzdata"` {
					continue
				}
				imported, _ := strconv.Unquote(i.Path.Value)
				found = append(found, finding{rule: "blank-import", subject: p.path + ":" + imported, where: h.where(i),
					text: "no registration by import: use the package by name in one visible table"})
			}
		}
	}
	return found
}

// mutableGlobals finds package variables that are assigned after they are initialised, in whole or in part, and those
// whose type exists to be changed.
func mutableGlobals(h *house) []finding {
	var found []finding
	seen := map[string]bool{}
	report := func(v *types.Var, n ast.Node, text string) {
		path, inside := h.inside(v.Pkg().Path())
		if !inside {
			path = v.Pkg().Path()
		}
		subject := path + "." + v.Name()
		if !seen[subject] {
			seen[subject] = true
			found = append(found, finding{rule: "mutable-global", subject: subject, where: h.where(n), text: text})
		}
	}
	h.eachTyped(func(p *pkg, f *file) {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			for _, target := range assigned(p.info, n) {
				if v := p.global(target); v != nil {
					report(v, n, "a package variable is changed here: keep the value in a struct that its user holds")
				}
			}
			return true
		})
		for name, object := range p.info.Defs {
			if v, ok := object.(*types.Var); ok && isGlobal(v) && madeToChange(v.Type()) && h.fset.File(name.Pos()) == h.fset.File(f.tree.Pos()) {
				report(v, name, fmt.Sprintf("a package variable of type %s is shared state: keep it in a struct that its user holds", v.Type()))
			}
		}
	})
	return found
}

// assigned gives what a statement changes.
func assigned(info *types.Info, n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		name, ok := n.Fun.(*ast.Ident)
		if !ok || len(n.Args) == 0 {
			return nil
		}
		if _, builtin := info.Uses[name].(*types.Builtin); builtin && (name.Name == "delete" || name.Name == "clear") {
			return n.Args[:1]
		}
	}
	return nil
}

// global gives the package variable that an assigned expression is, or is part of.
func (p *pkg) global(e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			v, _ := p.info.Uses[x].(*types.Var)
			if v != nil && isGlobal(v) {
				return v
			}
			return nil
		case *ast.SelectorExpr:
			if v, ok := p.info.Uses[x.Sel].(*types.Var); ok && isGlobal(v) {
				return v
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func isGlobal(v *types.Var) bool {
	return !v.IsField() && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}

// madeToChange knows the types whose only use is to be changed. A sync.Pool is not one: nobody sees its state.
func madeToChange(t types.Type) bool {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if _, ok := t.Underlying().(*types.Chan); ok {
		return true
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	switch named.Obj().Pkg().Path() {
	case "sync/atomic":
		return true
	case "sync":
		return named.Obj().Name() != "Pool"
	}
	return false
}
