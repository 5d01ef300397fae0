package definition

// Walk calls f for every state of the definition, those of branches and item processors
// after the state that they are in.
func (m *StateMachine) Walk(f func(*State)) {
	for _, s := range m.States {
		f(s)
		for _, inner := range s.bodies() {
			inner.Walk(f)
		}
	}
}
