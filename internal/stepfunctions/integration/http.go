package integration

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tutti/internal/aws"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// request is what http:invoke and apigateway:invoke are given, and what arn:tutti:http is.
type request struct {
	ApiEndpoint     string          //nolint:revive // the parameter's own name
	Method          string          `json:",omitempty"`
	Headers         map[string]any  `json:",omitempty"`
	QueryParameters map[string]any  `json:",omitempty"`
	RequestBody     json.RawMessage `json:",omitempty"`
}

// send has the request sent from here.
func (i *Integration) send(ctx context.Context, c execution.Call, r request, log func(string)) (json.RawMessage, error) {
	arguments, err := json.Marshal(r)
	if err != nil {
		return nil, refuse("the arguments of %s are not right: %v", c.Resource, err)
	}
	c.Resource, c.Arguments = "arn:tutti:http", arguments
	input, err := json.Marshal(c)
	if err != nil {
		return nil, refuse("the arguments of %s are not right: %v", c.Resource, err)
	}
	return i.local.Do(ctx, flow.Do{Activity: execution.ActivityCall, Input: input}, log)
}

// strictly reads arguments and refuses names that there are not.
func strictly(c execution.Call, into any) error {
	d := json.NewDecoder(bytes.NewReader(c.Arguments))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse("The Parameters '%s' could not be used to start the Task: [%s]", c.Arguments, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// httpInvoke calls an HTTPS API with what an EventBridge connection knows.
func (i *Integration) httpInvoke(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
	var args struct {
		request
		Authentication, InvocationConfig struct{ ConnectionArn string }
		Transform                        struct {
			RequestBodyEncoding    string
			RequestEncodingOptions struct{ ArrayFormat string }
		}
	}
	if err := strictly(c, &args); err != nil {
		return nil, err
	}
	r := args.request
	if r.ApiEndpoint == "" || r.Method == "" {
		return nil, refuse("The Parameters '%s' could not be used to start the Task: [ApiEndpoint and Method are required]", c.Arguments)
	}
	if arn := cmp.Or(args.Authentication.ConnectionArn, args.InvocationConfig.ConnectionArn); arn != "" {
		hidden, err := i.connect(ctx, c, arn, &r)
		if err != nil {
			return nil, err
		}
		log = hiding(hidden, log)
	}
	if args.Transform.RequestBodyEncoding == "URL_ENCODED" {
		if err := encodeForm(&r, args.Transform.RequestEncodingOptions.ArrayFormat); err != nil {
			return nil, err
		}
	}
	return i.send(ctx, c, r, log)
}

// hiding keeps what a connection adds to a URL out of log lines.
func hiding(hidden []pair, log func(string)) func(string) {
	return func(line string) {
		for _, p := range hidden {
			if p.Value != "" {
				line = strings.ReplaceAll(line, url.QueryEscape(p.Value), "***")
			}
		}
		log(line)
	}
}

// connection is the secret of an EventBridge connection.
type connection struct {
	Username, Password string
	APIKeyName         string `json:"api_key_name"`
	APIKeyValue        string `json:"api_key_value"`
	ClientID           string `json:"client_id"`
	ClientSecret       string `json:"client_secret"`
	Authorization      string `json:"authorization_endpoint"`
	HTTPMethod         string `json:"http_method"`
	// Nested is where EventBridge keeps an OAuth client's ID and secret beside the flat form.
	Nested     struct{ ClientID, ClientSecret string } `json:"client_parameters"`
	OAuth      extra                                   `json:"oauth_http_parameters"`
	Invocation extra                                   `json:"invocation_http_parameters"`
}

// extra are parameters that a connection adds.
type extra struct {
	Headers []pair `json:"header_parameters"`
	Query   []pair `json:"query_string_parameters"`
	Body    []pair `json:"body_parameters"`
}

type pair struct{ Key, Value string }

// connect adds to a request what its connection holds, which goes before what the state says. It gives the query
// parameters, which log lines must not show.
func (i *Integration) connect(ctx context.Context, c execution.Call, arn string, r *request) ([]pair, error) {
	parts := strings.Split(arn, ":")
	name := strings.Split(parts[len(parts)-1], "/")
	if len(parts) != 6 || len(name) < 2 || name[0] != "connection" {
		return nil, refuse("%s is not the ARN of an EventBridge connection", arn)
	}
	described, err := i.connectionCall(ctx, c, parts[3], "eventbridge", "describeConnection", object{"Name": name[1]})
	if err != nil {
		return nil, err
	}
	secret, err := i.connectionCall(ctx, c, parts[3], "secretsmanager", "getSecretValue", object{"SecretId": described["SecretArn"]})
	if err != nil {
		return nil, err
	}
	var held connection
	text, _ := secret["SecretString"].(string)
	if json.Unmarshal([]byte(text), &held) != nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: "Events.ConnectionResource.InvalidConnectionState", Message: "the secret of the connection " + name[1] + " cannot be read"}
	}
	if r.Headers == nil {
		r.Headers = map[string]any{}
	}
	switch described["AuthorizationType"] {
	case "BASIC":
		basic := &http.Request{Header: http.Header{}}
		basic.SetBasicAuth(held.Username, held.Password)
		r.Headers["Authorization"] = basic.Header.Get("Authorization")
	case "API_KEY":
		r.Headers[held.APIKeyName] = held.APIKeyValue
	case "OAUTH_CLIENT_CREDENTIALS":
		token, err := i.authorize(ctx, &held)
		if err != nil {
			return nil, err
		}
		r.Headers["Authorization"] = "Bearer " + token
	default:
		return nil, refuse("the connection %s authorizes by %v, which is not known here", name[1], described["AuthorizationType"])
	}
	return held.Invocation.Query, held.Invocation.add(r)
}

