package task

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/url"
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

// problem is what is wrong with one argument's value.
type problem struct {
	// path are the names of the blocks around, and of the argument.
	path []string
	text string
}

// report says the problems where they stand in the source.
func (b *block) report(problems []problem) diag.List {
	var d diag.List
	for _, p := range problems {
		rng := b.rangeOf(p.path)
		d = append(d, diag.Errorf(&rng, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(p.path, "."), b.name, p.text)...)
	}
	return d
}

func (b *block) rangeOf(path []string) hcl.Range {
	body, rng := b.body, b.rng
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

// reader takes an unmarked wanted value to pieces.
type reader struct {
	v        cty.Value
	path     []string
	problems *[]problem
}

func (r *reader) problem(name, text string, args ...any) {
	p := problem{path: append(slices.Clone(r.path), name), text: fmt.Sprintf(text, args...)}
	*r.problems = append(*r.problems, p)
}

func (r *reader) get(name string) cty.Value { return r.v.GetAttr(name) }

func (r *reader) absent(name string) bool { return r.get(name).IsNull() }

// block gives a reader of a nested block that is there.
func (r *reader) block(name string) (*reader, bool) {
	v := r.get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil, false
	}
	return &reader{v: v, path: append(slices.Clone(r.path), name), problems: r.problems}, true
}

func (r *reader) text(name string) string {
	if v := r.get(name); v.IsKnown() && !v.IsNull() {
		return v.AsString()
	}
	return ""
}

func (r *reader) texts(name string) []string {
	v := r.get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var out []string
	for _, e := range v.AsValueSlice() {
		switch {
		case e.IsNull():
			r.problem(name, "It holds null. Every element must be a text.")
		case !e.IsKnown():
			out = append(out, "")
		case strings.ContainsRune(e.AsString(), 0):
			r.problem(name, "It holds a zero byte, which no program can be given.")
		default:
			out = append(out, e.AsString())
		}
	}
	return out
}

// textMap gives nil for null elements, and leaves out what is not known.
func (r *reader) textMap(name string) map[string]*string {
	v := r.get(name)
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

type numberRange struct{ from, to int }

// numbers reads a list of whole numbers, or one number.
func (r *reader) numbers(name string, allowed numberRange) []int {
	v := r.get(name)
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
			r.problem(name, "It holds null.")
			continue
		}
		n, accuracy := e.AsBigFloat().Int64()
		if accuracy != big.Exact || n < int64(allowed.from) || n > int64(allowed.to) {
			r.problem(name, "%s is no whole number from %d to %d.", e.AsBigFloat().Text('f', -1), allowed.from, allowed.to)
			continue
		}
		out = append(out, int(n))
	}
	return out
}

func (r *reader) duration(name string) time.Duration {
	text := r.text(name)
	if text == "" && (r.absent(name) || !r.get(name).IsKnown()) {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.problem(name, "%q is no duration above 0. Write one like \"90s\", \"5m\" or \"1h30m\".", text)
		return 0
	}
	return d
}

// choice gives one of the words; the first is the default.
func (r *reader) choice(name string, words ...string) string {
	text := r.text(name)
	switch {
	case text == "" && (r.absent(name) || !r.get(name).IsKnown()):
		return words[0]
	case !slices.Contains(words, text):
		r.problem(name, "It must be one of %s, and not %q.%s", strings.Join(words, ", "), text, diag.DidYouMean(text, words))
		return words[0]
	}
	return text
}

// paths reads a text or a list of them.
func (r *reader) paths(name string) []string {
	v := r.get(name)
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	if one, err := convert.Convert(v, cty.String); err == nil {
		if one.AsString() == "" {
			r.problem(name, "The path is empty.")
		}
		return []string{one.AsString()}
	}
	list, err := convert.Convert(v, cty.List(cty.String))
	if err != nil {
		r.problem(name, "It must be a path or a list of paths: %s.", err)
		return nil
	}
	var out []string
	for _, e := range list.AsValueSlice() {
		switch {
		case !e.IsKnown():
		case e.IsNull() || e.AsString() == "":
			r.problem(name, "One of the paths is null or empty.")
		default:
			out = append(out, e.AsString())
		}
	}
	return out
}

