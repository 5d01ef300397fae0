package definition

import (
	"strings"
	"tutti/internal/stepfunctions/document"
)

// The error names that the language reserves (States Language, Appendix A, and the
// service's documentation of error handling).
var reservedErrors = []string{
	allErrors, "States.HeartbeatTimeout", "States.Timeout", "States.TaskFailed", "States.Permissions", "States.ResultPathMatchFailure",
	"States.ParameterPathFailure", "States.BranchFailed", "States.NoChoiceMatched", "States.IntrinsicFailure", "States.ExceedToleratedFailureThreshold",
	"States.ItemReaderFailed", "States.ResultWriterFailed", "States.Runtime", "States.QueryEvaluationError", "States.DataLimitExceeded", "States.Http.Socket",
	"States.Http.StatusCode.",
}

const allErrors = "States.ALL"

func (r *reading) retry(n *document.Node) []Retrier {
	c := r.c
	list := c.listOrEmpty(n, "Retry")
	retriers := make([]Retrier, 0, len(list))
	for i, m := range list {
		if m.Kind != document.Object {
			c.typed(m, "object")
			continue
		}
		c.fieldsOf(m, "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment")
		t := Retrier{ErrorEquals: r.errorEquals(m, i == len(list)-1), IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2}
		t.IntervalSeconds = int64(r.literalOr(m, "IntervalSeconds", wholeNumber(0, maxSeconds), 1))
		t.MaxAttempts = int64(r.literalOr(m, "MaxAttempts", wholeNumber(0, maxAttempts), 3))
		t.BackoffRate = r.literalOr(m, "BackoffRate", interval{low: 1, high: unbounded}, 2)
		t.MaxDelaySeconds = int64(r.literalOr(m, "MaxDelaySeconds", wholeNumber(1, maxDelaySeconds), 0))
		t.FullJitter = c.oneWord(m, "JitterStrategy", "NONE", "FULL") == "FULL"
		retriers = append(retriers, t)
	}
	return retriers
}

// literalOr gives a number of the file, or what holds without it.
func (r *reading) literalOr(n *document.Node, field string, in interval, otherwise float64) float64 {
	m := n.Get(field)
	if m == nil {
		return otherwise
	}
	f, ok := r.c.literal(m, in)
	if !ok {
		return otherwise
	}
	return f
}

// listOrEmpty is listOf for a field whose list may be empty.
func (c *checker) listOrEmpty(n *document.Node, field string) []*document.Node {
	m := n.Get(field)
	if m != nil && m.Kind != document.List {
		c.typed(m, "array")
		return nil
	}
	if m == nil {
		return nil
	}
	return m.Inner
}

func (r *reading) catch(n *document.Node) []Catcher {
	c := r.c
	list := c.listOrEmpty(n, "Catch")
	catchers := make([]Catcher, 0, len(list))
	r.errorOutput = true
	for i, m := range list {
		if m.Kind != document.Object {
			c.typed(m, "object")
			continue
		}
		r.known(m, append(in("", "ErrorEquals", "Next", "Assign", "Comment"), fieldSpec{"ResultPath", JSONPath}, fieldSpec{"Output", JSONata}), "a catcher")
		t := Catcher{ErrorEquals: r.errorEquals(m, i == len(list)-1), ResultPath: r.resultPath(m), Output: r.output(m), Assign: r.assign(m)}
		if c.required(m, "Next") {
			t.Next = r.target(m.Get("Next"))
		}
		catchers = append(catchers, t)
	}
	r.errorOutput = false
	return catchers
}

// errorEquals reads the names of errors. States.ALL stands alone, in the last entry.
func (r *reading) errorEquals(n *document.Node, last bool) []string {
	c := r.c
	if !c.required(n, "ErrorEquals") {
		return nil
	}
	list := c.listOf(n, "ErrorEquals")
	names := make([]string, 0, len(list))
	for _, m := range list {
		name, ok := m.Text()
		switch {
		case !ok:
			c.typed(m, "string")
			continue
		case name == "":
			c.wrong(m, "Invalid value", "Value cannot be empty", "the name of an error cannot be empty.")
		case name == allErrors && (len(list) > 1 || !last):
			c.wrong(m.Parent, "States.ALL not alone or not last", "States.ALL must appear alone and at end of list",
				"States.ALL matches every error, so it stands alone in its list, and its entry is the last one. Move it there.")
		case strings.HasPrefix(name, "States.") && !reserved(name):
			near := ""
			if s := similar(name, reservedErrors); s != "" {
				near = " Did you mean " + s + "?"
			}
			c.doubtful(m, UnknownErrorName, "Unknown error name", "Unknown error name '"+name+"'", "%s is not an error of the language, which reserves names that begin with States.%s", quote(name), near)
		}
		names = append(names, name)
	}
	return names
}

func reserved(name string) bool {
	for _, known := range reservedErrors {
		if name == known || strings.HasSuffix(known, ".") && strings.HasPrefix(name, known) {
			return true
		}
	}
	return false
}
