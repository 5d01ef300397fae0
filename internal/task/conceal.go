package task

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
)

// runInputs are the arguments whose change makes a task run again.
var runInputs = []string{"command", "script", "interpreter", "environment", "working_dir", "stdin", "http", "triggers"}

// otherInputs are arguments that are shown and stored beside them.
var otherInputs = []string{"creates", "on_destroy"}

// concealed gives inputs the form in which they are compared, shown and stored. The
// large blocks are shown without what they do not say.
func concealed(salt []byte, wanted cty.Value, names ...[]string) map[string]cty.Value {
	c := block.Concealer{Salt: salt}
	out := c.Inputs(wanted, names...)
	for _, name := range []string{"http", "on_destroy"} {
		if _, ok := out[name]; ok {
			out[name] = c.Conceal(block.WithoutNulls(wanted.GetAttr(name)))
		}
	}
	return out
}
