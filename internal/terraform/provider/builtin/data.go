package builtin

import (
	"context"
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
)

// Paths and values that every terraform_data has in common.
func triggersPath() []cty.Path { return []cty.Path{cty.GetAttrPath("triggers_replace")} }

func unknownID() cty.Value { return cty.UnknownVal(cty.String).RefineNotNull() }

// data makes a terraform_data value.
func data(id, input, output, triggers cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": id, "input": input, "output": output, "triggers_replace": triggers})
}

// outputFor is what can be planned of the output for an input: of the same type,
// and known before apply only when it is null.
func outputFor(input cty.Value) cty.Value {
	if input.IsNull() {
		return input
	}
	return cty.UnknownVal(input.Type())
}

func (b *builtin) Plan(_ context.Context, req provider.PlanRequest) (provider.PlanResponse, diag.List) {
	if req.TypeName != dataType {
		return provider.PlanResponse{}, b.unknown(provider.Managed, req.TypeName)
	}
	if isNull(req.Proposed) {
		return provider.PlanResponse{Planned: cty.NullVal(b.dataType()), Private: req.Private}, nil
	}
	input, triggers := req.Proposed.GetAttr("input"), req.Proposed.GetAttr("triggers_replace")
	out := provider.PlanResponse{Private: req.Private}
	switch {
	case isNull(req.Prior):
		out.Planned = data(unknownID(), input, outputFor(input), triggers)
	case !req.Prior.GetAttr("triggers_replace").RawEquals(triggers):
		out.Planned = data(unknownID(), input, outputFor(input), triggers)
		out.RequiresReplace = triggersPath()
	case !req.Prior.GetAttr("input").RawEquals(input):
		// Terraform leaves the output open here even where the input is removed.
		out.Planned = data(req.Proposed.GetAttr("id"), input, cty.UnknownVal(input.Type()), triggers)
	default:
		out.Planned = req.Proposed
	}
	return out, nil
}

func (b *builtin) Apply(_ context.Context, req provider.ApplyRequest) (provider.ApplyResponse, diag.List) {
	if req.TypeName != dataType {
		return provider.ApplyResponse{}, b.unknown(provider.Managed, req.TypeName)
	}
	if isNull(req.Planned) {
		return provider.ApplyResponse{State: cty.NullVal(b.dataType())}, nil
	}
	id, output := req.Planned.GetAttr("id"), req.Planned.GetAttr("output")
	input := req.Planned.GetAttr("input")
	if id.IsKnown() && output.IsKnown() {
		return provider.ApplyResponse{State: req.Planned, Private: req.Private}, nil
	}
	if !id.IsKnown() {
		id = cty.StringVal(b.opts.NewID())
	}
	if !output.IsKnown() {
		output = input
	}
	return provider.ApplyResponse{State: data(id, input, output, req.Planned.GetAttr("triggers_replace")), Private: req.Private}, nil
}

// Read gives back what is stored: the state is all there is of a terraform_data.
func (b *builtin) Read(_ context.Context, req provider.ReadRequest) (provider.ReadResponse, diag.List) {
	if req.TypeName != dataType {
		return provider.ReadResponse{}, b.unknown(provider.Managed, req.TypeName)
	}
	return provider.ReadResponse{State: req.Prior, Private: req.Private}, nil
}

func (b *builtin) UpgradeState(_ context.Context, req provider.UpgradeStateRequest) (cty.Value, diag.List) {
	if req.TypeName != dataType {
		return cty.NilVal, b.unknown(provider.Managed, req.TypeName)
	}
	v, err := ctyjson.Unmarshal(req.JSON, b.dataType())
	if err != nil {
		return cty.NilVal, diag.Errorf(nil, "Invalid stored state", "The stored attributes of a %s cannot be read: %s.", dataType, err)
	}
	return v, nil
}

func (b *builtin) Import(_ context.Context, req provider.ImportRequest) (provider.ImportResponse, diag.List) {
	if req.TypeName != dataType {
		return provider.ImportResponse{}, b.unknown(provider.Managed, req.TypeName)
	}
	if req.ID == "" {
		return provider.ImportResponse{}, diag.Errorf(nil, "Import needs an ID", "A %s is imported by an ID of your choice, which must not be empty.", dataType)
	}
	null := cty.NullVal(cty.DynamicPseudoType)
	return provider.ImportResponse{Imported: []provider.Imported{{TypeName: dataType, State: data(cty.StringVal(req.ID), null, null, null)}}}, nil
}

// Move takes over a null_resource: its triggers become triggers_replace.
func (b *builtin) Move(_ context.Context, req provider.MoveRequest) (provider.MoveResponse, diag.List) {
	if req.TargetType != dataType || !isNullResource(req.SourceProvider, req.SourceType) {
		return provider.MoveResponse{}, diag.Errorf(nil, "Move between resource types not supported",
			"A %s of provider %s cannot become a %s; only null_resource of hashicorp/null can.", req.SourceType, req.SourceProvider, req.TargetType)
	}
	var old struct {
		ID       string             `json:"id"`
		Triggers map[string]*string `json:"triggers"`
	}
	if err := json.Unmarshal(req.SourceJSON, &old); err != nil {
		return provider.MoveResponse{}, diag.Errorf(nil, "Invalid stored state", "The stored attributes of a null_resource cannot be read: %s.", err)
	}
	null := cty.NullVal(cty.DynamicPseudoType)
	triggers := null
	if len(old.Triggers) > 0 {
		attrs := make(map[string]cty.Value, len(old.Triggers))
		for name, text := range old.Triggers {
			attrs[name] = cty.NullVal(cty.String)
			if text != nil {
				attrs[name] = cty.StringVal(*text)
			}
		}
		triggers = cty.ObjectVal(attrs)
	}
	return provider.MoveResponse{State: data(cty.StringVal(old.ID), null, null, triggers)}, nil
}

// dataType is the type of a terraform_data.
func (b *builtin) dataType() cty.Type {
	return b.schema.Types.Type(provider.Managed, dataType).Block.ImpliedType()
}

// isNull reports whether a value stands for the absence of an object.
func isNull(v cty.Value) bool { return v == cty.NilVal || v.IsNull() }
