package execution

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
)

// calling is a Task's attempt under way.
type calling struct {
	target   target
	call     Call
	activity flow.ID // the outstanding call, submit, await or offer
	// submitting: the outstanding activity is a submit.
	submitting         bool
	timeout, heartbeat flow.ID
	heartbeatSeconds   int64
	token              string
	job                *Job
}

// runTask calls the resource.
func (m *Machine) runTask(f *frame) {
	c := &calling{target: readTarget(f.state.Task.Resource)}
	f.call = c
	if c.target.pattern == taskToken || c.target.pattern == activityWorker {
		c.token = m.start.Token + "." + m.random.key()
	}
	if why := m.prepareCall(f); why != nil {
		m.fail(f, *why)
		return
	}
	if c.token != "" {
		m.tokens[c.token] = f
	}
	m.noteScheduled(f)
	if c.call.TimeoutSeconds > 0 {
		c.timeout = m.timer(f, time.Duration(c.call.TimeoutSeconds)*time.Second, taskLateDue)
	}
	switch c.target.pattern {
	case activityWorker:
		c.activity = m.do(f, ActivityOffer, c.call, true, offerTaken)
		return
	case runJob:
		c.submitting = true
		c.activity = m.do(f, ActivitySubmit, c.call, false, jobSubmitted)
	default:
		c.activity = m.do(f, ActivityCall, c.call, c.target.readOnly(), callAnswered)
	}
	m.noteTaskStarted(f)
	m.beat(f)
}

// prepareCall evaluates what the call is made of.
func (m *Machine) prepareCall(f *frame) *failure {
	c, task := f.call, f.state.Task
	arguments := f.effective
	var err error
	if f.state.Arguments != nil {
		arguments, err = f.state.Arguments.Eval(m.scopeOf(f, f.effective))
	}
	if err == nil {
		err = m.checkSize(f, arguments)
	}
	if err != nil {
		why := asFailure(err)
		return &why
	}
	c.call = Call{Resource: task.Resource, Arguments: data.Encode(arguments), Token: c.token, Key: m.random.key(),
		Execution: f.scope.who.arn, State: f.state.Name, Attempt: f.retries, Calls: m.calls[f.state.Name]}
	m.calls[f.state.Name]++
	if task.RoleARN != nil {
		v, err := task.RoleARN.Eval(m.scopeOf(f, f.effective))
		if err != nil {
			why := asFailure(err)
			return &why
		}
		c.call.RoleARN, _ = v.(string)
	}
	var why *failure
	if task.TimeoutSeconds != nil {
		if c.call.TimeoutSeconds, why = m.whole(f, task.TimeoutSeconds, "TimeoutSeconds", 1); why != nil {
			return why
		}
	}
	if task.HeartbeatSeconds != nil {
		if c.heartbeatSeconds, why = m.whole(f, task.HeartbeatSeconds, "HeartbeatSeconds", 1); why != nil {
			return why
		}
	}
	return nil
}

// called takes the answer of a request.
func (m *Machine) called(f *frame, a answer) {
	f.call.activity = 0
	switch {
	case a.failure != nil:
		m.taskFailed(f, taskFailure(a.failure))
	case f.call.target.pattern == taskToken:
		m.noteSubmitted(f, a.output)
	default:
		m.taskSucceeded(f, a.output)
	}
}

// submitted takes the job that was begun, and waits for it.
func (m *Machine) submitted(f *frame, a answer) {
	c := f.call
	c.activity, c.submitting = 0, false
	if a.failure != nil {
		if a.failure.Kind == flow.Cancelled {
			m.stopJob(c.call, Job{}, "") // it may have begun all the same
		}
		m.taskFailed(f, taskFailure(a.failure))
		return
	}
	var job Job
	if err := json.Unmarshal(a.output, &job); err != nil {
		m.taskFailed(f, failure{name: Runtime, cause: "the submitted job cannot be read: " + err.Error()})
		return
	}
	c.job = &job
	m.noteSubmitted(f, job.Output)
	c.activity = m.do(f, ActivityAwait, JobCall{Call: c.call, Job: job}, true, jobEnded)
}

// awaited takes a job's result.
func (m *Machine) awaited(f *frame, a answer) {
	c := f.call
	c.activity = 0
	if a.failure == nil {
		c.job = nil
		m.taskSucceeded(f, a.output)
		return
	}
	why := taskFailure(a.failure)
	if why.name == TaskFailed && a.failure.Kind == flow.Terminal {
		// The job itself has failed: there is nothing to stop.
		c.job = nil
	}
	m.taskFailed(f, why)
}

// offered: a worker has taken the activity's task, and will answer by its token.
func (m *Machine) offered(f *frame, a answer) {
	f.call.activity = 0
	if a.failure != nil {
		m.taskFailed(f, taskFailure(a.failure))
		return
	}
	m.noteActivityStarted(f, a.output)
	m.beat(f)
}

