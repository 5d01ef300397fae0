package task

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// approval is an approval block.
type approval struct{ block.Item }

var (
	_ object.Driven  = (*approval)(nil)
	_ object.Checked = (*approval)(nil)
)

// The values of on_timeout.
const (
	reject  = "reject"
	approve = "approve"
)

// question is what an approval block says.
type question struct {
	message   string
	timeout   time.Duration
	onTimeout string
	run       string
}

func readQuestion(wanted cty.Value) (question, []block.Problem) {
	bare, marks := wanted.UnmarkDeepWithPaths()
	r := reader{block.NewReader(bare)}
	q := question{message: r.Text("message"), timeout: r.Duration("timeout"),
		onTimeout: r.Choice("on_timeout", reject, approve), run: r.Choice("run", onChange, always)}
	if r.Absent("message") || r.Get("message").IsKnown() && strings.TrimSpace(q.message) == "" {
		r.Problem("message", "It is what the person reads who decides, and it is empty.")
	}
	if !r.Absent("on_timeout") && r.Absent("timeout") {
		r.Problem("on_timeout", "It says what a timeout means, and there is no timeout.")
	}
	if object.HasMark(wanted.GetAttr("message"), object.Sensitive) {
		r.Problem("message", "It holds a sensitive value, and a person is to read it. Take the value out, or wrap it in nonsensitive().")
	}
	r.noEphemeral(marks)
	return q, r.Problems()
}

// Wanted implements object.Object.
func (a *approval) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	v, d := a.Decode(ctx, s, inst)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	_, problems := readQuestion(v)
	if d = append(d, a.Report(problems)...); d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// Driver implements object.Driven.
func (a *approval) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	return approvalDriver{}, nil
}

// approvalInputs are the arguments whose change makes an approval ask again.
var approvalInputs = []string{"message", "triggers"}

var approvalOutputs = []string{"approved", "approved_by", "approved_at", "comment"}

// approvalDriver plans approvals. Carrying one out is a matter of the run: it asks
// and waits, see Approvals.
type approvalDriver struct{}

var _ object.Driver = approvalDriver{}

// Plan implements object.Driver.
func (approvalDriver) Plan(_ context.Context, req object.PlanRequest) (object.Change, diag.List) {
	if req.Wanted == cty.NilVal {
		return object.Change{Verb: object.Delete, Before: req.Prior.Value, After: cty.NilVal, Idempotent: true}, nil
	}
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Change{}, diag.FromError("Row cannot be read", err)
	}
	q, _ := readQuestion(req.Wanted)
	inputs := concealed(p.Salt, req.Wanted, approvalInputs)
	why := ""
	c := object.Change{Verb: object.Run, Before: cty.NilVal, Idempotent: true}
	if req.Prior == nil {
		why = "not decided yet"
	} else {
		c.Before = req.Prior.Value
		why = asksAgain(req, q, inputs)
	}
	if why == "" {
		c.Verb, c.After = object.NoOp, c.Before
		return c, nil
	}
	c.Note = why
	outputs := map[string]cty.Value{"approved": cty.True, "comment": cty.UnknownVal(cty.String).RefineNotNull(),
		"approved_by": cty.UnknownVal(cty.String).RefineNotNull(), "approved_at": cty.UnknownVal(cty.String).RefineNotNull()}
	c.After = block.Join(inputs, outputs)
	return c, nil
}

func asksAgain(req object.PlanRequest, q question, inputs map[string]cty.Value) string {
	switch {
	case req.Prior.Tainted:
		return "it was rejected"
	case req.Replace || req.Requested:
		return "asked for"
	case q.run == always && !req.Done:
		return "run = \"always\""
	}
	for _, name := range approvalInputs {
		before, _ := req.Prior.Value.GetAttr(name).UnmarkDeep()
		now, _ := inputs[name].UnmarkDeep()
		if !now.IsWhollyKnown() {
			return name + " is not known yet"
		}
		if !now.RawEquals(before) {
			return name + " changed"
		}
	}
	return ""
}

// Apply implements object.Driver for the end of an approval; asking is the run's.
func (approvalDriver) Apply(_ context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	if req.Verb != object.Delete {
		panic("task: invariant broken: an approval is not carried out by " + req.Verb.String())
	}
	return object.Result{}, nil
}

// Read implements object.Driver: an answer stands.
func (approvalDriver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

// Decode implements object.Driver.
func (approvalDriver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	return block.Decode(s, approvalInputs, approvalOutputs)
}

// Encode implements object.Driver.
func (approvalDriver) Encode(a *object.Actual) (*object.State, error) {
	return block.Encode(a, approvalName)
}

// Approvals turns approval blocks into the two activities of a run: ask, and answer
// once somebody has decided. The zero value is ready.
type Approvals struct{}

// Ask gives the output of the activity ask for a wanted approval: how long the run
// waits ("" is for ever), what a timeout means, and what is asked.
func (Approvals) Ask(wanted cty.Value) (json.RawMessage, error) {
	q, problems := readQuestion(wanted)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the argument %s is not right: %s", strings.Join(problems[0].Path, "."), problems[0].Text)
	}
	out := struct {
		Timeout   string `json:"timeout"`
		OnTimeout string `json:"on_timeout"`
		Message   string `json:"message"`
	}{OnTimeout: q.onTimeout, Message: q.message}
	if q.timeout > 0 {
		out.Timeout = q.timeout.String()
	}
	return json.Marshal(out)
}

// Answer gives the approval after a decision; the input is that of the activity
// answer. A rejected one is tainted, so that it is asked again.
func (Approvals) Answer(wanted cty.Value, input json.RawMessage) (*object.Actual, error) {
	var in struct {
		Approved bool      `json:"approved"`
		By       string    `json:"by"`
		Comment  string    `json:"comment"`
		At       time.Time `json:"at"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, fmt.Errorf("the answer to an approval cannot be read: %w", err)
	}
	p := private{Salt: block.NewSalt(), Ran: true}
	outputs := map[string]cty.Value{"approved": cty.BoolVal(in.Approved), "comment": cty.StringVal(in.Comment),
		"approved_by": cty.StringVal(in.By), "approved_at": cty.StringVal(in.At.UTC().Format(time.RFC3339))}
	return &object.Actual{Value: block.Join(concealed(p.Salt, wanted, approvalInputs), outputs), Private: p.bytes(), Tainted: !in.Approved}, nil
}
