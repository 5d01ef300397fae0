package states

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tutti/internal/executor"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

func executionActions() map[string]action {
	return map[string]action{
		"StartExecution":                   typed((*API).startExecution),
		"StartSyncExecution":               typed((*API).startSyncExecution),
		"StopExecution":                    typed((*API).stopExecution),
		"DescribeExecution":                typed((*API).describeExecution),
		"DescribeStateMachineForExecution": typed((*API).describeForExecution),
		"ListExecutions":                   typed((*API).listExecutions),
		"RedriveExecution":                 typed((*API).redriveExecution),
		"GetExecutionHistory":              typed((*API).getExecutionHistory),
		"DescribeMapRun":                   typed((*API).describeMapRun),
		"ListMapRuns":                      typed((*API).listMapRuns),
		"UpdateMapRun":                     typed((*API).updateMapRun),
	}
}

type startInput struct {
	ARN      string  `json:"stateMachineArn"`
	Name     string  `json:"name"`
	Input    *string `json:"input"`
	Trace    string  `json:"traceHeader"`
	Included string  `json:"includedData"`
}

type startOutput struct {
	ARN   string `json:"executionArn"`
	Start stamp  `json:"startDate"`
}

// order is an execution that is about to begin.
type order struct {
	machine *stateMachine
	input   executor.Input
	run     store.Run
}

func (a *API) startExecution(ctx context.Context, _ call, in *startInput) (any, error) {
	o, err := a.order(ctx, in)
	if err != nil {
		return nil, err
	}
	if o.machine.Type == typeExpress {
		_, at, err := a.express.start(ctx, o, o.run.Command)
		return startOutput{ARN: o.input.Execution.ID, Start: stamp(at)}, err
	}
	began := a.o.Executor.Expect(o.input.Token)
	_, err = a.o.Host.Start(ctx, o.run)
	at := began()
	if there := (*store.ExistsError)(nil); errors.As(err, &there) {
		return a.startedBefore(ctx, o, there.Run)
	}
	if err != nil {
		return nil, fmt.Errorf("start an execution: %w", err)
	}
	return startOutput{ARN: o.input.Execution.ID, Start: stamp(at)}, nil
}

// order checks a request to start an execution.
func (a *API) order(ctx context.Context, in *startInput) (*order, error) {
	id, ok := parseArn(in.ARN)
	if !ok || id.kind != kindStateMachine {
		return nil, invalidArn(in.ARN)
	}
	if err := noLabel(id); err != nil {
		return nil, err
	}
	m, err := a.lookup(ctx, id, in.ARN)
	if err != nil {
		return nil, err
	}
	if m.Deleting {
		return nil, fault("StateMachineDeleting", "State Machine is being deleted: '%s'", in.ARN)
	}
	if in.Name == "" {
		in.Name = uuid.NewString()
	} else if !executor.GoodName(in.Name) {
		return nil, invalidName(in.Name)
	}
	if _, ok := a.o.Executor.Case(m.Name, id.test); id.test != "" && !ok {
		return nil, fault("InvalidName", "Invalid Name: '%s': no mock file has this test case of the state machine '%s' (SFN_MOCK_CONFIG names the file)", id.test, m.Name)
	}
	input, err := a.payload(in.Input)
	if err != nil {
		return nil, err
	}
	o := &order{machine: m, input: executor.Input{Trace: in.Trace, Definition: m.Definition, Case: id.test}}
	roleARN := m.RoleARN
	if id.qualifier() != "" {
		v, err := m.choose(id, in.ARN, rand.IntN(100))
		if err != nil {
			return nil, err
		}
		o.input.Definition, roleARN, o.input.Version = v.Definition, v.RoleARN, m.versionARN(v.Number)
		if _, numbered := id.version(); !numbered {
			o.input.Alias = m.aliasARN(id.qualifier())
		}
	}
	o.input.Start = execution.Start{Input: input, Token: executor.NewToken(), Limits: a.o.Limits,
		Execution:    execution.Identity{ID: executionARN(m, id, in.Name), Name: in.Name, RoleARN: roleARN},
		StateMachine: execution.Identity{ID: m.ARN, Name: m.Name, RoleARN: roleARN}}
	if m.Type == typeExpress {
		o.input.Limits.Seconds = maxExpressSeconds
	}
	o.run = store.Run{Machine: execution.MachineExecution, Owner: m.ARN, Name: in.Name, Command: "StartExecution", Input: o.input.Encode()}
	return o, nil
}

