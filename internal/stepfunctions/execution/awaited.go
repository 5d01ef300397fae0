package execution

import "fmt"

// awaited says what an outstanding activity, timer or child is for. The numbers
// stand in snapshots and never change.
type awaited uint8

const (
	retryDue      awaited = 1
	waitOver      awaited = 2
	callAnswered  awaited = 3
	jobSubmitted  awaited = 4
	jobEnded      awaited = 5
	offerTaken    awaited = 6
	taskLateDue   awaited = 7
	heartbeatDue  awaited = 8
	executionLate awaited = 9
	mapRunOver    awaited = 10
	pageRead      awaited = 11
	partOver      awaited = 12
	manifestOver  awaited = 13
	yieldOver     awaited = 14
)

// tell hands an answer to what it was awaited for.
func (m *Machine) tell(w wait, a answer) {
	f := w.frame
	switch w.what {
	case retryDue:
		m.again(f)
	case waitOver:
		m.waited(f)
	case callAnswered:
		m.called(f, a)
	case jobSubmitted:
		m.submitted(f, a)
	case jobEnded:
		m.awaited(f, a)
	case offerTaken:
		m.offered(f, a)
	case taskLateDue:
		m.taskTimedOut(f)
	case heartbeatDue:
		m.heartbeatMissed(f)
	case executionLate:
		m.executionTimedOut()
	case mapRunOver:
		m.mapRunEnded(f, a)
	case pageRead:
		m.itemsRead(f, a)
	case partOver:
		m.partWritten(f, w.part, a)
	case manifestOver:
		m.manifestWritten(f, a)
	case yieldOver:
		m.yield = 0
	default:
		panic(fmt.Sprintf("execution: invariant broken: nobody awaits %d", w.what))
	}
}
