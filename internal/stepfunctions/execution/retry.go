package execution

import (
	"math"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// maxDelay bounds a retry's delay, which grows without bound otherwise: the service
// takes at most a year.
const maxDelay = 365 * 24 * time.Hour

// fail is where every failure of a state comes: it is tried again, caught, or ends
// the scope.
func (m *Machine) fail(f *frame, why failure) {
	why = why.in(f)
	if why.name == queryEvaluationError {
		m.noteEvaluationFailed(f, why)
	}
	m.abandonCall(f, why.name)
	if f.group != nil || f.state.Type == definition.TypeParallel || f.state.Type == definition.TypeMap {
		m.noteGroupFailed(f)
	}
	if i := why.retrier(f.state.Retry); i >= 0 && f.used[i] < f.state.Retry[i].MaxAttempts {
		delay := m.delay(f.state.Retry[i], f.used[i])
		f.used[i]++
		f.retries++
		f.group = nil
		f.backoff = m.timer(f, delay, retryDue)
		return
	}
	if c := why.catcher(f.state.Catch); c != nil {
		m.catch(f, c, why)
		return
	}
	m.endScope(f.scope, why)
}

// again is one more attempt.
func (m *Machine) again(f *frame) {
	f.backoff = 0
	m.run(f)
}

// delay is IntervalSeconds times BackoffRate to the power of the attempts made.
func (m *Machine) delay(r definition.Retrier, used int64) time.Duration {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(used))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	if r.FullJitter {
		seconds *= m.random.float()
	}
	return time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second))
}

// catch goes on where a catcher says.
func (m *Machine) catch(f *frame, c *definition.Catcher, why failure) {
	errorOutput := data.ObjectOf(data.Member{Key: "Error", Value: why.name}, data.Member{Key: "Cause", Value: why.cause})
	output, assigned, err := m.caught(f, c, errorOutput)
	if err == nil {
		err = m.checkSize(f, output)
	}
	if err != nil {
		m.endScope(f.scope, asFailure(err).in(f))
		return
	}
	f.group = nil
	if assigned != nil {
		f.scope.variables.set(assigned)
	}
	m.noteExited(f, output, assigned)
	m.to(f.scope, c.Next, output)
}

func (m *Machine) caught(f *frame, c *definition.Catcher, errorOutput *data.Object) (any, *data.Object, error) {
	if f.state.QueryLanguage != definition.JSONata {
		assigned, err := evalAssign(m.scopeOf(f, errorOutput), c.Assign)
		if err != nil {
			return nil, nil, err
		}
		output, err := place(c.ResultPath, f.input, errorOutput)
		return output, assigned, err
	}
	sc := m.scopeOf(f, f.input)
	sc.ErrorOutput, sc.HasErrorOutput = errorOutput, true
	assigned, err := evalAssign(sc, c.Assign)
	if err != nil || c.Output == nil {
		return errorOutput, assigned, err
	}
	output, err := c.Output.Eval(sc)
	return output, assigned, err
}

func terminal(why failure) flow.Failure {
	return flow.Failure{Kind: flow.Terminal, Code: why.name, Message: why.cause}
}

func completed(output any) flow.Command { return flow.Complete{Output: data.Encode(output)} }
