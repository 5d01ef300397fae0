package block

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

// Stack is what the stack block says.
type Stack struct {
	Name  string
	Range hcl.Range
}

// Kind is a type of block that a language knows.
type Kind struct {
	Kind addr.Kind
	// Spec is what such a block holds beside the meta-arguments.
	Spec hcldec.ObjectSpec
	// Check finds what is wrong whatever the values are; it may be nil.
	Check func(b *Block) diag.List
}

// Block is a block as it stands in the files.
type Block struct {
	Name  addr.Name
	Range hcl.Range // of the block's header
	Body  *hclsyntax.Body
	spec  hcldec.ObjectSpec
	// inputs are the references of everything but the meta-arguments.
	inputs     *expr.Code
	repetition repetition
	dependsOn  []hcl.Traversal
	life       lifecycle
}

type repetition struct {
	count, forEach, enabled hcl.Expression
	code                    *expr.Code
}

type lifecycle struct {
	preventDestroy bool
	pre, post      []condition
}

type condition struct {
	test, message hcl.Expression
	code          *expr.Code
}

// laterBlocks are the words of the language that no version knows yet.
var laterBlocks = []string{"playbook", "manifest", "template", "workflow", "dag", "service"}

// Load reads the sources of all files, by file name. What it gives beside errors is
// as complete as they allow.
func Load(files map[string][]byte, kinds []Kind) (*File, diag.List) {
	l := &loader{file: &File{}, kinds: kinds, seen: map[addr.Name]*Block{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l.load(name, files[name])
	}
	return l.file, l.diags
}

type loader struct {
	file  *File
	kinds []Kind
	seen  map[addr.Name]*Block
	diags diag.List
}

// types are the words that blocks begin with.
func (l *loader) types() []string {
	list := []string{"stack"}
	for _, k := range l.kinds {
		list = append(list, k.Kind.String())
	}
	return list
}

// known lists the words for people.
func (l *loader) known() string {
	list := l.types()
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

func (l *loader) hcl(d hcl.Diagnostics) bool {
	l.diags = append(l.diags, diag.FromHCL(d)...)
	return !d.HasErrors()
}

func (l *loader) errorf(rng hcl.Range, headline, detail string, args ...any) {
	l.diags = append(l.diags, diag.Errorf(&rng, headline, detail, args...)...)
}

func (l *loader) load(name string, src []byte) {
	f, d := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	l.hcl(d)
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	for _, a := range sortedAttributes(body) {
		l.errorf(a.NameRange, "Unexpected argument", "%q stands outside of a block. Everything in a .tutti.hcl file lies in blocks: %s.", a.Name, strings.Join(l.types(), ", "))
	}
	for _, b := range body.Blocks {
		i := slices.IndexFunc(l.kinds, func(k Kind) bool { return k.Kind.String() == b.Type })
		switch {
		case b.Type == "stack":
			l.stack(b)
		case i >= 0:
			l.block(b, l.kinds[i])
		default:
			l.other(b)
		}
	}
}

func sortedAttributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(body.Attributes), func(a, b *hclsyntax.Attribute) int {
		return a.NameRange.Start.Byte - b.NameRange.Start.Byte
	})
}

// terraformBlocks are found in these files by mistake.
var terraformBlocks = []string{"resource", "data", "variable", "locals", "output", "module", "provider", "terraform", "ephemeral", "check", "moved", "removed", "import"}

func (l *loader) other(b *hclsyntax.Block) {
	switch {
	case slices.Contains(laterBlocks, b.Type):
		l.errorf(b.TypeRange, "Block is not available in this version yet", "This version of tutti knows the blocks %s; %s comes with a later one.", l.known(), b.Type)
	case slices.Contains(terraformBlocks, b.Type):
		l.errorf(b.TypeRange, "Unsupported block type", "Blocks of type %q belong in a .tf file, beside this one. What is declared there can be used here.", b.Type)
	default:
		l.errorf(b.TypeRange, "Unsupported block type", "Blocks of type %q are not expected here.%s", b.Type, diag.DidYouMean(b.Type, slices.Concat(l.types(), laterBlocks)))
	}
}

