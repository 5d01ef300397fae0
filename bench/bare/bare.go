// Package bare drives two real providers with as little as the plugin protocol
// asks for: what it takes is the limit that no client can pass. It makes and reads
// a stack of n random_id and n local_file, whose types it knows beforehand and
// whose values it encodes ahead of time where it can; it keeps what it needs for
// the next run in one file, checks nothing, explains nothing and remembers nothing
// more.
//
// In: two executables. Out: the number of calls that it made. For each instance
// that it creates it calls Validate, Plan and Apply, for one that is there already
// Read and Plan.
//
// It has two ways to create. Plainly, each file follows its ID from the first call to
// the last, so that all is known when it is planned. That is the least that a
// provider can be asked for, but it is no plan and apply: nothing could be shown, or
// refused, before the first thing is made. Announced, everything is planned before
// anything is applied, which is what Terraform, OpenTofu and tutti promise; a file
// whose content is then unknown has to be planned once more when it is known, for the
// protocol lets nothing be applied that was not planned as it is. Both are limits:
// the first of any client, the second of any that keeps that promise.
//
// The processes get the environment that tutti gives them, as what a provider costs
// depends on it more than on the client. Nothing of tutti's own client is used but the generated messages,
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
	// Announce makes Apply plan everything before it applies anything.
	Announce bool
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
	// planned are the IDs' plans, when they are announced.
	planned []*tfplugin6.PlanResourceChange_Response
}

// Apply creates all instances. The files lie in the folder "out" of the current one.
func Apply(ctx context.Context, o Options) (Calls, error) {
	c := &client{Options: o, state: state{IDs: make([]instance, o.Count), Files: make([]instance, o.Count)}}
	phases := []phase{c.createPair}
	if o.Announce {
		c.planned = make([]*tfplugin6.PlanResourceChange_Response, o.Count)
		phases = []phase{c.announcePair, c.makePair}
	}
	calls, err := c.work(ctx, phases...)
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

// phase is what is done for each pair of instances.
type phase func(ctx context.Context, i int) error

// work starts both providers and goes through the phases, one after the other.
func (c *client) work(ctx context.Context, phases ...phase) (Calls, error) {
	var err error
	if c.idConfig, err = randomConfig(); err != nil {
		return Calls{}, err
	}
	if err := c.connect(ctx); err != nil {
		return Calls{}, err
	}
	for _, p := range phases {
		if err = c.each(ctx, p); err != nil {
			break
		}
	}
	calls := c.random.calls.plus(&c.local.calls)
	c.close()
	return calls, err
}

// each does something for every pair, several at a time.
func (c *client) each(ctx context.Context, pair phase) error {
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
	return errors.Join(failed...)
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
	planned, err := c.random.prepare(ctx, "random_id", c.idConfig)
	if err != nil {
		return err
	}
	if c.state.IDs[i], err = c.random.make(ctx, "random_id", c.idConfig, planned); err != nil {
		return err
	}
	config, err := c.fileConfig(i)
	if err != nil {
		return err
	}
	if planned, err = c.local.prepare(ctx, "local_file", config); err != nil {
		return err
	}
	c.state.Files[i], err = c.local.make(ctx, "local_file", config, planned)
	return err
}

// announcePair plans both of a pair before anything is made.
func (c *client) announcePair(ctx context.Context, i int) (err error) {
	if c.planned[i], err = c.random.prepare(ctx, "random_id", c.idConfig); err != nil {
		return err
	}
	config, err := unknownFileConfig(i)
	if err != nil {
		return err
	}
	_, err = c.local.prepare(ctx, "local_file", config)
	return err
}

// makePair makes what was announced; the file is planned again with what is known now.
func (c *client) makePair(ctx context.Context, i int) (err error) {
	if c.state.IDs[i], err = c.random.make(ctx, "random_id", c.idConfig, c.planned[i]); err != nil {
		return err
	}
	config, err := c.fileConfig(i)
	if err != nil {
		return err
	}
	planned, err := c.local.plan(ctx, "local_file", config)
	if err != nil {
		return err
	}
	c.state.Files[i], err = c.local.make(ctx, "local_file", config, planned)
	return err
}

// fileConfig gives the configuration of a file whose ID is there.
func (c *client) fileConfig(i int) ([]byte, error) {
	if !c.Reference {
		return knownFileConfig(i, fmt.Sprint("content of ", i))
	}
	content, err := hexOf(c.state.IDs[i].Value)
	if err != nil {
		return nil, err
	}
	return knownFileConfig(i, content)
}

func (c *client) planPair(ctx context.Context, i int) error {
	if err := c.random.unchanged(ctx, "random_id", c.idConfig, c.state.IDs[i]); err != nil {
		return err
	}
	config, err := c.fileConfig(i)
	if err != nil {
		return err
	}
	return c.local.unchanged(ctx, "local_file", config, c.state.Files[i])
}

// prepare validates a configuration and plans its creation.
func (x *connection) prepare(ctx context.Context, typeName string, config []byte) (*tfplugin6.PlanResourceChange_Response, error) {
	var valid tfplugin6.ValidateResourceConfig_Response
	err := x.call(ctx, validate, &tfplugin6.ValidateResourceConfig_Request{TypeName: typeName, Config: &tfplugin6.DynamicValue{Msgpack: config}}, &valid)
	if err := errors.Join(err, said(valid.Diagnostics)); err != nil {
		return nil, fmt.Errorf("validate %s: %w", typeName, err)
	}
	return x.plan(ctx, typeName, config)
}

// plan plans a creation.
func (x *connection) plan(ctx context.Context, typeName string, config []byte) (*tfplugin6.PlanResourceChange_Response, error) {
	var planned tfplugin6.PlanResourceChange_Response
	value := &tfplugin6.DynamicValue{Msgpack: config}
	// A framework fills what is computed itself: the configuration is the proposal.
	err := x.call(ctx, plan, &tfplugin6.PlanResourceChange_Request{TypeName: typeName,
		PriorState: &tfplugin6.DynamicValue{Msgpack: encodedNull}, ProposedNewState: value, Config: value}, &planned)
	if err := errors.Join(err, said(planned.Diagnostics)); err != nil {
		return nil, fmt.Errorf("plan %s: %w", typeName, err)
	}
	return &planned, nil
}

// make brings into being what was planned.
func (x *connection) make(ctx context.Context, typeName string, config []byte, planned *tfplugin6.PlanResourceChange_Response) (instance, error) {
	var applied tfplugin6.ApplyResourceChange_Response
	err := x.call(ctx, apply, &tfplugin6.ApplyResourceChange_Request{TypeName: typeName,
		PriorState: &tfplugin6.DynamicValue{Msgpack: encodedNull}, PlannedState: planned.PlannedState,
		Config: &tfplugin6.DynamicValue{Msgpack: config}, PlannedPrivate: planned.PlannedPrivate}, &applied)
	if err := errors.Join(err, said(applied.Diagnostics)); err != nil {
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
