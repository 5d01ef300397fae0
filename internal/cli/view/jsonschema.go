package view

import (
	"encoding/json"
	"io"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"tutti/internal/terraform/provider"
)

// Schemas writes what providers say of themselves, by source address, as
// `terraform providers schema -json` does (format version 1.0).
func Schemas(w io.Writer, list map[string]*provider.Schema) error {
	out := schemasJSON{FormatVersion: "1.0", Schemas: map[string]providerJSON{}}
	for source, s := range list {
		p := providerJSON{Provider: schemaJSON{Block: blockOf(s.Provider)}}
		p.Resources, p.Data, p.Ephemeral = typesOf(s, provider.Managed), typesOf(s, provider.Data), typesOf(s, provider.Ephemeral)
		p.Identities = identitiesOf(s)
		for name, f := range s.Functions {
			if p.Functions == nil {
				p.Functions = map[string]functionJSON{}
			}
			p.Functions[name] = providerFunction(f)
		}
		out.Schemas[source] = p
	}
	return json.NewEncoder(w).Encode(out)
}

// Functions writes the signatures of the built-in functions, as
// `terraform metadata functions -json` does.
func Functions(w io.Writer, table map[string]function.Function) error {
	out := functionsJSON{FormatVersion: "1.0", Functions: map[string]functionJSON{}}
	for name, f := range table {
		sig := functionJSON{Description: f.Description(), Return: typeJSON(returnOf(f))}
		for _, p := range f.Params() {
			sig.Parameters = append(sig.Parameters, parameterJSON{Name: p.Name, Description: p.Description, Nullable: p.AllowNull, Type: typeJSON(p.Type)})
		}
		if v := f.VarParam(); v != nil {
			sig.Variadic = &parameterJSON{Name: v.Name, Description: v.Description, Nullable: v.AllowNull, Type: typeJSON(v.Type)}
		}
		out.Functions[name] = sig
	}
	return json.NewEncoder(w).Encode(out)
}

// returnOf gives the type that a function returns whatever it is given.
func returnOf(f function.Function) cty.Type {
	args := make([]cty.Type, len(f.Params()))
	for i, p := range f.Params() {
		args[i] = p.Type
	}
	ty, err := f.ReturnType(args)
	if err != nil {
		return cty.DynamicPseudoType
	}
	return ty
}

type schemasJSON struct {
	FormatVersion string                  `json:"format_version"`
	Schemas       map[string]providerJSON `json:"provider_schemas,omitempty"`
}

type providerJSON struct {
	Provider   schemaJSON              `json:"provider"`
	Resources  map[string]schemaJSON   `json:"resource_schemas,omitempty"`
	Data       map[string]schemaJSON   `json:"data_source_schemas,omitempty"`
	Ephemeral  map[string]schemaJSON   `json:"ephemeral_resource_schemas,omitempty"`
	Functions  map[string]functionJSON `json:"functions,omitempty"`
	Identities map[string]identityJSON `json:"resource_identity_schemas,omitempty"`
}

type schemaJSON struct {
	Version int64      `json:"version"`
	Block   *blockJSON `json:"block,omitempty"`
}

type blockJSON struct {
	Attributes  map[string]attributeJSON `json:"attributes,omitempty"`
	Blocks      map[string]nestedJSON    `json:"block_types,omitempty"`
	Description string                   `json:"description,omitempty"`
	Kind        string                   `json:"description_kind,omitempty"`
	Deprecated  bool                     `json:"deprecated,omitempty"`
}

type attributeJSON struct {
	Type        json.RawMessage `json:"type,omitempty"`
	Nested      *objectJSON     `json:"nested_type,omitempty"`
	Description string          `json:"description,omitempty"`
	Kind        string          `json:"description_kind,omitempty"`
	Deprecated  bool            `json:"deprecated,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Optional    bool            `json:"optional,omitempty"`
	Computed    bool            `json:"computed,omitempty"`
	Sensitive   bool            `json:"sensitive,omitempty"`
	WriteOnly   bool            `json:"write_only,omitempty"`
}

type objectJSON struct {
	Attributes map[string]attributeJSON `json:"attributes,omitempty"`
	Nesting    string                   `json:"nesting_mode,omitempty"`
}

type nestedJSON struct {
	Nesting string     `json:"nesting_mode,omitempty"`
	Block   *blockJSON `json:"block,omitempty"`
	Min     int        `json:"min_items,omitempty"`
	Max     int        `json:"max_items,omitempty"`
}

type identityJSON struct {
	Version    int64                            `json:"version"`
	Attributes map[string]identityAttributeJSON `json:"attributes,omitempty"`
}

type identityAttributeJSON struct {
	Type        json.RawMessage `json:"type,omitempty"`
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required_for_import,omitempty"`
	Optional    bool            `json:"optional_for_import,omitempty"`
}

