package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/runtime/local"
	"tutti/internal/server/control"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// executeFlags are those of `tutti run FILE`.
type executeFlags struct {
	input, name, from, mapping string
	limits                     string
	asJSON, history, watch     bool
	strict                     bool
	inDoubt                    string
}

func (f *executeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.input, "input", "", "the input: JSON, @FILE, or - for standard input")
	c.Flags().StringVar(&f.name, "name", "", "the execution's name, used once; made up when not given")
	c.Flags().StringVar(&f.from, "from", "", "begin with this state instead of StartAt")
	c.Flags().StringVar(&f.mapping, "mapping", "", "JSON file that sends Lambda functions and other resources to commands and URLs")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print status, output, error and cause as JSON")
	c.Flags().BoolVar(&f.history, "history", false, "with -json: the events too, as GetExecutionHistory gives them")
	c.Flags().BoolVar(&f.watch, "watch", false, "show the states while they are carried out")
	c.Flags().BoolVar(&f.strict, "strict-aws", false, "hold payloads and the history to the limits of AWS")
	c.Flags().StringVar(&f.limits, "limits", "", "bounds of the execution, such as payload=262144,events=25000,time=5m")
	c.Flags().StringVar(&f.inDoubt, "in-doubt", "stop", "what becomes of calls whose answer was lost: ask, retry or stop")
}

func (a *app) runCommand() *cobra.Command {
	var f executeFlags
	c := &cobra.Command{
		Use: "run FILE|WORKFLOW[#CASE]", Short: "Run a state machine, or look at a run", Args: cobra.MaximumNArgs(1),
		Long: `Run carries out a state machine: a file in Amazon States Language (.asl.json,
.asl.yaml, .asl, or JSON with StartAt and States), or a workflow of the stack
by its name, as it was last applied. It prints the output, and exits with 0
when the execution succeeded, with 1 when it did not.

The execution is durable: Ctrl-C stops in order, and "tutti resume RUN" goes
on, also after kill -9. When "tutti serve" serves this folder, it carries the
execution out, and Ctrl-C only stops watching.

FILE#CASE takes the answers of its Tasks from a test case of the mock file that
SFN_MOCK_CONFIG names, in the form of Step Functions Local; the state machine of
order.asl.json is called order there.`,
		Example: "  tutti run order.asl.json -input '{\"id\": 7}'\n  tutti run fulfil -input @order.json -watch\n  tutti run order.asl.json -mapping local.json -json -history\n  SFN_MOCK_CONFIG=mocks.json tutti run 'order.asl.json#Declined'\n  tutti run show 12",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return a.execute(c, args[0], &f)
		},
	}
	f.add(c)
	c.AddCommand(a.runShowCommand())
	return c
}

// opened opens the engine for executions: the server of the folder carries them out,
// when there is one.
func (a *app) opened(c *cobra.Command, inDoubt string) (e *engine.Engine, served bool, err error) {
	o, d := a.options(c, nil)
	if d.HasErrors() {
		return nil, false, a.failed(d, nil)
	}
	switch inDoubt {
	case "retry":
		o.InDoubt = retryAll
	case "ask":
		if a.interactive(true) {
			o.InDoubt = inChild(a.askDoubts)
		}
	case "stop":
	default:
		return nil, false, fmt.Errorf("-in-doubt=%s: expected ask, retry or stop", inDoubt)
	}
	e, d = engine.Open(c.Context(), o)
	if d.HasErrors() {
		return nil, false, a.failed(d, nil)
	}
	client, err := control.Dial(c.Context(), e.StoreFolder())
	if err != nil {
		a.close(c, e)
		return nil, false, err
	}
	if client != nil {
		e.UseRuns(client)
	}
	return e, client != nil, nil
}

func (a *app) execute(c *cobra.Command, what string, f *executeFlags) error {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	e, served, err := a.opened(c, f.inDoubt)
	if err != nil {
		return err
	}
	defer a.close(c, e)
	req, name, err := a.request(c.Context(), e, what)
	if err != nil {
		return err
	}
	config, err := a.mocked(e)
	if err != nil {
		return err
	}
	if o.Case = name; name != "" && !served {
		if err := knownCase(config, engine.MachineName(req.Workflow), name); err != nil {
			return err
		}
	}
	m, d := definition.Parse(req.Definition.File, []byte(req.Definition.Text))
	if m == nil {
		return a.failed(d, nil)
	}
	if d := knownState(m, f.from); d.HasErrors() {
		return a.failed(d, nil)
	}
	if f.strict {
		a.strictWarnings(m, req, o.Input)
	}
	x, d := e.StartExecution(c.Context(), req, o)
	if d.HasErrors() {
		return a.failed(d, nil)
	}
	return a.await(c, e, x.ID, served, f)
}