func (i *Integration) connectionCall(ctx context.Context, c execution.Call, region, service, operation string, input object) (object, error) {
	out, err := i.options.AWS.Call(ctx, aws.Request{Service: service, Operation: operation, Input: input, Region: region, RoleARN: c.RoleARN})
	if err != nil {
		return nil, i.sdkFailure(ctx, service, c, err)
	}
	return out, nil
}

func (e extra) add(r *request) error {
	for _, p := range e.Headers {
		r.Headers[p.Key] = p.Value
	}
	for _, p := range e.Query {
		if r.QueryParameters == nil {
			r.QueryParameters = map[string]any{}
		}
		r.QueryParameters[p.Key] = p.Value
	}
	if len(e.Body) == 0 {
		return nil
	}
	body := map[string]json.RawMessage{}
	if len(r.RequestBody) > 0 && json.Unmarshal(r.RequestBody, &body) != nil {
		return refuse("the connection adds to the body, so RequestBody has to be an object")
	}
	for _, p := range e.Body {
		body[p.Key] = json.RawMessage(text(p.Value))
	}
	r.RequestBody = json.RawMessage(text(body))
	return nil
}

// maxToken bounds the answer of an authorization server, in bytes.
const maxToken = 1 << 20

// authorize gets a token by OAuth's client credentials (RFC 6749, section 4.4).
func (i *Integration) authorize(ctx context.Context, held *connection) (string, error) {
	failed := func(why string) error {
		return flow.Failure{Kind: flow.Terminal, Code: "Events.ConnectionResource.AuthorizationFailed", Message: why}
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {cmp.Or(held.ClientID, held.Nested.ClientID)}, "client_secret": {cmp.Or(held.ClientSecret, held.Nested.ClientSecret)},
	}
	for _, p := range held.OAuth.Body {
		form.Set(p.Key, p.Value)
	}
	r, err := http.NewRequestWithContext(ctx, cmp.Or(held.HTTPMethod, http.MethodPost), held.Authorization, strings.NewReader(form.Encode()))
	if err != nil {
		return "", failed("the connection's authorization endpoint is not right")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, p := range held.OAuth.Headers {
		r.Header.Set(p.Key, p.Value)
	}
	query := r.URL.Query()
	for _, p := range held.OAuth.Query {
		query.Set(p.Key, p.Value)
	}
	r.URL.RawQuery = query.Encode()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", failed("the authorization server does not answer")
	}
	defer func() { _ = answer.Body.Close() }()
	var told struct {
		Token string `json:"access_token"`
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxToken))
	if err != nil || json.Unmarshal(body, &told) != nil || told.Token == "" {
		return "", failed("the authorization server answered " + answer.Status + " without a token")
	}
	return told.Token, nil
}

// encodeForm writes an object as a form. Arrays are written as ArrayFormat has them: INDICES by default.
func encodeForm(r *request, arrays string) error {
	var body map[string]any
	d := json.NewDecoder(bytes.NewReader(r.RequestBody))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return refuse("RequestBody has to be an object to be URL_ENCODED")
	}
	form := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		addField(form, name, body[name], arrays)
	}
	r.RequestBody = json.RawMessage(text(form.Encode()))
	if r.Headers == nil {
		r.Headers = map[string]any{}
	}
	r.Headers["Content-Type"] = "application/x-www-form-urlencoded"
	return nil
}