// oneOf holds arguments of which there must be exactly one. An unknown one may
// turn out to be null.
func (r *reader) oneOf(names ...string) {
	var given []string
	for _, n := range names {
		if !r.absent(n) {
			given = append(given, n)
			if !r.get(n).IsKnown() {
				return
			}
		}
	}
	switch {
	case len(given) == 0:
		r.problem(names[0], "Exactly one of %s must be there, and all of them are null.", strings.Join(names, ", "))
	case len(given) > 1:
		r.problem(given[1], "Exactly one of %s may be there. This has %s.", strings.Join(names, ", "), strings.Join(given, " and "))
	}
}

func validVariable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "=\x00")
}

func (r *reader) checkRequest(q *request) {
	if v := r.get("url"); v.IsNull() {
		r.problem("url", "It is null.")
	} else if v.IsKnown() {
		u, err := url.Parse(q.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			// The text may be sensitive, so it is not shown.
			r.problem("url", "It must be an absolute URL that starts with http:// or https://.")
		}
	}
	if strings.ContainsFunc(q.Method, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		r.problem("method", "%q is no method. Methods are words in capital letters, such as GET and POST.", q.Method)
	}
	if q.CACertificate != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(q.CACertificate)) {
		r.problem("ca_certificate", "It holds no certificate in PEM form.")
	}
	if r.absent("client_certificate") != r.absent("client_key") {
		r.problem("client_certificate", "client_certificate and client_key belong together.")
		return
	}
	if q.ClientCertificate != "" && q.ClientKey != "" {
		if _, err := tls.X509KeyPair([]byte(q.ClientCertificate), []byte(q.ClientKey)); err != nil {
			r.problem("client_certificate", "It and client_key are no pair: %s.", err)
		}
	}
}

// idempotentMethod is RFC 9110, section 9.2.2.
func idempotentMethod(m string) bool {
	switch m {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	default:
		return false
	}
}

// firstName gives the argument that a path lies in.
func firstName(p cty.Path) string {
	if len(p) == 0 {
		return ""
	}
	step, _ := p[0].(cty.GetAttrStep)
	return step.Name
}

// concernOutputs reports whether something secret goes into the run: what only
// decides when it runs does not show in its outputs.
func concernOutputs(marks []cty.PathValueMarks) bool {
	for _, m := range marks {
		switch firstName(m.Path) {
		case "triggers", "creates", "run", "on_destroy", secretsName:
		default:
			if secretMark(m) {
				return true
			}
		}
	}
	return false
}

func secretMark(m cty.PathValueMarks) bool {
	_, ok := m.Marks[object.Sensitive]
	return ok || ephemeral(m)
}

// noEphemeral refuses ephemeral values where they would have to be stored.
func (r *reader) noEphemeral(marks []cty.PathValueMarks) {
	for _, m := range marks {
		name := firstName(m.Path)
		if ephemeral(m) && (name == "triggers" || name == "on_destroy" || name == "creates" || name == "message") {
			r.problem(name, "The value is ephemeral, so it cannot be kept until the next plan, and this must be.")
		}
	}
}

// ephemeralNames gives the variables of the environment whose values are
// ephemeral; "" stands for all.
func ephemeralNames(marks []cty.PathValueMarks) map[string]bool {
	out := map[string]bool{}
	for _, m := range marks {
		if !ephemeral(m) || firstName(m.Path) != "environment" {
			continue
		}
		name := ""
		if len(m.Path) > 1 {
			if step, ok := m.Path[1].(cty.IndexStep); ok && step.Key.Type() == cty.String {
				name = step.Key.AsString()
			}
		}
		out[name] = true
	}
	return out
}

// storable are the secrets that may be kept, which stores encrypt.
func storable(m cty.PathValueMarks) bool { return secretMark(m) && !ephemeral(m) }

func ephemeral(m cty.PathValueMarks) bool {
	_, ok := m.Marks[object.Ephemeral]
	return ok
}

// secretTexts gives every text of the value whose marks are wanted, so that it can
// be masked.
func secretTexts(bare cty.Value, marks []cty.PathValueMarks, wanted func(cty.PathValueMarks) bool) []string {
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
