package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// house is the module under test.
type house struct {
	root     string // the folder of go.mod
	module   string // the module's path
	fset     *token.FileSet
	packages []*pkg
}

// pkg is one package of the module, without its tests.
type pkg struct {
	path        string // below the module's path: "internal/flow"
	name        string
	files       []*file
	imports     []string // of all files, generated ones too
	testImports []string
	types       *types.Package
	info        *types.Info
	broken      error // the first type error, if there is one
}

type file struct {
	name      string // below the module's folder
	lines     int
	generated bool
	tree      *ast.File
}

// written gives the files that a person wrote.
func (p *pkg) written() []*file {
	var files []*file
	for _, f := range p.files {
		if !f.generated {
			files = append(files, f)
		}
	}
	return files
}

// room is the first folder below internal, or "" for a package that lies elsewhere.
func (p *pkg) room() string { return roomOf(p.path) }

func roomOf(path string) string {
	rest, ok := strings.CutPrefix(path, "internal/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// where says where a node is, for a person.
func (h *house) where(n ast.Node) string {
	at := h.fset.Position(n.Pos())
	name, err := filepath.Rel(h.root, at.Filename)
	if err != nil {
		name = at.Filename
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(name), at.Line)
}

// inside gives the path below the module, or false for a package of somebody else.
func (h *house) inside(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, h.module+"/")
}

// listed is what go list says about a package, of the module or of its dependencies.
type listed struct {
	ImportPath, Name, Dir, Export      string
	GoFiles, CgoFiles                  []string
	Imports, TestImports, XTestImports []string
	DepOnly                            bool
	Module                             *struct{ Path string }
}

// load reads the module in root. It goes on where packages do not build.
func load(root string) (*house, error) {
	all, err := goList(root)
	if err != nil {
		return nil, err
	}
	h := &house{root: root, fset: token.NewFileSet()}
	exports := map[string]string{}
	for _, l := range all {
		exports[l.ImportPath] = l.Export
	}
	imports := importer.ForCompiler(h.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s is not built", path)
		}
		return os.Open(exports[path])
	})
	for _, l := range all {
		if l.DepOnly || l.Module == nil || len(l.GoFiles)+len(l.CgoFiles) == 0 {
			continue
		}
		h.module = l.Module.Path
		p, err := h.read(l)
		if err != nil {
			return nil, err
		}
		h.typeCheck(p, l.ImportPath, imports)
		h.packages = append(h.packages, p)
	}
	if len(h.packages) == 0 {
		return nil, fmt.Errorf("no packages in %s", root)
	}
	return h, nil
}

func goList(root string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-e", "-export", "-deps",
		"-json=ImportPath,Name,Dir,Export,GoFiles,CgoFiles,Imports,TestImports,XTestImports,DepOnly,Module", "./...")
	cmd.Dir = root
	var problems bytes.Buffer
	cmd.Stderr = &problems
	// With -e the exit status only says that something did not build; what is missing shows in the answer itself.
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w\n%s", err, problems.String())
		}
		all = append(all, l)
	}
	return all, nil
}

func (h *house) read(l listed) (*pkg, error) {
	path, _ := h.inside(l.ImportPath)
	p := &pkg{path: path, name: l.Name, imports: l.Imports}
	p.testImports = append(append(p.testImports, l.TestImports...), l.XTestImports...)
	for _, name := range append(l.GoFiles, l.CgoFiles...) {
		full := filepath.Join(l.Dir, name)
		// Read here rather than by the parser: it is what makes go test's cache see a change of the file.
		content, err := os.ReadFile(full)
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(h.fset, full, content, parser.ParseComments|parser.SkipObjectResolution)
		if tree == nil {
			return nil, err
		}
		short, err := filepath.Rel(h.root, full)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, &file{
			name:      filepath.ToSlash(short),
			lines:     bytes.Count(content, []byte("\n")),
			generated: ast.IsGenerated(tree),
			tree:      tree,
		})
	}
	return p, nil
}

func (h *house) typeCheck(p *pkg, importPath string, imports types.Importer) {
	if len(p.written()) == 0 {
		return
	}
	var trees []*ast.File
	for _, f := range p.files {
		trees = append(trees, f.tree)
	}
	conf := types.Config{Importer: imports, Error: func(err error) {
		if p.broken == nil {
			p.broken = err
		}
	}}
	p.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
		Defs:  map[*ast.Ident]types.Object{},
	}
	// The first error is kept by the Error hook above.
	p.types, _ = conf.Check(importPath, h.fset, trees, p.info)
}
