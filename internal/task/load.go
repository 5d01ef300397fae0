package task

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
)

// Kinds are the blocks of this language.
func Kinds() []block.Kind {
	return []block.Kind{{Kind: addr.Task, Spec: taskSpec(), Check: check}, {Kind: addr.Approval, Spec: approvalSpec()}}
}

// check finds what is wrong with a task whatever the values are.
func check(b *block.Block) diag.List {
	d := checkAction(b.Body, b.Name.String(), b.Range)
	for _, inner := range b.Body.Blocks {
		if inner.Type == "on_destroy" {
			d = append(d, checkAction(inner.Body, "on_destroy of "+b.Name.String(), inner.DefRange())...)
		}
	}
	return d
}

func checkAction(body *hclsyntax.Body, what string, rng hcl.Range) diag.List {
	for _, name := range []string{"command", "script"} {
		if body.Attributes[name] != nil {
			return nil
		}
	}
	for _, inner := range body.Blocks {
		if inner.Type == "http" {
			return nil
		}
	}
	return diag.Errorf(&rng, "Nothing to do", "%s must have one of: command = [\"program\", \"argument\"], script = \"...\", or a http block.", what)
}