// knownState refuses a state to begin with that is not there, or that lies inside
// another one; "" is StartAt.
func knownState(m *definition.StateMachine, name string) diag.List {
	if _, ok := m.State(name); ok || name == "" {
		return nil
	}
	if _, inside := m.Find(name); inside {
		return diag.Errorf(nil, "State cannot be the first", "State %q lies inside a Map or a Parallel. Begin with that one: an execution can only begin with an outermost state.", name)
	}
	var names []string
	for _, s := range m.States {
		names = append(names, s.Name)
	}
	return diag.Errorf(nil, "No such state", "There is no state %q to begin with.%s", name, diag.DidYouMean(name, names))
}

// strictWarnings tells where the limits of AWS could be passed, before anything runs.
func (a *app) strictWarnings(m *definition.StateMachine, req workflow.Request, input json.RawMessage) {
	if input == nil {
		input = req.Input
	}
	text := req.Definition.Text
	a.diagnostics(definition.Diagnostics(m.Strict(definition.Use{Size: len(text), Input: len(input)})), map[string][]byte{req.Definition.File: []byte(text)})
}

func (f *executeFlags) options(a *app) (engine.ExecutionOptions, error) {
	o := engine.ExecutionOptions{Name: f.name, From: f.from}
	if f.history && !f.asJSON {
		return o, errors.New("-history belongs to -json")
	}
	var err error
	if o.Input, err = a.jsonArg("-input", f.input); err != nil {
		return o, err
	}
	if o.Limits, err = parseLimits(f.limits); err != nil {
		return o, err
	}
	if f.strict {
		o.Limits.Payload, o.Limits.Events = strictLimits.Payload, strictLimits.Events
	}
	if f.mapping == "" {
		return o, nil
	}
	text, err := os.ReadFile(f.mapping)
	if err == nil {
		o.Mapping, err = worker.ParseMapping(text)
	}
	if err != nil {
		return o, fmt.Errorf("-mapping=%s: %w", f.mapping, err)
	}
	return o, nil
}

// parseLimits reads -limits.
func parseLimits(text string) (l execution.Limits, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part == "" && text == "" {
			break
		}
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "payload":
			l.Payload, err = strconv.Atoi(value)
			err = positive(err, int64(l.Payload))
		case "events":
			l.Events, err = strconv.ParseInt(value, 10, 64)
			err = positive(err, l.Events)
		case "time":
			var d time.Duration
			d, err = time.ParseDuration(value)
			l.Seconds = int64(d / time.Second)
			err = positive(err, l.Seconds)
		default:
			err = errors.New("there are payload (bytes), events and time")
		}
		if err != nil {
			return l, fmt.Errorf("-limits: %q: %w", part, err)
		}
	}
	return l, nil
}

func positive(err error, n int64) error {
	if err == nil && n <= 0 {
		return errors.New("it must be more than nothing; times count in whole seconds")
	}
	return err
}

