package provider

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"google.golang.org/protobuf/proto"

	"tutti/internal/terraform/provider/tfplugin5"
	"tutti/internal/terraform/provider/tfplugin6"
)

// maxNesting bounds how deep blocks and nested attributes may lie in each other.
const maxNesting = 64

// decodeSchema reads one encoded Schema message of the given protocol version.
func decodeSchema(version int, raw []byte) (*Type, error) {
	six := &tfplugin6.Schema{}
	if version == 5 {
		var five tfplugin5.Schema
		if err := proto.Unmarshal(raw, &five); err != nil {
			return nil, err
		}
		six.Version, six.Block = five.Version, sixBlock(five.Block)
	} else if err := proto.Unmarshal(raw, six); err != nil {
		return nil, err
	}
	block, err := decodeBlock(six.Block, 0)
	if err != nil {
		return nil, err
	}
	return &Type{Version: six.Version, Block: block}, nil
}

// sixBlock rewrites a block of version 5, whose attributes have other numbers.
func sixBlock(b *tfplugin5.Schema_Block) *tfplugin6.Schema_Block {
	if b == nil {
		return nil
	}
	out := &tfplugin6.Schema_Block{
		Version: b.Version, Description: b.Description, DescriptionKind: tfplugin6.StringKind(b.DescriptionKind),
		Deprecated: b.Deprecated, DeprecationMessage: b.DeprecationMessage,
		Attributes: make([]*tfplugin6.Schema_Attribute, 0, len(b.Attributes)),
		BlockTypes: make([]*tfplugin6.Schema_NestedBlock, 0, len(b.BlockTypes)),
	}
	for _, a := range b.Attributes {
		out.Attributes = append(out.Attributes, &tfplugin6.Schema_Attribute{
			Name: a.Name, Type: a.Type, Description: a.Description, DescriptionKind: tfplugin6.StringKind(a.DescriptionKind),
			Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive,
			Deprecated: a.Deprecated, DeprecationMessage: a.DeprecationMessage, WriteOnly: a.WriteOnly,
		})
	}
	for _, n := range b.BlockTypes {
		out.BlockTypes = append(out.BlockTypes, &tfplugin6.Schema_NestedBlock{
			TypeName: n.TypeName, Block: sixBlock(n.Block), Nesting: tfplugin6.Schema_NestedBlock_NestingMode(n.Nesting),
			MinItems: n.MinItems, MaxItems: n.MaxItems,
		})
	}
	return out
}

func decodeBlock(in *tfplugin6.Schema_Block, depth int) (*Block, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("blocks are nested more than %d deep", maxNesting)
	}
	out := &Block{
		Description: in.GetDescription(), Markdown: in.GetDescriptionKind() == tfplugin6.StringKind_MARKDOWN,
		Deprecated: in.GetDeprecated(), DeprecationMessage: in.GetDeprecationMessage(),
		Blocks: make(map[string]*NestedBlock, len(in.GetBlockTypes())),
	}
	var err error
	if out.Attributes, err = decodeAttributes(in.GetAttributes(), depth); err != nil {
		return nil, err
	}
	for _, n := range in.GetBlockTypes() {
		nesting, err := blockNesting(n.Nesting)
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", n.TypeName, err)
		}
		inner, err := decodeBlock(n.Block, depth+1)
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", n.TypeName, err)
		}
		out.Blocks[n.TypeName] = &NestedBlock{Block: inner, Nesting: nesting, MinItems: int(n.MinItems), MaxItems: int(n.MaxItems)}
	}
	return out, nil
}

func blockNesting(n tfplugin6.Schema_NestedBlock_NestingMode) (Nesting, error) {
	switch n {
	case tfplugin6.Schema_NestedBlock_SINGLE:
		return NestingSingle, nil
	case tfplugin6.Schema_NestedBlock_GROUP:
		return NestingGroup, nil
	case tfplugin6.Schema_NestedBlock_LIST:
		return NestingList, nil
	case tfplugin6.Schema_NestedBlock_SET:
		return NestingSet, nil
	case tfplugin6.Schema_NestedBlock_MAP:
		return NestingMap, nil
	default:
		return 0, fmt.Errorf("nesting %d is unknown", n)
	}
}

