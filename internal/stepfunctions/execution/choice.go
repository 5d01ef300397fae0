package execution

import (
	"fmt"

	"tutti/internal/stepfunctions/data"
)

// runChoice goes on with the first rule that holds.
func (m *Machine) runChoice(f *frame) {
	c := f.state.Choice
	for i := range c.Rules {
		r := &c.Rules[i]
		v, err := r.Condition.Eval(m.scopeOf(f, f.effective))
		if err != nil {
			m.fail(f, asFailure(err))
			return
		}
		holds, ok := v.(bool)
		if !ok {
			m.fail(f, failure{name: f.typeError(), cause: fmt.Sprintf("The Condition of rule %d of the state '%s' must be a boolean, and is: %s",
				i, f.state.Name, data.Encode(v))})
			return
		}
		if holds {
			m.leave(f, outcome{result: f.effective, onInput: true, output: r.Output}, r.Next, r.Assign)
			return
		}
	}
	if c.Default == "" {
		m.fail(f, failure{name: NoChoiceMatched, evaluation: true,
			cause: "No choice rule matched, and the state has no Default."})
		return
	}
	m.leave(f, outcome{result: f.effective, onInput: true}, c.Default, f.state.Assign)
}
