package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/addr"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/provider"
)

// TypeSchemas gives what a type of object looks like, with its version; nil when nobody knows.
type TypeSchemas func(source string, n addr.Name) (block *provider.Block, version int64)

// configurationJSON is the member "configuration" of a plan's JSON form, as Terraform has it.
type configurationJSON struct {
	Providers map[string]providerConfigJSON `json:"provider_config,omitempty"`
	Root      moduleConfigJSON              `json:"root_module"`
}

type providerConfigJSON struct {
	Name       string         `json:"name"`
	FullName   string         `json:"full_name"`
	Alias      string         `json:"alias,omitempty"`
	Module     string         `json:"module_address,omitempty"`
	Constraint string         `json:"version_constraint,omitempty"`
	Settings   map[string]any `json:"expressions,omitempty"`
}

type moduleConfigJSON struct {
	Outputs   map[string]outputConfigJSON   `json:"outputs,omitempty"`
	Resources []resourceConfigJSON          `json:"resources,omitempty"`
	Calls     map[string]callConfigJSON     `json:"module_calls,omitempty"`
	Variables map[string]variableConfigJSON `json:"variables,omitempty"`
}

type outputConfigJSON struct {
	Sensitive   bool            `json:"sensitive,omitempty"`
	Expression  *expressionJSON `json:"expression"`
	DependsOn   []string        `json:"depends_on,omitempty"`
	Description string          `json:"description,omitempty"`
}

type resourceConfigJSON struct {
	Address      string                  `json:"address"`
	Mode         string                  `json:"mode"`
	Type         string                  `json:"type"`
	Name         string                  `json:"name"`
	Provider     string                  `json:"provider_config_key"`
	Provisioners []provisionerConfigJSON `json:"provisioners,omitempty"`
	Expressions  map[string]any          `json:"expressions,omitempty"`
	Version      int64                   `json:"schema_version"`
	Count        *expressionJSON         `json:"count_expression,omitempty"`
	ForEach      *expressionJSON         `json:"for_each_expression,omitempty"`
	DependsOn    []string                `json:"depends_on,omitempty"`
}

type provisionerConfigJSON struct {
	Type        string         `json:"type"`
	Expressions map[string]any `json:"expressions,omitempty"`
}

type callConfigJSON struct {
	Source      string           `json:"source"`
	Expressions map[string]any   `json:"expressions,omitempty"`
	Count       *expressionJSON  `json:"count_expression,omitempty"`
	ForEach     *expressionJSON  `json:"for_each_expression,omitempty"`
	Module      moduleConfigJSON `json:"module"`
	Version     string           `json:"version_constraint,omitempty"`
	DependsOn   []string         `json:"depends_on,omitempty"`
}

