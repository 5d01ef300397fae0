// Package aws calls the services of AWS: every operation of every service, by its name and with plain JSON in and out.
// Nothing is written by hand for any one service; package catalog tells what there is, package wire writes and reads it,
// and the AWS SDK finds credentials, regions and endpoints where every AWS tool finds them and signs.
//
// It knows nothing of those who call.
package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/uuid"

	"tutti/internal/aws/catalog"
	"tutti/internal/aws/wire"
)

// MaxAnswer bounds the body of an answer, in bytes. It is held in memory.
const MaxAnswer = 256 << 20

// Options of a Client. The zero value finds everything as the AWS SDKs do: in the environment (AWS_REGION,
// AWS_PROFILE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS, ...), the shared configuration files, and what the machine or
// container offers.
type Options struct {
	Region      string // instead of the configured one
	Endpoint    string // URL to send every call to
	Credentials sdk.CredentialsProvider
	// Attempts is how often a call is tried that met a passing fault; 0 is once. The SDKs' standard is 3.
	Attempts int
	// Here gives what answers a call in this process, by the service's name in the catalog and the body that would be sent;
	// nil sends it out. What is answered here needs no credentials, region or endpoint, and is not signed: this process
	// has nobody to prove itself to. A Here that is nil sends all out.
	Here func(ctx context.Context, service string, body []byte) http.Handler
}

// Client calls AWS. It is safe for concurrent use. Configuration is read at the first call.
type Client struct {
	options Options
	catalog *catalog.Catalog
	setup   setup

	mutex sync.Mutex
	roles map[string]sdk.CredentialsProvider // by region and ARN
}

// New gives a client. The catalog may be shared; nil is one of its own.
func New(options Options, services *catalog.Catalog) *Client {
	if services == nil {
		services = &catalog.Catalog{}
	}
	return &Client{options: options, catalog: services, roles: map[string]sdk.CredentialsProvider{}}
}

// Catalog gives what the client knows of services.
func (c *Client) Catalog() *catalog.Catalog { return c.catalog }

// Request is one call.
type Request struct {
	Service   string // "sfn" or "stepfunctions": see catalog.Catalog.Service
	Operation string // "startExecution" or "StartExecution"
	// Input is nil or an object of plain JSON values; members by their name in the model or by catalog.Pascal.
	Input   any
	Region  string // instead of the client's
	RoleARN string // a role to assume for the call
	// Token is what an idempotency token that the input leaves out becomes; "" is a new one for each call.
	Token string
	Style wire.Style // how values are written
}

// Answer is what a call came to.
type Answer struct {
	Output    map[string]any
	Status    int
	Header    http.Header
	Body      []byte // as it came
	RequestID string
}

// Error is what a service answered in the place of a result.
type Error struct {
	Service    string // its ID: "DynamoDB"
	Operation  string
	Code       string // "ConditionalCheckFailedException"
	Message    string
	StatusCode int
	RequestID  string
	Modelled   bool // Code is the name of an error in the service's model
	Retryable  bool // the same call may succeed later
	Here       bool // Options.Here answered
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %s (status %d, request %s)", e.Service, e.Operation, e.Code, e.StatusCode, e.RequestID)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// HTTPStatusCode and ErrorCode are what the SDK's retryer asks an error.
func (e *Error) HTTPStatusCode() int { return e.StatusCode }

// ErrorCode gives the code.
func (e *Error) ErrorCode() string { return e.Code }

// Call is Do for those who want the output only.
func (c *Client) Call(ctx context.Context, r Request) (map[string]any, error) {
	a, err := c.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return a.Output, nil
}

// Do carries out one operation and gives what it answers. The error is an *Error where the service refused, a
// *wire.InputError where the input is not what the operation takes (nothing has gone out then), an *UnknownError where
// there is no such service or operation, and otherwise tells why no answer came.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	call, err := c.find(r)
	if err != nil {
		return nil, err
	}
	written, err := wire.Write(call)
	if err != nil {
		return nil, err
	}
	once, err := c.sender(ctx, call, written, r)
	if err != nil {
		return nil, err
	}
	retryer := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = max(1, c.options.Attempts) })
	for attempt := 1; ; attempt++ {
		out, err := once()
		// What is wrong in this process does not pass by asking it again.
		var refused *Error
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) || errors.As(err, &refused) && refused.Here {
			return out, err
		}
		if err := pause(ctx, retryer, attempt, err); err != nil {
			return nil, err
		}
	}
}

