package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// Mapping says what stands here for resources of others. A key is a Lambda function's
// ARN or name, or any Resource as a definition has it.
type Mapping map[string]Local

// Local is a command or a URL; exactly one of Command and URL is set.
type Local struct {
	// Command gets the payload as JSON on its standard input and prints the result.
	Command     []string          `json:"command,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	WorkingDir  string            `json:"working_dir,omitempty"`
	// URL gets the payload as the body of a POST and answers with the result.
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Timeout is a duration such as 30s; "" is none.
	Timeout string `json:"timeout,omitempty"`
}

// ParseMapping reads a mapping from JSON: an object by resource, whose values have the
// members of Local.
func ParseMapping(raw []byte) (Mapping, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var m Mapping
	err := d.Decode(&m)
	if err == nil && d.More() {
		err = errors.New("something follows it")
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		err = fmt.Errorf("at byte %d a value cannot be of the type %s", wrong.Offset, wrong.Value) // the error's own words name types of Go
	}
	if err != nil {
		return nil, fmt.Errorf("a mapping is an object such as {\"arn:aws:lambda:...\": {\"command\": [\"bin/pack\"]}}: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		l := m[name]
		_, err := l.timeout()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: the timeout %q is no duration above 0, such as 30s", name, l.Timeout)
		case (len(l.Command) > 0) == (l.URL != ""):
			return nil, fmt.Errorf("%s: exactly one of command and url must be there", name)
		case l.URL == "" && len(l.Headers) > 0, l.URL != "" && (len(l.Environment) > 0 || l.WorkingDir != ""):
			return nil, fmt.Errorf("%s: headers belong to a url, environment and working_dir to a command", name)
		case l.URL != "" && !strings.HasPrefix(l.URL, "http://") && !strings.HasPrefix(l.URL, "https://"):
			return nil, fmt.Errorf("%s: the url must start with http:// or https://", name)
		}
	}
	return m, nil
}

func (l Local) timeout() (time.Duration, error) {
	if l.Timeout == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(l.Timeout)
	if err == nil && d <= 0 {
		err = errors.New("it is not above 0")
	}
	return d, err
}

// function is what is known of a Lambda function that is called.
type function struct {
	// name is without the rest of the ARN; "" when it is not a function.
	name string
	// wrapped: the caller is lambda:invoke, whose result has the payload inside.
	wrapped bool
	payload json.RawMessage
}

const lambdaInvoke = "lambda:invoke"

// find gives what stands for a call.
func (m Mapping) find(c execution.Call) (Local, function, bool) {
	if len(m) == 0 {
		return Local{}, function{}, false
	}
	base, _ := trimPattern(c.Resource)
	f := function{payload: c.Arguments}
	names := []string{c.Resource, base}
	switch {
	case strings.HasPrefix(base, "arn:") && strings.Contains(base, ":function:"):
		f.name = functionName(base)
		names = append(names, unqualified(base), f.name)
	case strings.HasPrefix(base, "arn:aws") && strings.HasSuffix(base, ":"+lambdaInvoke):
		var args struct {
			FunctionName string
			Payload      json.RawMessage
		}
		if json.Unmarshal(c.Arguments, &args) == nil && args.FunctionName != "" {
			f = function{name: functionName(args.FunctionName), wrapped: true, payload: args.Payload}
			names = []string{args.FunctionName, unqualified(args.FunctionName), f.name, c.Resource, base}
		}
	}
	for _, name := range names {
		if l, ok := m[name]; ok {
			return l, f, true
		}
	}
	return Local{}, f, false
}

// functionName takes a function's name out of its ARN, full or partial, or out of
// name:alias.
func functionName(text string) string {
	if _, rest, ok := strings.Cut(text, ":function:"); ok {
		text = rest
	}
	name, _, _ := strings.Cut(text, ":")
	return name
}

// unqualified takes the version or alias off a function's ARN.
func unqualified(text string) string {
	if i := strings.Index(text, ":function:"); i >= 0 {
		if j := strings.IndexByte(text[i+len(":function:"):], ':'); j >= 0 {
			return text[:i+len(":function:")+j]
		}
	}
	return text
}

// mapped carries a call out by what stands for its resource.
func (w *Worker) mapped(l Local, f function) serve {
	return once(func(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
		limit, err := l.timeout()
		if err != nil {
			panic("worker: invariant broken: a mapping was not checked: " + err.Error())
		}
		ctx, cancel := within(ctx, limit)
		defer cancel()
		payload := f.payload
		if len(payload) == 0 {
			payload = json.RawMessage("{}")
		}
		var out json.RawMessage
		if l.URL != "" {
			out, err = w.post(ctx, l, f, payload, log)
		} else {
			out, err = w.program(ctx, l, f, c, payload, log)
		}
		if err != nil || !f.wrapped {
			return out, err
		}
		return json.Marshal(struct {
			ExecutedVersion string
			Payload         json.RawMessage
			StatusCode      int
		}{"$LATEST", out, 200})
	})
}

// unknown is the failure of a function that did not say what went wrong. What stands
// for something else than a function has failed as a task.
func (f function) unknown(format string, args ...any) flow.Failure {
	code := codeTaskFailed
	if f.name != "" {
		code = codeLambdaUnknown
	}
	return flow.Failure{Kind: flow.Terminal, Code: code, Message: fmt.Sprintf(format, args...)}
}

// said finds the error that a function reports as Lambda does: a JSON object with
// errorType and errorMessage, whole or as the last line of a text. The object is the
// cause, as it is with Lambda.
func said(text string) (flow.Failure, bool) {
	text = strings.TrimSpace(text)
	for _, candidate := range []string{text, text[strings.LastIndexByte(text, '\n')+1:]} {
		var e struct {
			ErrorType    string `json:"errorType"`
			ErrorMessage string `json:"errorMessage"`
		}
		if json.Unmarshal([]byte(candidate), &e) == nil && e.ErrorType != "" {
			return flow.Failure{Kind: flow.Terminal, Code: e.ErrorType, Message: candidate}, true
		}
	}
	return flow.Failure{}, false
}