// jsonArg reads JSON that is given as it is, in a file, or on standard input; nil when
// it is not given.
func (a *app) jsonArg(flag, text string) (json.RawMessage, error) {
	raw := []byte(text)
	var err error
	switch {
	case text == "":
		return nil, nil
	case text == "-":
		raw, err = a.readArg("-")
	case strings.HasPrefix(text, "@"):
		raw, err = os.ReadFile(text[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%s is no JSON: write it as it is, as @FILE, or - for standard input", flag)
	}
	return raw, nil
}

// request finds what is to be run: a file, or a workflow of the stack, and the test case
// that is named behind a #.
func (a *app) request(ctx context.Context, e *engine.Engine, what string) (req workflow.Request, name string, err error) {
	if _, err := os.Stat(what); errors.Is(err, fs.ErrNotExist) {
		if i := strings.LastIndexByte(what, '#'); i >= 0 {
			what, name = what[:i], what[i+1:]
		}
	}
	req, err = a.requestOf(ctx, e, what)
	return req, name, err
}

func (a *app) requestOf(ctx context.Context, e *engine.Engine, what string) (workflow.Request, error) {
	text, err := os.ReadFile(what)
	switch {
	case err == nil:
		def, _, d := workflow.Load(what, text, nil)
		if d.HasErrors() {
			return workflow.Request{}, a.failed(d, map[string][]byte{what: text})
		}
		a.diagnostics(d, map[string][]byte{what: text})
		return workflow.Request{Workflow: what, Definition: def, Input: json.RawMessage("{}")}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return workflow.Request{}, err
	}
	list, err := e.Workflows(ctx)
	if err != nil {
		return workflow.Request{}, err
	}
	var names []string
	for _, w := range list {
		name := strings.TrimPrefix(w.Address, "workflow.")
		if what == w.Address || what == name {
			return w.Request, nil
		}
		names = append(names, name)
	}
	return workflow.Request{}, a.failed(diag.Errorf(nil, "Nothing to run", "There is no file %s, and no workflow of this name that was applied.%s", what, diag.DidYouMean(what, names)), nil)
}

// resumeExecution goes on with an execution, or begins one anew from a state of it.
func (a *app) resumeExecution(c *cobra.Command, run *store.Run, f *executeFlags) error {
	if run.Child != 0 && f.from == "" {
		return fmt.Errorf("run %d belongs to run %d: \"%s resume %d\" goes on with both, and \"%s resume %d -from STATE\" begins an execution of its own", run.ID, run.Parent, a.name, run.Parent, a.name, run.ID)
	}
	input, err := a.jsonArg("-input", f.input)
	if err != nil {
		return err
	}
	e, served, err := a.opened(c, f.inDoubt)
	if err != nil {
		return err
	}
	defer a.close(c, e)
	if _, err := a.mocked(e); err != nil {
		return err
	}
	if f.from != "" {
		x, d := e.RestartExecution(c.Context(), run.ID, f.from, input)
		if d.HasErrors() {
			return a.failed(d, nil)
		}
		return a.await(c, e, x.ID, served, f)
	}
	if input != nil {
		return errors.New("-input belongs to -from STATE: what goes on has its input")
	}
	if d := e.ResumeExecution(c.Context(), run.ID, run.Status); d.HasErrors() {
		return a.failed(d, nil)
	}
	return a.await(c, e, run.ID, served, f)
}

// await waits for an execution, shows it if that is wanted, and says how it ended.
func (a *app) await(c *cobra.Command, e *engine.Engine, id store.RunID, served bool, f *executeFlags) error {
	ctx, release := a.cancellable(c.Context())
	defer release()
	end := func() {}
	if f.watch {
		end = a.watchExecution(ctx, e, id)
	}
	res, err := e.WaitExecution(ctx, id)
	end()
	switch {
	case ctx.Err() != nil && served:
		_, _ = fmt.Fprintf(a.stderr, "\nRun %d goes on: the server of this folder carries it out. \"tutti run show %d\" shows it, \"tutti cancel %d\" stops it.\n", id, id, id)
		return exitCode(exitInterrupt)
	case ctx.Err() != nil:
		_, _ = fmt.Fprintf(a.stderr, "\nRun %d rests. \"tutti resume %d\" goes on with it.\n", id, id)
		return exitCode(exitInterrupt)
	case err != nil && served:
		return a.failed(diag.Errorf(nil, "The server is gone", "The server of this folder does not carry out run %d any more: %v. The next \"%s serve\" goes on with it, or \"%s resume %d\".", id, err, a.name, a.name, id), nil)
	case err != nil:
		return err
	}
	return a.result(c.Context(), e, id, res, f)
}

// result prints how an execution ended.
func (a *app) result(ctx context.Context, e *engine.Engine, id store.RunID, res local.Result, f *executeFlags) error {
	if f.asJSON {
		if err := a.jsonResult(ctx, e, id, res, f.history); err != nil {
			return err
		}
	} else if res.Status == store.Succeeded {
		x, d := e.Execution(ctx, id)
		if d.HasErrors() {
			return a.failed(d, nil)
		}
		masker, err := e.Masker(ctx, x.Run)
		if err != nil {
			return err
		}
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(json.RawMessage(orNull(res.Output))); err != nil {
			return err
		}
		_, err = fmt.Fprint(a.stdout, masker.String(b.String()))
		return err
	}
	switch {
	case res.Status == store.Succeeded:
		return nil
	case f.asJSON:
		return exitCode(exitError)
	case res.Status == store.InDoubt && len(res.InDoubt) > 0:
		return a.failed(diag.Errorf(nil, "Execution is in doubt", "%s was cut off, and nobody can tell whether it was done. \"tutti resume %d -in-doubt=retry\" makes it again.", a.doubtful(res.InDoubt[0]), id), nil)
	default:
		code, cause := reason(res)
		return a.failed(diag.Errorf(nil, "Execution failed", "%s%s\n\n\"tutti run show %d\" shows its states; \"tutti resume %d\" goes on from those that failed, \"tutti resume %d -from STATE\" from another.", code, cause, id, id, id), nil)
	}
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

func reason(res local.Result) (code, cause string) {
	if res.Failure == nil {
		return string(res.Status), "."
	}
	code, cause = res.Failure.Code, res.Failure.Message
	switch {
	case code == "" && cause == "":
		return "It was stopped", "."
	case cause == "":
		return code, "."
	case code == "":
		return "", cause
	default:
		return code, ": " + cause
	}
}

// apiStatus is the service's word for how an execution ended.
func apiStatus(res local.Result) string {
	switch {
	case res.Status == store.Succeeded:
		return "SUCCEEDED"
	case res.Status == store.Stopped || res.Status == store.Abandoned:
		return "ABORTED"
	case res.Failure != nil && execution.IsTimedOut(res.Failure.Code, res.Failure.Message):
		return "TIMED_OUT"
	case res.Status == store.Failed:
		return "FAILED"
	default:
		return "RUNNING"
	}
}

func (a *app) jsonResult(ctx context.Context, e *engine.Engine, id store.RunID, res local.Result, history bool) error {
	h, d := e.ExecutionHistory(ctx, id, history)
	if d.HasErrors() {
		return a.failed(d, nil)
	}
	m := h.Masker()
	res.Output = json.RawMessage(m.String(string(res.Output)))
	out := struct {
		Run       store.RunID       `json:"run"`
		Execution string            `json:"execution"`
		Status    string            `json:"status"`
		Output    json.RawMessage   `json:"output,omitempty"`
		Error     string            `json:"error,omitempty"`
		Cause     string            `json:"cause,omitempty"`
		Events    []json.RawMessage `json:"events,omitempty"`
	}{Run: id, Execution: h.ARN, Status: apiStatus(res), Output: res.Output}
	if res.Failure != nil {
		out.Error, out.Cause = m.String(res.Failure.Code), m.String(res.Failure.Message)
	}
	for _, ev := range h.Events {
		out.Events = append(out.Events, h.EventJSON(ev))
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// How often the states of an execution are read anew, at least, and how much longer
// the pause is than the reading: a long history must not keep the process busy.
const (
	watchEvery = 200 * time.Millisecond
	watchShare = 10
)

// watchExecution shows an execution's states on standard error until the function that
// it gives is called.
func (a *app) watchExecution(ctx context.Context, e *engine.Engine, id store.RunID) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	w := &executionWatch{app: a}
	look := func(ctx context.Context) {
		if h, d := e.ExecutionHistory(ctx, id, false); !d.HasErrors() {
			w.show(h)
		}
	}
	go func() {
		defer close(done)
		for {
			began := time.Now()
			look(ctx)
			timer := time.NewTimer(max(watchEvery, watchShare*time.Since(began)))
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
	}()
	return func() {
		cancel()
		<-done
		look(context.WithoutCancel(ctx))
	}
}

// executionWatch draws the states of an execution: on a terminal over what it drew
// before, otherwise each state once it has ended.
type executionWatch struct {
	app *app
	// drawn are the lines on the terminal; told counts the states that were told
	// elsewhere.
	drawn, told int
}

func (w *executionWatch) show(h *engine.ExecutionHistory) {
	style := w.app.style()
	if w.app.live {
		var b strings.Builder
		if w.drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA\x1b[J", w.drawn)
		}
		var text strings.Builder
		_ = style.Steps(&text, "", last(h.Steps), h.Run.Created, time.Now()) // a Builder takes everything
		b.WriteString(text.String())
		w.drawn = strings.Count(text.String(), "\n")
		_, _ = fmt.Fprint(w.app.stderr, b.String())
		return
	}
	// What has ended is told in order; what is open keeps the rest waiting.
	for w.told < len(h.Steps) && !h.Steps[w.told].Open() {
		_ = style.Steps(w.app.stderr, "", h.Steps[w.told:w.told+1], h.Run.Created, time.Now())
		w.told++
	}
}

// maxDrawn is how many states a terminal shows while an execution goes on.
const maxDrawn = 20

func last(steps []*engine.Step) []*engine.Step { return steps[max(0, len(steps)-maxDrawn):] }
