package local

import "container/heap"

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
