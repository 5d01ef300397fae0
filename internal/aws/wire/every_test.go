package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/aws/awstest"
	"tutti/internal/aws/catalog"
)

// sampleDepth is how deep samples lie in themselves; most shapes end above it.
const sampleDepth = 5

// sample makes a value of a shape, with all its members.
func sample(m *catalog.Member, payload bool, depth int) any {
	switch s := m.Shape; s.Kind {
	case catalog.Structure:
		return sampleObject(s, depth)
	case catalog.List:
		if depth > sampleDepth {
			return []any{}
		}
		one := sample(s.Element, false, depth+1)
		return []any{one, one}
	case catalog.Map:
		if depth > sampleDepth {
			return object{}
		}
		return object{"key": sample(s.Element, false, depth+1)}
	case catalog.Integer, catalog.Long:
		return 7
	case catalog.Float, catalog.Double:
		return 1.5
	case catalog.Boolean:
		return true
	case catalog.Blob:
		if payload {
			return "text"
		}
		return "AAE="
	case catalog.Timestamp:
		return "2024-01-02T03:04:05Z"
	case catalog.Document:
		return object{"a": []any{1, nil}}
	}
	if m.Host {
		return "label"
	}
	return "a b"
}

func sampleObject(s *catalog.Shape, depth int) object {
	out := object{}
	for i := range s.Members {
		m := &s.Members[i]
		if depth <= sampleDepth || m.Required {
			out[m.Name] = sample(m, i == s.Payload, depth+1)
		}
	}
	return out
}

// everyVariable has the tests against botocore take every service; that is half a minute of a processor. Without it they
// take one in ten, and those whose protocols are spoken by few.
const everyVariable = "TUTTI_EVERY"

// everyCall gives a call of every operation of the services, with every member that it takes.
func everyCall() []Call {
	var services catalog.Catalog
	var calls []Call
	for n, name := range services.Clients() {
		s, _ := services.Service(name)
		common := s.Protocol == catalog.JSON || s.Protocol == catalog.RESTJSON
		if n%10 != 0 && common && os.Getenv(everyVariable) == "" {
			continue
		}
		for i := range s.Operations {
			c := Call{Service: s, Operation: &s.Operations[i]}
			if c.Operation.Input != nil {
				c.Input = sampleObject(c.Operation.Input, 0)
			}
			if eventStream(c.Operation) == "" {
				calls = append(calls, c)
			}
		}
	}
	return calls
}

// serialized is what testdata/every.py tells of a call.
type serialized struct {
	Method, Path, Host string
	Query, Form        [][2]string
	Headers            map[string]string
	Body               []byte
}

// TestEvery holds what is written against botocore's own serializers.
func TestEvery(t *testing.T) {
	t.Parallel()
	calls := everyCall()
	if len(calls) < 3000 {
		t.Fatalf("there are %d operations", len(calls))
	}
	written := make([]*Request, len(calls))
	var lines bytes.Buffer
	in := json.NewEncoder(&lines)
	for n, c := range calls {
		var err error
		if written[n], err = Write(c); err != nil {
			t.Errorf("%s %s: %v", c.Service.Name, c.Operation.Name, err)
			return
		}
		asked := object{"service": c.Service.Name, "operation": c.Operation.Name, "protocol": c.Service.Protocol.String(), "input": c.Input}
		if err := in.Encode(asked); err != nil {
			t.Fatal(err)
		}
	}
	d := peer(t, &lines)
	for n, c := range calls {
		var want serialized
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.normal(t, c), ours(t, c, written[n])); diff != "" {
			t.Errorf("%s %s (-botocore +ours):\n%s", c.Service.Name, c.Operation.Name, diff)
		}
	}
}

