package config

import (
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/address"
)

// terraform takes one terraform block.
func (l *loader) terraform(block *hcl.Block, override bool) diag.List {
	content, hd := block.Body.Content(terraformSchema)
	diags := diag.FromHCL(hd)
	if a, ok := content.Attributes["experiments"]; ok {
		diags = append(diags, experiments(a)...)
	}
	providersBlock, moreDiags := onlyBlock(content.Blocks, "required_providers")
	diags = append(diags, moreDiags...)
	if providersBlock != nil {
		diags = append(diags, l.requiredProviders(providersBlock, override)...)
	}
	s := &l.module.Settings
	for _, b := range content.Blocks {
		switch b.Type {
		case "backend":
			diags = append(diags, l.backend(&Backend{Type: b.Labels[0], Body: b.Body, DeclRange: b.DefRange}, override)...)
		case "cloud":
			diags = append(diags, l.backend(&Backend{Type: "cloud", Body: b.Body, DeclRange: b.DefRange}, override)...)
		case "provider_meta":
			name := b.Labels[0]
			if prev := s.ProviderMeta[name]; prev != nil && !override {
				diags = append(diags, diag.Errorf(&b.DefRange, "Duplicate provider_meta block",
					"There is already a provider_meta block for %q at %s.", name, prev.DeclRange)...)
				continue
			}
			s.ProviderMeta[name] = &ProviderMeta{Local: name, Body: b.Body, DeclRange: b.DefRange}
		case "encryption":
			if len(s.Encryption) > 0 && !override {
				diags = append(diags, diag.Errorf(&b.DefRange, "Duplicate encryption configuration",
					"A module may have only one encryption block.")...)
				continue
			}
			s.Encryption = append(s.Encryption, b.Body)
		}
	}
	return diags
}

// backend notes where the state lies; a cloud block and a backend block exclude
// each other.
func (l *loader) backend(b *Backend, override bool) diag.List {
	prev := l.module.Settings.Backend
	if prev != nil && !override {
		return diag.Errorf(&b.DeclRange, "Duplicate backend configuration",
			"The state can lie in one place: there is already a backend or cloud block at %s.", prev.DeclRange)
	}
	l.module.Settings.Backend = b
	return nil
}

// experiments says of every experiment that it is none: there are none in the
// version of the language that this is compatible with.
func experiments(a *hcl.Attribute) diag.List {
	exprs, hd := hcl.ExprList(a.Expr)
	diags := diag.FromHCL(hd)
	for _, e := range exprs {
		kw := hcl.ExprAsKeyword(e)
		rng := e.Range()
		if kw == "" {
			diags = append(diags, diag.Errorf(&rng, "Invalid experiment keyword", "Experiments are named by keywords, without quotes.")...)
			continue
		}
		switch kw {
		case "module_variable_optional_attrs", "variable_validation", "provider_sensitive_attrs", "config_driven_move", "preconditions_postconditions", "ephemeral_values", "unknown_instances", "template_string_func":
			diags = append(diags, diag.Warnf(&rng, "Experimental feature has ended", "What the experiment %q tried is part of the language or gone: remove the keyword.", kw)...)
		default:
			diags = append(diags, diag.Errorf(&rng, "Unknown experiment keyword", "There is no experiment called %q.", kw)...)
		}
	}
	return diags
}

// language checks a language block, the newer way to say what a module is for.
func (l *loader) language(block *hcl.Block, override bool) diag.List {
	if override {
		return diag.Errorf(&block.DefRange, "Cannot override language blocks",
			"A language block can stand only in a normal file, not in an override file.")
	}
	content, hd := block.Body.Content(languageSchema)
	diags := diag.FromHCL(hd)
	if a, ok := content.Attributes["edition"]; ok && hcl.ExprAsKeyword(a.Expr) != "tofu2024" {
		rng := a.Expr.Range()
		diags = append(diags, diag.Errorf(&rng, "Unsupported language edition",
			"The only edition of the language is tofu2024, which is also the default.")...)
	}
	if a, ok := content.Attributes["experiments"]; ok {
		diags = append(diags, experiments(a)...)
	}
	return diags
}

