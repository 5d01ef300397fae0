package main

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute = tfprotov6.SchemaAttribute

func required(name string, ty tftypes.Type) *attribute {
	return &attribute{Name: name, Type: ty, Required: true}
}

func optional(name string, ty tftypes.Type) *attribute {
	return &attribute{Name: name, Type: ty, Optional: true}
}

func computed(name string, ty tftypes.Type) *attribute {
	return &attribute{Name: name, Type: ty, Computed: true}
}

func block(attributes ...*attribute) *tfprotov6.SchemaBlock {
	return &tfprotov6.SchemaBlock{Attributes: attributes}
}

func schema(version int64, attributes ...*attribute) *tfprotov6.Schema {
	return &tfprotov6.Schema{Version: version, Block: block(attributes...)}
}

func providerSchema() *tfprotov6.Schema {
	return schema(0, optional("label", tftypes.String), optional("fault", tftypes.String))
}

func metaSchema() *tfprotov6.Schema { return schema(0, optional("module_name", tftypes.String)) }

func thingSchema() *tfprotov6.Schema {
	return schema(2,
		required("name", tftypes.String),
		optional("size", tftypes.Number),
		optional("value", tftypes.DynamicPseudoType),
		&attribute{Name: "secret_wo", Type: tftypes.String, Optional: true, WriteOnly: true, Sensitive: true},
		optional("secret_wo_version", tftypes.Number),
		optional("path", tftypes.String),
		optional("delay", tftypes.Number),
		optional("fault", tftypes.String),
		computed("id", tftypes.String),
		computed("serial", tftypes.Number),
		computed("secret_length", tftypes.Number),
		computed("meta_seen", tftypes.String),
		computed("label_seen", tftypes.String),
	)
}

func movedSchema() *tfprotov6.Schema {
	return schema(0, required("name", tftypes.String), computed("id", tftypes.String))
}

func thingIdentity() *tfprotov6.ResourceIdentitySchema {
	return &tfprotov6.ResourceIdentitySchema{Version: 1, IdentityAttributes: []*tfprotov6.ResourceIdentitySchemaAttribute{
		{Name: "name", Type: tftypes.String, RequiredForImport: true, Description: "The name of the thing."},
	}}
}

// nestedSchema has every way to nest there is.
func nestedSchema() *tfprotov6.Schema {
	leaf := func() []*attribute {
		return []*attribute{required("a", tftypes.String), optional("b", tftypes.Number)}
	}
	nested := func(name string, mode tfprotov6.SchemaObjectNestingMode) *attribute {
		return &attribute{Name: name, Optional: true, NestedType: &tfprotov6.SchemaObject{Attributes: leaf(), Nesting: mode}}
	}
	s := schema(0,
		computed("id", tftypes.String),
		nested("one", tfprotov6.SchemaObjectNestingModeSingle),
		nested("list", tfprotov6.SchemaObjectNestingModeList),
		nested("set", tfprotov6.SchemaObjectNestingModeSet),
		nested("map", tfprotov6.SchemaObjectNestingModeMap),
	)
	for name, mode := range map[string]tfprotov6.SchemaNestedBlockNestingMode{
		"single_block": tfprotov6.SchemaNestedBlockNestingModeSingle,
		"group_block":  tfprotov6.SchemaNestedBlockNestingModeGroup,
		"list_block":   tfprotov6.SchemaNestedBlockNestingModeList,
		"set_block":    tfprotov6.SchemaNestedBlockNestingModeSet,
		"map_block":    tfprotov6.SchemaNestedBlockNestingModeMap,
	} {
		s.Block.BlockTypes = append(s.Block.BlockTypes, &tfprotov6.SchemaNestedBlock{TypeName: name, Nesting: mode, Block: block(leaf()...)})
	}
	return s
}

func echoSchema() *tfprotov6.Schema {
	return schema(0, optional("input", tftypes.DynamicPseudoType), computed("output", tftypes.DynamicPseudoType), optional("fault", tftypes.String))
}

func leaseSchema() *tfprotov6.Schema {
	return schema(0,
		required("name", tftypes.String),
		optional("renew_after", tftypes.Number),
		optional("fault", tftypes.String),
		&attribute{Name: "token", Type: tftypes.String, Computed: true, Sensitive: true},
	)
}

func functions() map[string]*tfprotov6.Function {
	str := &tfprotov6.FunctionReturn{Type: tftypes.String}
	return map[string]*tfprotov6.Function{
		"join_all": {
			Summary:           "Joins strings.",
			Parameters:        []*tfprotov6.FunctionParameter{{Name: "separator", Type: tftypes.String}},
			VariadicParameter: &tfprotov6.FunctionParameter{Name: "parts", Type: tftypes.String, AllowNullValue: true},
			Return:            str,
		},
		"blame": {
			Parameters:        []*tfprotov6.FunctionParameter{{Name: "index", Type: tftypes.Number}},
			VariadicParameter: &tfprotov6.FunctionParameter{Name: "any", Type: tftypes.DynamicPseudoType},
			Return:            str,
		},
		"crash":      {Return: str},
		"wrong_type": {Return: str},
	}
}
