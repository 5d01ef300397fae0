// Package object holds the nouns that the languages, the planner and the carrying
// out of a plan share: the object, its instances, its driver, a change, a plan.
//
// A language (terraform, task, ...) gives objects in a Namespace. The evaluator
// (package eval) asks an object how often it exists (Expand) and what it should be
// (Wanted); what those refer to is asked of a Scope, which evaluates it first and
// notes the edge. The planner hands the wanted value to the object's Driver and
// gathers the changes in a Plan. Packages apply and activity carry it out.
//
// It owns these types and nothing else: no algorithm, no I/O, no language.
package object

import (
	"context"
	"sort"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// Object is what a block, a template's resource or a manifest becomes. One is
// made per module instance that holds it. Its methods are called concurrently,
// each at most once per instance and evaluation.
type Object interface {
	Addr() addr.Object
	// References are those that stand in the text, for views and checks; edges
	// are noted when they are followed.
	References() []addr.Reference
	// Expand says which instances there are.
	Expand(ctx context.Context, s Scope) (Expansion, diag.List)
	// Wanted is what the user asks for in one instance: a value that may hold
	// unknowns and marks. For an object that only stands for a value (a local, an
	// output) it is that value.
	Wanted(ctx context.Context, s Scope, inst Instance) (cty.Value, diag.List)
}

// Driven is an object that something in the world corresponds to.
type Driven interface {
	Object
	// Driver gives what can plan and carry out changes of the instance. It may
	// evaluate (a provider's configuration). A nil driver without errors means
	// that the driver is not known before apply: the instance is deferred.
	Driver(ctx context.Context, s Scope, inst Instance) (Driver, diag.List)
	// Policy gives the rules that the user laid down for the instance.
	Policy(ctx context.Context, s Scope, inst Instance) (Policy, diag.List)
}

// Importable is an object that the files say to take over from the world.
type Importable interface {
	Driven
	// ImportOf gives nil when nothing is to be imported for the instance.
	ImportOf(ctx context.Context, s Scope, inst Instance) (*Import, diag.List)
}

// Checked is an object with conditions of its own.
type Checked interface {
	Object
	// Check evaluates the conditions of the stage. Self is the instance's value
	// (cty.NilVal before there is one). A condition whose result is not known yet
	// gives nothing and is asked again at apply.
	Check(ctx context.Context, s Scope, inst Instance, stage Stage, self cty.Value) diag.List
}

// Stage says when conditions are evaluated.
type Stage uint8

// The stages. The zero value is invalid.
const (
	Before Stage = iota + 1 // preconditions, variable validation
	After                   // postconditions, check assertions
)

// Container is an object whose instances hold objects of their own: a module
// call, a nested stack. Its own value is what the outside may see of it.
type Container interface {
	Object
	Open(ctx context.Context, s Scope, inst Instance) (Namespace, diag.List)
}

// Opener is an object that is opened when it is first needed and closed when the
// plan or run is over, and whose value is never stored: an ephemeral resource.
type Opener interface {
	Object
	// OpenValue gives the value and how to close it; close may be nil. An unknown
	// value is given when it can only be opened at apply.
	OpenValue(ctx context.Context, s Scope, inst Instance) (v cty.Value, closeIt func(context.Context) diag.List, d diag.List)
}

// Namespace is a set of objects that see each other by name: a module instance.
type Namespace interface {
	// Objects gives all, in the order of the files.
	Objects() []Object
	// Lookup gives nil when there is none of that name.
	Lookup(addr.Name) Object
}

// Scope is what an object sees of the others while it is evaluated. Each call
// notes an edge from the object under evaluation, evaluates the other object if
// that has not been done, and gives its value. An object that failed, or that is
// put off, gives an unknown value: its errors are reported once, where they
// happened. An address that does not exist is our bug: languages check names when
// they load. A Scope is used by one goroutine at a time.
type Scope interface {
	// Object gives the value as an expression sees the whole: the value itself, a
	// tuple (count) or an object (for_each).
	Object(ctx context.Context, o addr.Object) cty.Value
	// Instance gives one instance; the edge is to it alone. An instance that does
	// not exist gives cty.NilVal.
	Instance(ctx context.Context, i addr.Instance) cty.Value
	// Expansion says which instances an object has.
	Expansion(ctx context.Context, o addr.Object) Expansion
	// After notes an edge that carries order and no value (depends_on). For a
	// container it means all that lies in it.
	After(ctx context.Context, o addr.Object)
	// Changed reports whether what lies at the path in an object is going to
	// change; an address without key means any of its instances.
	Changed(ctx context.Context, i addr.Instance, path cty.Path) bool
}

// Instance is one instance with what is particular to it.
type Instance struct {
	Key addr.Key
	// Value is each.value of a for_each; cty.NilVal otherwise.
	Value cty.Value
}

// Expansion is the set of an object's instances.
type Expansion struct {
	Shape Shape
	// Unknown is set when the instances are not known before apply.
	Unknown bool
	// Instances are sorted by key.
	Instances []Instance
}

// Shape says how the instances look as one value.
type Shape uint8

// The shapes. The zero value is the object with a single instance (or none when
// it is disabled).
const (
	Single  Shape = iota
	Count         // a tuple
	ForEach       // an object by key
)

// One is the expansion of an object without count and for_each.
func One() Expansion { return Expansion{Instances: []Instance{{}}} }

// Policy holds what the user decided about an instance's life.
type Policy struct {
	CreateBeforeDestroy bool
	// PreventDestroy makes a plan that would destroy the instance an error.
	PreventDestroy bool
	// Forget means that an instance that is no longer wanted is only forgotten.
	Forget bool
	// Replace is set when replace_triggered_by asks for a replacement; it holds
	// the references that changed.
	Replace []string
	// Site is the queue its activities go to; "" is here.
	Site string
	// Group names what fails together; "" is the default group, which goes on with
	// all that does not depend on the failed object.
	Group string
}

// Find gives the instance of the key.
func (x Expansion) Find(k addr.Key) (Instance, bool) {
	if n, ok := k.Int(); ok && x.Shape == Count {
		if n < len(x.Instances) {
			return x.Instances[n], true
		}
		return Instance{}, false
	}
	i := sort.Search(len(x.Instances), func(i int) bool { return x.Instances[i].Key.Compare(k) >= 0 })
	if i < len(x.Instances) && x.Instances[i].Key == k {
		return x.Instances[i], true
	}
	return Instance{}, false
}
