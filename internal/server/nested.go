package server

import (
	"context"
	"net/http"
	"sync/atomic"

	"tutti/internal/server/states"
	"tutti/internal/stepfunctions/integration"
)

// Nested answers the calls of Step Functions that Tasks make about what their own server has: nested executions stay in
// the house. The zero value has nothing until a server is started with it. It is safe for concurrent use.
//
// Such calls do not pass a socket, so they need no address, no access key and no role, and there is none when only the
// folder's own socket is served.
type Nested struct{ api atomic.Pointer[states.API] }

var _ integration.House = (*Nested)(nil)

// serviceStates is the name of Step Functions in the catalog.
const serviceStates = "stepfunctions"

// Here implements integration.House.
func (n *Nested) Here(ctx context.Context, service string, body []byte) http.Handler {
	api := n.api.Load()
	if api == nil || service != serviceStates || !api.Has(ctx, body) {
		return nil
	}
	return api
}

// Ended implements integration.House.
func (n *Nested) Ended(ctx context.Context, execution string) {
	if api := n.api.Load(); api != nil {
		api.Ended(ctx, execution)
	}
}
