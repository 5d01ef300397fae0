package resource

import (
	"context"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// OpenEphemeral opens an instance of an ephemeral resource and keeps it alive
// until Close. It gives nil as long as the configuration is not known or the
// provider puts it off. Renewals go on when ctx ends: who opened it may still be
// shutting down.
func OpenEphemeral(ctx context.Context, o Options, wanted cty.Value) (*Opened, diag.List) {
	config, where := unmark(wanted)
	if !wholly(config) {
		return nil, nil
	}
	resp, d := o.Provider.OpenEphemeral(ctx, o.TypeName, config)
	d = o.locate(d)
	if d.HasErrors() || resp.Deferred != "" {
		return nil, d
	}
	out := &Opened{o: &o, private: resp.Private, renewAt: resp.RenewAt}
	bad := o.Schema.Block.Conforms(resp.Result)
	switch {
	case len(bad) > 0:
	case resp.Result.IsNull():
		bad = problem("the result is null")
	case !wholly(resp.Result):
		bad = problem("the result must be wholly known")
	default:
		bad = schema.Hide(o.Schema.Block.CheckPlan(o.null(), config, resp.Result), where)
	}
	if len(bad) > 0 {
		d = append(d, o.blame("an ephemeral "+o.TypeName, "Provider produced invalid ephemeral resource", "opened an ephemeral resource wrongly", bad)...)
		return nil, append(d, out.Close(ctx)...)
	}
	out.Value = o.mark(resp.Result, where).Mark(object.Ephemeral)
	out.start(context.WithoutCancel(ctx))
	return out, d
}

// Opened is an ephemeral resource between open and close.
type Opened struct {
	// Value is the result, marked as ephemeral.
	Value cty.Value

	o *Options

	stop  context.CancelFunc // nil when nothing is renewed
	ended sync.WaitGroup

	// The renewing goroutine owns these until it has ended.
	private []byte
	renewAt int64 // Unix nanoseconds, 0 for never
	failed  diag.List
}

func (o *Opened) start(ctx context.Context) {
	if o.renewAt == 0 {
		return
	}
	ctx, o.stop = context.WithCancel(ctx)
	o.ended.Go(func() { o.renew(ctx) })
}

// renew renews whenever it is due. It gives up at the first failure: whether the
// value was still needed by then is seen by who used it.
func (o *Opened) renew(ctx context.Context) {
	for o.renewAt != 0 {
		due := time.NewTimer(time.Until(time.Unix(0, o.renewAt)))
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-due.C:
		}
		resp, d := o.o.Provider.RenewEphemeral(ctx, o.o.TypeName, o.private)
		for _, x := range d {
			if ctx.Err() == nil || x.ID() != provider.CancelledID {
				o.failed = append(o.failed, x)
			}
		}
		if d.HasErrors() {
			return
		}
		o.private, o.renewAt = resp.Private, resp.RenewAt
	}
}

// Close ends the renewals and then the resource itself, and reports also what went
// wrong with a renewal. It must be called exactly once.
func (o *Opened) Close(ctx context.Context) diag.List {
	if o.stop != nil {
		o.stop()
		o.ended.Wait()
	}
	return append(o.failed, o.o.Provider.CloseEphemeral(ctx, o.o.TypeName, o.private)...)
}
