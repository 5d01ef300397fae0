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
func (s *State) bodies() []*StateMachine {
	switch {
	case s.Parallel != nil:
		return s.Parallel.Branches
	case s.Map != nil && s.Map.Processor != nil:
		return []*StateMachine{s.Map.Processor}
	}
	return nil
}
