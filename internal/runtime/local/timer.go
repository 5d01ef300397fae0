package local

import (
	"container/heap"
	"slices"
	"time"

	"tutti/internal/flow"
)

// timerList gives the timers that are due. One that was taken back stays in the
// list and is passed over in its time, or when the list has doubled: a long run sets
// many timers for far-off times, and takes nearly all of them back.
type timerList struct {
	heap timerHeap
	// full is the length at which the list is looked through.
	full int
}

// minTimers is the shortest list that is looked through.
const minTimers = 64

func (l *timerList) add(t flow.SetTimer, asked *flow.Outstanding) {
	heap.Push(&l.heap, t)
	if len(l.heap) < max(l.full, minTimers) {
		return
	}
	l.heap = slices.DeleteFunc(l.heap, func(t flow.SetTimer) bool { return !wanted(t, asked) })
	heap.Init(&l.heap)
	l.full = 2 * len(l.heap)
}

// wanted tells that a timer in the list is still asked for.
func wanted(t flow.SetTimer, asked *flow.Outstanding) bool {
	is, ok := asked.Timer(t.ID)
	return ok && is.At.Equal(t.At)
}

// next gives the earliest timer that is still asked for.
func (l *timerList) next(asked *flow.Outstanding) (flow.SetTimer, bool) {
	for len(l.heap) > 0 {
		if t := l.heap[0]; wanted(t, asked) {
			return t, true
		}
		heap.Pop(&l.heap)
	}
	return flow.SetTimer{}, false
}

// due takes off the earliest timer when its time has come.
func (l *timerList) due(asked *flow.Outstanding, now time.Time) (flow.SetTimer, bool) {
	t, ok := l.next(asked)
	if !ok || t.At.After(now) {
		return flow.SetTimer{}, false
	}
	heap.Pop(&l.heap)
	return t, true
}

type timerHeap []flow.SetTimer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].At.Equal(h[j].At) {
		return h[i].At.Before(h[j].At)
	}
	return h[i].ID < h[j].ID
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(flow.SetTimer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
