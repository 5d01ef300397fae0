package block

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/diag"
	"tutti/internal/object"
)

// Problem is what is wrong with one argument's value.
type Problem struct {
	// path are the names of the blocks around, and of the argument.
	Path []string
	Text string
}

// Report says the problems where they stand in the source.
func (b *Block) Report(problems []Problem) diag.List {
	var d diag.List
	for _, p := range problems {
		rng := b.rangeOf(p.Path)
		d = append(d, diag.Errorf(&rng, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(p.Path, "."), b.Name, p.Text)...)
	}
	return d
}

func (b *Block) rangeOf(path []string) hcl.Range {
	body, rng := b.Body, b.Range
	for _, name := range path {
		if a := body.Attributes[name]; a != nil {
			return a.Expr.Range()
		}
		i := slices.IndexFunc(body.Blocks, func(x *hclsyntax.Block) bool { return x.Type == name })
		if i < 0 {
			return rng
		}
		body, rng = body.Blocks[i].Body, body.Blocks[i].DefRange()
	}
	return rng
}

// Reader takes an unmarked wanted value to pieces. Values that are not known are
// left out and cause no problem.
type Reader struct {
	v        cty.Value
	path     []string
	problems *[]Problem
}

// NewReader gives a reader of a wanted value without marks.
func NewReader(bare cty.Value) *Reader { return &Reader{v: bare, problems: &[]Problem{}} }

// Problems are those that were noted so far, in nested blocks too.
func (r *Reader) Problems() []Problem { return *r.problems }

// Problem notes what is wrong with an argument.
func (r *Reader) Problem(name, text string, args ...any) {
	p := Problem{Path: append(slices.Clone(r.path), name), Text: fmt.Sprintf(text, args...)}
	*r.problems = append(*r.problems, p)
}

// Get gives an argument.
func (r *Reader) Get(name string) cty.Value { return r.v.GetAttr(name) }

// Absent reports whether an argument is not there, or null.
func (r *Reader) Absent(name string) bool { return r.Get(name).IsNull() }

// Block gives a reader of a nested block that is there.
func (r *Reader) Block(name string) (*Reader, bool) {
	v := r.Get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil, false
	}
	return &Reader{v: v, path: append(slices.Clone(r.path), name), problems: r.problems}, true
}

// Text reads a text.
func (r *Reader) Text(name string) string {
	if v := r.Get(name); v.IsKnown() && !v.IsNull() {
		return v.AsString()
	}
	return ""
}

// Texts reads a list of texts.
func (r *Reader) Texts(name string) []string {
	v := r.Get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var out []string
	for _, e := range v.AsValueSlice() {
		switch {
		case e.IsNull():
			r.Problem(name, "It holds null. Every element must be a text.")
		case !e.IsKnown():
			out = append(out, "")
		case strings.ContainsRune(e.AsString(), 0):
			r.Problem(name, "It holds a zero byte, which no program can be given.")
		default:
			out = append(out, e.AsString())
		}
	}
	return out
}

// TextMap gives nil for null elements, and leaves out what is not known.
func (r *Reader) TextMap(name string) map[string]*string {
	v := r.Get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	out := make(map[string]*string, v.LengthInt())
	for k, e := range v.AsValueMap() {
		switch {
		case e.IsNull():
			out[k] = nil
		case e.IsKnown():
			s := e.AsString()
			out[k] = &s
		}
	}
	return out
}

// Range bounds a number, both ends included.
type Range struct{ From, To int }

// Numbers reads a list of whole numbers, or one number.
func (r *Reader) Numbers(name string, allowed Range) []int {
	v := r.Get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	list := []cty.Value{v}
	if v.CanIterateElements() {
		list = v.AsValueSlice()
	}
	var out []int
	for _, e := range list {
		if !e.IsKnown() {
			continue
		}
		if e.IsNull() {
			r.Problem(name, "It holds null.")
			continue
		}
		n, accuracy := e.AsBigFloat().Int64()
		if accuracy != big.Exact || n < int64(allowed.From) || n > int64(allowed.To) {
			r.Problem(name, "%s is no whole number from %d to %d.", e.AsBigFloat().Text('f', -1), allowed.From, allowed.To)
			continue
		}
		out = append(out, int(n))
	}
	return out
}

