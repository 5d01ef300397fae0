package states

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// redrives are what is kept of an execution's redrives.
type redrives struct {
	Count  int       `json:"count"`
	Latest time.Time `json:"latest"`
	// Tokens are the latest client tokens, the newest last.
	Tokens []redriveToken `json:"tokens,omitempty"`
}

type redriveToken struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

// How client tokens of redrives count (API reference, RedriveExecution).
const (
	redriveTokens   = 10
	redriveTokenAge = 15 * time.Minute
)

// redrivablePeriod is how long after its end an execution can be redriven (API
// reference, RedriveExecution).
const redrivablePeriod = 14 * 24 * time.Hour

func redriveKey(run store.RunID) string { return strconv.FormatInt(int64(run), 10) }

func (a *API) redrives(ctx context.Context, run store.RunID) (redrives, error) {
	var d redrives
	doc, err := a.o.Store.Document(ctx, documentRedrives, redriveKey(run))
	if errors.Is(err, store.ErrNotFound) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(doc.Value, &d); err != nil {
		return d, fmt.Errorf("%w: the redrives of run %d: %w", store.ErrCorrupt, run, err)
	}
	return d, nil
}

// notRedrivable tells why an execution cannot be redriven; "" when it can.
func (a *API) notRedrivable(r store.Run, status string) string {
	m := a.registry.stateMachine(r.Owner)
	switch {
	case m == nil || m.Deleting:
		return "State machine is in DELETING status."
	case status == statusRunning:
		return "Execution is RUNNING and cannot be redriven"
	case status == statusSucceeded:
		return "Execution is SUCCEEDED and cannot be redriven"
	case !r.Ended.IsZero() && a.o.Clock().Sub(r.Ended) > redrivablePeriod:
		return "Execution redrivable period exceeded."
	}
	return ""
}

func (a *API) redriveExecution(ctx context.Context, _ call, in *executionInput) (any, error) {
	r, _, err := a.run(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	d, err := a.redrives(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	at := a.o.Clock().UTC()
	out := struct {
		Date stamp `json:"redriveDate"`
	}{stamp(at)}
	for _, t := range d.Tokens {
		if in.ClientToken != "" && t.Token == in.ClientToken && at.Sub(t.At) <= redriveTokenAge {
			out.Date = stamp(t.At)
			return out, nil
		}
	}
	if reason := a.notRedrivable(r, statusOf(r)); reason != "" {
		return nil, fault("ExecutionNotRedrivable", "%s", reason)
	}
	// The record comes first: a redrive that was told of and is not in the journal
	// shows as a count that is too high, and is asked for again under its token.
	d.Count, d.Latest = d.Count+1, at
	if in.ClientToken != "" {
		d.Tokens = append(d.Tokens, redriveToken{in.ClientToken, at})
		d.Tokens = slices.Delete(d.Tokens, 0, max(0, len(d.Tokens)-redriveTokens))
	}
	if err := a.registry.store(ctx, documentRedrives, redriveKey(r.ID), d, false); err != nil {
		return nil, err
	}
	if err := a.o.Host.Redrive(ctx, r.ID, nil); err != nil {
		return nil, fmt.Errorf("redrive an execution: %w", err)
	}
	// The execution is on its way. What it is told now means nothing to it, and is
	// durable only with all that came before: whoever asks next finds it redriven.
	if err := a.o.Host.Signal(ctx, r.ID, flow.Signaled{Name: signalNoted}); err != nil && !ended(err) {
		return nil, fmt.Errorf("redrive an execution: %w", err)
	}
	return out, nil
}

// signalNoted is a signal that no machine knows.
const signalNoted = "noted"
