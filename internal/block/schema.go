package block

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
)

// metaArguments are those of every block that the hall understands.
func metaArguments() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "count"}, {Name: "for_each"}, {Name: "depends_on"}},
		// The conditions are accepted here only to be told where they belong.
		Blocks: []hcl.BlockHeaderSchema{{Type: "lifecycle"}, {Type: "precondition"}, {Type: "postcondition"}},
	}
}

func lifecycleSchema() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "prevent_destroy"}, {Name: "enabled"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "precondition"}, {Type: "postcondition"}},
	}
}

func conditionSchema() *hcl.BodySchema {
	return &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}}}
}

func stackSchema() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "name", Required: true}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "site", LabelNames: []string{"name"}}, {Type: "store", LabelNames: []string{"type"}}},
	}
}

// withMeta is the schema of a whole block.
func withMeta(spec hcldec.Spec) *hcl.BodySchema {
	s, meta := hcldec.ImpliedSchema(spec), metaArguments()
	s.Attributes = append(s.Attributes, meta.Attributes...)
	s.Blocks = append(s.Blocks, meta.Blocks...)
	return s
}
