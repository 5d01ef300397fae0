package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"tutti/internal/aws/awstest"
	"tutti/internal/aws/wire"
)

// server answers every call with a status and a body, and counts them.
func server(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request)) (url string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(calls.Add(1), w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func static() sdk.CredentialsProvider {
	return sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		attempts int
		status   int
		body     string
		calls    int64
		code     string
	}{
		{"not asked for", 0, 503, `{}`, 1, "ServiceUnavailable"},
		{"until the last", 2, 500, `{"__type":"InternalServerError"}`, 2, "InternalServerError"},
		{"what cannot pass", 3, 400, `{"__type":"a.b#ValidationException","message":"no"}`, 1, "ValidationException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, calls := server(t, func(_ int64, w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			c := New(Options{Region: "eu-west-1", Endpoint: url, Credentials: static(), Attempts: test.attempts}, nil)
			_, err := c.Call(context.Background(), Request{Service: "dynamodb", Operation: "listTables"})
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Code != test.code || calls.Load() != test.calls {
				t.Errorf("%d calls, %v, want %d and %s", calls.Load(), err, test.calls, test.code)
			}
			if want := test.status >= 500; refusal.Retryable != want {
				t.Errorf("retryable %t, want %t", refusal.Retryable, want)
			}
		})
	}
}

func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	url, calls := server(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"TableNames":["a"]}`)
	})
	c := New(Options{Region: "eu-west-1", Endpoint: url, Credentials: static(), Attempts: 2}, nil)
	out, err := c.Call(context.Background(), Request{Service: "dynamodb", Operation: "listTables"})
	if err != nil || at(out, "TableNames", 0) != "a" || calls.Load() != 2 {
		t.Errorf("%d calls, %v, %v", calls.Load(), out, err)
	}
}

// TestSent looks at what goes over the wire: signature, agent, path and the token for those who try again.
func TestSent(t *testing.T) {
	t.Parallel()
	type sent struct{ path, query, body, authorization, hash string }
	last := make(chan sent, 1)
	url, _ := server(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last <- sent{r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header.Get("Authorization"), r.Header.Get("X-Amz-Content-Sha256")}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json") {
			_, _ = io.WriteString(w, "{}")
		}
	})
	c := New(Options{Region: "eu-west-1", Endpoint: url + "/base/", Credentials: static()}, nil)
	do := func(r Request) sent {
		t.Helper()
		if _, err := c.Call(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		return <-last
	}
	s3 := do(Request{Service: "s3", Operation: "GetObject", Input: object{"Bucket": "books", "Key": "a b/c%2F"}, Region: "us-east-2"})
	if s3.path != "/base/books/a%20b/c%252F" || !strings.Contains(s3.authorization, "/us-east-2/s3/aws4_request") || s3.hash == "" {
		t.Errorf("sent %+v", s3)
	}
	ecs := do(Request{Service: "ecs", Operation: "runTask", Input: object{"taskDefinition": "d"}, Token: "fixed"})
	if ecs.body != `{"clientToken":"fixed","taskDefinition":"d"}` || !strings.Contains(ecs.authorization, "Credential=AKID/") {
		t.Errorf("sent %+v", ecs)
	}
	ecs = do(Request{Service: "ecs", Operation: "runTask", Input: object{"taskDefinition": "d"}})
	if !strings.Contains(ecs.body, `"clientToken":"`) || strings.Contains(ecs.body, "fixed") {
		t.Errorf("sent %+v", ecs)
	}
	unsigned := do(Request{Service: "cognito-idp", Operation: "signUp", Input: object{"ClientId": "c", "Username": "u", "Password": "p"}})
	if unsigned.authorization != "" {
		t.Errorf("sent %+v", unsigned)
	}
}

