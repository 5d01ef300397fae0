package terraform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider"
)

// fake stands in for a provider's process: the border to the world. It plans what is
// proposed, with an ID that is known after apply, and notes what it is handed.
type fake struct {
	provider.Provider // what is not asked here panics
	schema            *provider.Schema
	closeErr          error

	mu         sync.Mutex
	configured []cty.Value
	metas      []cty.Value
	closed     int
}

func (f *fake) Schema(context.Context) (*provider.Schema, diag.List) { return f.schema, nil }

func (f *fake) ValidateConfig(_ context.Context, config cty.Value) (cty.Value, diag.List) {
	if r := config.GetAttr("region"); r.IsKnown() && !r.IsNull() && r.AsString() == "nowhere" {
		return config, diag.List{{Severity: diag.Error, Headline: "No such region", Attribute: cty.GetAttrPath("region")}}
	}
	return config, nil
}

func (f *fake) Configure(_ context.Context, config cty.Value) diag.List {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configured = append(f.configured, config)
	return nil
}

func (f *fake) ValidateResource(context.Context, provider.Kind, string, cty.Value) diag.List {
	return nil
}

func (f *fake) Plan(_ context.Context, req provider.PlanRequest) (provider.PlanResponse, diag.List) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metas = append(f.metas, req.ProviderMeta)
	planned := req.Proposed.AsValueMap()
	planned["id"] = cty.UnknownVal(cty.String)
	return provider.PlanResponse{Planned: cty.ObjectVal(planned)}, nil
}

func (f *fake) CallFunction(_ context.Context, _ string, args []cty.Value) (cty.Value, error) {
	if args[0].AsString() == "" {
		return cty.NilVal, &provider.FunctionError{Text: "an empty text has nothing to shout", Argument: 0}
	}
	return cty.StringVal(strings.ToUpper(args[0].AsString())), nil
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return f.closeErr
}

// kinds are the fake's resource types.
type kinds map[provider.Kind]map[string]*provider.Type

func (k kinds) Type(kind provider.Kind, name string) *provider.Type { return k[kind][name] }
func (k kinds) Names(kind provider.Kind) []string {
	return slices.Sorted(maps.Keys(k[kind]))
}

func text(flags ...func(*provider.Attribute)) *provider.Attribute {
	a := &provider.Attribute{Type: cty.String, Optional: true}
	for _, f := range flags {
		f(a)
	}
	return a
}

func block(names ...string) *provider.Block {
	b := &provider.Block{Attributes: map[string]*provider.Attribute{}}
	for _, n := range names {
		b.Attributes[n] = text()
	}
	return b
}

// world launches fakes and keeps them.
type world struct {
	mu       sync.Mutex
	launched []*fake
	refuse   diag.List
}

func (w *world) Launch(context.Context, tfaddr.Provider) (provider.Provider, diag.List) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return nil, w.refuse
	}
	thing := block("name", "other")
	thing.Attributes["id"] = text(func(a *provider.Attribute) { a.Optional, a.Computed = false, true })
	f := &fake{schema: &provider.Schema{Provider: block("region"), ProviderMeta: block("team"),
		Types: kinds{provider.Managed: {"fake_thing": {Block: thing}}, provider.Data: {"fake_look": {Block: block("name")}}},
		Functions: map[string]*provider.Function{"shout": {Return: cty.String,
			Parameters: []provider.Parameter{{Name: "text", Type: cty.String, AllowUnknown: true}}}}}}
	w.launched = append(w.launched, f)
	return f, nil
}

// used gives the fakes that were configured.
func (w *world) used() (out []*fake) {
	for _, f := range w.launched {
		if len(f.configured) > 0 {
			out = append(out, f)
		}
	}
	return out
}

const required = `
terraform {
  required_providers {
    fake = { source = "example.com/test/fake" }
  }
}
`

// open loads the files of a txtar archive, whose beginning is main.tf.
func open(t testing.TB, w *world, s *Session, text string, variables map[string]cty.Value) *Root {
	t.Helper()
	a := txtar.Parse([]byte(text))
	files := config.Snapshot{"main.tf": append([]byte(required), a.Comment...)}
	for _, f := range a.Files {
		files[filepath.Clean(f.Name)] = f.Data
	}
	c, d := config.Load(config.Options{Files: files, Variables: variables})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	if s == nil {
		s = NewSession(w)
	}
	r, d := Open(Options{Config: c, Variables: variables, Providers: w}, s)
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	return r
}

// planning is a source that asks the driver of each instance for a plan.
type planning struct{}

func (planning) Changed(addr.Instance, cty.Path) bool { return false }

func (planning) Instance(ctx context.Context, s object.Scope, o object.Driven, inst object.Instance, a addr.Instance) eval.Outcome {
	drv, d := o.Driver(ctx, s, inst)
	wanted, wd := o.Wanted(ctx, s, inst)
	if d = append(d, wd...); d.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	if drv == nil {
		return eval.Outcome{Diags: d, Deferred: "its provider waits"}
	}
	c, pd := drv.Plan(ctx, object.PlanRequest{Addr: a, Wanted: wanted})
	return eval.Outcome{Value: c.After, Diags: append(d, pd...)}
}

// evaluated is everything of a root, evaluated.
func evaluated(t testing.TB, r *Root) *eval.Evaluator {
	t.Helper()
	e := eval.New(r.Namespace(), planning{})
	e.All(t.Context(), nil)
	return e
}

// outputOf gives an output of the root as text; what is wrong with all when it fails.
func outputOf(t testing.TB, e *eval.Evaluator, name string) string {
	t.Helper()
	v, d := e.Value(t.Context(), addr.Object{Name: addr.Name{Kind: addr.Output, Name: name}})
	if d.HasErrors() {
		return d.Err().Error()
	}
	return fmt.Sprintf("%#v", v)
}

var errStuck = errors.New("it is stuck")
