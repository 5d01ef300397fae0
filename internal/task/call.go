package task

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/secret"
)

// Call is one carrying out of a task outside a plan: a state machine asks for it.
type Call struct {
	// Name is the task's, for messages; Root the stack's folder.
	Name, Root string
	// Wanted is the task's wanted value, wholly known.
	Wanted cty.Value
	// Environment is added to the task's own; Stdin, when it is not empty, stands for
	// the task's.
	Environment map[string]string
	Stdin       string
	// Log takes lines of output as they come, without the task's secrets.
	Log func(line string)
}

// Run carries a task out and gives its outputs as JSON. Its row stays as it is: that is
// about what the plan asked for.
func Run(ctx context.Context, c Call) (json.RawMessage, diag.List) {
	bare, _ := c.Wanted.UnmarkDeep()
	if !bare.IsWhollyKnown() {
		return nil, diag.Errorf(nil, "Task depends on something that is not known", "Some argument of %s is not known: it uses what has not been carried out yet.", c.Name)
	}
	s, problems := readSpec(c.Wanted)
	if len(problems) > 0 {
		return nil, diag.Errorf(nil, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(problems[0].Path, "."), c.Name, problems[0].Text)
	}
	a := s.action
	a.WorkingDir = (&driver{root: c.Root}).path(a.WorkingDir)
	a.Environment = maps.Clone(a.Environment)
	if a.Environment == nil {
		a.Environment = map[string]*string{}
	}
	for name, v := range c.Environment {
		a.Environment[name] = &v
	}
	if c.Stdin != "" {
		a.Stdin = c.Stdin
	}
	masker := &secret.Masker{}
	masker.Add(s.Secrets...)
	w := &worker{masker: masker, log: c.Log, silent: s.sensitive != nil && *s.sensitive}
	out, err := w.attempts(ctx, a)
	if err != nil {
		return nil, w.report(c.Name, err)
	}
	value := cty.ObjectVal(out.values(false, prepared{spec: s, masker: masker}.visible()))
	text, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		return nil, diag.FromError("Outputs of a task have no JSON form", err)
	}
	return text, nil
}