func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	url, calls := server(t, func(int64, http.ResponseWriter, *http.Request) {})
	c := New(Options{Region: "eu-west-1", Endpoint: url, Credentials: static()}, nil)
	for _, test := range []struct {
		service, operation string
		input              object
		want               string
	}{
		{"nothing", "x", nil, `there is no AWS service "nothing"`},
		{"sqs", "sendMassage", nil, `the AWS service sqs has no operation "sendMassage"`},
		{"sqs", "sendMessage", object{"QueueUrl": "q"}, `the field "MessageBody" is required but was missing`},
		{"s3", "getObject", object{"Bucket": "arn:aws:s3:eu-west-1:1:accesspoint/a", "Key": "k"}, "access points cannot be called yet"},
		{"s3", "getObject", object{"Bucket": "a--use1-az4--x-s3", "Key": "k"}, "a directory bucket of S3 Express"},
		{"s3", "selectObjectContent", object{}, "a stream of events"},
		{"lambda", "invokeWithResponseStream", object{}, "a stream of events"},
		{"s3control", "getPublicAccessBlock", object{"AccountId": "evil.example/"}, "letters, digits and hyphens only"},
	} {
		_, err := c.Call(context.Background(), Request{Service: test.service, Operation: test.operation, Input: test.input})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %v, want %s", test.service, test.operation, err, test.want)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls went out", n)
	}
}

func TestBucketHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, template string
		own            bool
		want           string
	}{
		{"/books/a/b", "/{Bucket}/{Key+}", false, "books.s3.amazonaws.com/a/b"},
		{"/books", "/{Bucket}", false, "books.s3.amazonaws.com/"},
		{"/books/a", "/{Bucket}/{Key+}", true, "s3.amazonaws.com/books/a"},
		{"/my.books/a", "/{Bucket}/{Key+}", false, "s3.amazonaws.com/my.books/a"},
		{"/", "/", false, "s3.amazonaws.com/"},
	} {
		host, path, err := bucketHost("s3.amazonaws.com", test.path, test.template, test.own)
		if err != nil || host+path != test.want {
			t.Errorf("%s: %s%s (%v), want %s", test.path, host, path, err, test.want)
		}
	}
}

// TestEndpointVariables calls AWS where the environment and the files say that it is. It cannot run beside others.
func TestEndpointVariables(t *testing.T) {
	answer := func(_ int64, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }
	all, callsAll := server(t, answer)
	logs, callsLogs := server(t, answer)
	sqs, callsSQS := server(t, answer)
	awstest.Setenv(t, all)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", logs)
	file := filepath.Join(t.TempDir(), "config")
	text := "[profile there]\nservices = local\n[services local]\nsqs =\n  endpoint_url = " + sqs + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_PROFILE", "there")
	c := New(Options{}, nil)
	for _, r := range []Request{
		{Service: "cloudwatchlogs", Operation: "describeLogGroups"},
		{Service: "sqs", Operation: "listQueues"},
		{Service: "ecs", Operation: "listClusters"},
	} {
		if _, err := c.Call(context.Background(), r); err != nil {
			t.Errorf("%s: %v", r.Service, err)
		}
	}
	if callsLogs.Load() != 1 || callsSQS.Load() != 1 || callsAll.Load() != 1 {
		t.Errorf("calls: logs %d, sqs %d, all %d", callsLogs.Load(), callsSQS.Load(), callsAll.Load())
	}
	t.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
	url, err := loadedEndpoint(t, "SQS")
	if err != nil || url != "" {
		t.Errorf("the endpoint is %q (%v)", url, err)
	}
}

func loadedEndpoint(t *testing.T, service string) (string, error) {
	t.Helper()
	var s setup
	l, err := s.load(context.Background(), Options{})
	if err != nil {
		return "", err
	}
	return l.endpoint(context.Background(), "", service)
}

func TestNoRegion(t *testing.T) {
	awstest.Setenv(t, "")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	_, err := New(Options{}, nil).Call(context.Background(), Request{Service: "sqs", Operation: "listQueues"})
	if err == nil || !strings.Contains(err.Error(), "no AWS region is set") {
		t.Errorf("%v", err)
	}
}

func TestInputErrorIsTold(t *testing.T) {
	t.Parallel()
	_, err := New(Options{}, nil).Call(context.Background(), Request{Service: "sqs", Operation: "sendMessage", Input: object{"Queue": 1}})
	var input *wire.InputError
	if !errors.As(err, &input) || len(input.Problems) != 3 {
		t.Errorf("%v", err)
	}
}
