package states

import (
	"context"
	"encoding/json"

	"tutti/internal/executor"
)

// named are the members of requests that name what they are about.
type named struct {
	StateMachine string `json:"stateMachineArn"`
	Version      string `json:"stateMachineVersionArn"`
	Alias        string `json:"stateMachineAliasArn"`
	Execution    string `json:"executionArn"`
	MapRun       string `json:"mapRunArn"`
	Activity     string `json:"activityArn"`
	Resource     string `json:"resourceArn"`
	Token        string `json:"taskToken"`
	Routes       []struct {
		Version string `json:"stateMachineVersionArn"`
	} `json:"routingConfiguration"`
}

// Has reports whether a request, by its body, is about something that this server has: a state machine, one of its
// executions or map runs, an activity, or a task token of the form that is given out here. A request that names
// nothing, such as ListStateMachines, is about nothing here.
func (a *API) Has(ctx context.Context, body []byte) bool {
	var n named
	if json.Unmarshal(body, &n) != nil {
		return false
	}
	if n.Token != "" {
		return executor.TokenForm(n.Token)
	}
	arns := []string{n.StateMachine, n.Version, n.Alias, n.Execution, n.MapRun, n.Activity, n.Resource}
	for _, r := range n.Routes {
		arns = append(arns, r.Version)
	}
	for _, text := range arns {
		if text != "" && a.has(ctx, text) {
			return true
		}
	}
	return false
}

func (a *API) has(ctx context.Context, text string) bool {
	id, ok := parseArn(text)
	switch {
	case !ok:
		return false
	case id.kind == kindActivity:
		return a.registry.activity(text) != nil
	case a.registry.stateMachine(id.stateMachine()) != nil:
		return true
	case id.kind != kindExecution:
		return false
	}
	// A state machine that is being deleted goes with the last of its executions, whose result somebody may still want.
	r, err := a.runNamed(ctx, id.stateMachine(), id.rest[0])
	return err == nil && r != nil
}

// Ended returns when the execution of an ARN has ended, when the context does, or when this process does not carry it
// out.
func (a *API) Ended(ctx context.Context, text string) {
	id, ok := parseArn(text)
	if !ok || id.kind != kindExecution || id.label != "" {
		return
	}
	if r, err := a.runNamed(ctx, id.stateMachine(), id.rest[0]); err == nil && r != nil {
		_, _ = a.o.Host.Wait(ctx, r.ID) // whoever waits looks at what there is then
	}
}
