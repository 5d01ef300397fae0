// Package play is the machine that carries playbooks out: events in, commands out. It decides
// which task is whose turn on which host (strategies, blocks, handlers, includes, loops),
// renders arguments and conditions, and asks workers for everything that reaches the world.
//
// Machine, its input and its output are in machine.go; what it asks workers for is in call.go;
// what it tells people is in note.go. It must not know files, connections or how modules work.
package play

import (
	"encoding/json"

	"tutti/internal/ansible/value"
)

// Note is what the machine tells people while it goes on: the text of a flow.Record, as JSON.
// Views (the default callback, JUnit, the live view) are made of notes and nothing else.
type Note struct {
	// Kind is one of the Note… constants.
	Kind string `json:"kind"`
	// Play is the play's name as its banner shows it.
	Play string `json:"play,omitempty"`
	// Task is the task's name as its banner shows it ("role : name"), Action its module as
	// it was written; Path is file:line.
	Task   string `json:"task,omitempty"`
	Action string `json:"action,omitempty"`
	// Number tells tasks of the same name apart.
	Number int    `json:"number,omitempty"`
	Path   string `json:"path,omitempty"`
	Host   string `json:"host,omitempty"`
	// Delegate is the host that a task was delegated to.
	Delegate string `json:"delegate,omitempty"`
	// About is the path or name that the task's arguments are about.
	About string `json:"about,omitempty"`
	// Item is the loop item as its label shows it; Label tells that there is one.
	Item  any  `json:"item,omitempty"`
	Label bool `json:"label,omitempty"`
	// Result is the task's or item's result as the callback may show it: keys beginning with
	// _ansible_ are left out except those of the display: nothing here is under no_log.
	Result *value.Dict `json:"result,omitempty"`
	// Status is ok, changed, failed, skipped, unreachable, ignored (failed, but
	// ignore_errors), rescued is only in the recap.
	Status string `json:"status,omitempty"`
	// Text is what NoteWarning and NoteText say; also "…" of NoteIncluded: the file.
	Text string `json:"text,omitempty"`
	// Hosts are the hosts of NoteIncluded and NotePlay.
	Hosts []string `json:"hosts,omitempty"`
	// Handler tells NoteTask that the banner says RUNNING HANDLER; Check that the task runs
	// in check mode.
	Handler bool `json:"handler,omitempty"`
	Check   bool `json:"check,omitempty"`
	// Retries and Attempt belong to NoteRetry: how often at most, and which one it was.
	Retries int `json:"retries,omitempty"`
	Attempt int `json:"attempt,omitempty"`
	// Recap counts per host, in the order of hosts; Custom are custom stats.
	Recap  []Tally     `json:"recap,omitempty"`
	Custom *value.Dict `json:"custom,omitempty"`
	// Diff tells that the task asks for diffs to be shown.
	Diff bool `json:"diff,omitempty"`
	// Elapsed is how long the task or item ran on the host, in milliseconds.
	Elapsed int64 `json:"elapsed,omitempty"`
	// Display overrides of the task: the verbosity at which the result's details are shown
	// always (debug), never (set_fact …); "" is the default.
	Display string `json:"display,omitempty"`
	// Unknown tells that check mode could not know the outcome: "unknown until applied".
	Unknown bool `json:"unknown,omitempty"`
}

// The kinds of notes, in the words of callbacks.
const (
	NotePlaybook   = "playbook"   // Text is the file
	NotePlay       = "play"       // a play begins
	NoteNoHosts    = "no-hosts"   // "skipping: no hosts matched"
	NoteNoneLeft   = "none-left"  // "NO MORE HOSTS LEFT"
	NoteTask       = "task"       // a task begins
	NoteResult     = "result"     // a host's result of a task
	NoteItem       = "item"       // one item's result of a loop
	NoteRetry      = "retry"      // until was not met
	NoteAsyncPoll  = "async-poll" // a job in the background is looked at
	NoteIncluded   = "included"   // a file was included for Hosts
	NoteWarning    = "warning"
	NoteDeprecated = "deprecated"
	NoteText       = "text" // text for people: pause's prompt, -vvv lines
	NoteNotified   = "notified"
	NoteRecap      = "recap" // the end of the run
)

// Tally counts one host's results.
type Tally struct {
	Host        string `json:"host"`
	OK          int    `json:"ok"`
	Changed     int    `json:"changed"`
	Unreachable int    `json:"unreachable"`
	Failed      int    `json:"failed"`
	Skipped     int    `json:"skipped"`
	Rescued     int    `json:"rescued"`
	Ignored     int    `json:"ignored"`
	// Unknown counts tasks of which check mode could not tell.
	Unknown int `json:"unknown,omitempty"`
}

// UnmarshalJSON reads a note so that an item keeps the order of its keys.
func (n *Note) UnmarshalJSON(text []byte) error {
	type plain Note
	in := struct {
		*plain
		Item json.RawMessage `json:"item"`
	}{plain: (*plain)(n)}
	if err := json.Unmarshal(text, &in); err != nil || len(in.Item) == 0 {
		return err
	}
	item, err := value.ParseJSON(in.Item)
	n.Item = item
	return err
}
