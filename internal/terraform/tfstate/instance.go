package tfstate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// instance reads one instance of a resource.
func (r *reader) instance(o addr.Object, res *resourceV4, in *instanceV4, at []any) (*object.State, bool) {
	before := len(r.diags) + r.dropped
	row := &object.State{
		Deposed: in.Deposed, Driver: res.Provider, SchemaVersion: in.SchemaVersion, Flatmap: in.AttributesFlat,
		Identity: notNull(in.Identity), Tainted: in.Status == "tainted", CreateBeforeDestroy: in.CreateBeforeDestroy, Forget: in.SkipDestroy,
	}
	key, err := indexKey(in.IndexKey)
	if err != nil {
		r.problem(append(at, "index_key"), "An instance of %s: %s.", o, err)
	}
	row.Addr = o.Instance(key)
	r.provider(row, in, at)
	if in.Status != "" && in.Status != "tainted" {
		r.problem(append(at, "status"), "%q is not the status of an instance, which is tainted or not there.", in.Status)
	}
	if in.IdentityVersion != nil {
		row.IdentityVersion = *in.IdentityVersion
	}
	if row.SchemaVersion < 0 || row.IdentityVersion < 0 {
		r.problem(at, "The schema version of %s is below 0.", row.Addr)
	}
	r.attributes(row, in, at)
	if in.Private != "" {
		if row.Private, err = base64.StdEncoding.DecodeString(in.Private); err != nil {
			r.problem(append(at, "private"), "What the provider of %s keeps for itself (\"private\") must be base64.", row.Addr)
		}
	}
	if in.Sensitive != nil {
		if row.Sensitive, err = sensitivePaths(in.Sensitive); err != nil {
			r.problem(append(at, "sensitive_attributes"), "The sensitive attributes of %s: %s.", row.Addr, err)
		}
	}
	r.needs(row, in.Dependencies, at)
	if len(r.diags)+r.dropped != before {
		return nil, false
	}
	if r.seen[row.Key()] {
		r.problem(at, "%s is there twice. Remove one of the two.", describe(row))
		return nil, false
	}
	r.seen[row.Key()] = true
	return row, true
}

func describe(row *object.State) string {
	if row.Deposed != "" {
		return fmt.Sprintf("%s (deposed %s)", row.Addr, row.Deposed)
	}
	return row.Addr.String()
}

func (r *reader) provider(row *object.State, in *instanceV4, at []any) {
	if in.Provider != "" {
		p, err := providerAddress(in.Provider)
		if err != nil {
			r.problem(append(at, "provider"), "The provider of %s: %s.", row.Addr, err)
		}
		row.Driver = r.intern(p)
	}
	if row.Driver == "" {
		r.problem(at, "%s needs a \"provider\", at itself or at its resource.", row.Addr)
	}
}

func (r *reader) attributes(row *object.State, in *instanceV4, at []any) {
	attributes := notNull(in.Attributes)
	switch {
	case attributes != nil && attributes[0] != '{':
		r.problem(append(at, "attributes"), "The attributes of %s must be a JSON object.", row.Addr)
	case attributes != nil:
		row.Attributes = attributes
		row.Flatmap = nil
	case row.Flatmap == nil:
		row.Attributes = []byte("{}") // odd, but Terraform takes it so too
	}
	if row.Identity != nil && row.Identity[0] != '{' {
		r.problem(append(at, "identity"), "The identity of %s must be a JSON object.", row.Addr)
	}
}

// indexKey reads null, a whole number or a string.
func indexKey(raw json.RawMessage) (addr.Key, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return addr.NoKey, nil
	}
	if raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return addr.NoKey, fmt.Errorf("an index key: %w", err)
		}
		return addr.StringKey(s), nil
	}
	if n, err := strconv.Atoi(string(raw)); err == nil && n >= 0 {
		return addr.IntKey(n), nil
	}
	// A number may be written as 1.0 or 1e0.
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && f >= 0 && f < 1<<53 && f == float64(int(f)) {
		return addr.IntKey(int(f)), nil
	}
	return addr.NoKey, fmt.Errorf("the index key %s is neither a whole number from 0 on nor a string", clip(raw))
}

// sensitivePaths reads paths. Most rows have none, and many the same.
func sensitivePaths(raw json.RawMessage) ([]cty.Path, error) {
	if len(raw) <= len("[]") || string(raw) == "null" {
		return nil, nil
	}
	return object.UnmarshalPaths(raw)
}

// needs reads the addresses of what an instance depends on. The format has them
// as they stand in the files, without keys.
func (r *reader) needs(row *object.State, dependencies []string, at []any) {
	if len(dependencies) == 0 {
		return
	}
	row.Needs = make([]addr.Instance, 0, len(dependencies))
	for _, text := range dependencies {
		i, ok := r.dependencies[text]
		if !ok {
			var err error
			if i, err = addr.ParseInstance(text); err != nil {
				r.problem(append(at, "dependencies"), "%s depends on something that has no address: %s.", row.Addr, err)
				continue
			}
			r.dependencies[text] = i
		}
		row.Needs = append(row.Needs, i)
	}
}
