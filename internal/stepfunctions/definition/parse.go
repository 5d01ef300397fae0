package definition

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/document"
	"tutti/internal/stepfunctions/expression"
)

// Options are what a definition is read with. The zero value reads the definition of
// a standard state machine as it is written.
type Options struct {
	// Substitutions stand for ${name}; nil leaves such text alone.
	Substitutions map[string]string
	// Express refuses what an express workflow may not have.
	Express bool
	// Recognise tells what is wrong with the service, action or pattern of an
	// integration, as a sentence without its point; "" is nothing. Without it any is
	// taken.
	Recognise func(Resource) string
}

// Finding is something that is wrong with a definition, or doubtful, in the form of
// the service's ValidateStateMachineDefinition, with tutti's own diagnostic beside it.
type Finding struct {
	// Code is the service's, such as MISSING_TRANSITION_TARGET.
	Code string
	// Message is what the service says, or would say.
	Message string
	// Location is a pointer such as /States/Pay/Retry[0]/Next; "" where the service
	// gives none.
	Location string
	// Diagnostic has the severity, the place in the file and what to do.
	Diagnostic *diag.Diagnostic
}

// The codes of the service: API_ValidateStateMachineDefinitionDiagnostic, and those
// that it is known to give besides.
const (
	InvalidJSON           = "INVALID_JSON_DESCRIPTION"
	SchemaValidation      = "SCHEMA_VALIDATION_FAILED"
	MissingTarget         = "MISSING_TRANSITION_TARGET"
	MissingEndState       = "MISSING_END_STATE"
	DuplicateStateName    = "DUPLICATE_STATE_NAME"
	InvalidStateName      = "INVALID_STATE_NAME"
	DuplicateLabelName    = "DUPLICATE_LABEL_NAME"
	InvalidLabelName      = "INVALID_LABEL_NAME"
	TooDeeplyNested       = "TOO_DEEPLY_NESTED"
	InvalidJSONata        = "INVALID_JSONATA_EXPRESSION"
	UnsupportedJSONata    = "UNSUPPORTED_JSONATA_EXPRESSION"
	ReservedVariableName  = "RESERVED_VARIABLE_NAME"
	InvalidVariableName   = "INVALID_VARIABLE_NAME"
	DuplicateVariableName = "DUPLICATE_VARIABLE_NAME"
	NoDollar              = "NO_DOLLAR"
	NoPath                = "NO_PATH"
	PassResultIsStatic    = "PASS_RESULT_IS_STATIC"
	// tutti's own warnings:
	DuplicateField    = "DUPLICATE_FIELD"
	UndefinedVariable = "POSSIBLY_UNDEFINED_VARIABLE"
	UnknownErrorName  = "UNKNOWN_ERROR_NAME"
	PossibleLimit     = "POSSIBLE_LIMIT_EXCEEDED"
)

// Parse reads and checks a definition. The state machine is nil when the list has
// errors. Whether the text is JSON or YAML document.IsYAML says.
func Parse(filename string, text []byte) (*StateMachine, diag.List) {
	m, findings := Check(filename, text, Options{})
	return m, Diagnostics(findings)
}

// Diagnostics gives the findings as everything else in tutti reports them.
func Diagnostics(findings []Finding) diag.List {
	list := make(diag.List, len(findings))
	for i, f := range findings {
		list[i] = f.Diagnostic
	}
	return list
}

// Check is Parse with options, and with the findings in the service's form, in the
// order in which the service tells them: by state, what concerns the graph last.
func Check(filename string, text []byte, o Options) (*StateMachine, []Finding) {
	file, diags := document.Read(filename, text, o.Substitutions)
	c := newChecker(file, o)
	root := c.form(diags)
	if root == nil {
		return nil, c.findings
	}
	m := c.machine(root, nil)
	c.reachable()
	if c.failed {
		return nil, c.findings
	}
	return m, c.findings
}

// checker walks over a definition's nodes, makes the tree and notes what is wrong.
type checker struct {
	source   *document.File
	options  Options
	findings []Finding
	failed   bool
	// states are the nodes of states, so that what lies in one can name it.
	states map[*document.Node]bool
	// names are the states of the whole definition; labels those of its map runs.
	names, labels map[string]*document.Node
	// graphs are the machines whose transitions are still to be checked.
	graphs []*graph
	// fields are those of the types of state that have come up; operators are all.
	fields    map[Type][]fieldSpec
	operators []expression.Operator
}

func newChecker(file *document.File, o Options) *checker {
	return &checker{source: file, options: o, states: map[*document.Node]bool{}, names: map[string]*document.Node{}, labels: map[string]*document.Node{},
		operators: expression.Operators()}
}

// notAnObject is what the service says of a definition without form.
const notAnObject = "Definition must be a valid JSON object"

// form gives the definition's object, or tells why there is none.
func (c *checker) form(diags diag.List) *document.Node {
	for _, d := range diags {
		f := Finding{Code: SchemaValidation, Message: strings.TrimSuffix(d.Detail, "."), Diagnostic: d}
		switch d.Headline {
		case document.InvalidJSON, document.InvalidYAML:
			f.Code, f.Location = InvalidJSON, fmt.Sprintf("line: %d, column: %d", d.Subject.Start.Line, d.Subject.Start.Column)
		case document.EmptyFile:
			f.Message = notAnObject
		}
		c.findings = append(c.findings, f)
	}
	root := c.source.Root
	if root == nil {
		return nil
	}
	if root.Kind != document.Object {
		rng := c.source.Head(root)
		c.add(Finding{Code: SchemaValidation, Message: notAnObject}, "Invalid definition",
			"A definition is an object with the fields StartAt and States, and this is a value of type "+root.TypeName()+".", &rng)
		return nil
	}
	// Two states of one name are an error, which is told with the states.
	twice := c.source.Duplicates(root, func(n *document.Node) bool { return n.Key == "States" })
	for _, d := range twice[:min(len(twice), MaxFindings)] {
		c.findings = append(c.findings, Finding{Code: DuplicateField, Message: strings.TrimSuffix(d.Detail, "."), Diagnostic: d})
	}
	return root
}

func (c *checker) add(f Finding, headline, detail string, rng *hcl.Range) {
	c.failed = true
	c.note(f, diag.Error, headline, detail, rng)
}

func (c *checker) warn(f Finding, headline, detail string, rng *hcl.Range) {
	c.note(f, diag.Warning, headline, detail, rng)
}

// MaxFindings is how much is told about one definition.
const MaxFindings = 1000

func (c *checker) note(f Finding, s diag.Severity, headline, detail string, rng *hcl.Range) {
	if len(c.findings) >= MaxFindings {
		return
	}
	f.Diagnostic = &diag.Diagnostic{Severity: s, Headline: headline, Detail: detail, Subject: rng}
	c.findings = append(c.findings, f)
}

// CheckState is Check for a definition that is a single state, as TestState takes it.
// Where it leads is not looked at. The state gets the name.
func CheckState(name string, text []byte, o Options) (*State, []Finding) {
	file, diags := document.Read("definition", text, o.Substitutions)
	c := newChecker(file, o)
	root := c.form(diags)
	if root == nil {
		return nil, c.findings
	}
	c.states[root], c.names[name] = true, root
	root.Key = name
	scope := &scope{}
	scope.assigned(root)
	r := &reading{c: c, machine: JSONPath, language: JSONPath, scope: scope, graph: &graph{edges: map[string][]edge{}}}
	s := r.state(root)
	c.reachable()
	if c.failed {
		return nil, c.findings
	}
	return s, c.findings
}