func (l *loader) stack(b *hclsyntax.Block) {
	rng := b.DefRange()
	if l.file.Stack != nil {
		l.errorf(rng, "Duplicate stack block", "The stack was named at %s already. Keep one of the blocks.", l.file.Stack.Range)
		return
	}
	if len(b.Labels) > 0 {
		l.errorf(b.LabelRanges[0], "Unexpected label", "A stack block has no label. Write name = %q inside.", b.Labels[0])
		return
	}
	content, d := b.Body.Content(stackSchema())
	if !l.hcl(d) {
		return
	}
	for _, inner := range content.Blocks {
		l.errorf(inner.TypeRange, "Block is not available in this version yet", "This version of tutti works here, and stores in the stack's folder; %s comes with a later one.", inner.Type)
	}
	a := content.Attributes["name"]
	v, d := a.Expr.Value(nil)
	if !l.hcl(d) {
		return
	}
	if v.IsNull() || v.Type() != cty.String || !hclsyntax.ValidIdentifier(v.AsString()) {
		l.errorf(a.Expr.Range(), "Invalid stack name", "A stack's name is a text of letters, digits, - and _ that starts with a letter.")
		return
	}
	l.file.Stack = &Stack{Name: v.AsString(), Range: rng}
}

func (l *loader) block(src *hclsyntax.Block, kind Kind) {
	if len(src.Labels) != 1 {
		l.errorf(src.DefRange(), "Invalid block labels", "A %s block has one label, its name: %s \"NAME\" { ... }.", kind.Kind, kind.Kind)
		return
	}
	b := &Block{Name: addr.Name{Kind: kind.Kind, Name: src.Labels[0]}, Range: src.DefRange(), Body: src.Body, spec: kind.Spec}
	if !hclsyntax.ValidIdentifier(b.Name.Name) {
		l.errorf(src.LabelRanges[0], "Invalid name", "%q is no name: it must start with a letter or _ and may hold only letters, digits, _ and -.", b.Name.Name)
		return
	}
	if first := l.seen[b.Name]; first != nil {
		l.errorf(b.Range, "Duplicate block", "%s was declared at %s already. Names must be unique in a stack.", b.Name, first.Range)
		return
	}
	content, d := src.Body.Content(withMeta(kind.Spec))
	l.hcl(d)
	l.nested(src.Body, kind.Spec)
	l.conditionsBelong(src.Body)
	l.meta(b, content)
	l.inputs(b)
	if kind.Check != nil {
		l.diags = append(l.diags, kind.Check(b)...)
	}
	l.seen[b.Name] = b
	l.file.Blocks = append(l.file.Blocks, b)
}

// nested checks the names of arguments in nested blocks, at any depth: the values
// are decoded only when they can be evaluated.
func (l *loader) nested(body *hclsyntax.Body, spec hcldec.ObjectSpec) {
	seen := map[string]bool{}
	for _, inner := range body.Blocks {
		s, ok := spec[inner.Type].(*hcldec.BlockSpec)
		if !ok {
			continue
		}
		if seen[inner.Type] {
			l.errorf(inner.DefRange(), "Duplicate block", "There can be only one %s block here.", inner.Type)
		}
		seen[inner.Type] = true
		nested := s.Nested.(hcldec.ObjectSpec)
		_, d := inner.Body.Content(hcldec.ImpliedSchema(nested))
		l.hcl(d)
		l.nested(inner.Body, nested)
	}
}

// conditionsBelong tells where conditions go: who writes them directly into the
// block learns more than that they are not expected there.
func (l *loader) conditionsBelong(body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		if b.Type == "precondition" || b.Type == "postcondition" {
			l.errorf(b.TypeRange, "Misplaced condition", "A %s block belongs in a lifecycle block.", b.Type)
		}
	}
}

func (l *loader) meta(b *Block, content *hcl.BodyContent) {
	attrs := content.Attributes
	if a := attrs["count"]; a != nil {
		b.repetition.count = a.Expr
	}
	if a := attrs["for_each"]; a != nil {
		b.repetition.forEach = a.Expr
		if b.repetition.count != nil {
			l.errorf(a.NameRange, "Invalid combination of \"count\" and \"for_each\"", "%s has both. Only one of them can say how many instances there are.", b.Name)
		}
	}
	if a := attrs["depends_on"]; a != nil {
		l.dependsOn(b, a.Expr)
	}
	lives := content.Blocks.OfType("lifecycle")
	if len(lives) > 1 {
		l.errorf(lives[1].DefRange, "Duplicate block", "There can be only one lifecycle block here.")
	}
	if len(lives) > 0 {
		l.lifecycle(b, lives[0].Body)
	}
	b.repetition.code = l.compile(b.repetition.count, b.repetition.forEach, b.repetition.enabled)
}

