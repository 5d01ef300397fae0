package definition

import "tutti/internal/stepfunctions/expression"

// Task calls something. Of each pair of a bound and its path, the file has one.
type Task struct {
	// Resource is the ARN as the file has it.
	Resource string
	// TimeoutSeconds and HeartbeatSeconds give whole numbers; nil is the language's
	// default of 99999999 seconds for the timeout, and no heartbeat.
	TimeoutSeconds, HeartbeatSeconds expression.Expr
	// RoleARN is Credentials.RoleArn.
	RoleARN expression.Expr
}

// Pass hands its input on, or its Result.
type Pass struct {
	// Result is of JSONPath states; HasResult tells null from none.
	Result    any
	HasResult bool
}

// Choice goes on with the first rule that holds.
type Choice struct {
	Rules   []Rule
	Default string // "" is none
}

// Rule is one entry of Choices.
type Rule struct {
	// Condition gives a boolean. In JSONPath it is the rule's whole tree of
	// comparisons (And, Or, Not, StringEquals, NumericLessThanPath, ...).
	Condition expression.Expr
	Next      string
	Output    expression.Expr
	Assign    []Assignment
}

// Wait waits: exactly one of its fields is set.
type Wait struct {
	Seconds   expression.Expr // a number of seconds, 0 to 99999999
	Timestamp expression.Expr // an RFC 3339 timestamp
}

// Fail ends the execution without a result. Both may be nil.
type Fail struct {
	Error, Cause expression.Expr
}

// Parallel runs its branches side by side, each with the same input.
type Parallel struct {
	Branches []*StateMachine
}

// Map runs its processor once for each item.
type Map struct {
	Processor *StateMachine
	// Distributed runs each item (or batch) as a child execution; Express says of
	// which type.
	Distributed bool
	Express     bool
	// Label names the map run; a distributed Map without one has the state's name,
	// cut to 40 characters.
	Label string
	// Items gives the list: ItemsPath or Items; nil is the effective input.
	// A distributed Map also takes an object, whose items are {Key, Value}.
	Items expression.Expr
	// Selector is ItemSelector (or the older Parameters); nil hands the item on.
	Selector       expression.Expr
	MaxConcurrency expression.Expr // nil or 0 is no bound (of a distributed Map: 10,000 in the service)
	Reader         *Reader
	Batcher        *Batcher
	Writer         *Writer
	// ToleratedFailureCount and ToleratedFailurePercentage (0 to 100) give numbers.
	ToleratedFailureCount, ToleratedFailurePercentage expression.Expr
}

// Reader is a distributed Map's ItemReader.
type Reader struct {
	// Resource is such as arn:aws:states:::s3:getObject or s3:listObjectsV2, or
	// tutti's own arn:tutti:file (see docs/stepfunctions.md).
	Resource  string
	Arguments expression.Expr
	// InputType is CSV, JSON, JSONL, PARQUET or MANIFEST; "" for a listing.
	InputType         string
	Transformation    string // NONE or LOAD_AND_FLATTEN; "" is NONE
	CSVHeaderLocation string // FIRST_ROW or GIVEN
	CSVHeaders        []string
	CSVDelimiter      string // COMMA (or ""), PIPE, SEMICOLON, SPACE, TAB
	ManifestType      string // ATHENA_DATA or S3_INVENTORY
	ItemsPointer      string // JSON pointer to the array in a JSON document; "" is the whole
	MaxItems          expression.Expr
}

// Batcher is ItemBatcher; one of its bounds is set at least.
type Batcher struct {
	MaxItems, MaxBytes expression.Expr
	BatchInput         expression.Expr
}

// Writer is ResultWriter.
type Writer struct {
	Resource       string // "" when only the form is changed
	Arguments      expression.Expr
	Transformation string // NONE, COMPACT or FLATTEN; "" is NONE with a destination
	OutputType     string // JSON (or "") or JSONL
}
