package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"tutti/internal/aws/catalog"
)

type object = map[string]any

// TestRead reads answers of each protocol.
func TestRead(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	for _, test := range []struct {
		service, operation string
		style              Style
		status             int
		header             http.Header
		body               string
		want               string // JSON, or the error
	}{
		{service: "ecs", operation: "DescribeTasks", style: Style{Names: PascalNames},
			body: `{"tasks":[{"taskArn":"a","createdAt":1.7e9,"version":3,"unknownToday":1,"stoppedAt":null}],"failures":[]}`,
			want: `{"Failures":[],"Tasks":[{"CreatedAt":"2023-11-14T22:13:20Z","TaskArn":"a","Version":3}]}`},
		{service: "stepfunctions", operation: "StartExecution", style: Style{Names: UpperNames, Milliseconds: true},
			body: `{"executionArn":"a","startDate":1700000000.123}`, want: `{"ExecutionArn":"a","StartDate":1700000000123}`},
		{service: "kinesis", operation: "GetRecords",
			body: `{"Records":[{"Data":"AAE=","PartitionKey":"p","SequenceNumber":"1","ApproximateArrivalTimestamp":1700000000.123}],"MillisBehindLatest":9007199254740993}`,
			want: `{"MillisBehindLatest":9007199254740993,"Records":[{"ApproximateArrivalTimestamp":"2023-11-14T22:13:20.123Z","Data":"AAE=","PartitionKey":"p","SequenceNumber":"1"}]}`},
		{service: "sqs", operation: "DeleteMessage", body: ``, want: `{}`},
		{service: "dynamodb", operation: "ListTables", body: `{"TableNames":["a"`, want: "the answer is not JSON"},
		{service: "dynamodb", operation: "ListTables", body: `{"TableNames":"a"}`, want: "a text where a list belongs"},
		{service: "dynamodb", operation: "ListTables", body: `[]`, want: "a list where a structure belongs"},
		{service: "lambda", operation: "Invoke", header: http.Header{"X-Amz-Executed-Version": {"7"}, "X-Amz-Function-Error": {"Unhandled"}},
			body: `{"errorMessage":"no"}`,
			want: `{"ExecutedVersion":"7","FunctionError":"Unhandled","Payload":"{\"errorMessage\":\"no\"}","StatusCode":200}`},
		{service: "bedrock-runtime", operation: "InvokeModel", body: "\xff\xfe", want: `{"body":"//4="}`},
		{service: "bedrock-runtime", operation: "Converse", body: `{"stopReason":"end_turn","additionalModelResponseFields":{"any":[1,null]}}`,
			want: `{"additionalModelResponseFields":{"any":[1,null]},"stopReason":"end_turn"}`},
		{service: "s3", operation: "ListObjectsV2",
			body: `<?xml version="1.0"?><ListBucketResult xmlns="x"><Name>b</Name><IsTruncated>true</IsTruncated><Contents><Key>a&amp;b</Key><Size>5</Size><LastModified>2024-01-02T03:04:05.000Z</LastModified></Contents><Contents><Key>c</Key></Contents></ListBucketResult>`,
			want: `{"Contents":[{"Key":"a&b","LastModified":"2024-01-02T03:04:05Z","Size":5},{"Key":"c"}],"IsTruncated":true,"Name":"b"}`},
		{service: "s3", operation: "GetBucketLocation", body: `<LocationConstraint xmlns="x">eu-west-1</LocationConstraint>`, want: `{"LocationConstraint":"eu-west-1"}`},
		{service: "s3", operation: "GetBucketAcl",
			body: `<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`,
			want: `{"Grants":[{"Grantee":{"ID":"1","Type":"CanonicalUser"},"Permission":"READ"}],"Owner":{"ID":"o"}}`},
		{service: "s3", operation: "HeadObject", header: http.Header{"Content-Length": {"3"}, "Last-Modified": {"Tue, 02 Jan 2024 03:04:05 GMT"}, "X-Amz-Meta-By": {"me"}, "Expires": {"never"}},
			want: `{"ContentLength":3,"Expires":"never","LastModified":"2024-01-02T03:04:05Z","Metadata":{"by":"me"}}`},
		{service: "s3", operation: "CopyObject", body: `<Error><Code>InternalError</Code><Message>try again</Message></Error>`, want: "InternalError: try again"},
		{service: "s3", operation: "HeadObject", status: 404, want: "NoSuchKey"},
		{service: "s3", operation: "HeadBucket", status: 403, want: "Forbidden"},
		{service: "s3", operation: "GetObject", status: 404, body: `<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>`, want: "NoSuchKey: gone"},
		{service: "iam", operation: "GetUser",
			body: `<GetUserResponse xmlns="x"><GetUserResult><User><UserName>u</UserName><Tags><member><Key>k</Key><Value/></member></Tags></User></GetUserResult></GetUserResponse>`,
			want: `{"User":{"Tags":[{"Key":"k","Value":""}],"UserName":"u"}}`},
		{service: "sns", operation: "GetTopicAttributes",
			body: `<R><GetTopicAttributesResult><Attributes><entry><key>a</key><value>1</value></entry></Attributes></GetTopicAttributesResult></R>`,
			want: `{"Attributes":{"a":"1"}}`},
		{service: "sns", operation: "GetTopicAttributes", body: `<R><GetTopicAttributesResult><Attributes><entry/></Attributes></GetTopicAttributesResult></R>`, want: "without key or value"},
		{service: "iam", operation: "GetUser", status: 404, body: `<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>`, want: "NoSuchEntityException: m"},
		{service: "iam", operation: "GetUser", body: `<a><b></a>`, want: "the answer is not XML"},
		{service: "ec2", operation: "DescribeVpcs", body: `<R><vpcSet><item><vpcId>v</vpcId><isDefault>false</isDefault></item></vpcSet></R>`, want: `{"Vpcs":[{"IsDefault":false,"VpcId":"v"}]}`},
		{service: "ec2", operation: "DescribeVpcs", body: `<R><vpcSet><item><isDefault>maybe</isDefault></item></vpcSet></R>`, want: `"maybe" is not a boolean`},
		{service: "ec2", operation: "DescribeVpcs", status: 400, body: `<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>m</Message></Error></Errors></Response>`, want: "InvalidVpcID.NotFound: m"},
		{service: "dynamodb", operation: "GetItem", status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}`, want: "ResourceNotFoundException: m"},
		{service: "lambda", operation: "Invoke", status: 429, header: http.Header{"X-Amzn-Errortype": {"TooManyRequestsException:http://x"}}, body: `{"Message":"slow down"}`, want: "TooManyRequestsException: slow down"},
		{service: "lambda", operation: "Invoke", status: 502, body: `<html>`, want: "BadGateway"},
	} {
		t.Run(test.service+"/"+test.operation, func(t *testing.T) {
			t.Parallel()
			c := call(t, &services, test.service, test.operation, nil)
			c.Style = test.style
			a := Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)}
			if a.Status == 0 {
				a.Status = http.StatusOK
			}
			for name, values := range test.header {
				a.Header[name] = values
			}
			out, err := Read(c, a)
			if err != nil {
				if !strings.Contains(err.Error(), test.want) || strings.HasPrefix(test.want, "{") {
					t.Errorf("%v, want %s", err, test.want)
				}
				return
			}
			got, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.ReplaceAll(string(got), `\u0026`, "&")); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

// cborService speaks the one protocol that moto and most of the models lack.
func cborService() (*catalog.Service, *catalog.Operation) {
	plain := func(k catalog.Kind) *catalog.Shape { return &catalog.Shape{Kind: k, Payload: -1} }
	shape := &catalog.Shape{Kind: catalog.Structure, Payload: -1, Members: []catalog.Member{
		{Name: "Text", Shape: plain(catalog.String)}, {Name: "Whole", Shape: plain(catalog.Long)}, {Name: "Part", Shape: plain(catalog.Double)},
		{Name: "When", Shape: plain(catalog.Timestamp)}, {Name: "Raw", Shape: plain(catalog.Blob)}, {Name: "Yes", Shape: plain(catalog.Boolean)},
		{Name: "List", Shape: &catalog.Shape{Kind: catalog.List, Element: &catalog.Member{Shape: plain(catalog.Long)}, Payload: -1}},
		{Name: "Map", Shape: &catalog.Shape{Kind: catalog.Map, Key: &catalog.Member{Shape: plain(catalog.String)}, Element: &catalog.Member{Shape: plain(catalog.String)}, Payload: -1}},
	}}
	o := &catalog.Operation{Name: "Echo", Method: "POST", URI: "/", Input: shape, Output: shape}
	return &catalog.Service{ID: "Test", Protocol: catalog.CBOR, TargetPrefix: "TestService"}, o
}

// TestCBOR reads back what it wrote: the same shape goes out and comes in.
func TestCBOR(t *testing.T) {
	t.Parallel()
	s, o := cborService()
	input := object{
		"Text": "é", "Whole": json.Number("-5"), "Part": 0.5, "When": "2024-01-02T03:04:05.678Z", "Raw": "AAE=", "Yes": true,
		"List": []any{1, json.Number("9007199254740993")}, "Map": object{"a": "b"},
	}
	c := Call{Service: s, Operation: o, Input: input}
	r, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Path != "/service/TestService/operation/Echo" || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Errorf("%s %v", r.Path, r.Header)
	}
	out, err := Read(c, Answer{Status: 200, Body: r.Body})
	if err != nil {
		t.Fatal(err)
	}
	want := object{
		"Text": "é", "Whole": json.Number("-5"), "Part": json.Number("0.5"), "When": "2024-01-02T03:04:05.678Z", "Raw": "AAE=", "Yes": true,
		"List": []any{json.Number("1"), json.Number("9007199254740993")}, "Map": object{"a": "b"},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	fault := cbor.Encode(cbor.Map{"__type": cbor.String("x#Broken"), "message": cbor.String("m"), "n": cbor.NegInt(0)})
	var told *Fault
	if _, err := Read(c, Answer{Status: 400, Body: fault}); !errors.As(err, &told) || told.Status != 400 {
		t.Errorf("%v", err)
	}
	fault = cbor.Encode(cbor.Map{"__type": cbor.String("x#Broken"), "message": cbor.String("m"), "n": &cbor.Nil{}, "f": cbor.Float32(1.5)})
	if _, err := Read(c, Answer{Status: 400, Body: fault}); err == nil || err.Error() != "Broken: m" {
		t.Errorf("%v", err)
	}
}

// TestServicesInCBOR writes a call to each service that speaks nothing else.
func TestServicesInCBOR(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	found := 0
	for _, name := range services.Clients() {
		s, _ := services.Service(name)
		if s.Protocol != catalog.CBOR {
			continue
		}
		found++
		if s.TargetPrefix == "" {
			t.Errorf("%s has no path", name)
		}
	}
	if found == 0 {
		t.Error("no service speaks CBOR only")
	}
}

// FuzzRead reads anything in each protocol: it may refuse, and has to come back.
func FuzzRead(f *testing.F) {
	var services catalog.Catalog
	var calls []Call
	for _, name := range []string{"dynamodb:GetItem", "lambda:Invoke", "bedrock-runtime:Converse", "s3:ListObjectsV2", "s3:GetBucketAcl", "iam:GetUser", "ec2:DescribeInstances"} {
		service, operation, _ := strings.Cut(name, ":")
		calls = append(calls, call(f, &services, service, operation, nil))
	}
	s, o := cborService()
	calls = append(calls, Call{Service: s, Operation: o})
	for n, body := range []string{
		`{"Item":{"a":{"M":{"b":{"L":[{"N":"1"}]}}}}}`, `{}`, `{"output":{"message":{"role":"user","content":[]}}}`,
		`<R><Contents><Key>a</Key></Contents></R>`, `<A><Owner/></A>`, `<R><GetUserResult/></R>`, `<R><reservationSet><item/></reservationSet></R>`, "\xa1\x64Text\x61a",
	} {
		f.Add(uint8(n), 200, []byte(body))
		f.Add(uint8(n), 400, []byte(body))
	}
	f.Fuzz(func(t *testing.T, n uint8, status int, body []byte) {
		out, err := Read(calls[int(n)%len(calls)], Answer{Status: status, Header: http.Header{"X-Amz-Meta-A": {"b"}}, Body: body})
		if (out == nil) == (err == nil) {
			t.Errorf("both or neither: %v, %v", out, err)
		}
		if err == nil {
			if _, err := json.Marshal(out); err != nil {
				t.Errorf("not JSON: %v", err)
			}
		}
	})
}