type variableConfigJSON struct {
	Type        json.RawMessage `json:"type,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Sensitive   bool            `json:"sensitive,omitempty"`
}

// expressionJSON is a value, or what an expression refers to, the most special first.
type expressionJSON struct {
	Constant   json.RawMessage `json:"constant_value,omitempty"`
	References []string        `json:"references,omitempty"`
}

// configurationOf describes a tree of modules; nil is an empty one.
func configurationOf(root *config.Config, schemas TypeSchemas) configurationJSON {
	var out configurationJSON
	if root == nil {
		return out
	}
	out.Providers = map[string]providerConfigJSON{}
	for c := range root.All() {
		for _, p := range c.Module.Providers {
			out.provider(c, p.Name, p.Body)
		}
		for local := range c.Module.Settings.Required {
			if c.Parent == nil {
				out.provider(c, addr.Name{Kind: addr.Provider, Type: local}, nil)
			}
		}
		for _, r := range c.Module.Resources {
			if use := c.ProviderFor(r); use.Module == root.Path {
				out.provider(root, use.Name, nil)
			}
		}
	}
	out.Root = moduleConfig(root, schemas)
	return out
}

// provider notes a configuration, unless it is there with its block.
func (o *configurationJSON) provider(c *config.Config, name addr.Name, body hcl.Body) {
	key := providerKey(c.Path, name)
	if _, there := o.Providers[key]; there && body == nil {
		return
	}
	p := providerConfigJSON{Name: name.Type, FullName: c.Module.SourceOf(name.Type).String(), Alias: name.Name, Module: c.Path.String()}
	if r := c.Module.Settings.Required[name.Type]; r != nil {
		p.Constraint = constraintText(r.Constraints)
	}
	if body != nil {
		p.Settings = looseBody(body)
	}
	o.Providers[key] = p
}

// constraintText writes constraints as Terraform does, with all parts of each version.
func constraintText(text string) string {
	set, err := constraint.Parse(text)
	if text == "" || err != nil {
		return text
	}
	return set.String()
}

func providerKey(module addr.ModulePath, name addr.Name) string {
	key := name.Type
	if name.Name != "" {
		key += "." + name.Name
	}
	if path := module.String(); path != "" {
		key = path + ":" + key
	}
	return key
}

func moduleConfig(c *config.Config, schemas TypeSchemas) moduleConfigJSON {
	m := c.Module
	out := moduleConfigJSON{Outputs: map[string]outputConfigJSON{}, Calls: map[string]callConfigJSON{}, Variables: map[string]variableConfigJSON{}}
	for name, o := range m.Outputs {
		out.Outputs[name] = outputConfigJSON{Sensitive: o.Sensitive, Expression: expression(o.Expr), DependsOn: traversals(o.DependsOn), Description: o.Description}
	}
	for name, v := range m.Variables {
		j := variableConfigJSON{Description: v.Description, Required: v.Required(), Sensitive: v.Sensitive}
		if v.Type != cty.DynamicPseudoType {
			j.Type = ctyText(ctyjson.MarshalType(v.Type))
		}
		if !v.Required() {
			j.Default = ctyText(ctyjson.Marshal(v.Default, v.Default.Type()))
		}
		out.Variables[name] = j
	}
	for _, r := range m.Resources {
		out.Resources = append(out.Resources, resourceConfig(c, r, schemas))
	}
	slices.SortFunc(out.Resources, func(a, b resourceConfigJSON) int {
		return cmp.Or(cmp.Compare(b.Mode, a.Mode), cmp.Compare(a.Address, b.Address)) // managed ones before data
	})
	for name, child := range c.Children {
		call := child.Call
		j := callConfigJSON{Source: child.Source, Version: child.Version, Expressions: looseBody(call.Body), Module: moduleConfig(child, schemas), DependsOn: traversals(call.DependsOn)}
		j.Count, j.ForEach = repetition(call.Repetition)
		out.Calls[name] = j
	}
	return out
}

func resourceConfig(c *config.Config, r *config.Resource, schemas TypeSchemas) resourceConfigJSON {
	use := c.ProviderFor(r)
	mode := map[addr.Kind]string{addr.Data: "data", addr.Ephemeral: "ephemeral"}[r.Name.Kind]
	if mode == "" {
		mode = "managed"
	}
	out := resourceConfigJSON{Address: r.Name.String(), Mode: mode, Type: r.Name.Type, Name: r.Name.Name, Provider: providerKey(use.Module, use.Name), DependsOn: traversals(r.DependsOn)}
	block, version := schemas(use.Source.String(), r.Name)
	if out.Version = version; block != nil {
		out.Expressions = body(r.Body, block)
	} else {
		out.Expressions = looseBody(r.Body)
	}
	out.Count, out.ForEach = repetition(r.Repetition)
	for _, p := range r.Provisioners {
		out.Provisioners = append(out.Provisioners, provisionerConfigJSON{p.Type, looseBody(p.Body)})
	}
	return out
}

// repetition gives count and for_each, where anything can be said of them.
func repetition(r config.Repetition) (count, forEach *expressionJSON) {
	said := func(e hcl.Expression) *expressionJSON {
		if e == nil {
			return nil
		}
		if j := expression(e); j.Constant != nil || j.References != nil {
			return j
		}
		return nil
	}
	return said(r.Count), said(r.ForEach)
}

// body describes a body by its schema: blocks that may be several are lists.
func body(b hcl.Body, schema *provider.Block) map[string]any {
	want := &hcl.BodySchema{}
	for name := range schema.Attributes {
		want.Attributes = append(want.Attributes, hcl.AttributeSchema{Name: name})
	}
	for name, nested := range schema.Blocks {
		s := hcl.BlockHeaderSchema{Type: name}
		if nested.Nesting == provider.NestingMap {
			s.LabelNames = []string{"key"}
		}
		want.Blocks = append(want.Blocks, s)
	}
	content, _, _ := b.PartialContent(want) // what is wrong was told when it was planned
	out := map[string]any{}
	for name, a := range content.Attributes {
		out[name] = expression(a.Expr)
	}
	for _, inner := range content.Blocks {
		nested := schema.Blocks[inner.Type]
		j := body(inner.Body, nested.Block)
		switch nested.Nesting {
		case provider.NestingSingle, provider.NestingGroup:
			out[inner.Type] = j
		case provider.NestingMap:
			all, _ := out[inner.Type].(map[string]any)
			if all == nil {
				all = map[string]any{}
				out[inner.Type] = all
			}
			all[inner.Labels[0]] = j
		default:
			all, _ := out[inner.Type].([]any)
			out[inner.Type] = append(all, j)
		}
	}
	return out
}

// looseBody describes the arguments of a body without a schema.
func looseBody(b hcl.Body) map[string]any {
	attrs, _ := b.JustAttributes() // blocks are not looked at
	if len(attrs) == 0 {
		return nil
	}
	out := map[string]any{}
	for name, a := range attrs {
		out[name] = expression(a.Expr)
	}
	return out
}

func expression(e hcl.Expression) *expressionJSON {
	out := &expressionJSON{}
	seen := map[string]bool{}
	for _, t := range e.Variables() {
		for _, ref := range references(t) {
			if !seen[ref] {
				seen[ref] = true
				out.References = append(out.References, ref)
			}
		}
	}
	if len(out.References) > 0 {
		return out
	}
	if v, d := e.Value(nil); !d.HasErrors() && v.IsWhollyKnown() {
		out.Constant = ctyText(ctyjson.Marshal(v, v.Type()))
	}
	return out
}

// references gives what a traversal names, from the attribute to the object as a whole.
func references(t hcl.Traversal) []string {
	words := make([]string, 0, len(t))
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			words = append(words, step.Name)
		case hcl.TraverseAttr:
			words = append(words, "."+step.Name)
		case hcl.TraverseIndex:
			words = append(words, "["+string(ctyText(ctyjson.Marshal(step.Key, step.Key.Type())))+"]")
		}
	}
	indexed := func(at int) bool { return len(words) > at && strings.HasPrefix(words[at], "[") }
	least, whole := 2, 2
	switch words[0] {
	case "self":
		least, whole = 1, 1
	case "data", "ephemeral":
		least, whole = 3, 3
	}
	switch words[0] {
	case "var", "local", "path", "terraform", "tofu", "each", "count", "self":
	case "module":
		if indexed(2) {
			least, whole = 3, 3
		}
	default:
		if indexed(least) {
			least++
		}
	}
	var out []string
	for n := len(words); n >= min(least, len(words)); n-- {
		out = append(out, strings.Join(words[:n], ""))
	}
	if whole < least && whole < len(words) {
		out = append(out, strings.Join(words[:whole], ""))
	}
	return out
}

func traversals(list []hcl.Traversal) []string {
	var out []string
	for _, t := range list {
		if refs := references(t); len(refs) > 0 {
			out = append(out, refs[0])
		}
	}
	return out
}

func ctyText(text []byte, err error) json.RawMessage {
	if err != nil {
		panic(fmt.Sprintf("view: invariant broken: a value of a configuration has no JSON form: %v", err))
	}
	return text
}