// peer has testdata/every.py work on lines.
func peer(t *testing.T, lines *bytes.Buffer, arguments ...string) *json.Decoder {
	t.Helper()
	python := exec.Command(awstest.Program(t, "python"), append([]string{"testdata/every.py"}, arguments...)...)
	python.Stdin, python.Env = lines, awstest.Environment(python.Environ())
	var said strings.Builder
	python.Stderr = &said
	out, err := python.Output()
	if err != nil {
		t.Fatalf("every.py: %v\n%s", err, said.String())
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	return d
}

// TestAnswers holds what is read of answers against botocore's own parsers, with every member that an operation gives.
func TestAnswers(t *testing.T) {
	t.Parallel()
	var calls []Call
	var lines bytes.Buffer
	var read []object
	in := json.NewEncoder(&lines)
	for _, c := range everyCall() {
		// botocore opens the JSON in headers, and trips over two members of one name.
		if c.Operation.Output == nil || c.Service.Name == "lex-runtime" || c.Operation.Name == "GetBucketNotification" {
			continue
		}
		a := answerOf(t, c)
		out, err := Read(c, a)
		if err != nil {
			t.Errorf("%s %s: %v", c.Service.Name, c.Operation.Name, err)
			continue
		}
		headers := map[string]string{}
		for name := range a.Header {
			headers[strings.ToLower(name)] = a.Header.Get(name) // Go has lost the case; AWS uses lower
		}
		told := object{"service": c.Service.Name, "operation": c.Operation.Name, "protocol": c.Service.Protocol.String(), "headers": headers, "body": a.Body}
		if err := in.Encode(told); err != nil {
			t.Fatal(err)
		}
		calls, read = append(calls, c), append(read, out)
	}
	if len(calls) < 2000 {
		t.Fatalf("there are %d answers", len(calls))
	}
	d := peer(t, &lines, "answers")
	for n, c := range calls {
		var want object
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read[n]); diff != "" {
			t.Errorf("%s %s (-botocore +ours):\n%s", c.Service.Name, c.Operation.Name, diff)
		}
	}
}

// answerOf makes an answer by writing the output as if it were an input.
func answerOf(t *testing.T, c Call) Answer {
	t.Helper()
	o := *c.Operation
	o.Input, o.URI, o.InputName, o.HostPrefix = o.Output, "/", "Root", ""
	c.Operation, c.Input = &o, sampleObject(o.Output, 0)
	output, err := settle(c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.Service.Name, o.Name, err)
	}
	output.fields = slices.DeleteFunc(output.fields, func(f field) bool { return f.member.Location == catalog.StatusCode })
	r := &Request{Header: http.Header{}}
	switch c.Service.Protocol {
	case catalog.JSON:
		r.Body, err = compact(jsonRecord(output))
	case catalog.CBOR:
		err = writeCBOR(r, c, output)
	case catalog.RESTJSON, catalog.RESTXML:
		err = writeREST(r, c, output)
	case catalog.EC2:
		r.Body = writeXML(&catalog.Member{Name: "Root", Shape: o.Output}, output)
	case catalog.Query:
		r.Body = []byte("<Root>" + string(writeXML(&catalog.Member{Name: o.ResultWrapper, Shape: o.Output}, output)) + "</Root>")
	}
	if err != nil {
		t.Fatalf("%s %s: %v", c.Service.Name, o.Name, err)
	}
	return Answer{Status: http.StatusOK, Header: r.Header, Body: r.Body}
}

// normal puts what may stand in any order into one, and opens the body.
func (s serialized) normal(t *testing.T, c Call) object {
	t.Helper()
	sorted := func(pairs [][2]string) []string {
		var all []string
		for _, p := range pairs {
			all = append(all, p[0]+"="+p[1])
		}
		slices.Sort(all)
		return all
	}
	// Of checksums our own tests tell; a serializer knows none. XML services do not look at the type.
	for name := range s.Headers {
		if strings.HasPrefix(name, "x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm" || name == "content-md5" || s.Headers[name] == "application/xml" {
			delete(s.Headers, name)
		}
	}
	if c.Service.Name == "apigateway" && s.Headers["accept"] == "application/json" {
		delete(s.Headers, "accept") // botocore adds it elsewhere
	}
	var body any = sorted(s.Form)
	switch {
	case c.Service.Protocol == catalog.Query || c.Service.Protocol == catalog.EC2:
	case c.Service.Protocol == catalog.CBOR:
		var err error
		if body, err = parseCBOR(s.Body); err != nil {
			t.Fatalf("%s %s: %v", c.Service.Name, c.Operation.Name, err)
		}
	default:
		body = meaning(t, c, s.Body)
	}
	return object{"method": s.Method, "path": s.Path, "host": s.Host, "query": sorted(s.Query), "headers": s.Headers, "body": body}
}

func ours(t *testing.T, c Call, r *Request) object {
	t.Helper()
	s := serialized{Method: r.Method, Path: r.Path, Host: r.HostPrefix, Query: split(t, r.Query), Headers: map[string]string{}, Body: r.Body}
	for name := range r.Header {
		s.Headers[strings.ToLower(name)] = r.Header.Get(name)
	}
	if c.Service.Protocol == catalog.Query || c.Service.Protocol == catalog.EC2 {
		s.Form = split(t, string(r.Body))
	}
	return s.normal(t, c)
}

func split(t *testing.T, query string) [][2]string {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][2]string
	for name, all := range values {
		for _, v := range all {
			pairs = append(pairs, [2]string{name, v})
		}
	}
	return pairs
}
