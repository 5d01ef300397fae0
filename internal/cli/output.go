package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/store"
	"tutti/internal/terraform/provider"
)

// style says how to write on standard output.
func (a *app) style() view.Style { return view.Style{Color: a.color, Width: a.width, Name: a.name} }

// styleOf is style with the engine's knowledge of which attributes are blocks.
func (a *app) styleOf(ctx context.Context, e *engine.Engine) view.Style {
	s := a.style()
	schema := a.schemas(ctx, e)
	blocks := map[*provider.Block]view.Blocks{}
	s.Blocks = func(driver string, n addr.Name) view.Blocks {
		b := schema(driver, n)
		if _, ok := blocks[b]; !ok {
			blocks[b] = blocksOf(b)
		}
		return blocks[b]
	}
	s.Types = typesOf(schema)
	return s
}

// schemas gives the schema of an object, asking for each type only once.
func (a *app) schemas(ctx context.Context, e *engine.Engine) func(driver string, n addr.Name) *provider.Block {
	type key struct {
		driver string
		kind   addr.Kind
		name   string
	}
	known := map[key]*provider.Block{}
	return func(driver string, n addr.Name) *provider.Block {
		k := key{driver, n.Kind, n.Type}
		b, ok := known[k]
		if !ok {
			b = e.Schema(ctx, driver, n)
			known[k] = b
		}
		return b
	}
}

func typesOf(schema func(string, addr.Name) *provider.Block) view.TypeFinder {
	return func(driver string, n addr.Name) cty.Type {
		if b := schema(driver, n); b != nil {
			return b.ImpliedType()
		}
		return cty.NilType
	}
}

func blocksOf(b *provider.Block) view.Blocks {
	if b == nil || len(b.Blocks) == 0 {
		return nil
	}
	out := make(view.Blocks, len(b.Blocks))
	for name, nested := range b.Blocks {
		out[name] = blocksOf(nested.Block)
	}
	return out
}

// diagnostics shows what is wrong: on standard error, or as messages with -json.
func (a *app) diagnostics(d diag.List, sources map[string][]byte) {
	if a.into != nil {
		a.into.Diags(d, sources)
	}
	switch {
	case len(d) == 0:
	case a.stream != nil:
		a.stream.Diags(d, sources)
	case a.compact:
		a.errorStyle().Compact(a.stderr, d, sources)
	default:
		a.errorStyle().Diags(a.stderr, d, sources)
	}
}

func (a *app) errorStyle() view.Style {
	s := a.style()
	s.Color = a.errColor
	return s
}

// say writes a line for people; with -json there are none.
func (a *app) say(format string, args ...any) {
	if a.stream == nil {
		_, _ = fmt.Fprintf(a.stdout, format+"\n", args...)
	}
}

// sourcesOf gives the files that a plan was made from; also of one that could not
// be made.
func sourcesOf(p *engine.Planned) map[string][]byte {
	if p == nil || p.File == nil {
		return nil
	}
	return p.Sources
}

func (a *app) showPlan(ctx context.Context, e *engine.Engine, p *engine.Planned) {
	if a.into != nil {
		a.into.Plan(p.Plan)
	}
	if a.stream != nil {
		a.stream.Plan(p.Plan)
		return
	}
	a.styleOf(ctx, e).Plan(a.stdout, p.Plan)
}

// jsonPlan writes a plan as show -json does.
func (a *app) jsonPlan(ctx context.Context, e *engine.Engine, p *engine.Planned) error {
	snap := p.Read
	if snap == nil {
		var d diag.List
		if snap, d = e.Snapshot(ctx); d.HasErrors() {
			return a.failed(d, nil)
		}
	}
	schemas := func(source string, n addr.Name) (*provider.Block, int64) {
		if t := e.TypeOf(ctx, fmt.Sprintf("provider[%q]", source), n); t != nil {
			return t.Block, t.Version
		}
		return nil, 0
	}
	return view.JSONPlan(a.stdout, view.PlanInput{Plan: p.Plan, State: a.stateInput(ctx, e, snap), Version: a.version, Config: e.Configuration(p), Schemas: schemas})
}

func (a *app) stateInput(ctx context.Context, e *engine.Engine, s *store.Snapshot) view.StateInput {
	return view.StateInput{Rows: s.Rows, Outputs: s.Outputs, Types: typesOf(a.schemas(ctx, e))}
}

func (a *app) showDrift(ctx context.Context, e *engine.Engine, p *engine.Planned) {
	if len(p.Plan.Drift) == 0 {
		a.say("No drift. What is there is as the state has it.")
	}
	drift := *p.Plan
	drift.Changes, drift.Outputs, drift.Deferred = nil, nil, nil
	if a.stream != nil {
		a.stream.Plan(&drift)
		return
	}
	if len(drift.Drift) > 0 {
		a.styleOf(ctx, e).Drift(a.stdout, drift.Drift)
	}
}

func (a *app) saved(out string) {
	a.say("\nSaved the plan to: %s\n\nTo carry out exactly these actions:\n    %s apply %q", out, a.name, out)
}

// ended says how a run ended and gives the error that ends the command.
func (a *app) ended(ctx context.Context, e *engine.Engine, fin *engine.Finished, d diag.List) error {
	if fin == nil {
		return a.failed(d, nil)
	}
	a.diagnostics(append(append(a.failures, fin.Diags...), d...), fin.Sources)
	a.failures = nil
	r := view.Result{Run: int64(fin.Run), Plan: fin.Plan, Report: fin.Report, Stopped: fin.Status == store.Stopped, Waiting: fin.Status == store.Waiting}
	for _, x := range fin.InDoubt {
		r.InDoubt = append(r.InDoubt, view.Doubt{Addr: x.Addr, Verb: x.Verb, Why: x.Why})
	}
	if err := a.showResult(ctx, e, fin, r); err != nil {
		return err
	}
	if fin.Status == store.Succeeded && !d.HasErrors() {
		return nil
	}
	if ctx.Err() != nil {
		return exitCode(exitInterrupt)
	}
	return exitCode(exitError)
}

