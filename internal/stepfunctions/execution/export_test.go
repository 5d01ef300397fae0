package execution

import "fmt"

// Check tells whether what the machine holds can be: limits are kept, and counts are
// those of what they count.
func (m *Machine) Check() error {
	if m.root == nil {
		return nil
	}
	return m.root.check()
}

func (s *scope) check() error {
	if s.frame == nil || s.frame.group == nil || s.dropped {
		return nil
	}
	g := s.frame.group
	open := g.open()
	switch {
	case g.run != nil:
	case g.mapRun != 0:
		return nil
	case g.limit > 0 && g.running > g.limit:
		return fmt.Errorf("%s: %d iterations at once, and %d may be", s.frame.state.Name, g.running, g.limit)
	case g.running != len(open):
		return fmt.Errorf("%s: %d are said to run, and %d do", s.frame.state.Name, g.running, len(open))
	}
	for _, child := range open {
		if child.dropped {
			return fmt.Errorf("%s: a branch was given up in a group that goes on", s.frame.state.Name)
		}
		if err := child.check(); err != nil {
			return err
		}
	}
	return nil
}