// taskSucceeded takes a task's result.
func (m *Machine) taskSucceeded(f *frame, output json.RawMessage) {
	result, err := decode(output)
	if err != nil {
		m.taskFailed(f, failure{name: Runtime, cause: fmt.Sprintf("the result of the state '%s' is %v", f.state.Name, err)})
		return
	}
	if err := m.checkSize(f, result); err != nil {
		m.taskFailed(f, asFailure(err))
		return
	}
	m.noteSucceeded(f, result)
	m.closeCall(f)
	m.leave(f, outcome{result: result}, f.state.Next, f.state.Assign)
}

func (m *Machine) taskFailed(f *frame, why failure) {
	m.noteTaskFailed(f, why)
	m.fail(f, why)
}

func taskFailure(f *flow.Failure) failure {
	if f.Code == "" {
		return failure{name: TaskFailed, cause: f.Message}
	}
	return failure{name: f.Code, cause: f.Message}
}

// taskTimedOut is told when TimeoutSeconds are over.
func (m *Machine) taskTimedOut(f *frame) {
	f.call.timeout = 0
	m.taskLate(f, failure{name: Timeout})
}

// heartbeatMissed is told when HeartbeatSeconds are over without a heartbeat.
func (m *Machine) heartbeatMissed(f *frame) {
	f.call.heartbeat = 0
	m.taskLate(f, failure{name: HeartbeatTimeout})
}

func (m *Machine) taskLate(f *frame, why failure) {
	if f.call.token != "" {
		m.gone[f.call.token] = true
	}
	m.noteTimedOut(f, why)
	m.fail(f, why)
}

// beat begins the time until the next heartbeat anew.
func (m *Machine) beat(f *frame) {
	c := f.call
	m.drop(&c.heartbeat)
	if c.heartbeatSeconds > 0 && c.token != "" {
		c.heartbeat = m.timer(f, time.Duration(c.heartbeatSeconds)*time.Second, heartbeatDue)
	}
}

// closeCall forgets a call that has ended.
func (m *Machine) closeCall(f *frame) {
	c := f.call
	if c == nil {
		return
	}
	m.drop(&c.timeout)
	m.drop(&c.heartbeat)
	delete(m.tokens, c.token)
	if c.activity != 0 {
		// A callback was faster than the answer of the request.
		delete(m.waits, c.activity)
	}
	f.call = nil
}

// abandonCall gives up a call: what runs is cancelled, a job is stopped. A submit
// is let go on, because only its answer names the job.
func (m *Machine) abandonCall(f *frame, reason string) {
	c := f.call
	if c == nil {
		return
	}
	call := c.call
	_, out := m.waits[c.activity]
	switch {
	case !out: // answered, or cut off by a pause before it began
	case c.submitting:
		m.obligations[c.activity] = obligation{Call: &call}
	default:
		m.out = append(m.out, flow.CancelActivity{ID: c.activity})
	}
	if c.job != nil {
		m.stopJob(call, *c.job, reason)
	}
	m.closeCall(f)
}

// obligation is what must be over before the execution is: a submit that nobody
// waits for any more, whose job is to be stopped (Call is set), a stop, or the end of
// a map run.
type obligation struct {
	Call *Call
	Stop flow.Do
	// Child is a map run that was asked to end.
	Child *flow.StartChild `json:",omitempty"`
}

// stopJob asks for a job's end, which the execution's own end waits for.
func (m *Machine) stopJob(call Call, job Job, reason string) {
	m.owe(flow.Do{Activity: ActivityStop, Input: encode(JobCall{Call: call, Job: job, Reason: reason}), Idempotent: true})
}

func (m *Machine) owe(stop flow.Do) {
	stop.ID = m.id()
	m.obligations[stop.ID] = obligation{Stop: stop}
	m.out = append(m.out, stop)
}

func (m *Machine) settleObligation(o obligation, a answer) {
	switch {
	case o.Child != nil:
		if a.failure != nil && a.failure.Code == CodePaused {
			m.wakeMapRun(*o.Child) // it paused before it was asked to end
		}
	case o.Call == nil && a.failure != nil && a.failure.Kind == flow.Cancelled:
		m.owed = append(m.owed, o.Stop)
	case o.Call == nil:
	default:
		// Even a submit that was not begun this time may have been, before a crash.
		var job Job
		if a.failure == nil && json.Unmarshal(a.output, &job) != nil {
			job = Job{}
		}
		m.stopJob(*o.Call, job, "")
	}
}

// repay asks again for the stops that were cut off.
func (m *Machine) repay() {
	owed := m.owed
	m.owed = nil
	for _, stop := range owed {
		m.owe(stop)
	}
}
