package tfstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// maxProblems bounds how many mistakes of one file are reported: each is looked up
// in the text again.
const maxProblems = 20

// Read reads a state file. The file name is for diagnostics. An empty file is an
// empty state, as Terraform has it. Fields that are not known are ignored: newer
// versions add some. When there are errors the File is nil.
func Read(src []byte, filename string) (*File, diag.List) {
	r := &reader{src: src, filename: filename, dependencies: map[string]addr.Instance{}, names: map[string]string{}}
	if len(bytes.TrimSpace(src)) == 0 {
		return &File{}, nil
	}
	var in fileV4
	if err := json.Unmarshal(src, &in); err != nil {
		return nil, r.syntax(err)
	}
	if diags := r.header(&in); diags.HasErrors() {
		return nil, diags
	}
	out := &File{TerraformVersion: in.TerraformVersion, Serial: in.Serial, Lineage: in.Lineage, Checks: notNull(in.Checks)}
	r.outputs(in.Outputs, out)
	r.resources(in.Resources, out)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return out, r.diags
}

// reader holds what is known while one file is read.
type reader struct {
	src      []byte
	filename string
	diags    diag.List
	dropped  int
	// Texts that repeat are read once.
	dependencies map[string]addr.Instance
	names        map[string]string
	seen         map[object.RowKey]bool
}

// syntax reports what the JSON decoder found wrong.
func (r *reader) syntax(err error) diag.List {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch):
		rng := rangeAt(r.src, r.filename, int(mismatch.Offset))
		if mismatch.Field == "" {
			return diag.Errorf(rng, headlineNoState, "A state file is a JSON object, this is a JSON %s. Give the file that Terraform keeps as "+
				"terraform.tfstate, or what `terraform state pull` prints.", mismatch.Value)
		}
		return diag.Errorf(rng, headlineInvalid, "%q must not be a JSON %s here. State files are written by Terraform; when it was edited "+
			"by hand, take terraform.tfstate.backup or the last version that works.", mismatch.Field, mismatch.Value)
	case errors.As(err, &syntax):
		offset := int(syntax.Offset)
		if offset >= len(r.src) {
			return diag.Errorf(rangeAt(r.src, r.filename, len(r.src)), headlineJSON, "The file ends in the middle: it was cut short. Take "+
				"terraform.tfstate.backup or another copy of it.")
		}
		return diag.Errorf(rangeAt(r.src, r.filename, offset-1), headlineJSON, "State files are JSON, but here is %s. Take "+
			"terraform.tfstate.backup or another copy of the state.", strings.TrimSuffix(syntax.Error(), "."))
	default:
		return diag.Errorf(&hcl.Range{Filename: r.filename, Start: hcl.InitialPos, End: hcl.InitialPos}, headlineInvalid, "%s.", err)
	}
}

// The headlines of this package's diagnostics.
const (
	headlineJSON      = "Broken JSON in a state file"
	headlineNoState   = "Not a state file"
	headlineInvalid   = "Invalid state file"
	headlineEncrypted = "Encrypted state file"
	headlineOld       = "State file of an old version"
	headlineNew       = "State file of a newer version"
)

// header decides whether the file is a state that can be read.
func (r *reader) header(in *fileV4) diag.List {
	if in.Encrypted != nil || in.Encryption != "" {
		return diag.Errorf(r.locate("encrypted_data"), headlineEncrypted, "This state was encrypted by OpenTofu and can be read only there. "+
			"Write it out with `tofu state pull > plain.tfstate` and read that; tutti encrypts sensitive values in its own store.")
	}
	if in.Version == nil {
		return diag.Errorf(r.locate(), headlineNoState, "The file has no \"version\". Give the file that Terraform keeps as "+
			"terraform.tfstate, or what `terraform state pull` prints.")
	}
	var version int64
	if err := json.Unmarshal(in.Version, &version); err != nil || version < 0 {
		return diag.Errorf(r.locate("version"), headlineInvalid, "\"version\" is %s, but the format's version is a whole number, "+
			"%d for now.", clip(in.Version), FormatVersion)
	}
	switch {
	case version > FormatVersion:
		return diag.Errorf(r.locate("version"), headlineNew, "The file has format version %d, this tutti reads version %d. Use a newer "+
			"tutti.", version, FormatVersion)
	case version < FormatVersion:
		return diag.Errorf(r.locate("version"), headlineOld, "The file has format version %d, which Terraform wrote before 0.12. Run "+
			"`terraform apply -refresh-only` (or `tofu`) with it once: it is brought to version %d then.", version, FormatVersion)
	case in.Serial < 0:
		return diag.Errorf(r.locate("serial"), headlineInvalid, "\"serial\" is %d, but it counts up from 0.", in.Serial)
	}
	return nil
}

// problem reports a mistake at a place in the file.
func (r *reader) problem(at []any, detail string, args ...any) {
	if len(r.diags) >= maxProblems {
		r.dropped++
		return
	}
	r.diags = append(r.diags, diag.Errorf(r.locate(at...), headlineInvalid, detail, args...)...)
}

