package resource

import (
	"context"
	"errors"
	"fmt"

	"tutti/internal/object"
)

// Settle implements object.Settler: it reads the object back and compares.
//
// A creation that was cut off cannot be told this way, because only its answer
// would have held the object's ID; nor can provisioners, which leave no trace. An
// update is done when what is there agrees with the plan, and not done when it is
// as before; with write-only arguments it may look the same either way.
func (m *managed) Settle(ctx context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	if m.idempotent(req.Verb) {
		return object.Result{}, false, nil
	}
	switch req.Verb {
	case object.Create:
		return object.Result{}, false, fmt.Errorf("whether %s was created cannot be told: a %s is found by its ID only, and the answer that held it was lost", req.Addr, m.o.TypeName)
	case object.Update:
		return m.settleUpdate(ctx, req)
	case object.Delete:
		return m.settleDelete(ctx, req)
	default:
		panic(fmt.Sprintf("resource: invariant broken: a managed resource was given the verb %s", req.Verb))
	}
}

func (m *managed) settleDelete(ctx context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	if req.Prior == nil {
		return object.Result{}, true, nil
	}
	found, d := m.Read(ctx, req.Addr, req.Prior)
	switch {
	case d.HasErrors():
		return object.Result{}, false, fmt.Errorf("read %s back: %w", req.Addr, d.Err())
	case found == nil:
		return object.Result{}, true, nil
	case m.o.provisions(BeforeDelete) && !req.Prior.Tainted:
		return object.Result{}, false, fmt.Errorf("%s is still there, but whether its destroy provisioners ran cannot be told", req.Addr)
	default:
		return object.Result{}, false, nil
	}
}

func (m *managed) settleUpdate(ctx context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	found, d := m.Read(ctx, req.Addr, req.Prior)
	switch {
	case d.HasErrors():
		return object.Result{}, false, fmt.Errorf("read %s back: %w", req.Addr, d.Err())
	case found == nil:
		return object.Result{}, false, fmt.Errorf("%s is gone", req.Addr)
	}
	now, _ := unmark(found.Value)
	before, _ := unmark(req.Prior.Value)
	planned, where := unmark(req.Planned)
	switch {
	case now.RawEquals(before) && m.o.Schema.Block.HasWriteOnly():
		return object.Result{}, false, errors.New(req.Addr.String() + " looks as before, but its write-only arguments cannot be read back")
	case now.RawEquals(before):
		return object.Result{}, false, nil
	case len(m.o.Schema.Block.CheckResult(planned, now)) == 0:
		found.Value = m.o.mark(now, where)
		return object.Result{Actual: found}, true, nil
	default:
		return object.Result{}, false, fmt.Errorf("%s is neither as it was nor as it was planned", req.Addr)
	}
}
