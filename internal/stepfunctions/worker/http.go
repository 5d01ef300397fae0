package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// response is what a server answered.
type response struct {
	status  int
	text    string
	headers http.Header
	body    []byte
}

// send sends one request.
func (w *Worker) send(ctx context.Context, req *http.Request, log func(string)) (response, error) {
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		return response{}, unanswered(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxOutput+1))
	log(fmt.Sprintf("%s %s: %s", req.Method, req.URL.Redacted(), resp.Status))
	switch {
	case err != nil:
		return response{}, unanswered(ctx, err)
	case len(body) > MaxOutput:
		return response{}, flow.Failure{Kind: flow.Terminal, Code: "States.DataLimitExceeded", Message: fmt.Sprintf("the answer is longer than %d bytes", MaxOutput)}
	}
	_, text, _ := strings.Cut(resp.Status, " ")
	return response{status: resp.StatusCode, text: text, headers: resp.Header, body: body}, nil
}

func unanswered(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // the rest repeats the URL, which may hold secrets
	}
	f := flow.Failure{Kind: flow.Terminal, Code: "States.Http.Socket", Message: err.Error()}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.Code, f.Message = "States.Timeout", "no whole answer came in time"
	}
	return f
}

// post calls the URL that stands for a resource, as the Lambda runtime's own emulator
// is called.
func (w *Worker) post(ctx context.Context, l Local, f function, payload json.RawMessage, log func(string)) (json.RawMessage, error) {
	req, err := http.NewRequest(http.MethodPost, l.URL, bytes.NewReader(payload))
	if err != nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: "the mapping's URL is not right"}
	}
	req.Header.Set("Content-Type", "application/json")
	for name, v := range l.Headers {
		setHeader(req, name, v)
	}
	r, err := w.send(ctx, req, log)
	if err != nil {
		return nil, err
	}
	failure, failed := said(string(r.body))
	switch {
	case failed && (r.status/100 != 2 || r.headers.Get("X-Amz-Function-Error") != "" || f.name != ""):
		return nil, failure
	case r.status/100 != 2:
		return nil, f.unknown("the server answered %d %s%s", r.status, r.text, tail(string(r.body)))
	case len(bytes.TrimSpace(r.body)) == 0:
		return json.RawMessage("null"), nil
	case !json.Valid(r.body):
		return nil, f.unknown("the server answered what is no JSON: %s", cut(string(r.body)))
	}
	return r.body, nil
}

func setHeader(req *http.Request, name, value string) {
	if strings.EqualFold(name, "host") {
		req.Host = value
		return
	}
	req.Header.Set(name, value)
}

// http is arn:tutti:http: the parameters and results of http:invoke, without a
// connection.
func (w *Worker) http(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
	var args struct {
		ApiEndpoint     string //nolint:revive // the parameter's own name
		Method          string
		Headers         map[string]any
		QueryParameters map[string]any
		RequestBody     json.RawMessage
	}
	if err := arguments(c, &args, "ApiEndpoint", "Method", "Headers", "QueryParameters", "RequestBody"); err != nil {
		return nil, err
	}
	u, err := url.Parse(args.ApiEndpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: "ApiEndpoint must be an absolute URL that starts with http:// or https://"}
	}
	query := u.Query()
	for name, v := range args.QueryParameters {
		for _, text := range texts(v) {
			query.Add(name, text)
		}
	}
	u.RawQuery = query.Encode()
	if args.Method == "" {
		args.Method = http.MethodGet
	}
	body := textOf(args.RequestBody)
	req, err := http.NewRequest(args.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf("the method %q is not right", args.Method)}
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, v := range args.Headers {
		setHeader(req, name, strings.Join(texts(v), ", "))
	}
	r, err := w.send(ctx, req, log)
	if err != nil {
		return nil, err
	}
	if r.status/100 != 2 {
		return nil, flow.Failure{Kind: flow.Terminal, Code: fmt.Sprintf("States.Http.StatusCode.%d", r.status), Message: strings.TrimSpace(r.text + tail(string(r.body)))}
	}
	return r.result()
}

// result gives an answer as http:invoke has it: a body that is JSON as JSON.
func (r response) result() (json.RawMessage, error) {
	out := struct {
		Headers      map[string][]string
		ResponseBody any
		StatusCode   int
		StatusText   string
	}{map[string][]string{}, string(r.body), r.status, r.text}
	for name, list := range r.headers {
		out.Headers[strings.ToLower(name)] = list
	}
	if json.Valid(r.body) {
		out.ResponseBody = json.RawMessage(r.body)
	}
	return json.Marshal(out)
}

// texts gives a value, or those of a list, as texts.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, texts(e)...)
		}
		return out
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			panic("worker: invariant broken: what was read from JSON has no JSON form: " + err.Error())
		}
		return []string{string(raw)}
	}
}
