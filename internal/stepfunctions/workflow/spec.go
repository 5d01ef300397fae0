package workflow

import (
	"encoding/json"
	"math"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/block"
	"tutti/internal/schedule"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// The values of run.
const (
	onChange = "on_change"
	always   = "always"
	manual   = "manual"
)

// strictLimits are the service's own.
func strictLimits() execution.Limits {
	return execution.Limits{Payload: definition.ServicePayload, Events: definition.ServiceEvents}
}

// spec is what a workflow block says, as far as it is known.
type spec struct {
	part
	run       string
	role      string
	sensitive *bool
	mapping   worker.Mapping
	limits    execution.Limits
	// seconds is how long an execution may take; 0 is no bound.
	seconds   int64
	schedule  *Schedule
	onDestroy *part
	// secret is set when something sensitive goes in; secrets are the texts.
	secret  bool
	secrets []string
}

// part is one thing to run.
type part struct {
	// source is a file's path; "" when the text is given.
	source string
	// text is the definition as it was given; known is false when it is not yet.
	text          string
	known         bool
	substitutions map[string]string
	input         cty.Value
}

// Schedule is when a workflow is started besides.
type Schedule struct {
	Expression string    `json:"expression"`
	Timezone   string    `json:"timezone,omitempty"`
	Start      time.Time `json:"start,omitzero"`
	End        time.Time `json:"end,omitzero"`
	Disabled   bool      `json:"disabled,omitempty"`
	// Since is when the schedule was laid down: rates count from it.
	Since time.Time `json:"since,omitzero"`
}

// Parse gives the schedule that is meant.
func (s *Schedule) Parse() (*schedule.Schedule, error) {
	return schedule.Parse(s.Expression, schedule.Options{Zone: s.Timezone, Start: s.Start, End: s.End, Created: s.Since})
}

func readSpec(wanted cty.Value) (spec, []block.Problem) {
	bare, marks := wanted.UnmarkDeepWithPaths()
	r := block.NewReader(bare)
	s := spec{part: readPart(r), run: r.Choice("run", onChange, always, manual), role: r.Text("role"),
		mapping: readMapping(r), secrets: block.SecretTexts(bare, marks, block.Storable)}
	if v := r.Get("sensitive"); v.IsKnown() && !v.IsNull() {
		b := v.True()
		s.sensitive = &b
	}
	if b, ok := r.Block("limits"); ok {
		s.limits = readLimits(b)
	}
	s.seconds = readTimeout(r)
	if b, ok := r.Block("schedule"); ok {
		s.schedule = readSchedule(b)
	}
	if b, ok := r.Block("on_destroy"); ok {
		p := readPart(b)
		s.onDestroy = &p
	}
	for _, m := range marks {
		switch name := block.FirstName(m.Path); {
		case name == block.Secrets:
		case block.Ephemeral(m):
			r.Problem(name, "The value is ephemeral, so it cannot be stored, and an execution must outlive the process that began it.")
		case block.Secret(m) && name != "triggers" && name != "on_destroy" && name != "schedule":
			s.secret = true
		}
	}
	return s, r.Problems()
}

// hidden reports whether the output is sensitive.
func (s spec) hidden() bool {
	if s.sensitive != nil {
		return *s.sensitive
	}
	return s.secret
}

func readPart(r *block.Reader) part {
	r.OneOf("source", "definition")
	p := part{source: r.Text("source"), substitutions: map[string]string{}, input: r.Get("input")}
	p.known = r.Get("source").IsKnown()
	for name, v := range r.TextMap("definition_substitutions") {
		if v == nil {
			r.Problem("definition_substitutions", "%s is null, and must be a text.", name)
			continue
		}
		p.substitutions[name] = *v
	}
	p.known = p.known && r.Get("definition_substitutions").IsWhollyKnown()
	if !r.Absent("source") && r.Get("source").IsKnown() && p.source == "" {
		r.Problem("source", "The path is empty.")
	}
	v := r.Get("definition")
	switch {
	case v.IsNull():
	case !v.IsWhollyKnown():
		p.known = false
	case v.Type() == cty.String:
		p.text = v.AsString()
	case v.Type().IsObjectType() || v.Type().IsMapType():
		p.text = string(jsonOf(v))
	default:
		r.Problem("definition", "It must be a text or an object with StartAt and States.")
	}
	return p
}

// jsonOf gives a known value as JSON.
func jsonOf(v cty.Value) json.RawMessage {
	raw, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		panic("workflow: invariant broken: a known value has no JSON form: " + err.Error())
	}
	return raw
}

// encodeInput gives the input of an execution; without one it is {}.
func (p part) encodeInput() json.RawMessage {
	if p.input.IsNull() {
		return json.RawMessage("{}")
	}
	return jsonOf(p.input)
}

func readMapping(r *block.Reader) worker.Mapping {
	v := r.Get("mapping")
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil
	}
	m, err := worker.ParseMapping(withoutNulls(jsonOf(v)))
	if err != nil {
		r.Problem("mapping", "%s.", err)
	}
	return m
}

// withoutNulls drops members that are null, as arguments that a loop leaves out are.
func withoutNulls(raw json.RawMessage) json.RawMessage {
	var m map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return raw
	}
	for _, local := range m {
		for name, v := range local {
			if string(v) == "null" {
				delete(local, name)
			}
		}
	}
	out, err := json.Marshal(m)
	if err != nil {
		panic("workflow: invariant broken: what was read from JSON has no JSON form: " + err.Error())
	}
	return out
}

func readLimits(r *block.Reader) execution.Limits {
	var l execution.Limits
	if v := r.Get("strict_aws"); v.IsKnown() && !v.IsNull() && v.True() {
		l = strictLimits()
	}
	if n := r.Numbers("payload", block.Range{From: 1, To: math.MaxInt32}); len(n) == 1 {
		l.Payload = n[0]
	}
	if n := r.Numbers("events", block.Range{From: 1, To: math.MaxInt32}); len(n) == 1 {
		l.Events = int64(n[0])
	}
	return l
}

// readTimeout reads how long an execution may take, in whole seconds, as machines count.
func readTimeout(r *block.Reader) int64 {
	d := r.Duration("timeout")
	if d%time.Second != 0 || d > maxTimeout {
		r.Problem("timeout", "It must be a whole number of seconds, and at most %s.", maxTimeout)
	}
	return int64(d / time.Second)
}

// maxTimeout is the greatest TimeoutSeconds of a definition (states-language.net).
const maxTimeout = 99_999_999 * time.Second

func readSchedule(r *block.Reader) *Schedule {
	s := &Schedule{Expression: r.Text("expression"), Timezone: r.Text("timezone"), Start: moment(r, "start"), End: moment(r, "end")}
	if v := r.Get("enabled"); v.IsKnown() && !v.IsNull() && v.False() {
		s.Disabled = true
	}
	for _, name := range []string{"expression", "timezone", "start", "end"} {
		if !r.Get(name).IsKnown() {
			return s
		}
	}
	if _, err := s.Parse(); err != nil {
		r.Problem("expression", "%s.", err)
	}
	return s
}

func moment(r *block.Reader, name string) time.Time {
	text := r.Text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.Problem(name, "%q is no time such as 2026-12-01T10:00:00Z.", text)
	}
	return t
}