// Duration reads a length of time above 0; 0 is none.
func (r *Reader) Duration(name string) time.Duration {
	text := r.Text(name)
	if text == "" && (r.Absent(name) || !r.Get(name).IsKnown()) {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.Problem(name, "%q is no duration above 0. Write one like \"90s\", \"5m\" or \"1h30m\".", text)
		return 0
	}
	return d
}

// Choice gives one of the words; the first is the default.
func (r *Reader) Choice(name string, words ...string) string {
	text := r.Text(name)
	switch {
	case text == "" && (r.Absent(name) || !r.Get(name).IsKnown()):
		return words[0]
	case !slices.Contains(words, text):
		r.Problem(name, "It must be one of %s, and not %q.%s", strings.Join(words, ", "), text, diag.DidYouMean(text, words))
		return words[0]
	}
	return text
}

// Paths reads a text or a list of them.
func (r *Reader) Paths(name string) []string {
	v := r.Get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	if one, err := convert.Convert(v, cty.String); err == nil {
		if one.AsString() == "" {
			r.Problem(name, "The path is empty.")
		}
		return []string{one.AsString()}
	}
	list, err := convert.Convert(v, cty.List(cty.String))
	if err != nil {
		r.Problem(name, "It must be a path or a list of paths: %s.", err)
		return nil
	}
	var out []string
	for _, e := range list.AsValueSlice() {
		switch {
		case !e.IsKnown():
		case e.IsNull() || e.AsString() == "":
			r.Problem(name, "One of the paths is null or empty.")
		default:
			out = append(out, e.AsString())
		}
	}
	return out
}

// OneOf holds arguments of which there must be exactly one. An unknown one may
// turn out to be null.
func (r *Reader) OneOf(names ...string) {
	var given []string
	for _, n := range names {
		if !r.Absent(n) {
			given = append(given, n)
			if !r.Get(n).IsKnown() {
				return
			}
		}
	}
	switch {
	case len(given) == 0:
		r.Problem(names[0], "Exactly one of %s must be there, and all of them are null.", strings.Join(names, ", "))
	case len(given) > 1:
		r.Problem(given[1], "Exactly one of %s may be there. This has %s.", strings.Join(names, ", "), strings.Join(given, " and "))
	}
}

// FirstName gives the argument that a path lies in.
func FirstName(p cty.Path) string {
	if len(p) == 0 {
		return ""
	}
	step, _ := p[0].(cty.GetAttrStep)
	return step.Name
}

// Secret are the marks of what must not be shown.
func Secret(m cty.PathValueMarks) bool {
	_, ok := m.Marks[object.Sensitive]
	return ok || Ephemeral(m)
}

// Storable are the secrets that may be kept, which stores encrypt.
func Storable(m cty.PathValueMarks) bool { return Secret(m) && !Ephemeral(m) }

// Ephemeral are the marks of what must not be kept.
func Ephemeral(m cty.PathValueMarks) bool {
	_, ok := m.Marks[object.Ephemeral]
	return ok
}

// SecretTexts gives every text of the value whose marks are wanted, so that it can
// be masked.
func SecretTexts(bare cty.Value, marks []cty.PathValueMarks, wanted func(cty.PathValueMarks) bool) []string {
	var out []string
	for _, m := range marks {
		if !wanted(m) {
			continue
		}
		part, err := m.Path.Apply(bare)
		if err != nil {
			continue
		}
		_ = cty.Walk(part, func(_ cty.Path, v cty.Value) (bool, error) {
			out = append(out, textOf(v)...)
			return true, nil
		})
	}
	return out
}

func textOf(v cty.Value) []string {
	switch {
	case !v.IsKnown() || v.IsNull():
		return nil
	case v.Type() == cty.String:
		return []string{v.AsString()}
	case v.Type() == cty.Number:
		return []string{v.AsBigFloat().Text('f', -1)}
	default:
		return nil
	}
}