// checkVersions holds the version constraints of all files against the version
// that is announced, looking at nothing else. A required_version in a .tf file is
// about Terraform's own versions, which say little of ours: as OpenTofu does since
// 1.12, it stops nothing.
func checkVersions(sources []source) diag.List {
	sniff := &hcl.BodySchema{Blocks: blocks("terraform", "language")}
	var diags diag.List
	for _, src := range sources {
		content, _, _ := src.body.PartialContent(sniff)
		for _, b := range content.Blocks {
			if b.Type == "terraform" {
				inner, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: attrs("required_version")})
				found := checkVersion(inner.Attributes["required_version"])
				if !strings.HasSuffix(strings.TrimSuffix(src.name, ".json"), ".tofu") {
					found = mild(found)
				}
				diags = append(diags, found...)
				continue
			}
			inner, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: blocks("compatible_with")})
			for _, c := range inner.Blocks {
				args, _, _ := c.Body.PartialContent(compatibleSchema)
				diags = append(diags, checkVersion(args.Attributes["opentofu"])...)
			}
		}
	}
	return diags
}

// mild turns an unmet constraint into a warning; one that cannot be read stays an
// error.
func mild(diags diag.List) diag.List {
	for i, d := range diags {
		if d.Headline == unsupportedVersion || d.Headline == badRequiredVersion {
			c := *d
			c.Severity = diag.Warning
			diags[i] = &c
		}
	}
	return diags
}

const (
	unsupportedVersion = "Unsupported language version"
	badRequiredVersion = "Invalid required_version constraint"
)

func checkVersion(a *hcl.Attribute) diag.List {
	if a == nil {
		return nil
	}
	text := ""
	if diags := staticInto(a, &text); diags.HasErrors() {
		return diags
	}
	rng := a.Expr.Range()
	constraints, err := version.NewConstraint(text)
	if err != nil {
		return constraintSyntax(text, rng)
	}
	for _, c := range constraints {
		if c.Prerelease() {
			return diag.Errorf(&rng, badRequiredVersion,
				"A prerelease version such as %s cannot be required: give the version without what follows the hyphen.", c)
		}
	}
	if !constraints.Check(version.Must(version.NewVersion(CompatVersion))) {
		return diag.Errorf(&rng, unsupportedVersion,
			"This module asks for version %s of the tool, and tutti reads the language of OpenTofu %s. Change the constraint if the module works with that version.", text, CompatVersion)
	}
	return nil
}

// constraintSyntax complains about a version constraint that cannot be read.
func constraintSyntax(text string, rng hcl.Range) diag.List {
	if _, err := version.NewConstraint(text); err == nil {
		return nil
	}
	return diag.Errorf(&rng, "Invalid version constraint",
		"%q is not a version constraint. Write an operator and a version, such as \">= 1.2.0\" or \"~> 3.1\"; several are separated by commas.", text)
}

// requiredProviders takes a required_providers block; in an override file each
// entry replaces the one of its name.
func (l *loader) requiredProviders(block *hcl.Block, override bool) diag.List {
	required := l.module.Settings.Required
	if len(required) > 0 && !override {
		for _, name := range sortedKeys(required) {
			return diag.Errorf(&block.DefRange, "Duplicate required providers configuration",
				"A module may have only one required_providers block. There is already one, with %s at %s.", name, required[name].DeclRange)
		}
	}
	found, hd := block.Body.JustAttributes()
	diags := diag.FromHCL(hd)
	for _, attr := range byPosition(found) {
		r, moreDiags := requirement(attr)
		diags = append(diags, moreDiags...)
		if r != nil {
			required[r.Local] = r
		}
	}
	return append(diags, duplicateSources(required)...)
}

// requirement reads one entry of required_providers.
func requirement(attr *hcl.Attribute) (*ProviderRequirement, diag.List) {
	r := &ProviderRequirement{Local: attr.Name, DeclRange: attr.Range}
	rng := attr.Expr.Range()
	if diags := normalName(attr.Name, attr.NameRange); diags != nil {
		return nil, diags
	}
	r.Source, r.HostImplied = defaultSource(attr.Name)
	if v, hd := attr.Expr.Value(nil); !hd.HasErrors() && v.Type() == cty.String && !v.IsNull() {
		r.Constraints = v.AsString() // the form of Terraform 0.12: a version only
		return r, constraintSyntax(r.Constraints, rng)
	}
	pairs, hd := hcl.ExprMap(attr.Expr)
	if hd.HasErrors() {
		return nil, diag.Errorf(&rng, "Invalid required_providers object",
			"An entry of required_providers is an object, as in %s = { source = \"hashicorp/%s\", version = \"~> 1.0\" }.", attr.Name, attr.Name)
	}
	var diags diag.List
	for _, p := range pairs {
		diags = append(diags, r.field(p)...)
	}
	return r, diags
}

