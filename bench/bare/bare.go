// Package bare drives two real providers with as little as the plugin protocol
// asks for: what it takes is the limit that no client can pass. It makes and reads
// a stack of n random_id and n local_file, whose types it knows beforehand and
// whose values it encodes ahead of time where it can; it keeps what it needs for
// the next run in one file, checks nothing, explains nothing and remembers nothing
// more.
//
// In: two executables. Out: the number of calls that it made. For each instance
// that it creates it calls Validate, Plan and Apply, for one that is there already
// Read and Plan. Nothing of tutti's own client is used but the generated messages,
// so that a fault there cannot make both slow. It must know nothing else of tutti.
//
// Files: bare.go the work, connection.go the process, value.go the encoding.
package bare

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"sync"

	"tutti/internal/terraform/provider/tfplugin6"
)

// Parallelism is how many instances are under way at once, as everywhere.
const Parallelism = 10

// Options say what to do; all fields but Reference must be set.
type Options struct {
	// Random and Local are the providers' executables.
	Random, Local string
	// Count is how many instances there are of each type.
	Count int
	// Reference puts each ID into its file.
	Reference bool
	// State is the file that Apply writes and Plan reads.
	State string
}

// instance is what is remembered of one: its encoded value and what the provider
// wants back.
type instance struct{ Value, Private []byte }

// state is what is remembered of all.
type state struct{ IDs, Files []instance }

// client is both providers.
type client struct {
	Options
	random, local *connection
	state         state
	// idConfig is the encoded configuration of every random_id.
	idConfig []byte
}

// Apply creates all instances. The files lie in the folder "out" of the current one.
func Apply(ctx context.Context, o Options) (Calls, error) {
	c := &client{Options: o, state: state{IDs: make([]instance, o.Count), Files: make([]instance, o.Count)}}
	calls, err := c.work(ctx, c.createPair)
	if err != nil {
		return calls, err
	}
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(c.state); err != nil {
		return calls, err
	}
	return calls, os.WriteFile(o.State, text.Bytes(), 0o600)
}

// Plan finds out that nothing is to be done; it is an error if something is.
func Plan(ctx context.Context, o Options) (Calls, error) {
	c := &client{Options: o}
	text, err := os.ReadFile(o.State)
	if err != nil {
		return Calls{}, err
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&c.state); err != nil {
		return Calls{}, fmt.Errorf("%s: %w", o.State, err)
	}
	if len(c.state.IDs) != o.Count || len(c.state.Files) != o.Count {
		return Calls{}, fmt.Errorf("%s is of another stack", o.State)
	}
	return c.work(ctx, c.planPair)
}