func (r *reader) outputs(in map[string]outputV4, out *File) {
	names := make([]string, 0, len(in))
	for name := range in {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		o := in[name]
		at := []any{"outputs", name}
		if !hclsyntax.ValidIdentifier(name) {
			r.problem(at, "%q is not a name for an output.", name)
			continue
		}
		if o.Value == nil || o.Type == nil {
			r.problem(at, "The output %q needs a \"value\" and a \"type\".", name)
			continue
		}
		out.Outputs = append(out.Outputs, &object.OutputState{Name: name, Value: compact(o.Value), Type: compact(o.Type), Sensitive: o.Sensitive})
	}
}

func (r *reader) resources(in []resourceV4, out *File) {
	n := 0
	for i := range in {
		n += len(in[i].Instances)
	}
	out.Rows = make([]*object.State, 0, n)
	r.seen = make(map[object.RowKey]bool, n)
	for i := range in {
		res := &in[i]
		at := []any{"resources", i}
		o, ok := r.resource(res, at)
		if !ok {
			continue
		}
		for j := range res.Instances {
			if row, ok := r.instance(o, res, &res.Instances[j], append(at[:2:2], "instances", j)); ok {
				out.Rows = append(out.Rows, row)
			}
		}
		*res = resourceV4{} // so that its text can be given back before the next is read
	}
}

// resource reads what is common to the instances of one resource.
func (r *reader) resource(in *resourceV4, at []any) (addr.Object, bool) {
	before := len(r.diags) + r.dropped
	o := addr.Object{Name: addr.Name{Type: r.intern(in.Type), Name: r.intern(in.Name)}}
	switch in.Mode {
	case "managed":
		o.Kind = addr.Resource
	case "data":
		o.Kind = addr.Data
	case "":
		r.problem(at, "A resource needs a \"mode\": managed or data.")
	default:
		r.problem(append(at, "mode"), "%q is not a mode, which is managed or data.%s", in.Mode, diag.DidYouMean(in.Mode, []string{"managed", "data"}))
	}
	for _, field := range []struct{ name, value string }{{"type", in.Type}, {"name", in.Name}} {
		if field.value == "" {
			r.problem(at, "A resource needs a %q.", field.name)
		} else if !hclsyntax.ValidIdentifier(field.value) {
			r.problem(append(at[:2:2], field.name), "%q is not a valid %s of a resource.", field.value, field.name)
		}
	}
	var err error
	if o.Module, err = addr.ParseModule(in.Module); err != nil {
		r.problem(append(at[:2:2], "module"), "The module of %s has no valid address: %s.", o.Name, err)
	}
	if in.Provider != "" {
		if in.Provider, err = providerAddress(in.Provider); err != nil {
			r.problem(append(at[:2:2], "provider"), "The provider of %s: %s.", o.Name, err)
		}
		in.Provider = r.intern(in.Provider)
	}
	return o, len(r.diags)+r.dropped == before
}

// providerAddress checks the address of a provider's configuration. Terraform 0.12
// named only the type; it is taken to be HashiCorp's, as Terraform did then.
func providerAddress(text string) (string, error) {
	if module, _, ok := cutProvider(text, `provider["`); ok && strings.Contains(text, `"]`) {
		_, err := addr.ParseModule(module)
		return text, err
	}
	module, name, ok := cutProvider(text, "provider.")
	if !ok {
		return "", fmt.Errorf("%q is not the address of a provider, such as provider[\"registry.terraform.io/hashicorp/local\"]", text)
	}
	if _, err := addr.ParseModule(module); err != nil {
		return "", err
	}
	if module != "" {
		module += "."
	}
	name, alias, aliased := strings.Cut(name, ".")
	source := "registry.terraform.io/hashicorp/" + name
	if name == "terraform" {
		source = "terraform.io/builtin/terraform"
	}
	if aliased {
		alias = "." + alias
	}
	return fmt.Sprintf("%sprovider[%q]%s", module, source, alias), nil
}

// cutProvider splits an address before the word that starts the provider's part.
func cutProvider(text, word string) (module, rest string, ok bool) {
	if rest, ok := strings.CutPrefix(text, word); ok {
		return "", rest, true
	}
	return strings.Cut(text, "."+word)
}

func (r *reader) intern(s string) string {
	if have, ok := r.names[s]; ok {
		return have
	}
	s = strings.Clone(s)
	r.names[s] = s
	return s
}

func notNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return compact(raw)
}

// compact takes the indentation out of JSON that is known to be valid.
func compact(raw json.RawMessage) json.RawMessage {
	buf := bytes.NewBuffer(make([]byte, 0, len(raw)))
	if err := json.Compact(buf, raw); err != nil {
		panic("tfstate: invariant broken: the decoder let invalid JSON through: " + err.Error())
	}
	return bytes.Clone(buf.Bytes()) // at its own length: the indentation is most of it
}

// clip shows a piece of the file in a message.
func clip(raw []byte) string {
	const limit = 40
	if len(raw) > limit {
		return string(raw[:limit]) + "..."
	}
	return string(raw)
}