func (l *loader) dependsOn(b *Block, e hcl.Expression) {
	list, d := hcl.ExprList(e)
	if !l.hcl(d) {
		return
	}
	for _, x := range list {
		tr, d := hcl.AbsTraversalForExpr(x)
		if !l.hcl(d) {
			continue
		}
		ref, _, rd := expr.ParseReference(tr)
		l.diags = append(l.diags, rd...)
		switch {
		case rd.HasErrors():
		case ref == nil:
			l.errorf(x.Range(), "Invalid depends_on reference", "%s is no object that could be waited for.", diag.Traversal(tr))
		case ref.Subject == b.Name:
			l.errorf(x.Range(), "Self-referential block", "%s cannot wait for itself.", b.Name)
		default:
			b.dependsOn = append(b.dependsOn, tr)
		}
	}
}

func (l *loader) lifecycle(b *Block, body hcl.Body) {
	content, d := body.Content(lifecycleSchema())
	l.hcl(d)
	if a := content.Attributes["prevent_destroy"]; a != nil {
		v, d := a.Expr.Value(nil)
		if l.hcl(d) {
			if v.IsNull() || v.Type() != cty.Bool {
				l.errorf(a.Expr.Range(), "Invalid lifecycle argument", "prevent_destroy must be true or false, written out.")
			} else {
				b.life.preventDestroy = v.True()
			}
		}
	}
	if a := content.Attributes["enabled"]; a != nil {
		b.repetition.enabled = a.Expr
		if b.repetition.count != nil || b.repetition.forEach != nil {
			l.errorf(a.NameRange, "Invalid combination of \"enabled\" and \"count\" or \"for_each\"", "%s has both. Only one of them can say how many instances there are.", b.Name)
		}
	}
	for _, inner := range content.Blocks {
		c, ok := l.condition(inner)
		switch {
		case !ok:
		case inner.Type == "precondition":
			b.life.pre = append(b.life.pre, c)
		default:
			b.life.post = append(b.life.post, c)
		}
	}
}

func (l *loader) condition(src *hcl.Block) (condition, bool) {
	content, d := src.Body.Content(conditionSchema())
	if !l.hcl(d) {
		return condition{}, false
	}
	c := condition{test: content.Attributes["condition"].Expr, message: content.Attributes["error_message"].Expr}
	c.code = l.compile(c.test, c.message)
	if src.Type == "precondition" && c.code.Uses("self") {
		l.errorf(src.DefRange, "Invalid reference", "A precondition is checked before there is a self. Use a postcondition.")
		return c, false
	}
	return c, true
}

func (l *loader) compile(exprs ...hcl.Expression) *expr.Code {
	code, d := expr.Compile(exprs...)
	l.diags = append(l.diags, d...)
	return code
}

// inputs compiles everything but the meta-arguments.
func (l *loader) inputs(b *Block) {
	b.inputs = l.compile(expressions(b.Body, true)...)
	for _, root := range []string{"each", "count"} {
		if b.inputs.Uses(root) && (root == "each" && b.repetition.forEach == nil || root == "count" && b.repetition.count == nil) {
			arg := map[string]string{"each": "for_each", "count": "count"}[root]
			l.errorf(b.Range, "Reference to \""+root+"\" in a block without \""+arg+"\"", "%s uses %s, which exists only in blocks with %s = ....", b.Name, root, arg)
		}
	}
	if b.inputs.Uses("self") {
		l.errorf(b.Range, "Invalid reference", "%s uses self, which exists only in its postconditions.", b.Name)
	}
	for _, r := range slices.Concat(b.inputs.References(), b.repetition.code.References()) {
		if r.Subject == b.Name {
			l.errorf(r.Range, "Self-referential block", "%s refers to itself. Its outputs are there only after it was done.", b.Name)
		}
	}
}

// expressions gives those of a body in the order of the source.
func expressions(body *hclsyntax.Body, top bool) []hcl.Expression {
	var out []hcl.Expression
	for _, a := range sortedAttributes(body) {
		if top && (a.Name == "count" || a.Name == "for_each" || a.Name == "depends_on") {
			continue
		}
		out = append(out, a.Expr)
	}
	for _, b := range body.Blocks {
		if top && b.Type == "lifecycle" {
			continue
		}
		out = append(out, expressions(b.Body, false)...)
	}
	return out
}
