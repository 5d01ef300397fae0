package definition

// Find gives a state by its name wherever it lies: names are unique in a definition.
func (m *StateMachine) Find(name string) (*State, bool) {
	if s, ok := m.State(name); ok {
		return s, true
	}
	for _, s := range m.States {
		for _, inner := range s.bodies() {
			if found, ok := inner.Find(name); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// bodies are the state machines inside a state.
func (st *State) bodies() []*StateMachine {
	switch {
	case st.Parallel != nil:
		return st.Parallel.Branches
	case st.Map != nil && st.Map.Processor != nil:
		return []*StateMachine{st.Map.Processor}
	}
	return nil
}