func (a *app) showResult(ctx context.Context, e *engine.Engine, fin *engine.Finished, r view.Result) error {
	var outputs []*object.OutputState
	snap, d := e.Snapshot(context.WithoutCancel(ctx))
	if !d.HasErrors() {
		outputs = snap.Outputs
	}
	if a.into != nil {
		if err := a.into.Result(r, outputs); err != nil {
			return err
		}
	}
	if a.stream != nil {
		return a.stream.Result(r, outputs)
	}
	a.style().Result(a.stdout, r)
	if fin.Status != store.Succeeded || fin.Deferred || fin.Plan.Mode == object.Destroy || len(outputs) == 0 {
		return nil
	}
	a.say("\nOutputs:\n")
	return a.style().Outputs(a.stdout, outputs)
}

func (a *app) showRow(ctx context.Context, e *engine.Engine, r *object.State) error {
	return a.styleOf(ctx, e).Row(a.stdout, r)
}

func (a *app) showOutputs(s *store.Snapshot, asJSON bool) error {
	if asJSON {
		return view.JSONOutputs(a.stdout, s.Outputs)
	}
	if len(s.Outputs) == 0 {
		a.diagnostics(diag.Warnf(nil, "No outputs found", "The state holds no outputs. They are stored by \"%s apply\", when the configuration has output blocks.", a.name), nil)
	}
	return a.style().Outputs(a.stdout, s.Outputs)
}

// outputValue writes one output that was asked for by its name: also a sensitive
// one.
func (a *app) outputValue(o *object.OutputState) error {
	v, err := view.OutputValue(o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, a.style().HCL(v))
	return err
}

func (a *app) value(v cty.Value) string { return a.style().HCL(v) }

// validated is the answer of validate; -json has Terraform's form.
func (a *app) validated(d diag.List, sources map[string][]byte, asJSON bool) error {
	if asJSON {
		list := view.JSONDiags(d, sources)
		out := struct {
			Format      string            `json:"format_version"`
			Valid       bool              `json:"valid"`
			Errors      int               `json:"error_count"`
			Warnings    int               `json:"warning_count"`
			Diagnostics []view.Diagnostic `json:"diagnostics"`
		}{"1.0", !d.HasErrors(), 0, 0, list}
		for _, x := range list {
			if x.Severity == "error" {
				out.Errors++
			} else {
				out.Warnings++
			}
		}
		if err := writeJSON(a.stdout, out); err != nil {
			return err
		}
	} else {
		a.diagnostics(d, sources)
	}
	if d.HasErrors() {
		return exitCode(exitError)
	}
	if !asJSON {
		qualified := ""
		if len(d) > 0 {
			qualified = ", but there were some validation warnings as shown above"
		}
		a.say("Success! The configuration is valid%s.", qualified)
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// showRun lists the steps of a run with their times and errors.
func (a *app) showRun(r *store.Run, file *planfile.File, rep apply.Report, states map[flow.ID]*engine.ExecutionHistory) error {
	took := "still open"
	if !r.Ended.IsZero() {
		took = r.Ended.Sub(r.Created).Round(time.Millisecond).String()
	}
	a.say("Run %d: %s\n  command  %s", r.ID, r.Status, what(r))
	if r.User != "" { // what came through the API has none
		a.say("  by       %s@%s", r.User, r.Host)
	}
	a.say("  started  %s\n  took     %s", r.Created.Local().Format(time.DateTime), took)
	if r.Message != "" {
		a.say("  ended    %s", r.Message)
	}
	if file == nil {
		return a.showStates("  ", states[0])
	}
	a.say("")
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "STEP\tSTATUS\tSTARTED\tTOOK\tACTION\tADDRESS")
	for i := range rep.Actions {
		x := &rep.Actions[i]
		if x.Action.Verb == object.Join {
			continue
		}
		_, _ = fmt.Fprintf(w, "#%d\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.Status, since(r.Created, x.Started), between(x.Started, x.Ended), x.Action.Verb, x.Action.Addr)
		if x.Failure != nil {
			_, _ = fmt.Fprintf(w, "\t  %s\n", x.Failure.Message)
		}
		if x.Status == apply.Skipped && x.Because > 0 {
			_, _ = fmt.Fprintf(w, "\t  needs #%d, which failed\n", x.Because)
		}
		if h := states[x.Child]; x.Child != 0 && h != nil {
			if err := w.Flush(); err != nil {
				return err
			}
			if err := a.showStates("      ", h); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// showStates shows what became of an execution's states.
func (a *app) showStates(indent string, h *engine.ExecutionHistory) error {
	if h == nil {
		return nil
	}
	if indent == "  " {
		a.say("  name     %s\n", h.ARN)
	} else {
		a.say("%srun %d: %s", indent, h.Run.ID, h.ARN)
	}
	var b strings.Builder
	if err := a.style().Steps(&b, indent, h.Steps, h.Run.Created, time.Now()); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.stdout, h.Masker().String(b.String()))
	return err
}

func since(start, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return "+" + t.Sub(start).Round(time.Millisecond).String()
}

func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	return to.Sub(from).Round(time.Millisecond).String()
}
