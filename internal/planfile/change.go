package planfile

import (
	"errors"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// changeJSON is object.PlannedChange.
type changeJSON struct {
	Addr         string        `json:"addr"`
	Deposed      string        `json:"deposed,omitempty"`
	Driver       string        `json:"driver,omitempty"`
	Verb         string        `json:"verb"`
	Before       *valueJSON    `json:"before,omitempty"`
	After        *valueJSON    `json:"after,omitempty"`
	Private      []byte        `json:"private,omitempty"`
	Identity     *valueJSON    `json:"identity,omitempty"`
	Replace      [][]stepOne   `json:"replace,omitempty"`
	Idempotent   bool          `json:"idempotent,omitempty"`
	Note         string        `json:"note,omitempty"`
	Parts        []object.Part `json:"parts,omitempty"`
	Reason       object.Reason `json:"reason,omitempty"`
	ReasonDetail string        `json:"reason_detail,omitempty"`
	MovedFrom    string        `json:"moved_from,omitempty"`
	Imported     string        `json:"imported,omitempty"`
	CreateFirst  bool          `json:"create_first,omitempty"`
	Forget       bool          `json:"forget,omitempty"`
	Needs        []string      `json:"needs,omitempty"`
	Prior        *stateJSON    `json:"prior,omitempty"`
	Wanted       *valueJSON    `json:"wanted,omitempty"`
}

// stateJSON is object.State.
type stateJSON struct {
	Addr            string            `json:"addr"`
	Deposed         string            `json:"deposed,omitempty"`
	Driver          string            `json:"driver"`
	SchemaVersion   int64             `json:"schema_version,omitempty"`
	Attributes      []byte            `json:"attributes,omitempty"`
	Flatmap         map[string]string `json:"flatmap,omitempty"`
	Sensitive       [][]stepOne       `json:"sensitive,omitempty"`
	Private         []byte            `json:"private,omitempty"`
	Identity        []byte            `json:"identity,omitempty"`
	IdentityVersion int64             `json:"identity_version,omitempty"`
	Tainted         bool              `json:"tainted,omitempty"`
	CreateFirst     bool              `json:"create_before_destroy,omitempty"`
	Forget          bool              `json:"forget,omitempty"`
	Needs           []string          `json:"needs,omitempty"`
	Serial          int64             `json:"serial,omitempty"`
}

func (w *writer) change(c *object.PlannedChange) *changeJSON {
	w.sensitive = w.sensitive || len(c.Private) > 0 // nobody but the provider knows what is in it
	out := &changeJSON{
		Addr: c.Addr.String(), Deposed: c.Deposed, Driver: c.Driver, Verb: c.Verb.String(), Before: w.value(c.Before), After: w.value(c.After),
		Private: c.Private, Identity: w.value(c.Identity), Replace: w.paths(c.ReplacePaths), Idempotent: c.Idempotent, Note: c.Note, Parts: c.Parts,
		Reason: c.Reason, ReasonDetail: c.ReasonDetail, Imported: c.Imported, CreateFirst: c.CreateFirst, Forget: c.Forget, Needs: texts(c.Needs), Prior: w.state(c.Prior),
		Wanted: w.value(c.Wanted),
	}
	if c.MovedFrom != nil {
		out.MovedFrom = c.MovedFrom.String()
	}
	return out
}

func (w *writer) state(s *object.State) *stateJSON {
	if s == nil {
		return nil
	}
	w.sensitive = w.sensitive || len(s.Sensitive)+len(s.Private) > 0
	at := ""
	if s.Addr != (addr.Instance{}) {
		at = s.Addr.String()
	}
	return &stateJSON{
		Addr: at, Deposed: s.Deposed, Driver: s.Driver, SchemaVersion: s.SchemaVersion, Attributes: s.Attributes, Flatmap: s.Flatmap,
		Sensitive: w.paths(s.Sensitive), Private: s.Private, Identity: s.Identity, IdentityVersion: s.IdentityVersion, Tainted: s.Tainted,
		CreateFirst: s.CreateBeforeDestroy, Forget: s.Forget, Needs: texts(s.Needs), Serial: s.Serial,
	}
}

func (r *reader) change(in *changeJSON) object.PlannedChange {
	if in == nil {
		r.fail(errors.New("a change is missing"))
		return object.PlannedChange{}
	}
	out := object.PlannedChange{
		Addr: r.instance(in.Addr), Deposed: in.Deposed, Driver: in.Driver,
		Change: object.Change{Verb: r.verb(in.Verb), Before: r.value(in.Before), After: r.value(in.After), Private: in.Private,
			Identity: r.value(in.Identity), ReplacePaths: r.paths(in.Replace), Idempotent: in.Idempotent, Note: in.Note, Parts: in.Parts},
		Reason: in.Reason, ReasonDetail: in.ReasonDetail, Imported: in.Imported, CreateFirst: in.CreateFirst, Forget: in.Forget, Needs: r.instances(in.Needs), Prior: r.state(in.Prior),
		Wanted: r.value(in.Wanted),
	}
	if in.MovedFrom != "" {
		from := r.instance(in.MovedFrom)
		out.MovedFrom = &from
	}
	return out
}

func (r *reader) state(in *stateJSON) *object.State {
	if in == nil {
		return nil
	}
	var at addr.Instance
	if in.Addr != "" {
		at = r.instance(in.Addr)
	}
	return &object.State{
		Addr: at, Deposed: in.Deposed, Driver: in.Driver, SchemaVersion: in.SchemaVersion, Attributes: in.Attributes, Flatmap: in.Flatmap,
		Sensitive: r.paths(in.Sensitive), Private: in.Private, Identity: in.Identity, IdentityVersion: in.IdentityVersion, Tainted: in.Tainted,
		CreateBeforeDestroy: in.CreateFirst, Forget: in.Forget, Needs: r.instances(in.Needs), Serial: in.Serial,
	}
}