func executionARN(m *stateMachine, id arn, name string) string {
	if m.Type == typeExpress {
		return id.prefix(kindExpress) + m.Name + ":" + name + ":" + uuid.NewString()
	}
	return id.prefix(kindExecution) + m.Name + ":" + name
}

// payload checks an execution's input.
func (a *API) payload(text *string) (json.RawMessage, error) {
	if text == nil {
		return json.RawMessage("{}"), nil
	}
	if limit := a.payloadLimit(); len(*text) > limit {
		return nil, fault("InvalidExecutionInput", "Invalid State Machine Execution Input: 'the input is larger than %d bytes'", limit)
	}
	if err := validJSON(*text); err != nil {
		return nil, fault("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", err)
	}
	return json.RawMessage(*text), nil
}

func (a *API) payloadLimit() int {
	if a.o.Limits.Payload > 0 {
		return a.o.Limits.Payload
	}
	return execution.DefaultPayload
}

// validJSON tells what is wrong with a text that is not one JSON value.
func validJSON(text string) error {
	var v json.RawMessage
	return json.Unmarshal([]byte(text), &v)
}

// startedBefore answers when there is an execution of the name: the same answer for
// the same input as long as it runs (API reference, StartExecution).
func (a *API) startedBefore(ctx context.Context, o *order, run store.RunID) (any, error) {
	r, err := a.o.Store.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	in, err := executor.ReadInput(*r)
	if err != nil {
		return nil, err
	}
	if !running(r.Status) || !sameJSON(in.Input, o.input.Input) {
		return nil, fault("ExecutionAlreadyExists", "Execution Already Exists: '%s'", in.Execution.ID)
	}
	return startOutput{ARN: in.Execution.ID, Start: stamp(r.Created)}, nil
}

func sameJSON(x, y json.RawMessage) bool {
	var bx, by bytes.Buffer
	return json.Compact(&bx, x) == nil && json.Compact(&by, y) == nil && bytes.Equal(bx.Bytes(), by.Bytes())
}

// The statuses of an execution.
const (
	statusRunning   = "RUNNING"
	statusSucceeded = "SUCCEEDED"
	statusFailed    = "FAILED"
	statusTimedOut  = "TIMED_OUT"
	statusAborted   = "ABORTED"
)

func running(s store.Status) bool {
	return s == store.Running || s == store.Waiting || s == store.InDoubt
}

// statusOf gives an execution's status as the API has it.
func statusOf(r store.Run) string {
	switch {
	case running(r.Status):
		return statusRunning
	case r.Status == store.Succeeded:
		return statusSucceeded
	case r.Status == store.Failed && execution.IsTimedOut(r.Code, r.Message):
		return statusTimedOut
	case r.Status == store.Failed:
		return statusFailed
	default:
		return statusAborted
	}
}

