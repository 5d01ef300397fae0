package executor

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// queues hold the tasks of activities that no worker has taken yet, and the workers
// that wait for one. A task is there as long as its offer is outstanding: a restart
// offers it again, the end of its execution or its time takes it away.
type queues struct {
	mu         sync.Mutex
	byActivity map[string]*queue
	// unsaid are tasks that were taken, while that is not durable yet.
	unsaid map[offerID]*offer
}

// queue is one activity's. One of its lists is empty at any time.
type queue struct{ tasks, workers list.List }

// offerID is an offer's run and number in it.
type offerID struct {
	run store.RunID
	id  flow.ID
}

// offer is a task that waits for a worker.
type offer struct {
	id   offerID
	call execution.Call
	// taken gets the worker's name; durable is closed when that is in the journal.
	taken   chan string
	durable chan struct{}
}

// asking is a worker that waits for a task.
type asking struct {
	name string
	got  chan *offer
}

func newQueues() *queues {
	return &queues{byActivity: map[string]*queue{}, unsaid: map[offerID]*offer{}}
}

func (q *queues) of(activity string) *queue {
	one := q.byActivity[activity]
	if one == nil {
		one = &queue{}
		q.byActivity[activity] = one
	}
	return one
}

// give hands a task to a worker. The lock is held; the channel has room.
func (q *queues) give(o *offer, worker string) {
	q.unsaid[o.id] = o
	o.taken <- worker
}

// leave takes an entry out of a list that it may have left already.
func (q *queues) leave(activity string, from *list.List, e *list.Element) (left bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for x := from.Front(); x != nil; x = x.Next() {
		if x == e {
			from.Remove(e)
			left = true
			break
		}
	}
	q.tidy(activity)
	return left
}

// tidy forgets a queue in which nobody waits. The lock is held.
func (q *queues) tidy(activity string) {
	if one := q.byActivity[activity]; one != nil && one.tasks.Len() == 0 && one.workers.Len() == 0 {
		delete(q.byActivity, activity)
	}
}

// offer holds a task until a worker takes it, and gives the worker's name.
func (q *queues) offer(ctx context.Context, id offerID, call execution.Call) (worker string, err error) {
	o := &offer{id: id, call: call, taken: make(chan string, 1), durable: make(chan struct{})}
	q.mu.Lock()
	one := q.of(call.Resource)
	if first := one.workers.Front(); first != nil {
		w := one.workers.Remove(first).(*asking)
		q.give(o, w.name)
		w.got <- o // it has room for one
		q.tidy(call.Resource)
		q.mu.Unlock()
		return <-o.taken, nil
	}
	e := one.tasks.PushBack(o)
	q.mu.Unlock()
	select {
	case name := <-o.taken:
		return name, nil
	case <-ctx.Done():
	}
	if q.leave(call.Resource, &one.tasks, e) {
		return "", ctx.Err()
	}
	return <-o.taken, nil
}

// take gives the oldest task of an activity, or waits for one until the context ends.
func (q *queues) take(ctx context.Context, activity, worker string) *offer {
	q.mu.Lock()
	one := q.of(activity)
	if first := one.tasks.Front(); first != nil {
		o := one.tasks.Remove(first).(*offer)
		q.give(o, worker)
		q.tidy(activity)
		q.mu.Unlock()
		return o
	}
	w := &asking{name: worker, got: make(chan *offer, 1)}
	e := one.workers.PushBack(w)
	q.mu.Unlock()
	select {
	case o := <-w.got:
		return o
	case <-ctx.Done():
	}
	if q.leave(activity, &one.workers, e) {
		return nil
	}
	return <-w.got
}

// journaled notes that it is durable that a task was taken.
func (q *queues) journaled(id offerID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if o := q.unsaid[id]; o != nil {
		delete(q.unsaid, id)
		close(o.durable)
	}
}

// forget gives up waiting for that.
func (q *queues) forget(id offerID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.unsaid, id)
}

// durableWithin is how long it is waited for the journal to say that a task was
// taken. It does not come when the task's execution has ended meanwhile.
const durableWithin = 5 * time.Second

// TakeTask gives an activity's oldest task to a worker, or waits for one until the
// context ends; ok is false then. That it was taken is durable, so no second worker
// is given it, whatever happens.
func (x *Executor) TakeTask(ctx context.Context, activity, worker string) (call execution.Call, ok bool) {
	for {
		o := x.queues.take(ctx, activity, worker)
		if o == nil {
			return execution.Call{}, false
		}
		late := time.NewTimer(durableWithin)
		select {
		case <-o.durable:
			late.Stop()
			return o.call, true
		case <-late.C:
			x.queues.forget(o.id)
		}
	}
}

// Observer is who a Host must have watch the runs of this executor (HostOptions).
func (x *Executor) Observer(r store.Run) local.Observer {
	return local.Observer{Done: func(d flow.Do, _ time.Time, _ json.RawMessage) {
		if d.Activity == execution.ActivityOffer {
			x.queues.journaled(offerID{r.ID, d.ID})
		}
	}}
}

// Offered tells how many tasks of activities wait for a worker.
func (x *Executor) Offered() int {
	x.queues.mu.Lock()
	defer x.queues.mu.Unlock()
	n := 0
	for _, one := range x.queues.byActivity {
		n += one.tasks.Len()
	}
	return n
}

// taken is the output of an offer.
func taken(worker string) json.RawMessage {
	return encode(struct {
		WorkerName string `json:"workerName,omitempty"`
	}{worker})
}

func encode(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("executor: invariant broken: %T is no JSON: %v", v, err))
	}
	return text
}