// sender gives what makes a call once.
func (c *Client) sender(ctx context.Context, call wire.Call, written *wire.Request, r Request) (func() (*Answer, error), error) {
	if c.options.Here != nil {
		if h := c.options.Here(ctx, call.Service.Name, written.Body); h != nil {
			return func() (*Answer, error) { return here(ctx, h, call, written) }, nil
		}
	}
	loaded, err := c.setup.load(ctx, c.options)
	if err != nil {
		return nil, err
	}
	t, err := c.target(ctx, loaded, call, written, r)
	if err != nil {
		return nil, err
	}
	return func() (*Answer, error) { return c.once(ctx, loaded, call, written, t) }, nil
}

func pause(ctx context.Context, retryer *retry.Standard, attempt int, cause error) error {
	delay, err := retryer.RetryDelay(attempt, cause)
	if err != nil {
		return err
	}
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) find(r Request) (wire.Call, error) {
	s, known := c.catalog.Service(r.Service)
	if !known {
		return wire.Call{}, &UnknownError{Service: r.Service, Names: c.catalog.Clients()}
	}
	o, known := s.Operation(r.Operation)
	if !known {
		unknown := &UnknownError{Service: r.Service, Operation: r.Operation}
		for i := range s.Operations {
			unknown.Names = append(unknown.Names, s.Operations[i].Name)
		}
		return wire.Call{}, unknown
	}
	token := func() string { return r.Token }
	if r.Token == "" {
		token = uuid.NewString
	}
	return wire.Call{Service: s, Operation: o, Input: r.Input, Style: r.Style, Token: token}, nil
}

// target is where a call goes, and in whose name.
type target struct {
	url                        url.URL
	signingRegion, signingName string
	credentials                sdk.CredentialsProvider
}

func (c *Client) target(ctx context.Context, loaded *loaded, call wire.Call, written *wire.Request, r Request) (*target, error) {
	region := cmp.Or(r.Region, c.options.Region, loaded.config.Region)
	if region == "" {
		return nil, ErrNoRegion
	}
	t := &target{credentials: loaded.config.Credentials}
	var base string
	base, t.signingRegion, t.signingName = c.catalog.Endpoint(call.Service, region)
	own, err := loaded.endpoint(ctx, c.options.Endpoint, call.Service.ID)
	if err != nil {
		return nil, err
	}
	// Clients of an endpoint of one's own sign for the region that they were told.
	if own != "" {
		base, t.signingRegion = own, region
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the endpoint %q of %s is not a URL", base, call.Service.ID)
	}
	t.url = *u
	if own == "" {
		t.url.Host = written.HostPrefix + t.url.Host
	}
	path := written.Path
	if call.Service.Name == "s3" {
		if t.url.Host, path, err = bucketHost(t.url.Host, path, call.Operation.URI, own != ""); err != nil {
			return nil, err
		}
	}
	// The escaped path is the one to sign and send; Path alone would lose which slashes belong to names.
	t.url.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + path
	if t.url.Path, err = url.PathUnescape(t.url.RawPath); err != nil {
		return nil, fmt.Errorf("the endpoint %q of %s has no proper path", base, call.Service.ID)
	}
	t.url.RawQuery = written.Query
	if r.RoleARN != "" {
		t.credentials = c.role(r.RoleARN, region)
	}
	return t, nil
}

