package config

import "github.com/hashicorp/hcl/v2"

// The schemas are tables of the language's own blocks and arguments. They are
// never changed after start-up.
var (
	rootSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"},
		{Type: "language"},
		{Type: "required_providers"}, // a frequent mistake with its own message
		{Type: "provider", LabelNames: []string{"name"}},
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "locals"},
		{Type: "output", LabelNames: []string{"name"}},
		{Type: "module", LabelNames: []string{"name"}},
		{Type: "resource", LabelNames: []string{"type", "name"}},
		{Type: "data", LabelNames: []string{"type", "name"}},
		{Type: "ephemeral", LabelNames: []string{"type", "name"}},
		{Type: "action", LabelNames: []string{"type", "name"}},
		{Type: "moved"},
		{Type: "removed"},
		{Type: "import"},
		{Type: "check", LabelNames: []string{"name"}},
	}}

	terraformSchema = &hcl.BodySchema{
		Attributes: attrs("required_version", "experiments", "language"),
		Blocks: []hcl.BlockHeaderSchema{
			{Type: "backend", LabelNames: []string{"type"}},
			{Type: "cloud"},
			{Type: "required_providers"},
			{Type: "provider_meta", LabelNames: []string{"provider"}},
			{Type: "encryption"},
		},
	}
	languageSchema = &hcl.BodySchema{
		Attributes: attrs("edition", "experiments"),
		Blocks:     blocks("compatible_with"),
	}
	compatibleSchema = &hcl.BodySchema{Attributes: attrs("opentofu")}

	variableSchema = &hcl.BodySchema{
		Attributes: attrs("description", "default", "type", "sensitive", "ephemeral", "const", "deprecated", "nullable"),
		Blocks:     blocks("validation"),
	}
	outputSchema = &hcl.BodySchema{
		Attributes: append(required("value"), attrs("description", "depends_on", "sensitive", "ephemeral", "deprecated")...),
		Blocks:     blocks("precondition", "postcondition"),
	}
	conditionSchema = &hcl.BodySchema{Attributes: required("condition", "error_message")}

	resourceSchema = &hcl.BodySchema{
		Attributes: attrs("count", "for_each", "provider", "depends_on"),
		Blocks: append(blocks("lifecycle", "connection", "locals", "_"),
			hcl.BlockHeaderSchema{Type: "provisioner", LabelNames: []string{"type"}}),
	}
	// dataSchema is also that of ephemeral resources.
	dataSchema = &hcl.BodySchema{
		Attributes: attrs("count", "for_each", "provider", "depends_on"),
		Blocks:     blocks("lifecycle", "locals", "_"),
	}
	lifecycleSchema = &hcl.BodySchema{
		Attributes: attrs("create_before_destroy", "prevent_destroy", "destroy", "ignore_changes", "replace_triggered_by", "enabled"),
		Blocks:     blocks("precondition", "postcondition", "action_trigger"),
	}
	actionTriggerSchema = &hcl.BodySchema{Attributes: append(required("events", "actions"), attrs("condition")...)}
	actionSchema        = &hcl.BodySchema{
		Attributes: attrs("count", "for_each", "provider"),
		Blocks:     blocks("config"),
	}
	provisionerSchema = &hcl.BodySchema{
		Attributes: attrs("when", "on_failure"),
		Blocks:     blocks("connection", "lifecycle", "_"),
	}

	moduleSchema = &hcl.BodySchema{
		Attributes: append(required("source"), attrs("version", "count", "for_each", "depends_on", "providers")...),
		Blocks:     append(blocks("lifecycle", "locals", "_"), hcl.BlockHeaderSchema{Type: "provider", LabelNames: []string{"type"}}),
	}
	moduleLifecycleSchema = &hcl.BodySchema{Attributes: attrs("enabled")}

	providerSchema = &hcl.BodySchema{
		Attributes: attrs("alias", "version", "for_each", "count", "depends_on", "source"),
		Blocks:     blocks("lifecycle", "locals", "_"),
	}

	movedSchema   = &hcl.BodySchema{Attributes: required("from", "to")}
	removedSchema = &hcl.BodySchema{
		Attributes: required("from"),
		Blocks:     append(blocks("lifecycle", "connection"), hcl.BlockHeaderSchema{Type: "provisioner", LabelNames: []string{"type"}}),
	}
	removedLifecycleSchema = &hcl.BodySchema{Attributes: attrs("destroy")}
	importSchema           = &hcl.BodySchema{Attributes: append(required("to"), attrs("id", "identity", "provider", "for_each")...)}

	checkSchema = &hcl.BodySchema{Blocks: append(blocks("assert"),
		hcl.BlockHeaderSchema{Type: "data", LabelNames: []string{"type", "name"}})}
)

func attrs(names ...string) []hcl.AttributeSchema {
	out := make([]hcl.AttributeSchema, 0, len(names))
	for _, n := range names {
		out = append(out, hcl.AttributeSchema{Name: n})
	}
	return out
}

func required(names ...string) []hcl.AttributeSchema {
	out := attrs(names...)
	for i := range out {
		out[i].Required = true
	}
	return out
}

func blocks(types ...string) []hcl.BlockHeaderSchema {
	out := make([]hcl.BlockHeaderSchema, 0, len(types))
	for _, t := range types {
		out = append(out, hcl.BlockHeaderSchema{Type: t})
	}
	return out
}
