package local

import (
	"container/heap"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"tutti/internal/store"
)

// start begins to drive runs when there is the first.
func (h *Host) start() {
	if h.started {
		return
	}
	h.started = true
	for range max(minSteppers, runtime.GOMAXPROCS(0)) {
		h.staff.Go(h.drive)
	}
	h.staff.Go(h.lookAtClock)
}

// drive drives the machines whose turn it is, one after the other.
func (h *Host) drive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		for len(h.queue) == 0 {
			if h.closing && len(h.residents) == 0 {
				return
			}
			h.ready.Wait()
		}
		res := h.queue[0]
		h.queue[0] = nil
		h.queue = h.queue[1:]
		res.phase = stepping
		h.mu.Unlock()
		res.step()
		h.mu.Lock()
		h.stepped(res)
	}
}

// lookAtClock wakes runs whose timers are due, looks for messages, and notices when
// the clock is set back.
func (h *Host) lookAtClock() {
	last := h.opts.Clock.Now()
	polled := last
	for {
		timer, stop := h.opts.Clock.Timer(h.untilNext(last.Sub(polled)))
		select {
		case <-timer:
		case <-h.nudge:
		case <-h.empty:
			stop()
			return
		}
		stop()
		now := h.opts.Clock.Now()
		if now.Before(last) {
			h.setBack(last)
			polled = now
		}
		last = now
		h.wakeDue(now)
		if now.Sub(polled) >= pollAll {
			polled = now
			h.poll()
		}
	}
}

func (h *Host) untilNext(sincePoll time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := maxSleep
	if len(h.residents) > 0 {
		d = min(d, pollAll-sincePoll)
	}
	if len(h.alarms) > 0 {
		d = min(d, h.alarms[0].alarm.Sub(h.opts.Clock.Now()))
	}
	return max(d, 0)
}

func (h *Host) wakeDue(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.alarms) > 0 && !h.alarms[0].alarm.After(now) {
		res := heap.Pop(&h.alarms).(*resident)
		if res.phase == halted {
			res.phase = loading
			go h.reload(res)
			continue
		}
		h.schedule(res)
	}
}

func (h *Host) setBack(from time.Time) {
	h.mu.Lock()
	all := slices.Collect(maps.Values(h.residents))
	h.mu.Unlock()
	for _, res := range all {
		res.inbox.setBack(from)
	}
}

// poll hands out what other processes posted.
func (h *Host) poll() {
	posted, err := h.opts.Store.PostedAll(context.Background(), h.seen)
	if err != nil {
		if h.pollFailures++; h.pollFailures%maxPollFailures == 0 {
			h.trouble(fmt.Errorf("look for messages: %w", err))
		}
		return
	}
	h.pollFailures = 0
	for _, p := range posted {
		h.seen = p.Number
		h.mu.Lock()
		res := h.residents[p.Run]
		h.mu.Unlock()
		if res != nil {
			res.inbox.poll(poll{messages: []store.Message{p.Message}})
		}
	}
}

func (h *Host) trouble(err error) {
	if h.opts.Trouble != nil {
		h.opts.Trouble(err)
	}
}

// alarmHeap orders residents by when they are to be woken.
type alarmHeap []*resident

var _ heap.Interface = (*alarmHeap)(nil)

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].alarm.Before(h[j].alarm) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *alarmHeap) Push(x any) {
	res := x.(*resident)
	res.place = len(*h)
	*h = append(*h, res)
}
func (h *alarmHeap) Pop() any {
	old := *h
	res := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	res.place = -1
	return res
}