// once sends the request and reads the answer.
func (c *Client) once(ctx context.Context, loaded *loaded, call wire.Call, written *wire.Request, t *target) (*Answer, error) {
	what := call.Service.ID + " " + call.Operation.Name
	request, err := http.NewRequestWithContext(ctx, written.Method, t.url.String(), strings.NewReader(string(written.Body)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	request.URL.RawPath, request.URL.Path = t.url.RawPath, t.url.Path
	request.Header = written.Header.Clone()
	request.Header.Set("User-Agent", "tutti")
	if len(written.Body) == 0 {
		request.Body = http.NoBody
	}
	if err := sign(ctx, request, call, written.Body, t); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	response, err := loaded.config.HTTPClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%s: read the answer: %w", what, err)
	}
	if len(body) > MaxAnswer {
		return nil, fmt.Errorf("%s: the answer is larger than %d MiB", what, MaxAnswer>>20)
	}
	return answerOf(call, wire.Answer{Status: response.StatusCode, Header: response.Header, Body: body})
}

// answerOf reads an answer.
func answerOf(call wire.Call, a wire.Answer) (*Answer, error) {
	out, err := wire.Read(call, a)
	if fault, told := err.(*wire.Fault); told {
		return nil, refusal(call, fault)
	}
	if err != nil {
		return nil, err
	}
	return &Answer{Output: out, Status: a.Status, Header: a.Header, Body: a.Body, RequestID: wire.RequestID(a.Header)}, nil
}

func refusal(call wire.Call, f *wire.Fault) *Error {
	e := &Error{
		Service: call.Service.ID, Operation: call.Operation.Name, Code: f.Code, Message: f.Message,
		StatusCode: f.Status, RequestID: f.RequestID, Modelled: f.Modelled,
	}
	e.Retryable = f.Retryable || retry.NewStandard().IsErrorRetryable(e)
	return e
}

// Sign signs a request that is none of a service's operations, such as one to an API of the user's own.
func (c *Client) Sign(ctx context.Context, request *http.Request, body []byte, signingName, region, roleARN string) error {
	loaded, err := c.setup.load(ctx, c.options)
	if err != nil {
		return err
	}
	t := &target{signingRegion: cmp.Or(region, loaded.config.Region), signingName: signingName, credentials: loaded.config.Credentials}
	if roleARN != "" {
		t.credentials = c.role(roleARN, t.signingRegion)
	}
	return sign(ctx, request, wire.Call{Operation: &catalog.Operation{}}, body, t)
}

// ErrNoRegion tells that nothing says which region a call is for, so that nothing went out.
var ErrNoRegion = errors.New("no AWS region is set: set AWS_REGION, or region in the profile")

// ErrNoCredentials tells that a call could not be signed, so that nothing went out.
var ErrNoCredentials = errors.New("no AWS credentials were found")

// sign puts Signature Version 4 on a request.
func sign(ctx context.Context, request *http.Request, call wire.Call, body []byte, t *target) error {
	if call.Operation.Unsigned {
		return nil
	}
	if t.credentials == nil {
		return ErrNoCredentials
	}
	credentials, err := t.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoCredentials, err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if call.Operation.UnsignedPayload {
		hash = "UNSIGNED-PAYLOAD"
	}
	isS3 := t.signingName == "s3" || t.signingName == "s3express" || t.signingName == "s3-outposts"
	if isS3 || call.Operation.UnsignedPayload {
		request.Header.Set("X-Amz-Content-Sha256", hash)
	}
	return v4.NewSigner().SignHTTP(ctx, credentials, request, hash, t.signingName, t.signingRegion, time.Now(), func(o *v4.SignerOptions) {
		// S3 alone takes paths as they are; all others escape them once more to sign.
		o.DisableURIPathEscaping = isS3
	})
}

// UnknownError tells that there is no such service or operation.
type UnknownError struct {
	Service   string
	Operation string   // "" where there is no such service
	Names     []string // those that there are
}

func (e *UnknownError) Error() string {
	if e.Operation == "" {
		return fmt.Sprintf("there is no AWS service %q", e.Service)
	}
	return fmt.Sprintf("the AWS service %s has no operation %q", e.Service, e.Operation)
}
