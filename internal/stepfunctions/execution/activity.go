package execution

import "encoding/json"

// The machines of this package, as runs and StartChild name them.
const (
	// MachineExecution carries out one state machine; its Started.Input is a Start.
	MachineExecution = "execution"
	// MachineMapRun carries out the items of one distributed Map; a child of an
	// execution. Its input is a Start with MapRun set.
	MachineMapRun = "maprun"
)

// The activities that the machines ask for. All inputs and outputs are JSON.
const (
	// ActivityCall calls a Task's resource and waits for its answer: request-response,
	// and the request of .waitForTaskToken, whose output is dropped. Input is a Call,
	// output the result. It is idempotent only when the resource only reads.
	ActivityCall = "call"
	// ActivitySubmit begins a .sync job: input a Call, output a Job. It must be
	// possible to do it twice with the same Call.Key and get the same job; where the
	// service at the far end has no such key, the worker looks for the job by its name.
	ActivitySubmit = "submit"
	// ActivityAwait waits for a job's end: input a JobCall, output the result. It is
	// idempotent: after a crash it is asked for again.
	ActivityAwait = "await"
	// ActivityStop stops a job whose state failed, timed out or was stopped: input a
	// JobCall, output ignored. It is idempotent; a job that has ended is no error.
	ActivityStop = "stop"
	// ActivityOffer holds a task of a Step Functions activity
	// (arn:aws:states:REGION:ACCOUNT:activity:NAME) until a worker takes it with
	// GetActivityTask: input a Call, whose Arguments are the task's input; output
	// {"workerName": ...}. It is idempotent, so offers survive a restart.
	ActivityOffer = "offer"
	// ActivityRead gives the next items of a distributed Map: input a ReadCall, output
	// a ReadResult. It is idempotent.
	ActivityRead = "read"
	// ActivityWrite writes results of a distributed Map: input a WriteCall, output a
	// WriteResult. It is idempotent: the same part again replaces the same file.
	ActivityWrite = "write"
)

// A failed activity's Code is the error name that Retry and Catch see, such as
// Lambda.TooManyRequestsException or States.TaskFailed, and its Message the cause.
// "" counts as States.TaskFailed.

// SignalTask is the signal that answers a task token: its payload is a TaskSignal.
const SignalTask = "task"

// SignalMapRun changes the bounds of a running map run (UpdateMapRun): its payload
// is a MapRunBounds.
const SignalMapRun = "map-run"

// TaskSignal is SendTaskSuccess, SendTaskFailure or SendTaskHeartbeat.
type TaskSignal struct {
	Token string `json:"token"`
	// Kind is success, failure or heartbeat.
	Kind   string          `json:"kind"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"`
	Cause  string          `json:"cause,omitempty"`
}

// Start is what a machine is started with, besides its definition.
type Start struct {
	Input json.RawMessage `json:"input"`
	// Execution becomes $$.Execution, without its Input; StateMachine $$.StateMachine.
	Execution    Identity `json:"execution"`
	StateMachine Identity `json:"stateMachine"`
	// Token begins every task token of this execution; the host knows by it where an
	// answer belongs. Tokens are Token + "." + what only the machine knows.
	Token string `json:"token,omitempty"`
	// From is the state to begin with, instead of StartAt; Variables are those that are
	// set there (tutti resume -from).
	From      string          `json:"from,omitempty"`
	Variables json.RawMessage `json:"variables,omitempty"`
	Limits    Limits          `json:"limits,omitzero"`
	// MapRun is set for MachineMapRun.
	MapRun *MapRunStart `json:"mapRun,omitempty"`
}

// Identity is a thing's ARN, name and what else $$ tells of it.
type Identity struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	RoleARN string `json:"roleArn,omitempty"`
}

// Limits bound one execution; 0 is the default of this package (DefaultPayload,
// DefaultEvents). The service's own are 262144 and 25000.
type Limits struct {
	// Payload is the size in bytes that a state's input, result or output may have.
	Payload int `json:"payload,omitempty"`
	// Events is how many events the history may have.
	Events int64 `json:"events,omitempty"`
	// Seconds is how long the execution may take; 0 leaves that to its definition.
	Seconds int64 `json:"seconds,omitempty"`
}

// Call is a Task's request.
type Call struct {
	// Resource is the state's, as the definition has it.
	Resource string `json:"resource"`
	// Arguments are the evaluated Arguments or Parameters, or the state's input.
	Arguments json.RawMessage `json:"arguments"`
	RoleARN   string          `json:"roleArn,omitempty"`
	// Token is the task token of .waitForTaskToken and of activities.
	Token string `json:"token,omitempty"`
	// Key is the same whenever the same attempt is carried out again, and otherwise
	// different: [a-z0-9-], 32 characters. It serves as client token and job name.
	Key string `json:"key"`
	// Execution is the ARN; State, Attempt (from 0) tell where the call comes from.
	Execution string `json:"execution"`
	State     string `json:"state"`
	Attempt   int64  `json:"attempt"`
	// TimeoutSeconds is the state's; 0 is none. The machine watches it, and cancels the
	// activity; workers may pass it on.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// Calls is how often the state was called in this execution, from 0 (for mocks).
	Calls int64 `json:"calls"`
}