// field reads one argument of a requirement.
func (r *ProviderRequirement) field(p hcl.KeyValuePair) diag.List {
	key, hd := p.Key.Value(nil)
	keyRange, rng := p.Key.Range(), p.Value.Range()
	if hd.HasErrors() || key.Type() != cty.String || key.IsNull() {
		return diag.Errorf(&keyRange, "Invalid required_providers object", "The names in the object must be source, version or configuration_aliases.")
	}
	switch name := key.AsString(); name {
	case "version", "source":
		v, hd := p.Value.Value(nil)
		if hd.HasErrors() || v.Type() != cty.String || v.IsNull() {
			return diag.Errorf(&rng, "Invalid required_providers object", "The %s must be a string, written as such.", name)
		}
		if name == "version" {
			r.Constraints = v.AsString()
			return constraintSyntax(r.Constraints, rng)
		}
		source, implied, err := address.Provider(v.AsString())
		if err != nil {
			return diag.Errorf(&rng, "Invalid provider source string",
				"%q is not a provider's address: write [HOST/]NAMESPACE/NAME, such as hashicorp/random.", v.AsString())
		}
		r.Source, r.HostImplied = source, implied
		return nil
	case "configuration_aliases":
		return r.aliases(p.Value)
	default:
		return diag.Errorf(&keyRange, "Invalid required_providers object",
			"An entry of required_providers has source, version and configuration_aliases, not %q.%s Settings of the provider go into a provider block.",
			name, diag.DidYouMean(name, []string{"source", "version", "configuration_aliases"}))
	}
}

func (r *ProviderRequirement) aliases(e hcl.Expression) diag.List {
	exprs, hd := hcl.ExprList(e)
	diags := diag.FromHCL(hd)
	for _, item := range exprs {
		ref, moreDiags := providerRef(item)
		diags = append(diags, moreDiags...)
		if ref == nil {
			continue
		}
		if ref.Local != r.Local || ref.Alias == "" || ref.Key != nil {
			rng := ref.Range
			diags = append(diags, diag.Errorf(&rng, "Invalid configuration_aliases value",
				"An alias of this provider has the form %s.ALIAS.", r.Local)...)
			continue
		}
		r.Aliases = append(r.Aliases, *ref)
	}
	return diags
}

// duplicateSources finds two local names for one provider.
func duplicateSources(required map[string]*ProviderRequirement) diag.List {
	var diags diag.List
	first := map[tfaddr.Provider]*ProviderRequirement{}
	for _, name := range sortedKeys(required) {
		r := required[name]
		if prev := first[r.Source]; prev != nil {
			diags = append(diags, diag.Warnf(&r.DeclRange, "Duplicate required provider",
				"Both %q and %q stand for the provider %s: one local name is enough.", prev.Local, r.Local, r.Source.ForDisplay())...)
			continue
		}
		first[r.Source] = r
	}
	return diags
}

// normalName holds a provider's local name to the form that addresses have.
func normalName(name string, rng hcl.Range) diag.List {
	part, err := tfaddr.ParseProviderPart(name)
	if err != nil {
		return diag.Errorf(&rng, "Invalid provider local name", "%q cannot name a provider: %s.", name, err)
	}
	if part != name {
		return diag.Errorf(&rng, "Invalid provider local name", "Provider names are written in lower case: write %q instead of %q.", part, strings.TrimSpace(name))
	}
	return nil
}

// defaultSource gives the provider that a local name stands for when
// required_providers does not say, and whether its host is implied.
func defaultSource(local string) (source tfaddr.Provider, hostImplied bool) {
	if local == "terraform" {
		return tfaddr.NewProvider(tfaddr.BuiltInProviderHost, tfaddr.BuiltInProviderNamespace, "terraform"), false
	}
	// Not by NewProvider, which panics at a bad name: checkProviders reports those.
	return tfaddr.Provider{Type: local, Namespace: "hashicorp", Hostname: tfaddr.DefaultProviderRegistryHost}, true
}