type functionsJSON struct {
	FormatVersion string                  `json:"format_version"`
	Functions     map[string]functionJSON `json:"function_signatures,omitempty"`
}

type functionJSON struct {
	Description string          `json:"description,omitempty"`
	Summary     string          `json:"summary,omitempty"`
	Deprecated  string          `json:"deprecation_message,omitempty"`
	Return      json.RawMessage `json:"return_type"`
	Parameters  []parameterJSON `json:"parameters,omitempty"`
	Variadic    *parameterJSON  `json:"variadic_parameter,omitempty"`
}

type parameterJSON struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Nullable    bool            `json:"is_nullable,omitempty"`
	Type        json.RawMessage `json:"type"`
}

func typesOf(s *provider.Schema, k provider.Kind) map[string]schemaJSON {
	out := map[string]schemaJSON{}
	for _, name := range s.Types.Names(k) {
		t := s.Types.Type(k, name)
		out[name] = schemaJSON{Version: t.Version, Block: blockOf(t.Block)}
	}
	return out
}

func identitiesOf(s *provider.Schema) map[string]identityJSON {
	out := map[string]identityJSON{}
	for _, name := range s.Types.Names(provider.Managed) {
		t := s.Types.Type(provider.Managed, name)
		if t.Identity == nil {
			continue
		}
		id := identityJSON{Version: t.IdentityVersion, Attributes: map[string]identityAttributeJSON{}}
		for n, a := range t.Identity.Attributes {
			id.Attributes[n] = identityAttributeJSON{Type: typeJSON(a.Type), Description: a.Description, Required: a.RequiredForImport, Optional: a.OptionalForImport}
		}
		out[name] = id
	}
	return out
}

func blockOf(b *provider.Block) *blockJSON {
	if b == nil {
		return nil
	}
	out := &blockJSON{Attributes: attributesOf(b.Attributes), Description: b.Description, Kind: kindOf(b.Markdown), Deprecated: b.Deprecated}
	for name, n := range b.Blocks {
		if out.Blocks == nil {
			out.Blocks = map[string]nestedJSON{}
		}
		out.Blocks[name] = nestedJSON{Nesting: nestingOf(n.Nesting), Block: blockOf(n.Block), Min: n.MinItems, Max: n.MaxItems}
	}
	return out
}

func attributesOf(list map[string]*provider.Attribute) map[string]attributeJSON {
	out := make(map[string]attributeJSON, len(list))
	for name, a := range list {
		x := attributeJSON{Description: a.Description, Kind: kindOf(a.Markdown), Deprecated: a.Deprecated, Required: a.Required,
			Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive, WriteOnly: a.WriteOnly}
		if a.Nested != nil {
			x.Nested = &objectJSON{Attributes: attributesOf(a.Nested.Attributes), Nesting: nestingOf(a.Nested.Nesting)}
		} else {
			x.Type = typeJSON(a.Type)
		}
		out[name] = x
	}
	return out
}

func providerFunction(f *provider.Function) functionJSON {
	out := functionJSON{Description: f.Description, Summary: f.Summary, Deprecated: f.DeprecationMessage, Return: typeJSON(f.Return)}
	for i := range f.Parameters {
		out.Parameters = append(out.Parameters, parameterOf(&f.Parameters[i]))
	}
	if f.Variadic != nil {
		v := parameterOf(f.Variadic)
		out.Variadic = &v
	}
	return out
}

func parameterOf(p *provider.Parameter) parameterJSON {
	return parameterJSON{Name: p.Name, Description: p.Description, Nullable: p.AllowNull, Type: typeJSON(p.Type)}
}

func kindOf(markdown bool) string {
	if markdown {
		return "markdown"
	}
	return "plain"
}

func nestingOf(n provider.Nesting) string {
	switch n {
	case provider.NestingSingle:
		return "single"
	case provider.NestingGroup:
		return "group"
	case provider.NestingList:
		return "list"
	case provider.NestingSet:
		return "set"
	case provider.NestingMap:
		return "map"
	default:
		panic("view: a nesting without a mode")
	}
}
