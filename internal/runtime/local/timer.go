package local

import (
	"container/heap"
	"time"

	"tutti/internal/flow"
)

// timerList gives the timers that are due. One that was taken back stays in the
// list until its time and is passed over then.
type timerList struct{ heap timerHeap }

func (l *timerList) add(t flow.SetTimer) { heap.Push(&l.heap, t) }

// next gives the earliest timer that is still asked for.
func (l *timerList) next(asked *flow.Outstanding) (flow.SetTimer, bool) {
	for len(l.heap) > 0 {
		if t, ok := asked.Timer(l.heap[0].ID); ok && t.At.Equal(l.heap[0].At) {
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