func decodeAttributes(in []*tfplugin6.Schema_Attribute, depth int) (map[string]*Attribute, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("attributes are nested more than %d deep", maxNesting)
	}
	out := make(map[string]*Attribute, len(in))
	for _, a := range in {
		attr := &Attribute{
			Description: a.Description, Markdown: a.DescriptionKind == tfplugin6.StringKind_MARKDOWN,
			Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive,
			Deprecated: a.Deprecated, WriteOnly: a.WriteOnly, DeprecationMessage: a.DeprecationMessage,
		}
		var err error
		if a.NestedType != nil {
			if attr.Nested, err = decodeObject(a.NestedType, depth+1); err == nil {
				attr.Type = attr.Nested.ImpliedType()
			}
		} else {
			attr.Type, err = decodeType(a.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		out[a.Name] = attr
	}
	return out, nil
}

func decodeObject(in *tfplugin6.Schema_Object, depth int) (*Object, error) {
	attrs, err := decodeAttributes(in.Attributes, depth)
	if err != nil {
		return nil, err
	}
	out := &Object{Attributes: attrs}
	switch in.Nesting {
	case tfplugin6.Schema_Object_SINGLE:
		out.Nesting = NestingSingle
	case tfplugin6.Schema_Object_LIST:
		out.Nesting = NestingList
	case tfplugin6.Schema_Object_SET:
		out.Nesting = NestingSet
	case tfplugin6.Schema_Object_MAP:
		out.Nesting = NestingMap
	default:
		return nil, fmt.Errorf("nesting %d is unknown", in.Nesting)
	}
	return out, nil
}

// decodeType reads a type constraint; the few that nearly all attributes have
// take a short way around the JSON decoder.
func decodeType(raw []byte) (cty.Type, error) {
	switch string(raw) {
	case `"string"`:
		return cty.String, nil
	case `"bool"`:
		return cty.Bool, nil
	case `"number"`:
		return cty.Number, nil
	case `["list","string"]`:
		return cty.List(cty.String), nil
	case `["set","string"]`:
		return cty.Set(cty.String), nil
	case `["map","string"]`:
		return cty.Map(cty.String), nil
	}
	return ctyjson.UnmarshalType(raw)
}

func decodeIdentity(raw []byte) (*Block, int64, error) {
	var msg tfplugin6.ResourceIdentitySchema
	if err := proto.Unmarshal(raw, &msg); err != nil {
		return nil, 0, err
	}
	out := &Block{Attributes: make(map[string]*Attribute, len(msg.IdentityAttributes))}
	for _, a := range msg.IdentityAttributes {
		ty, err := decodeType(a.Type)
		if err != nil {
			return nil, 0, fmt.Errorf("identity attribute %s: %w", a.Name, err)
		}
		out.Attributes[a.Name] = &Attribute{
			Type: ty, Description: a.Description, Required: a.RequiredForImport, Optional: a.OptionalForImport,
			RequiredForImport: a.RequiredForImport, OptionalForImport: a.OptionalForImport,
		}
	}
	return out, msg.Version, nil
}

func decodeFunction(raw []byte) (*Function, error) {
	var msg tfplugin6.Function
	if err := proto.Unmarshal(raw, &msg); err != nil {
		return nil, err
	}
	ret, err := decodeType(msg.Return.GetType())
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	out := &Function{Return: ret, Summary: msg.Summary, Description: msg.Description, DeprecationMessage: msg.DeprecationMessage}
	for _, p := range msg.Parameters {
		param, err := decodeParameter(p)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, param)
	}
	if msg.VariadicParameter != nil {
		param, err := decodeParameter(msg.VariadicParameter)
		if err != nil {
			return nil, err
		}
		out.Variadic = &param
	}
	return out, nil
}

func decodeParameter(p *tfplugin6.Function_Parameter) (Parameter, error) {
	ty, err := decodeType(p.Type)
	if err != nil {
		return Parameter{}, fmt.Errorf("parameter %s: %w", p.Name, err)
	}
	return Parameter{Name: p.Name, Type: ty, AllowNull: p.AllowNullValue, AllowUnknown: p.AllowUnknownValues, Description: p.Description}, nil
}