// Job is what was submitted.
type Job struct {
	// ID finds the job again, whatever became of the process that submitted it. A stop
	// with an empty ID is of a submit whose answer is not known: the job, if there is
	// one, is found by Call.Key.
	ID string `json:"id"`
	// Output is what the submitting call answered.
	Output json.RawMessage `json:"output,omitempty"`
}

// JobCall is about a job that was submitted by Call.
type JobCall struct {
	Call Call `json:"call"`
	Job  Job  `json:"job"`
	// Reason is why it is stopped: an error name.
	Reason string `json:"reason,omitempty"`
}

// ReadCall asks for a distributed Map's items from a position on.
type ReadCall struct {
	Resource          string          `json:"resource"`
	Arguments         json.RawMessage `json:"arguments,omitempty"`
	InputType         string          `json:"inputType,omitempty"`
	Transformation    string          `json:"transformation,omitempty"`
	CSVHeaderLocation string          `json:"csvHeaderLocation,omitempty"`
	CSVHeaders        []string        `json:"csvHeaders,omitempty"`
	CSVDelimiter      string          `json:"csvDelimiter,omitempty"`
	ManifestType      string          `json:"manifestType,omitempty"`
	ItemsPointer      string          `json:"itemsPointer,omitempty"`
	RoleARN           string          `json:"roleArn,omitempty"`
	// Cursor is where to go on: "" is the beginning, otherwise ReadResult.Next.
	Cursor string `json:"cursor,omitempty"`
	// Count is how many items are wanted at most.
	Count int `json:"count"`
}

// ReadResult are items; Next is "" after the last ones.
type ReadResult struct {
	Items []json.RawMessage `json:"items"`
	// Keys are there, one an item, when the source is an object.
	Keys []string `json:"keys,omitempty"`
	Next string   `json:"next,omitempty"`
}

// WriteCall writes one part of a map run's results.
type WriteCall struct {
	Resource   string          `json:"resource"`
	Arguments  json.RawMessage `json:"arguments"`
	OutputType string          `json:"outputType,omitempty"`
	RoleARN    string          `json:"roleArn,omitempty"`
	// MapRun is the run's ARN; Name is the file's, such as SUCCEEDED_0.json or
	// manifest.json.
	MapRun string            `json:"mapRun"`
	Name   string            `json:"name"`
	Items  []json.RawMessage `json:"items,omitempty"`
	// Document is written instead of Items: the manifest.
	Document json.RawMessage `json:"document,omitempty"`
}

// WriteResult says where the part lies.
type WriteResult struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key"`
	Size   int64  `json:"size"`
}

// MapRunStart is what a map run needs beside its definition.
type MapRunStart struct {
	// ARN names the map run; Parent is its execution's.
	ARN    string `json:"arn"`
	Parent string `json:"parent"`
	// State is the Map state's name, unique in a definition.
	State string `json:"state"`
	// Items are given, or read with Read.
	Items json.RawMessage `json:"items,omitempty"`
	Read  *ReadCall       `json:"read,omitempty"`
	// MaxItems bounds what is read; 0 is no bound.
	MaxItems int64 `json:"maxItems,omitempty"`
	// Context and StateInput are what ItemSelector sees besides the item.
	Context    json.RawMessage `json:"context,omitempty"`
	StateInput json.RawMessage `json:"stateInput,omitempty"`
	Variables  json.RawMessage `json:"variables,omitempty"`
	Bounds     MapRunBounds    `json:"bounds"`
	Batch      *Batch          `json:"batch,omitempty"`
	Write      *WriteCall      `json:"write,omitempty"` // without Name and Items
	// WriterTransformation is NONE, COMPACT or FLATTEN.
	WriterTransformation string `json:"writerTransformation,omitempty"`
	RoleARN              string `json:"roleArn,omitempty"`
}

// MapRunBounds are a map run's limits. UpdateMapRun changes those that it names.
type MapRunBounds struct {
	MaxConcurrency             *int64   `json:"maxConcurrency,omitempty"`
	ToleratedFailureCount      *int64   `json:"toleratedFailureCount,omitempty"`
	ToleratedFailurePercentage *float64 `json:"toleratedFailurePercentage,omitempty"`
}

// Batch is an evaluated ItemBatcher.
type Batch struct {
	MaxItems int64           `json:"maxItems,omitempty"`
	MaxBytes int64           `json:"maxBytes,omitempty"`
	Input    json.RawMessage `json:"input,omitempty"`
}
