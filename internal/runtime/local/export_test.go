package local

// AwaitQuiet waits until a Host has so many runs and all of them do nothing but wait.
func AwaitQuiet(h *Host, n int) {
	changed := make(chan struct{}, 1)
	h.mu.Lock()
	h.quiet = func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	h.mu.Unlock()
	for {
		h.mu.Lock()
		reached := len(h.residents) == n && h.restless == 0
		h.mu.Unlock()
		if reached {
			return
		}
		<-changed
	}
}