// work starts both providers and does something for each pair of instances.
func (c *client) work(ctx context.Context, pair func(context.Context, int) error) (Calls, error) {
	var err error
	if c.idConfig, err = randomConfig(); err != nil {
		return Calls{}, err
	}
	if err := c.connect(ctx); err != nil {
		return Calls{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failed := make([]error, Parallelism)
	for w := range Parallelism {
		wg.Go(func() {
			for i := w; i < c.Count && ctx.Err() == nil; i += Parallelism {
				if failed[w] = pair(ctx, i); failed[w] != nil {
					cancel()
					return
				}
			}
		})
	}
	wg.Wait()
	calls := c.random.calls.plus(&c.local.calls)
	c.close()
	return calls, errors.Join(failed...)
}

// connect starts the providers side by side.
func (c *client) connect(ctx context.Context) error {
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { c.random, errs[0] = dial(ctx, c.Random) })
	wg.Go(func() { c.local, errs[1] = dial(ctx, c.Local) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		c.close()
		return err
	}
	return nil
}

func (c *client) close() {
	var wg sync.WaitGroup
	for _, x := range []*connection{c.random, c.local} {
		if x != nil {
			wg.Go(x.close)
		}
	}
	wg.Wait()
}

func (c *client) createPair(ctx context.Context, i int) error {
	id, err := c.random.create(ctx, "random_id", c.idConfig)
	if err != nil {
		return err
	}
	c.state.IDs[i] = id
	content := fmt.Sprint("content of ", i)
	if c.Reference {
		if content, err = hexOf(id.Value); err != nil {
			return err
		}
	}
	config, err := fileConfig(i, content)
	if err != nil {
		return err
	}
	c.state.Files[i], err = c.local.create(ctx, "local_file", config)
	return err
}

func (c *client) planPair(ctx context.Context, i int) error {
	if err := c.random.unchanged(ctx, "random_id", c.idConfig, c.state.IDs[i]); err != nil {
		return err
	}
	content := fmt.Sprint("content of ", i)
	if c.Reference {
		var err error
		if content, err = hexOf(c.state.IDs[i].Value); err != nil {
			return err
		}
	}
	config, err := fileConfig(i, content)
	if err != nil {
		return err
	}
	return c.local.unchanged(ctx, "local_file", config, c.state.Files[i])
}

// create makes the three calls that bring an instance into being.
func (x *connection) create(ctx context.Context, typeName string, config []byte) (instance, error) {
	value := &tfplugin6.DynamicValue{Msgpack: config}
	var valid tfplugin6.ValidateResourceConfig_Response
	if err := x.call(ctx, validate, &tfplugin6.ValidateResourceConfig_Request{TypeName: typeName, Config: value}, &valid); err != nil {
		return instance{}, err
	}
	null := &tfplugin6.DynamicValue{Msgpack: encodedNull}
	var planned tfplugin6.PlanResourceChange_Response
	// A framework fills what is computed itself: the configuration is the proposal.
	if err := x.call(ctx, plan, &tfplugin6.PlanResourceChange_Request{TypeName: typeName, PriorState: null, ProposedNewState: value, Config: value}, &planned); err != nil {
		return instance{}, err
	}
	var applied tfplugin6.ApplyResourceChange_Response
	err := x.call(ctx, apply, &tfplugin6.ApplyResourceChange_Request{TypeName: typeName, PriorState: null, PlannedState: planned.PlannedState,
		Config: value, PlannedPrivate: planned.PlannedPrivate}, &applied)
	if err := errors.Join(err, said(valid.Diagnostics), said(planned.Diagnostics), said(applied.Diagnostics)); err != nil {
		return instance{}, fmt.Errorf("create %s: %w", typeName, err)
	}
	return instance{Value: applied.NewState.GetMsgpack(), Private: applied.Private}, nil
}

// unchanged makes the two calls that show that an instance is as it should be.
func (x *connection) unchanged(ctx context.Context, typeName string, config []byte, old instance) error {
	var read tfplugin6.ReadResource_Response
	current := &tfplugin6.DynamicValue{Msgpack: old.Value}
	if err := x.call(ctx, readResource, &tfplugin6.ReadResource_Request{TypeName: typeName, CurrentState: current, Private: old.Private}, &read); err != nil {
		return err
	}
	var planned tfplugin6.PlanResourceChange_Response
	err := x.call(ctx, plan, &tfplugin6.PlanResourceChange_Request{TypeName: typeName, PriorState: read.NewState, ProposedNewState: read.NewState,
		Config: &tfplugin6.DynamicValue{Msgpack: config}, PriorPrivate: read.Private}, &planned)
	if err := errors.Join(err, said(read.Diagnostics), said(planned.Diagnostics)); err != nil {
		return fmt.Errorf("plan %s: %w", typeName, err)
	}
	if !bytes.Equal(planned.PlannedState.GetMsgpack(), old.Value) {
		return fmt.Errorf("plan %s: something is to be changed", typeName)
	}
	return nil
}

// said gives the errors of an answer.
func said(diagnostics []*tfplugin6.Diagnostic) error {
	for _, d := range diagnostics {
		if d.Severity == tfplugin6.Diagnostic_ERROR {
			return fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return nil
}
