package view

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
)

// The versions of the JSON formats, which are Terraform's.
const (
	planFormat  = "1.2"
	stateFormat = "1.0"
)

// ToolVersion is the version of Terraform whose JSON formats are written: programs
// that read them look for it.
const ToolVersion = "1.12.6"

// PlanInput is what the JSON form of a plan is made of.
type PlanInput struct {
	Plan *object.Plan
	// State is what the plan was made from: it gives the values of what does not
	// change.
	State StateInput
	// Errored is set when the plan is not whole.
	Errored bool
	Version string // tutti's own
	// Config is what the plan was made from, nil when it is not known; Schemas tells of the
	// types in it.
	Config  *config.Config
	Schemas TypeSchemas
}

type planJSON struct {
	FormatVersion    string                  `json:"format_version"`
	TerraformVersion string                  `json:"terraform_version"`
	TuttiVersion     string                  `json:"tutti_version"`
	Variables        map[string]variableJSON `json:"variables,omitempty"`
	PlannedValues    valuesJSON              `json:"planned_values"`
	Drift            []resourceChangeJSON    `json:"resource_drift,omitempty"`
	Changes          []resourceChangeJSON    `json:"resource_changes,omitempty"`
	Deferred         []deferredJSON          `json:"deferred_changes,omitempty"`
	Outputs          map[string]changeJSON   `json:"output_changes,omitempty"`
	PriorState       *stateJSON              `json:"prior_state,omitempty"`
	Configuration    configurationJSON       `json:"configuration"`
	Timestamp        string                  `json:"timestamp"`
	Applyable        bool                    `json:"applyable"`
	Complete         bool                    `json:"complete"`
	Errored          bool                    `json:"errored"`
}

type variableJSON struct {
	Value any `json:"value"`
}

type resourceChangeJSON struct {
	Address         string     `json:"address"`
	PreviousAddress string     `json:"previous_address,omitempty"`
	ModuleAddress   string     `json:"module_address,omitempty"`
	Mode            string     `json:"mode"`
	Type            string     `json:"type"`
	Name            string     `json:"name"`
	Index           any        `json:"index,omitempty"`
	ProviderName    string     `json:"provider_name"`
	Deposed         string     `json:"deposed,omitempty"`
	Change          changeJSON `json:"change"`
	Reason          string     `json:"action_reason,omitempty"`
	Note            string     `json:"note,omitempty"`
}

type changeJSON struct {
	Actions         []string    `json:"actions"`
	Before          any         `json:"before"`
	After           any         `json:"after,omitempty"` // left out when nothing of it is known
	AfterUnknown    any         `json:"after_unknown"`
	BeforeSensitive any         `json:"before_sensitive"`
	AfterSensitive  any         `json:"after_sensitive"`
	ReplacePaths    [][]any     `json:"replace_paths,omitempty"`
	Importing       *importJSON `json:"importing,omitempty"`
}

type importJSON struct {
	ID string `json:"id,omitempty"`
}

type deferredJSON struct {
	Address string   `json:"address"`
	Reason  string   `json:"reason"`
	On      []string `json:"waits_for,omitempty"`
}

