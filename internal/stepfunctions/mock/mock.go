// Package mock answers for the world: what states get back from what they call is said
// in a file instead.
//
// In: a file as Step Functions Local takes it (Read), or replies that another format
// tells (Case). Out: the answer to each activity that an execution asks for. It is a
// pure function of the call: the first call of a state gets the first reply, and so on.
//
// Source: AWS Step Functions developer guide, "Testing state machines with Step
// Functions Local", mocked service integrations.
package mock

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
)

// Reply is what one call of a state comes to.
type Reply struct {
	// Output is the result, unless Error is set.
	Output any
	// Error and Cause are those of a call that fails.
	Error, Cause string
	// After is how long the call takes, in virtual time; Never that no answer comes, so
	// that the state times out.
	After time.Duration
	Never bool
}

// Case are the replies for the states of one execution. The zero value has none. It
// does not change while it is used, and is then safe for concurrent use.
type Case struct {
	replies map[string][]ranged
}

// ranged is a reply for calls first to last, counted from 0; last is -1 for all that
// follow.
type ranged struct {
	first, last int64
	reply       Reply
}

// Set gives a state its replies, one a call. The last one stands for all further calls
// where repeat is set.
func (c *Case) Set(state string, repeat bool, replies ...Reply) {
	list := make([]ranged, len(replies))
	for i, r := range replies {
		list[i] = ranged{int64(i), int64(i), r}
	}
	if repeat {
		list[len(list)-1].last = -1
	}
	c.set(state, list)
}

func (c *Case) set(state string, list []ranged) {
	if c.replies == nil {
		c.replies = map[string][]ranged{}
	}
	c.replies[state] = list
}

// Has reports whether the case answers for a state.
func (c *Case) Has(state string) bool { _, ok := c.replies[state]; return ok }

// Reply gives what a state's call comes to, counted from 0 (execution.Call.Calls). A
// call beyond the last reply fails with States.Runtime. ok is false for a state that
// the case has nothing for.
func (c *Case) Reply(state string, call int64) (r Reply, ok bool) {
	list, ok := c.replies[state]
	for _, r := range list {
		if call >= r.first && (call <= r.last || r.last < 0) {
			return r.reply, ok
		}
	}
	return Reply{Error: execution.Runtime, Cause: fmt.Sprintf("No reply is given for call %d of the state '%s'.", call+1, state)}, ok
}

// Answer is what an activity is answered with.
type Answer struct {
	Output  json.RawMessage
	Failure *flow.Failure
	// Signal is the callback that follows, of a task with a token.
	Signal *execution.TaskSignal
	// After and Never are those of the Reply: of the callback where there is one, else
	// of the answer.
	After time.Duration
	Never bool
}

// Answer answers an activity of an execution's machine from the replies for its state.
// ok is false where the case has nothing for it, and for activities of a map run.
func (c *Case) Answer(d flow.Do) (a Answer, ok bool) {
	call, err := callOf(d)
	if err != nil {
		return Answer{Failure: &flow.Failure{Kind: flow.Terminal, Code: execution.Runtime, Message: err.Error()}}, true
	}
	if !c.Has(call.State) {
		return Answer{}, false
	}
	switch d.Activity {
	case execution.ActivitySubmit:
		return Answer{Output: encode(execution.Job{ID: call.Key})}, true
	case execution.ActivityStop:
		return Answer{Output: json.RawMessage("null")}, true
	case execution.ActivityCall, execution.ActivityAwait, execution.ActivityOffer:
	default:
		return Answer{}, false
	}
	reply, _ := c.Reply(call.State, call.Calls)
	if call.Token == "" {
		return direct(reply), true
	}
	a = Answer{Output: json.RawMessage(`{"workerName":"mock"}`), After: reply.After, Never: reply.Never,
		Signal: &execution.TaskSignal{Token: call.Token, Kind: "success", Output: data.Encode(reply.Output)}}
	if reply.Error != "" {
		a.Signal = &execution.TaskSignal{Token: call.Token, Kind: "failure", Error: reply.Error, Cause: reply.Cause}
	}
	return a, true
}

func direct(r Reply) Answer {
	a := Answer{After: r.After, Never: r.Never}
	if r.Error != "" {
		a.Failure = &flow.Failure{Kind: flow.Terminal, Code: r.Error, Message: r.Cause}
		return a
	}
	a.Output = data.Encode(r.Output)
	return a
}

// callOf gives the call that an activity is about.
func callOf(d flow.Do) (execution.Call, error) {
	var call execution.Call
	var job execution.JobCall
	switch d.Activity {
	case execution.ActivityCall, execution.ActivitySubmit, execution.ActivityOffer:
		return call, json.Unmarshal(d.Input, &call)
	case execution.ActivityAwait, execution.ActivityStop:
		err := json.Unmarshal(d.Input, &job)
		return job.Call, err
	}
	return call, nil
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("mock: invariant broken: " + err.Error())
	}
	return raw
}

// parseRange reads "3" or "1-4", the calls that a reply is for, counted from 0.
func parseRange(s string) (first, last int64, ok bool) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	first, err := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	return first, last, err == nil && err2 == nil && first >= 0 && first <= last
}

// With gives a case in which the states of another one have that one's replies.
func (c *Case) With(other *Case) *Case {
	all := &Case{replies: maps.Clone(c.replies)}
	for state, list := range other.replies {
		all.set(state, list)
	}
	return all
}
