package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// House style 1, 4 and 5, and a comment on every package.
const (
	maxFileLines     = 1000
	maxFunctionLines = 70
	minCommentChars  = 60 // less than that cannot say what a package is for and what it must not know
)

// vagueNames say nothing about what lies in a package.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "model", "base", "misc", "shared"}

var packageName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func packageNames(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		bad := ""
		switch {
		case p.name == "main":
			continue
		case slices.Contains(vagueNames, p.name):
			bad = "the name says nothing; name the package for what it is about"
		case !packageName.MatchString(p.name):
			bad = "a package's name is one lower-case word"
		case p.name != path.Base(p.path):
			bad = fmt.Sprintf("the package is called %s and its folder %s", p.name, path.Base(p.path))
		default:
			continue
		}
		found = append(found, finding{rule: "package-name", subject: p.path, text: bad})
	}
	return found
}

func packageComments(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		written := p.written()
		if len(written) == 0 {
			continue
		}
		text := ""
		for _, f := range p.files {
			text += f.tree.Doc.Text()
		}
		switch {
		case len(text) < minCommentChars:
			text = "write a package comment: what it is for, what it owns, what it must not know"
		case p.name != "main" && !strings.HasPrefix(text, "Package "+p.name+" "):
			text = fmt.Sprintf("the package comment begins with %q", "Package "+p.name)
		default:
			continue
		}
		found = append(found, finding{rule: "package-comment", subject: p.path, where: h.where(written[0].tree), text: text})
	}
	return found
}

func fileLengths(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		for _, f := range p.written() {
			if f.lines > maxFileLines {
				found = append(found, finding{rule: "file-length", subject: f.name, size: f.lines,
					text: fmt.Sprintf("%d lines; the limit is %d: split it by type or state", f.lines, maxFileLines)})
			}
		}
	}
	return found
}

func functionLengths(h *house) []finding {
	var found []finding
	for _, p := range h.packages {
		for _, f := range p.written() {
			for _, decl := range f.tree.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				lines := h.line(fn.Body.Rbrace) - h.line(fn.Pos()) + 1
				if lines <= maxFunctionLines || h.flatSwitch(fn.Body) {
					continue
				}
				found = append(found, finding{
					rule: "function-length", subject: functionName(p, fn), size: lines, where: h.where(fn),
					text: fmt.Sprintf("%d lines; the limit is %d: branch in the parent, compute in leaves", lines, maxFunctionLines),
				})
			}
		}
	}
	return found
}

// functionName is "internal/flow.Machine.Handle": without stars and type parameters, so that it is one word.
func functionName(p *pkg, fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return p.path + "." + fn.Name.Name
	}
	receiver := fn.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return p.path + "." + t.Name + "." + fn.Name.Name
		default:
			return p.path + "." + fn.Name.Name
		}
	}
}

// flatSwitch says whether the body is one switch whose cases are one line each, with at most two more statements
// around it: such a table may be as long as its closed set.
func (h *house) flatSwitch(body *ast.BlockStmt) bool {
	if len(body.List) > 3 {
		return false
	}
	for _, statement := range body.List {
		var cases []ast.Stmt
		switch s := statement.(type) {
		case *ast.SwitchStmt:
			cases = s.Body.List
		case *ast.TypeSwitchStmt:
			cases = s.Body.List
		default:
			continue
		}
		return !slices.ContainsFunc(cases, func(c ast.Stmt) bool {
			list := c.(*ast.CaseClause).Body
			return len(list) > 1 || len(list) == 1 && h.line(list[0].Pos()) != h.line(list[0].End())
		})
	}
	return false
}
