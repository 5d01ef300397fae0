package cli

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"context"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

func (a *app) diagnostics(d diag.List, _ map[string][]byte) {
	for _, x := range d {
		_, _ = fmt.Fprintf(a.stderr, "\n%s: %s\n", x.Severity, x.Headline)
		if x.Subject != nil {
			_, _ = fmt.Fprintf(a.stderr, "  on %s line %d", x.Subject.Filename, x.Subject.Start.Line)
		}
		if x.Address != "" {
			_, _ = fmt.Fprintf(a.stderr, "  in %s", x.Address)
		}
		_, _ = fmt.Fprintf(a.stderr, "\n%s\n", x.Detail)
	}
}

func (a *app) showPlan(p *engine.Planned) {
	add, change, destroy := 0, 0, 0
	for _, c := range p.Plan.Changes {
		_, _ = fmt.Fprintf(a.stdout, "  # %s: %s %s\n", c.Addr, c.Verb, c.Reason)
		switch c.Verb {
		case object.Create:
			add++
		case object.Update:
			change++
		case object.Delete:
			destroy++
		case object.Replace:
			add++
			destroy++
		}
	}
	for _, x := range p.Plan.Deferred {
		_, _ = fmt.Fprintf(a.stdout, "  then, later: %s (%s)\n", x.Addr.Instance(x.Key), x.Reason)
	}
	if !changes(p.Plan) {
		_, _ = fmt.Fprintln(a.stdout, "No changes. Your infrastructure matches the configuration.")
		return
	}
	_, _ = fmt.Fprintf(a.stdout, "\nPlan: %d to add, %d to change, %d to destroy.\n", add, change, destroy)
}

func (a *app) showDrift(p *engine.Planned) {
	for _, c := range p.Plan.Drift {
		_, _ = fmt.Fprintf(a.stdout, "  # %s: %s\n", c.Addr, c.Verb)
	}
}

func (a *app) saved(out string) {
	_, _ = fmt.Fprintf(a.stdout, "\nSaved the plan to: %s\n\nTo carry out exactly these actions:\n    %s apply %q\n", out, a.name, out)
}

func (a *app) watch() engine.Watch {
	return engine.Watch{
		Started: func(x *object.Action, _ time.Time) { _, _ = fmt.Fprintf(a.stdout, "%s: %s...\n", x.Addr, x.Verb) },
		Log:     func(x *object.Action, line string) { _, _ = fmt.Fprintf(a.stdout, "%s: %s\n", x.Addr, line) },
		Done: func(x *object.Action, _ time.Time, _ json.RawMessage) {
			_, _ = fmt.Fprintf(a.stdout, "%s: %s complete\n", x.Addr, x.Verb)
		},
		Failed: func(_ *object.Action, _ time.Time, f flow.Failure, d diag.List) {
			if len(d) > 0 {
				a.diagnostics(d, nil)
				return
			}
			a.diagnostics(diag.Errorf(nil, f.Code, "%s", f.Message), nil)
		},
		Waiting: func(asking []addr.Instance, _ []flow.SetTimer) {
			_, _ = fmt.Fprintf(a.stdout, "Waiting for %v\n", asking)
		},
	}
}

func (a *app) ended(_ context.Context, fin *engine.Finished, d diag.List) error {
	a.diagnostics(d, nil)
	if fin == nil {
		return exitCode(exitError)
	}
	_, _ = fmt.Fprintf(a.stdout, "\nRun %d: %s. %d done, %d failed, %d skipped.\n", fin.Run, fin.Status, fin.Report.Counts.Done, fin.Report.Counts.Failed, fin.Report.Counts.Skipped)
	for _, x := range fin.InDoubt {
		_, _ = fmt.Fprintf(a.stdout, "In doubt: %s (%s): %s\n", x.Addr, x.Verb, x.Why)
	}
	if fin.Status != store.Succeeded || d.HasErrors() {
		return exitCode(exitError)
	}
	return nil
}

func (a *app) askDoubts(_ context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
	return nil
}

func (a *app) showRow(r *object.State) error {
	_, err := fmt.Fprintf(a.stdout, "# %s:\n%s\n", r.Addr, r.Attributes)
	return err
}

func (a *app) showOutputs(s *store.Snapshot, asJSON bool) error {
	sort.Slice(s.Outputs, func(i, j int) bool { return s.Outputs[i].Name < s.Outputs[j].Name })
	if asJSON {
		out := map[string]any{}
		for _, o := range s.Outputs {
			out[o.Name] = map[string]any{"sensitive": o.Sensitive, "type": json.RawMessage(o.Type), "value": json.RawMessage(o.Value)}
		}
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	for _, o := range s.Outputs {
		_, _ = fmt.Fprintf(a.stdout, "%s = ", o.Name)
		if o.Sensitive {
			_, _ = fmt.Fprintln(a.stdout, "<sensitive>")
		} else if err := a.outputValue(o); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) outputValue(o *object.OutputState) error {
	_, err := fmt.Fprintln(a.stdout, string(o.Value))
	return err
}

func (a *app) value(v cty.Value) string { return strings.TrimSpace(v.GoString()) }

func (a *app) validated(d diag.List, sources map[string][]byte, _ bool) error {
	a.diagnostics(d, sources)
	if d.HasErrors() {
		return exitCode(exitError)
	}
	_, _ = fmt.Fprintln(a.stdout, "Success! The configuration is valid.")
	return nil
}

func (a *app) showRun(r *store.Run, _ *planfile.File, rep apply.Report) {
	_, _ = fmt.Fprintf(a.stdout, "Run %d: %s %s\n", r.ID, r.Status, r.Message)
	for _, x := range rep.Actions {
		_, _ = fmt.Fprintf(a.stdout, "  %-10s %s %s\n", x.Status, x.Action.Verb, x.Action.Addr)
	}
}