// run finds the run of an execution's ARN, whole.
func (a *API) run(ctx context.Context, text string) (store.Run, executor.Input, error) {
	id, ok := parseArn(text)
	switch {
	case !ok || id.kind != kindExecution && id.kind != kindExpress:
		return store.Run{}, executor.Input{}, invalidArn(text)
	case id.kind == kindExpress:
		return store.Run{}, executor.Input{}, fault("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
	}
	r, err := a.runNamed(ctx, id.stateMachine(), id.rest[0])
	if err != nil {
		return store.Run{}, executor.Input{}, err
	}
	if r == nil || id.label != "" {
		return store.Run{}, executor.Input{}, noExecution(text)
	}
	in, err := executor.ReadInput(*r)
	return *r, in, err
}

// runNamed gives nil when there is none.
func (a *API) runNamed(ctx context.Context, owner, name string) (*store.Run, error) {
	found, err := a.o.Store.Find(ctx, store.RunFilter{Owner: owner, Name: name, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return a.o.Store.Run(ctx, found[0].ID)
}

type executionInput struct {
	ARN         string `json:"executionArn"`
	Included    string `json:"includedData"`
	Error       string `json:"error"`
	Cause       string `json:"cause"`
	ClientToken string `json:"clientToken"`
}

// included tells that a payload is given whole.
type included struct {
	Included bool `json:"included"`
}

// executionView is what DescribeExecution and ListExecutions tell of an execution.
type executionView struct {
	ARN           string    `json:"executionArn"`
	Machine       string    `json:"stateMachineArn"`
	Name          string    `json:"name"`
	Status        string    `json:"status"`
	Start         stamp     `json:"startDate"`
	Stop          *stamp    `json:"stopDate,omitempty"`
	Version       string    `json:"stateMachineVersionArn,omitempty"`
	Alias         string    `json:"stateMachineAliasArn,omitempty"`
	MapRun        string    `json:"mapRunArn,omitempty"`
	RedriveCount  int       `json:"redriveCount"`
	RedriveDate   *stamp    `json:"redriveDate,omitempty"`
	RedriveStatus string    `json:"redriveStatus,omitempty"`
	RedriveReason string    `json:"redriveStatusReason,omitempty"`
	Trace         string    `json:"traceHeader,omitempty"`
	Input         string    `json:"input,omitempty"`
	InputDetails  *included `json:"inputDetails,omitempty"`
	Output        string    `json:"output,omitempty"`
	OutputDetails *included `json:"outputDetails,omitempty"`
	Error         string    `json:"error,omitempty"`
	Cause         string    `json:"cause,omitempty"`
}

// summary fills in what a list shows.
func (a *API) summary(ctx context.Context, r store.Run, in executor.Input) (executionView, error) {
	status := statusOf(r)
	v := executionView{ARN: in.Execution.ID, Machine: in.StateMachine.ID, Name: in.Execution.Name, Status: status, Start: stamp(r.Created),
		Version: in.Version, Alias: in.Alias}
	stopped, err := a.stopped(ctx, r)
	if err != nil {
		return executionView{}, err
	}
	v.Stop = stampOf(stopped)
	d, err := a.redrives(ctx, r.ID)
	v.RedriveCount, v.RedriveDate = d.Count, stampOf(d.Latest)
	return v, err
}

// stopped gives when a run ended; zero while it goes on. The store counts a run that
// was stopped as one that may go on, and keeps no end of it: that is in its journal.
func (a *API) stopped(ctx context.Context, r store.Run) (time.Time, error) {
	if running(r.Status) || !r.Ended.IsZero() {
		return r.Ended, nil
	}
	entries, err := a.o.Store.Entries(ctx, r.ID, 1)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when run %d ended: %w", r.ID, err)
	}
	for _, e := range slices.Backward(entries) {
		if e.Event != nil {
			return e.Event.When(), nil
		}
	}
	return r.Created, nil
}

func (a *API) describeExecution(ctx context.Context, _ call, in *executionInput) (any, error) {
	if id, ok := parseArn(in.ARN); ok && id.kind == kindExecution && id.label != "" {
		return a.describeChild(ctx, id, in)
	}
	r, from, err := a.run(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	v, err := a.summary(ctx, r, from)
	if err != nil {
		return nil, err
	}
	v.Trace = from.Trace
	if reason := a.notRedrivable(r, v.Status); reason != "" {
		v.RedriveStatus, v.RedriveReason = "NOT_REDRIVABLE", reason
	} else {
		v.RedriveStatus = "REDRIVABLE"
	}
	if in.Included == metadataOnly {
		return v, nil
	}
	v.Input, v.InputDetails = string(from.Input), &included{true}
	switch v.Status {
	case statusSucceeded:
		v.Output, v.OutputDetails = string(r.Output), &included{true}
	case statusFailed, statusAborted:
		v.Error, v.Cause = r.Code, r.Message
	}
	return v, nil
}

func (a *API) describeForExecution(ctx context.Context, _ call, in *executionInput) (any, error) {
	r, from, mapRun, err := a.ownerOf(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	out := struct {
		ARN        string          `json:"stateMachineArn"`
		MapRun     string          `json:"mapRunArn,omitempty"`
		Label      string          `json:"label,omitempty"`
		Name       string          `json:"name"`
		Definition string          `json:"definition,omitempty"`
		RoleARN    string          `json:"roleArn"`
		Updated    stamp           `json:"updateDate"`
		Logging    json.RawMessage `json:"loggingConfiguration,omitempty"`
		Tracing    json.RawMessage `json:"tracingConfiguration,omitempty"`
		Revision   string          `json:"revisionId,omitempty"`

		Variables map[string][]string `json:"variableReferences,omitempty"`
	}{ARN: from.StateMachine.ID, Name: from.StateMachine.Name, RoleARN: from.StateMachine.RoleARN, Updated: stamp(r.Created)}
	if m := a.registry.stateMachine(from.StateMachine.ID); m != nil {
		s := m.settings
		for _, v := range m.Versions {
			if m.versionARN(v.Number) == from.Version {
				s = v.settings
			}
		}
		out.Updated, out.Logging, out.Tracing = stamp(s.Updated), s.Logging, s.Tracing
		if s.Definition == from.Definition {
			out.Revision = s.Revision
		}
	}
	if id, ok := parseArn(mapRun); ok {
		out.ARN, out.MapRun, out.Label = out.ARN+"/"+id.label, mapRun, id.label
	}
	if in.Included != metadataOnly {
		out.Definition, out.Variables, err = a.definition(ctx, from.Definition)
	}
	return out, err
}

// ownerOf gives the execution of a state machine that an ARN is of: its own, or the one
// whose map run began it.
func (a *API) ownerOf(ctx context.Context, text string) (r store.Run, in executor.Input, mapRun string, err error) {
	id, ok := parseArn(text)
	if !ok || id.kind != kindExecution || id.label == "" {
		r, in, err = a.run(ctx, text)
		return r, in, "", err
	}
	child, from, err := a.mapRunOfChild(ctx, id)
	if err != nil {
		return r, in, "", err
	}
	parent, err := a.o.Store.Run(ctx, child.Parent)
	if err != nil {
		return r, in, "", err
	}
	in, err = executor.ReadInput(*parent)
	return *parent, in, from.MapRun.ARN, err
}

// stopReason is how the machine takes an error and a cause.
func stopReason(name, cause string) string {
	text, err := json.Marshal(struct{ Error, Cause string }{name, cause})
	if err != nil {
		panic("states: invariant broken: two texts are no JSON: " + err.Error())
	}
	return string(text)
}

// ended reports whether an error says that the run is over already.
func ended(err error) bool {
	return errors.Is(err, local.ErrEnded) || errors.Is(err, store.ErrNotFound)
}

// stopExecution stops an execution. One that has ended stays as it is, and the
// answer is its end (as the service answers).
func (a *API) stopExecution(ctx context.Context, _ call, in *executionInput) (any, error) {
	r, _, err := a.run(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	at := a.o.Clock().UTC()
	out := struct {
		Stop stamp `json:"stopDate"`
	}{stamp(at)}
	if !running(r.Status) {
		at, err := a.stopped(ctx, r)
		out.Stop = stamp(at)
		return out, err
	}
	if err := a.o.Host.Cancel(ctx, r.ID, stopReason(in.Error, in.Cause)); err != nil && !ended(err) {
		return nil, fmt.Errorf("stop an execution: %w", err)
	}
	return out, a.settled(ctx, r.ID)
}

// settling is how long StopExecution waits for the execution's end, so that who asks
// next sees it. What must be stopped first elsewhere may take longer.
const settling = 5 * time.Second

func (a *API) settled(ctx context.Context, run store.RunID) error {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	if _, err := a.o.Host.Wait(ctx, run); err != nil && ctx.Err() == nil && !ended(err) {
		return fmt.Errorf("wait for the end of run %d: %w", run, err)
	}
	return nil
}

type listExecutionsInput struct {
	Machine    string `json:"stateMachineArn"`
	MapRun     string `json:"mapRunArn"`
	Status     string `json:"statusFilter"`
	Redrive    string `json:"redriveFilter"`
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

func (a *API) listExecutions(ctx context.Context, _ call, in *listExecutionsInput) (any, error) {
	switch {
	case in.Machine == "" && in.MapRun == "", in.Machine != "" && in.MapRun != "":
		return nil, invalid("Must provide exactly one of a StateMachine ARN and a MapRun ARN")
	case in.MapRun != "":
		return a.listChildren(ctx, in)
	}
	id, ok := parseArn(in.Machine)
	if !ok || id.kind != kindStateMachine {
		return nil, invalidArn(in.Machine)
	}
	m, err := a.lookup(ctx, id, in.Machine)
	if err != nil {
		return nil, err
	}
	if m.Type == typeExpress {
		return nil, wrongType()
	}
	of := strings.Join([]string{in.Machine, in.Status, in.Redrive}, " ")
	from, err := readPlace(in.NextToken, of)
	if err != nil {
		return nil, err
	}
	list, last, err := a.executions(ctx, in, id, store.RunFilter{Owner: m.ARN, Machine: execution.MachineExecution, Before: store.RunID(from.Number)})
	out := executionList{Items: list}
	if last != 0 {
		out.Next = place{Of: of, Number: int64(last)}.token()
	}
	return out, err
}

type executionList struct {
	Items []executionView `json:"executions"`
	Next  string          `json:"nextToken,omitempty"`
}

// executions gives a page of executions that fit, newest first, and the run that it
// ends with when there are more.
func (a *API) executions(ctx context.Context, in *listExecutionsInput, id arn, f store.RunFilter) (list []executionView, last store.RunID, err error) {
	want := sizeOf(in.MaxResults)
	f.Statuses = statusesOf(in.Status)
	f.Limit = want + 1
	list = []executionView{}
	for {
		runs, err := a.o.Store.Find(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		for _, found := range runs {
			f.Before = found.ID
			v, fits, err := a.listed(ctx, in, id, found.ID)
			if err != nil {
				return nil, 0, err
			}
			if !fits {
				continue
			}
			if len(list) == want {
				return list, last, nil
			}
			list, last = append(list, v), found.ID
		}
		if len(runs) < f.Limit {
			return list, 0, nil
		}
	}
}

// listed gives an execution as a list shows it, when it fits.
func (a *API) listed(ctx context.Context, in *listExecutionsInput, id arn, run store.RunID) (v executionView, fits bool, err error) {
	r, err := a.o.Store.Run(ctx, run)
	if err != nil {
		return v, false, err
	}
	from, err := executor.ReadInput(*r)
	if err != nil {
		return v, false, err
	}
	if id.qualifier() != "" && in.Machine != from.Version && in.Machine != from.Alias {
		return v, false, nil
	}
	v, err = a.summary(ctx, *r, from)
	fits = (in.Status == "" || in.Status == v.Status) && (in.Redrive == "" || (in.Redrive == "REDRIVEN") == (v.RedriveCount > 0))
	return v, fits, err
}

// statusesOf gives the statuses of runs among which those of an execution are.
func statusesOf(filter string) []store.Status {
	switch filter {
	case "":
		return nil
	case statusRunning:
		return []store.Status{store.Running, store.Waiting, store.InDoubt}
	case statusSucceeded:
		return []store.Status{store.Succeeded}
	case statusFailed, statusTimedOut:
		return []store.Status{store.Failed}
	default:
		return []store.Status{store.Stopped, store.Abandoned}
	}
}
