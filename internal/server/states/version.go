package states

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The service's bounds of a state machine (developer guide, "Quotas").
const (
	maxVersions = 1000
	maxAliases  = 100
)

// initialRevision names the first revision of a state machine in requests.
const initialRevision = "INITIAL"

func tooMuch(format string, args ...any) *Fault {
	f := fault("ServiceQuotaExceededException", format, args...)
	f.Status = http.StatusPaymentRequired // the service's own status for it
	return f
}

// publishCurrent makes a version of the current revision, or gives the one that there is.
func (m *stateMachine) publishCurrent(description string, at time.Time) (version, error) {
	for _, v := range slices.Backward(m.Versions) {
		if v.Revision == m.Revision && v.Definition == m.Definition {
			return v, nil
		}
	}
	if len(m.Versions) >= maxVersions {
		return version{}, tooMuch("The state machine has the maximum number of versions (%d). Delete some first.", maxVersions)
	}
	return m.publish(description, at), nil
}

type publishVersionInput struct {
	ARN         string `json:"stateMachineArn"`
	Revision    string `json:"revisionId"`
	Description string `json:"description"`
}

func (a *API) publishVersion(ctx context.Context, _ call, in *publishVersionInput) (any, error) {
	id, err := unqualified(in.ARN)
	if err != nil {
		return nil, err
	}
	var out struct {
		Created stamp  `json:"creationDate"`
		ARN     string `json:"stateMachineVersionArn"`
	}
	err = a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		m, err := a.changeable(was, in.ARN)
		if err != nil {
			return nil, err
		}
		current := m.Revision
		if current == "" {
			current = initialRevision
		}
		if in.Revision != "" && in.Revision != current {
			return nil, conflict("Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.", in.Revision, current)
		}
		v, err := m.publishCurrent(in.Description, a.o.Clock().UTC())
		out.Created, out.ARN = stamp(v.Published), m.versionARN(v.Number)
		return m, err
	})
	return out, err
}

type versionItem struct {
	ARN     string `json:"stateMachineVersionArn"`
	Created stamp  `json:"creationDate"`
}

func (a *API) listVersions(ctx context.Context, _ call, in *listInput) (any, error) {
	id, err := unqualified(in.ARN)
	if err != nil {
		return nil, err
	}
	m, err := a.lookup(ctx, id, in.ARN)
	if err != nil {
		return nil, invalidArn(in.ARN) // the action has no StateMachineDoesNotExist
	}
	var all []versionItem
	for _, v := range slices.Backward(m.Versions) {
		all = append(all, versionItem{ARN: m.versionARN(v.Number), Created: stamp(v.Published)})
	}
	page, next, err := pageOf(all, in, func(x versionItem) string { return x.ARN })
	return struct {
		Items []versionItem `json:"stateMachineVersions"`
		Next  string        `json:"nextToken,omitempty"`
	}{page, next}, err
}

type deleteVersionInput struct {
	ARN string `json:"stateMachineVersionArn"`
}

func (a *API) deleteVersion(ctx context.Context, _ call, in *deleteVersionInput) (any, error) {
	id, ok := parseArn(in.ARN)
	number, numbered := id.version()
	if !ok || !numbered {
		return nil, invalidArn(in.ARN)
	}
	return struct{}{}, a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		if was == nil {
			return was, nil
		}
		var users []string
		for _, x := range was.Aliases {
			if slices.ContainsFunc(x.Routes, func(r route) bool { return r.VersionARN == in.ARN }) {
				users = append(users, x.Name)
			}
		}
		if len(users) > 0 {
			return nil, conflict("Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]", strings.Join(users, ", "))
		}
		if _, ok := was.version(number); !ok {
			return was, nil
		}
		m := was.clone()
		m.Versions = slices.DeleteFunc(m.Versions, func(v version) bool { return v.Number == number })
		return m, nil
	})
}

// choose gives the version that a qualified ARN means. An alias sends draw, from 0 to
// 99, to one of its versions by their weights.
func (m *stateMachine) choose(id arn, text string, draw int) (version, error) {
	number, numbered := id.version()
	if !numbered {
		x, ok := m.alias(id.qualifier())
		if !ok {
			return version{}, noStateMachine(text)
		}
		number = x.choose(draw)
	}
	v, ok := m.version(number)
	if !ok {
		return version{}, noStateMachine(text)
	}
	return v, nil
}

func (x alias) choose(draw int) int64 {
	for _, r := range x.Routes {
		if draw < r.Weight {
			return r.number()
		}
		draw -= r.Weight
	}
	return x.Routes[0].number()
}

func (r route) number() int64 {
	id, _ := parseArn(r.VersionARN)
	n, ok := id.version()
	if !ok {
		panic(fmt.Sprintf("states: invariant broken: an alias leads to %q, which is no version", r.VersionARN))
	}
	return n
}
