package states

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

type createAliasInput struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Routes      []route `json:"routingConfiguration"`
}

func (a *API) createAlias(ctx context.Context, _ call, in *createAliasInput) (any, error) {
	id, err := a.checkRoutes(ctx, in.Routes)
	if err != nil {
		return nil, err
	}
	at := a.o.Clock().UTC()
	created := alias{Name: in.Name, Description: in.Description, Routes: in.Routes, Created: at, Updated: at}
	var out struct {
		ARN     string `json:"stateMachineAliasArn"`
		Created stamp  `json:"creationDate"`
	}
	err = a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		m, err := a.changeable(was, id.stateMachine())
		if err != nil {
			return nil, err
		}
		out.ARN, out.Created = m.aliasARN(in.Name), stamp(at)
		if old, there := m.alias(in.Name); there {
			if old.Description != in.Description || !slices.Equal(old.Routes, in.Routes) {
				return nil, conflict("Failed to create alias because an alias with the same name and a different routing configuration already exists.")
			}
			out.Created = stamp(old.Created)
			return was, nil
		}
		if len(m.Aliases) >= maxAliases {
			return nil, tooMuch("The state machine has the maximum number of aliases (%d). Delete some first.", maxAliases)
		}
		m.Aliases = append(m.Aliases, created)
		return m, nil
	})
	return out, err
}

// checkRoutes holds a routing configuration to the service's rules and gives a
// version's ARN, whose state machine is that of all.
func (a *API) checkRoutes(ctx context.Context, routes []route) (arn, error) {
	var arns []string
	var weights []int
	sum := 0
	for _, r := range routes {
		arns, weights = append(arns, r.VersionARN), append(weights, r.Weight)
		sum += r.Weight
	}
	wrong := func(format string, args ...any) (arn, error) {
		f := invalid(format, args...)
		f.Reason = "INVALID_ROUTING_CONFIGURATION"
		return arn{}, f
	}
	received := "[" + strings.Join(arns, ", ") + "]"
	if len(routes) == 2 && arns[0] == arns[1] {
		return wrong("Routing configuration must contain distinct state machine version ARNs. Received: %s", received)
	}
	if sum != 100 {
		text, err := json.Marshal(weights)
		if err != nil {
			return arn{}, err
		}
		return wrong("Sum of routing configuration weights must equal 100. Received: %s", text)
	}
	var first arn
	for i, text := range arns {
		id, ok := parseArn(text)
		if _, numbered := id.version(); !ok || !numbered {
			return wrong("Routing configuration must contain state machine version ARNs. Received: %s", received)
		}
		if i == 0 {
			first = id
		}
		if id.stateMachine() != first.stateMachine() {
			return wrong("Routing configuration must contain versions of the same state machine. Received: %s", received)
		}
		m, err := a.lookup(ctx, id, text)
		if err != nil {
			return arn{}, noResource(text)
		}
		if _, err := m.choose(id, text, 0); err != nil {
			return arn{}, noResource(text)
		}
	}
	return first, nil
}

type aliasInput struct {
	ARN         string  `json:"stateMachineAliasArn"`
	Description *string `json:"description"`
	Routes      []route `json:"routingConfiguration"`
}

// aliasID reads an alias's ARN.
func aliasID(text string) (arn, error) {
	id, ok := parseArn(text)
	if _, numbered := id.version(); !ok || numbered || id.qualifier() == "" {
		return arn{}, invalidArn(text)
	}
	return id, nil
}

func (a *API) updateAlias(ctx context.Context, _ call, in *aliasInput) (any, error) {
	id, err := aliasID(in.ARN)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.Routes == nil {
		f := invalid("Either the description or the RoutingConfiguration must be specified")
		f.Reason = "MISSING_REQUIRED_PARAMETER"
		return nil, f
	}
	if in.Routes != nil {
		to, err := a.checkRoutes(ctx, in.Routes)
		if err != nil {
			return nil, err
		}
		if to.stateMachine() != id.stateMachine() {
			return nil, invalid("Routing configuration must contain versions of the alias's own state machine.")
		}
	}
	at := a.o.Clock().UTC()
	err = a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		if was == nil {
			return nil, noResource(in.ARN)
		}
		m, err := a.changeable(was, in.ARN)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(m.Aliases, func(x alias) bool { return x.Name == id.qualifier() })
		if i < 0 {
			return nil, noResource(in.ARN)
		}
		x := &m.Aliases[i]
		if in.Description != nil {
			x.Description = *in.Description
		}
		if in.Routes != nil {
			x.Routes = in.Routes
		}
		x.Updated = at
		return m, nil
	})
	return struct {
		Updated stamp `json:"updateDate"`
	}{stamp(at)}, err
}

func (a *API) deleteAlias(ctx context.Context, _ call, in *aliasInput) (any, error) {
	id, err := aliasID(in.ARN)
	if err != nil {
		return nil, err
	}
	return struct{}{}, a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		if was == nil {
			return nil, noResource(in.ARN)
		}
		if _, ok := was.alias(id.qualifier()); !ok {
			return nil, noResource(in.ARN)
		}
		m := was.clone()
		m.Aliases = slices.DeleteFunc(m.Aliases, func(x alias) bool { return x.Name == id.qualifier() })
		return m, nil
	})
}

func (a *API) describeAlias(_ context.Context, _ call, in *aliasInput) (any, error) {
	id, err := aliasID(in.ARN)
	if err != nil {
		return nil, err
	}
	m := a.registry.stateMachine(id.stateMachine())
	if m == nil {
		return nil, noResource(in.ARN)
	}
	x, ok := m.alias(id.qualifier())
	if !ok {
		return nil, noResource(in.ARN)
	}
	return struct {
		ARN         string  `json:"stateMachineAliasArn"`
		Name        string  `json:"name"`
		Description string  `json:"description,omitempty"`
		Routes      []route `json:"routingConfiguration"`
		Created     stamp   `json:"creationDate"`
		Updated     stamp   `json:"updateDate"`
	}{in.ARN, x.Name, x.Description, x.Routes, stamp(x.Created), stamp(x.Updated)}, nil
}

type aliasItem struct {
	ARN     string `json:"stateMachineAliasArn"`
	Created stamp  `json:"creationDate"`
}

// listAliases gives the aliases of a state machine, newest first, or those that lead to a version.
func (a *API) listAliases(ctx context.Context, _ call, in *listInput) (any, error) {
	id, ok := parseArn(in.ARN)
	if !ok || id.kind != kindStateMachine {
		return nil, invalidArn(in.ARN)
	}
	m, err := a.lookup(ctx, id, in.ARN)
	if err != nil {
		return nil, err
	}
	var all []aliasItem
	for _, x := range slices.Backward(m.Aliases) {
		if id.qualifier() == "" || slices.ContainsFunc(x.Routes, func(r route) bool { return r.VersionARN == in.ARN }) {
			all = append(all, aliasItem{ARN: m.aliasARN(x.Name), Created: stamp(x.Created)})
		}
	}
	page, next, err := pageOf(all, in, func(x aliasItem) string { return x.ARN })
	return struct {
		Items []aliasItem `json:"stateMachineAliases"`
		Next  string      `json:"nextToken,omitempty"`
	}{page, next}, err
}
