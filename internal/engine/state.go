package engine

import (
	"context"
	"slices"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/object"
)

// adopt takes over a terraform.tfstate that lies in the folder of a store that is
// still empty.
func (e *Engine) adopt(_ context.Context) diag.List { return nil }

func sortRows(rows []*object.State) {
	slices.SortFunc(rows, func(a, b *object.State) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return strings.Compare(a.Deposed, b.Deposed)
	})
}
