// Package tfstate reads and writes the state file of Terraform and OpenTofu,
// format version 4.
//
// In: the bytes of a terraform.tfstate. Out: state rows (package object) and
// outputs; and the other way round, byte for byte as Terraform itself writes
// them. It owns the format. It must not know where the file lies, which store the
// rows go to, or what is in the attributes.
package tfstate

import (
	"encoding/json"

	"tutti/internal/object"
)

// FormatVersion is the version of the format that is read and written.
const FormatVersion = 4

// WrittenVersion is the version of Terraform that a written state names when the
// File names none: Terraform wants one there, and takes any that is not newer
// than a major version it knows.
const WrittenVersion = "1.11.4"

// File is what a state file holds. Its zero value is an empty state.
type File struct {
	TerraformVersion string
	Serial           int64
	Lineage          string
	// Rows are the instances of resources and data sources. Their Needs have no
	// keys: the format does not tell which instances are meant. Attributes are
	// compact JSON.
	Rows []*object.State
	// Outputs are sorted by name when read.
	Outputs []*object.OutputState
	// Checks are the results of checks as JSON, kept as they are; nil for none.
	Checks json.RawMessage
}

// The format. Fields are in the order in which Terraform writes them.
type fileV4 struct {
	Version          json.RawMessage        `json:"version"`
	TerraformVersion string                 `json:"terraform_version"`
	Serial           int64                  `json:"serial"`
	Lineage          string                 `json:"lineage"`
	Outputs          map[string]outputV4    `json:"outputs"`
	Resources        []resourceV4           `json:"resources"`
	Checks           json.RawMessage        `json:"check_results"`
	Encrypted        json.RawMessage        `json:"encrypted_data"`
	Encryption       string                 `json:"encryption_version"`
	Modules          []struct{ _ struct{} } `json:"modules"` // version 3 and older
}

type outputV4 struct {
	Value     json.RawMessage `json:"value"`
	Type      json.RawMessage `json:"type"`
	Sensitive bool            `json:"sensitive,omitempty"`
}

type resourceV4 struct {
	Module    string       `json:"module,omitempty"`
	Mode      string       `json:"mode"`
	Type      string       `json:"type"`
	Name      string       `json:"name"`
	Provider  string       `json:"provider,omitempty"`
	Instances []instanceV4 `json:"instances,omitempty"`
}

type instanceV4 struct {
	IndexKey json.RawMessage `json:"index_key,omitempty"`
	Status   string          `json:"status,omitempty"`
	Deposed  string          `json:"deposed,omitempty"`
	// Provider stands here instead of at the resource when instances have
	// different ones (OpenTofu's for_each of providers).
	Provider            string            `json:"provider,omitempty"`
	SchemaVersion       int64             `json:"schema_version"`
	Attributes          json.RawMessage   `json:"attributes,omitempty"`
	AttributesFlat      map[string]string `json:"attributes_flat,omitempty"`
	Sensitive           json.RawMessage   `json:"sensitive_attributes,omitempty"`
	Private             string            `json:"private,omitempty"`
	Dependencies        []string          `json:"dependencies,omitempty"`
	CreateBeforeDestroy bool              `json:"create_before_destroy,omitempty"`
	SkipDestroy         bool              `json:"skip_destroy,omitempty"`
	Identity            json.RawMessage   `json:"identity,omitempty"`
	IdentityVersion     *int64            `json:"identity_schema_version,omitempty"`
}
