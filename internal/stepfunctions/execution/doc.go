// Package execution carries out state machines of the Amazon States Language as a
// flow.Machine: events in, commands out, no clock and no I/O.
//
// In: a checked definition, a Start, answers of activities, timers, signals. Out:
// the activities of activity.go, timers, child machines, the result. It owns the
// data flow of states, Retry and Catch, scopes of variables, Map and Parallel, and
// the history of events, which is derived: a replay of the journal gives it again.
// It must not know how a resource is called (package integration), nor any store.
//
// Read machine.go first, then one file for each type of state.
//
// Source: states-language.net/spec.html and the AWS Step Functions developer guide.
package execution