func addField(form url.Values, name string, v any, arrays string) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for key, one := range v {
			addField(form, name+"["+key+"]", one, arrays)
		}
	case []any:
		var all []string
		for n, one := range v {
			switch arrays {
			case "COMMAS":
				all = append(all, plain(one))
			case "REPEAT":
				addField(form, name, one, arrays)
			case "BRACKETS":
				addField(form, name+"[]", one, arrays)
			default:
				addField(form, fmt.Sprintf("%s[%d]", name, n), one, arrays)
			}
		}
		if arrays == "COMMAS" {
			form.Add(name, strings.Join(all, ","))
		}
	default:
		form.Add(name, plain(v))
	}
}

func plain(v any) string {
	if s, is := v.(string); is {
		return s
	}
	return text(v)
}

// gateway calls an API of API Gateway.
func (i *Integration) gateway(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
	var args struct {
		request
		Stage, Path, AuthType string
		AllowNullValues       bool
	}
	if err := strictly(c, &args); err != nil {
		return nil, err
	}
	r := args.request
	if r.ApiEndpoint == "" || r.Method == "" {
		return nil, refuse("The Parameters '%s' could not be used to start the Task: [ApiEndpoint and Method are required]", c.Arguments)
	}
	host := r.ApiEndpoint
	if !strings.Contains(host, "://") {
		r.ApiEndpoint = "https://" + host
	}
	for _, part := range []string{args.Stage, args.Path} {
		if part = strings.Trim(part, "/"); part != "" {
			r.ApiEndpoint += "/" + part
		}
	}
	if args.AuthType == "IAM_ROLE" {
		if err := i.signGateway(ctx, c, host, &r); err != nil {
			return nil, err
		}
	}
	out, err := i.send(ctx, c, r, log)
	var f flow.Failure
	if errors.As(err, &f) {
		if status, is := strings.CutPrefix(f.Code, "States.Http.StatusCode."); is {
			f.Code = "ApiGateway." + status
		}
		return nil, f
	}
	return out, err
}

// signGateway signs a request as it will be sent: with the query in the URL, and the body as one text.
func (i *Integration) signGateway(ctx context.Context, c execution.Call, host string, r *request) error {
	u, err := url.Parse(r.ApiEndpoint)
	if err != nil {
		return refuse("ApiEndpoint %q is not a host", host)
	}
	query := u.Query()
	for name, v := range r.QueryParameters {
		list, is := v.([]any)
		if !is {
			list = []any{v}
		}
		for _, one := range list {
			query.Add(name, plain(one))
		}
	}
	u.RawQuery = query.Encode()
	r.ApiEndpoint, r.QueryParameters = u.String(), nil
	var body string
	if len(r.RequestBody) > 0 && json.Unmarshal(r.RequestBody, &body) != nil {
		body = string(r.RequestBody)
	}
	signed, err := http.NewRequestWithContext(ctx, r.Method, r.ApiEndpoint, strings.NewReader(body))
	if err != nil {
		return refuse("the method %q is not right", r.Method)
	}
	region := ""
	if labels := strings.Split(u.Hostname(), "."); len(labels) > 2 && labels[1] == "execute-api" {
		region = labels[2]
	}
	if err := i.options.AWS.Sign(ctx, signed, []byte(body), "execute-api", region, c.RoleARN); err != nil {
		return flow.Failure{Kind: flow.Terminal, Code: "ApiGateway.SdkClientException", Message: err.Error()}
	}
	if r.Headers == nil {
		r.Headers = map[string]any{}
	}
	for name := range signed.Header {
		r.Headers[name] = signed.Header.Get(name)
	}
	if body != "" {
		r.RequestBody = json.RawMessage(text(body))
	}
	return nil
}

// invokeModel asks a model of Bedrock.
func (i *Integration) invokeModel(ctx context.Context, c execution.Call, _ func(string)) (json.RawMessage, error) {
	arguments, err := argumentsOf(c)
	if err != nil {
		return nil, err
	}
	if arguments["Input"] != nil || arguments["Output"] != nil {
		return nil, refuse("bedrock:invokeModel takes its Body here; Input and Output in S3 are not supported")
	}
	a, err := i.options.AWS.Do(ctx, aws.Request{
		Service: "bedrockruntime", Operation: "invokeModel", Input: arguments, RoleARN: c.RoleARN, Style: optimisedStyle(),
	})
	if err != nil {
		return nil, i.sdkFailure(ctx, "bedrock", c, err)
	}
	if body, _ := a.Output["Body"].(string); json.Valid([]byte(body)) {
		a.Output["Body"] = json.RawMessage(body)
	}
	return json.Marshal(a.Output)
}
