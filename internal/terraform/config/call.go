package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// call understands a module block.
func (l *loader) call(name addr.Name, d *declaration) diag.List {
	c := &ModuleCall{Name: name.Name, Source: d.expr("source"), Version: d.expr("version"), DeclRange: d.block.DefRange}
	l.module.Calls[c.Name] = c
	c.SourceRange = c.DeclRange
	if c.Source != nil {
		c.SourceRange = c.Source.Range()
	}
	diags := d.reserved("module", "locals", "provider")
	body, moreDiags := d.rest()
	c.Body = body
	diags = append(diags, moreDiags...)
	diags = append(diags, noBlocks(body)...)
	diags = append(diags, d.noOverride("depends_on")...)
	c.DependsOn, moreDiags = dependsOn(d.layers[0].content.Attributes["depends_on"])
	diags = append(diags, moreDiags...)
	enabled, moreDiags := moduleLifecycle(d)
	diags = append(diags, moreDiags...)
	c.Repetition, moreDiags = d.repetition(enabled)
	diags = append(diags, moreDiags...)
	if a := d.attr("providers"); a != nil {
		c.ProvidersSet = true
		c.Providers, moreDiags = passedProviders(a.Expr)
		diags = append(diags, moreDiags...)
	}
	return diags
}

func moduleLifecycle(d *declaration) (*hcl.Attribute, diag.List) {
	blocks, diags := d.single("lifecycle")
	var enabled *hcl.Attribute
	for _, b := range blocks {
		content, hd := b.Body.Content(moduleLifecycleSchema)
		diags = append(diags, diag.FromHCL(hd)...)
		if a, ok := content.Attributes["enabled"]; ok {
			enabled = a
		}
	}
	return enabled, diags
}

// noBlocks holds the inputs of a module to being arguments.
func noBlocks(body hcl.Body) diag.List {
	_, hd := body.JustAttributes()
	return diag.FromHCL(hd)
}

// passedProviders reads the providers argument: a map, or Terraform 0.11's list
// is long gone.
func passedProviders(e hcl.Expression) ([]PassedProvider, diag.List) {
	pairs, hd := hcl.ExprMap(e)
	diags := diag.FromHCL(hd)
	seen := map[addr.Name]hcl.Range{}
	var out []PassedProvider
	for _, p := range pairs {
		child, moreDiags := providerRef(p.Key)
		diags = append(diags, moreDiags...)
		parent, moreDiags := providerRef(p.Value)
		diags = append(diags, moreDiags...)
		if child == nil || parent == nil {
			continue
		}
		rng := child.Range
		if child.Key != nil {
			diags = append(diags, diag.Errorf(&rng, "Invalid module provider configuration",
				"A key in brackets can stand only on the right side: each instance of the module is given one configuration.")...)
			continue
		}
		if prev, ok := seen[child.Name()]; ok {
			diags = append(diags, diag.Errorf(&rng, "Duplicate provider address",
				"%s is already given at %s. Each configuration of the module can be given once.", refString(*child), prev)...)
			continue
		}
		seen[child.Name()] = rng
		out = append(out, PassedProvider{InChild: *child, InParent: *parent})
	}
	return out, diags
}

func refString(r ProviderRef) string {
	if r.Alias == "" {
		return r.Local
	}
	return r.Local + "." + r.Alias
}

// splitKey takes a dynamic key, as in aws.region[each.key], off a reference.
func splitKey(e hcl.Expression) (key, rest hcl.Expression) {
	switch e := e.(type) {
	case *hclsyntax.IndexExpr:
		return e.Key, e.Collection
	case *hclsyntax.ObjectConsKeyExpr:
		// A key of an object constructor: the braces make it a map key, the
		// content is the reference.
		return splitKey(e.Wrapped)
	default:
		return nil, e
	}
}

// source evaluates the source and version arguments of a call.
func (s *Static) source(c *ModuleCall) (source, version string, diags diag.List) {
	if c.Source == nil {
		return "", "", nil // reported as missing
	}
	source, diags = s.text(c.Source, "source")
	if c.Version != nil {
		var moreDiags diag.List
		version, moreDiags = s.text(c.Version, "version")
		diags = append(diags, moreDiags...)
		if !moreDiags.HasErrors() {
			diags = append(diags, constraintSyntax(version, c.Version.Range())...)
		}
	}
	if diags.HasErrors() {
		return source, version, diags
	}
	return source, version, append(diags, checkSource(source, version, c.SourceRange)...)
}

// text evaluates an expression that must give a string.
func (s *Static) text(e hcl.Expression, what string) (string, diag.List) {
	v, diags := s.Eval(e)
	if diags.HasErrors() {
		return "", diags
	}
	rng := e.Range()
	if object.HasMark(v, object.Sensitive) {
		return "", append(diags, diag.Errorf(&rng, "Invalid module "+what, "The %s is shown and stored in plain, so it must not come from a sensitive variable.", what)...)
	}
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", append(diags, diag.Errorf(&rng, "Invalid module "+what, "The %s must be a string that is known before planning.", what)...)
	}
	return v.AsString(), diags
}

// IsLocalSource reports whether a module source is a path in the same repository.
func IsLocalSource(source string) bool {
	for _, prefix := range []string{"./", "../", `.\`, `..\`} {
		if strings.HasPrefix(source, prefix) {
			return true
		}
	}
	return source == "." || source == ".."
}

func checkSource(source, version string, rng hcl.Range) diag.List {
	switch {
	case source == "":
		return diag.Errorf(&rng, "Invalid module source address", "The source is empty: give a path that starts with ./, a registry address or a URL.")
	case version != "" && IsLocalSource(source):
		return diag.Errorf(&rng, "Invalid registry module source address",
			"A local path has no versions: remove the \"version\" argument, which is for modules from a registry.")
	case !IsLocalSource(source) && !strings.Contains(source, "/") && !strings.Contains(source, ":"):
		return diag.Errorf(&rng, "Invalid module source address",
			"%q is neither a registry address nor a URL. If a folder beside this file is meant, write \"./%s\".", source, source)
	default:
		return nil
	}
}