// JSONPlan writes a plan in the form of `terraform show -json`. Like that, it holds
// sensitive values as they are.
func JSONPlan(w io.Writer, in PlanInput) error {
	p := in.Plan
	out := planJSON{FormatVersion: planFormat, TerraformVersion: ToolVersion, TuttiVersion: in.Version, Timestamp: p.Time.UTC().Format(time.RFC3339),
		Applyable: p.HasChanges() && !in.Errored, Complete: len(p.Deferred) == 0 && !p.Targeted && !in.Errored, Errored: in.Errored,
		Configuration: configurationOf(in.Config, in.Schemas)}
	for name, v := range p.Variables {
		if out.Variables == nil {
			out.Variables = map[string]variableJSON{}
		}
		out.Variables[name] = variableJSON{plainJSON(v)}
	}
	for i := range p.Changes {
		if p.Mode == object.RefreshOnly && p.Changes[i].Verb == object.Forget {
			continue // it was found to be gone, which stands below
		}
		out.Changes = append(out.Changes, resourceChange(&p.Changes[i], false))
	}
	for i := range p.Drift {
		out.Drift = append(out.Drift, resourceChange(&p.Drift[i], true))
	}
	out.Changes = append(out.Changes, in.unchanged()...)
	for _, d := range p.Deferred {
		j := deferredJSON{Address: d.Addr.Instance(d.Key).String(), Reason: d.Reason}
		for _, on := range d.On {
			j.On = append(j.On, on.String())
		}
		out.Deferred = append(out.Deferred, j)
	}
	for _, o := range in.outputs() {
		if out.Outputs == nil {
			out.Outputs = map[string]changeJSON{}
		}
		out.Outputs[o.Name] = outputChange(&o)
	}
	out.PlannedValues = plannedValues(in)
	prior, err := newStateJSON(in.State)
	if err != nil {
		return err
	}
	out.PriorState = prior
	return encode(w, out)
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func resourceChange(c *object.PlannedChange, drift bool) resourceChangeJSON {
	id := identify(c.Addr)
	out := resourceChangeJSON{Address: id.Address, ModuleAddress: c.Addr.Module.String(), Mode: id.Mode, Type: id.Type, Name: id.Name, Index: id.Index,
		ProviderName: providerName(c.Driver), Deposed: c.Deposed, Reason: string(c.Reason), Note: c.Note}
	if c.MovedFrom != nil {
		out.PreviousAddress = c.MovedFrom.String()
	}
	if c.Reason == object.DeleteDeposed {
		out.Reason = ""
	}
	out.Change = valueChange(c.Before, c.After, actions(c, drift))
	if c.Imported != "" {
		out.Change.Importing = &importJSON{c.Imported}
	}
	for _, p := range c.ReplacePaths {
		out.Change.ReplacePaths = append(out.Change.ReplacePaths, pathJSON(p))
	}
	return out
}

func valueChange(b, a cty.Value, actions []string) changeJSON {
	empty := func(v cty.Value) any {
		if isNull(v) {
			return false
		}
		return map[string]any{}
	}
	return changeJSON{Actions: actions, Before: plainJSON(b), After: afterJSON(a), AfterUnknown: shapeJSON(a, isUnknown, map[string]any{}),
		BeforeSensitive: shapeJSON(b, isSensitive, empty(b)), AfterSensitive: shapeJSON(a, isSensitive, empty(a))}
}

func afterJSON(v cty.Value) any {
	switch {
	case isNull(v):
		return json.RawMessage("null")
	case isUnknown(v):
		return nil
	default:
		return plainJSON(v)
	}
}

// actions gives Terraform's words for a verb. A task or the like has one of its
// own: run.
func actions(c *object.PlannedChange, drift bool) []string {
	switch c.Verb {
	case object.NoOp, object.Record:
		if drift && isNull(c.After) {
			return []string{"delete"}
		}
		if drift {
			return []string{"update"}
		}
		return []string{"no-op"}
	case object.Replace:
		if c.CreateFirst {
			return []string{"create", "delete"}
		}
		return []string{"delete", "create"}
	default:
		return []string{c.Verb.String()}
	}
}

func outputChange(o *object.OutputChange) changeJSON {
	verb := "update"
	switch opOf(o.Before, o.After) {
	case add:
		if o.Before == cty.NilVal { // and not one that is there, with nothing in it
			verb = "create"
		}
	case del:
		verb = "delete"
	case same:
		if object.HasMark(o.Before, object.Sensitive) == object.HasMark(o.After, object.Sensitive) {
			verb = "no-op"
		}
	}
	out := changeJSON{Actions: []string{verb}, Before: plainJSON(o.Before), After: afterJSON(o.After), AfterUnknown: false,
		BeforeSensitive: o.Sensitive, AfterSensitive: o.Sensitive}
	if o.After != cty.NilVal && !o.After.IsWhollyKnown() {
		out.AfterUnknown = shapeJSON(o.After, isUnknown, false)
	}
	return out
}

// untouched gives the rows of which nothing changes; with -target Terraform has only
// what was looked at, and nobody knows here what that was.
func (in PlanInput) untouched() []*object.State {
	if in.Plan.Targeted {
		return nil
	}
	busy := map[addr.Instance]bool{}
	for i := range in.Plan.Changes {
		if c := &in.Plan.Changes[i]; c.Deposed == "" {
			busy[c.Addr] = true
			if c.MovedFrom != nil {
				busy[*c.MovedFrom] = true
			}
		}
	}
	var out []*object.State
	for _, row := range in.State.Rows {
		if row.Deposed == "" && !busy[row.Addr] {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b *object.State) int { return a.Addr.Compare(b.Addr) })
	return out
}

// unchanged gives the rows of which nothing changes as changes that do nothing, as
// Terraform has them.
func (in PlanInput) unchanged() []resourceChangeJSON {
	var out []resourceChangeJSON
	for _, row := range in.untouched() {
		v, err := in.State.Types.value(row)
		if err != nil {
			continue // prior_state reports it
		}
		c := object.PlannedChange{Addr: row.Addr, Driver: row.Driver, Change: object.Change{Verb: object.NoOp, Before: v, After: v}}
		j := resourceChange(&c, false)
		j.Change.AfterUnknown = map[string]any{}
		out = append(out, j)
	}
	return out
}

// outputs gives the changes of outputs, with those that stay as they are.
func (in PlanInput) outputs() []object.OutputChange {
	out := slices.Clone(in.Plan.Outputs)
	if in.Plan.Targeted {
		return out
	}
	changed := map[string]bool{}
	for i := range out {
		changed[out[i].Name] = true
	}
	for _, o := range in.State.Outputs {
		if v, err := OutputValue(o); err == nil && !changed[o.Name] {
			out = append(out, object.OutputChange{Name: o.Name, Before: v, After: v, Sensitive: o.Sensitive, Verb: object.NoOp})
		}
	}
	return out
}

// plannedValues is the state as it will be: what is planned over what is there.
func plannedValues(in PlanInput) valuesJSON {
	over := map[addr.Instance]*object.PlannedChange{}
	for i := range in.Plan.Changes {
		if c := &in.Plan.Changes[i]; c.Deposed == "" {
			over[c.Addr] = c
		}
	}
	var list []placed
	for _, row := range in.untouched() {
		if r, err := in.State.Types.rowJSON(row); err == nil {
			r.DependsOn = nil // has its place in prior_state
			list = append(list, placed{row.Addr, r})
		}
	}
	for a, c := range over {
		if isNull(c.After) && c.Verb != object.Read {
			continue
		}
		r := identify(a)
		r.ProviderName, r.Values, r.SensitiveValues = providerName(c.Driver), plainJSON(c.After), shapeJSON(c.After, hidesValue, map[string]any{})
		list = append(list, placed{a, r})
	}
	out := valuesJSON{Outputs: map[string]outputJSON{}}
	for _, o := range in.outputs() {
		if !isNull(o.After) {
			out.Outputs[o.Name] = plannedOutput(&o)
		}
	}
	out.Root = moduleTree(list)
	return out
}

func plannedOutput(o *object.OutputChange) outputJSON {
	j := outputJSON{Sensitive: o.Sensitive}
	v, _ := object.Unmark(o.After)
	if v.IsWhollyKnown() {
		j.Value, j.Type = plainJSON(v), typeJSON(v.Type())
	}
	return j
}

// placed is a resource with where it belongs.
type placed struct {
	addr addr.Instance
	json resourceJSON
}

// moduleTree puts resources into the tree of their modules.
func moduleTree(list []placed) *moduleJSON {
	slices.SortFunc(list, func(a, b placed) int {
		if c := a.addr.Compare(b.addr); c != 0 {
			return c
		}
		return compareText(a.json.DeposedKey, b.json.DeposedKey)
	})
	root := &moduleJSON{}
	modules := map[addr.Module]*moduleJSON{{}: root}
	for _, p := range list {
		m := moduleOf(modules, p.addr.Module)
		m.Resources = append(m.Resources, p.json)
	}
	return root
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func moduleOf(modules map[addr.Module]*moduleJSON, m addr.Module) *moduleJSON {
	if have, ok := modules[m]; ok {
		return have
	}
	parent, _ := m.Call()
	up := moduleOf(modules, parent)
	made := &moduleJSON{Address: m.String()}
	modules[m] = made
	up.Children = append(up.Children, made)
	return made
}

// identify fills what names a resource.
func identify(i addr.Instance) resourceJSON {
	out := resourceJSON{Address: i.String(), Mode: "managed", Type: i.Type, Name: i.Name.Name, Index: indexJSON(i.Key)}
	switch i.Kind {
	case addr.Data:
		out.Mode = "data"
	case addr.Resource, addr.Ephemeral:
	default:
		out.Type = i.Kind.String()
	}
	return out
}

func indexJSON(k addr.Key) any {
	if n, ok := k.Int(); ok {
		return n
	}
	if s, ok := k.Str(); ok {
		return s
	}
	return nil
}

// providerName takes the source address out of State.Driver.
func providerName(driver string) string {
	var name string
	for i := range len(driver) {
		if driver[i] == '[' {
			if _, err := fmt.Sscanf(driver[i+1:], "%q", &name); err == nil {
				return name
			}
		}
	}
	return driver
}
