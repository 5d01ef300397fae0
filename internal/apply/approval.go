package apply

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/addr"
	"tutti/internal/flow"
	"tutti/internal/object"
)

// SignalApprove is the name of the signal that decides an approval; its payload
// is an Approve.
const SignalApprove = "approve"

// Approve is a person's yes or no.
type Approve struct {
	Addr     string `json:"addr"`
	Approved bool   `json:"approved"`
	By       string `json:"by"`
	Comment  string `json:"comment"`
}

// AskOutput is what the activity ask answers with.
type AskOutput struct {
	// Timeout is a duration such as 1h0m0s, counted from the ask; "" is none.
	Timeout string `json:"timeout"`
	// OnTimeout is "reject" or "approve"; "" is reject.
	OnTimeout string `json:"on_timeout"`
}

// AnswerInput is the input of the activity answer.
type AnswerInput struct {
	Action   int       `json:"action"`
	Approved bool      `json:"approved"`
	By       string    `json:"by"`
	Comment  string    `json:"comment"`
	At       time.Time `json:"at"`
}

// TimeoutBy is who answers when nobody has in time.
const TimeoutBy = "timeout"

// approval is what the machine keeps of an approval.
type approval struct {
	// OnTimeout is whether a timeout means yes.
	OnTimeout bool `json:"on_timeout,omitempty"`
	// Timer is set while the timeout is ahead.
	Timer bool `json:"timer,omitempty"`
	// Answer is nil until it is decided.
	Answer *AnswerInput `json:"answer,omitempty"`
}

func isApproval(a *object.Action) bool {
	return a.Addr.Kind == addr.Approval && !free(a.Verb) && a.Verb == object.Run
}

// sendApproval asks, or stores the answer when there is one.
func (m *Machine) sendApproval(i int32) {
	n := &m.nodes[i]
	if n.approval == nil {
		n.approval = &approval{}
	}
	if n.approval.Answer == nil {
		n.phase = out
		m.emit(flow.Do{ID: m.id(i, roleChange), Activity: ActivityAsk, Input: changeInput(i), Idempotent: true})
		return
	}
	input, err := json.Marshal(n.approval.Answer)
	if err != nil {
		panic("apply: invariant broken: an answer has no JSON form: " + err.Error())
	}
	n.phase = answering
	m.emit(flow.Do{ID: m.id(i, roleAnswer), Activity: ActivityAnswer, Input: input, Idempotent: true})
}

// approvalAsked begins to wait, unless the answer came while the ask was out.
func (m *Machine) approvalAsked(i int32, e flow.ActivityDone) {
	n := &m.nodes[i]
	rule, timeout, err := readAsk(e.Output)
	if err != nil {
		m.fail(i, flow.Failure{Kind: flow.Terminal, Code: CodeInvalidOutput, Message: err.Error()}, e.At)
		return
	}
	n.approval.OnTimeout = rule
	if n.approval.Answer != nil {
		m.enqueue(i)
		return
	}
	n.phase = asked
	m.asked++
	if timeout > 0 {
		n.approval.Timer = true
		m.emit(flow.SetTimer{ID: m.id(i, roleTimer), At: e.At.Add(timeout)})
	}
}

func readAsk(output json.RawMessage) (approveOnTimeout bool, timeout time.Duration, err error) {
	var a AskOutput
	if err := json.Unmarshal(output, &a); err != nil {
		return false, 0, fmt.Errorf("what the approval was asked with cannot be read: %w", err)
	}
	if a.Timeout != "" {
		if timeout, err = time.ParseDuration(a.Timeout); err != nil || timeout <= 0 {
			return false, 0, fmt.Errorf("the approval's timeout %q is not a duration above 0, such as 1h30m", a.Timeout)
		}
	}
	switch a.OnTimeout {
	case "", "reject":
		return false, timeout, nil
	case "approve":
		return true, timeout, nil
	default:
		return false, 0, fmt.Errorf("on_timeout is %q; it must be reject or approve", a.OnTimeout)
	}
}

// approved takes a person's word. Only an approval that is being asked, or has
// been, can be decided: nobody says yes to what is not to be seen yet.
func (m *Machine) approved(e flow.Signaled) {
	var word Approve
	if err := json.Unmarshal(e.Payload, &word); err != nil {
		m.emit(flow.Record{Text: "ignored an approval that cannot be read: " + err.Error()})
		return
	}
	inst, err := addr.ParseInstance(word.Addr)
	i, known := m.graph.approvals[inst]
	switch {
	case err != nil || !known:
		m.emit(flow.Record{Text: fmt.Sprintf("ignored an answer by %s: the run has no approval %s", word.By, word.Addr)})
		return
	case m.nodes[i].phase != out && m.nodes[i].phase != asked:
		m.emit(flow.Record{Text: fmt.Sprintf("ignored an answer by %s: %s %s", word.By, word.Addr, m.notAsking(i))})
		return
	case m.nodes[i].approval.Answer != nil:
		m.emit(flow.Record{Text: fmt.Sprintf("ignored an answer by %s: %s is decided already", word.By, word.Addr)})
		return
	}
	m.decide(i, AnswerInput{Approved: word.Approved, By: word.By, Comment: word.Comment, At: e.At})
}

func (m *Machine) notAsking(i int32) string {
	switch p := m.nodes[i].phase; {
	case p == waiting, p == ready && m.nodes[i].approval == nil:
		return "does not ask yet"
	case p == skipped:
		return "is not asked, because something that it needs failed"
	default:
		return "is decided already"
	}
}

func (m *Machine) timerFired(e flow.TimerFired) {
	i, r, attempt, ok := m.whose(e.ID)
	if !ok || r != roleTimer || m.nodes[i].phase != asked || !m.nodes[i].approval.Timer || attempt != m.nodes[i].attempt {
		return
	}
	m.nodes[i].approval.Timer = false
	m.decide(i, AnswerInput{Approved: m.nodes[i].approval.OnTimeout, By: TimeoutBy, Comment: "nobody answered in time", At: e.At})
}

// decide keeps the answer; it goes out when a place is free.
func (m *Machine) decide(i int32, a AnswerInput) {
	n := &m.nodes[i]
	a.Action = int(i) + 1
	n.approval.Answer = &a
	if n.approval.Timer {
		n.approval.Timer = false
		m.emit(flow.CancelTimer{ID: m.id(i, roleTimer)})
	}
	if n.phase == asked {
		m.asked--
		m.enqueue(i)
	}
}

func (m *Machine) approvalAnswered(i int32, at time.Time) {
	a := m.nodes[i].approval.Answer
	if a.Approved {
		m.finish(i, at)
		return
	}
	text := "rejected by " + a.By
	if a.Comment != "" {
		text += ": " + a.Comment
	}
	m.fail(i, flow.Failure{Kind: flow.Terminal, Code: CodeRejected, Message: text}, at)
}
