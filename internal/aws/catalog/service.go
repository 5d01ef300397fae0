// Package catalog tells what the services of AWS are: their operations, the shapes of what goes in and comes out, and how
// both travel. It knows nothing of carrying a call out.
//
// The facts come from the service models that the AWS SDK for Python publishes; tools/awsmodels makes of them the files
// in tables/, one for each service. A service is decoded when it is first asked for, and nothing is before that: start
// reading at Catalog. What the traits mean is told in the Smithy specification, under "AWS protocols".
package catalog

import (
	"cmp"
	"strings"
)

// Protocol is how a service's calls are written on the wire.
type Protocol uint8

// The protocols of AWS. Where a service speaks several, the table has the first of these that it speaks.
const (
	JSON     Protocol = iota + 1 // awsJson 1.0 and 1.1: everything in a JSON body
	RESTJSON                     // JSON with parts in the path, the query string and headers
	RESTXML                      // the same with XML
	Query                        // form parameters, an XML answer
	EC2                          // Query in EC2's own variant
	CBOR                         // Smithy RPC v2 over CBOR
)

func (p Protocol) String() string {
	return [...]string{"", "json", "rest-json", "rest-xml", "query", "ec2", "smithy-rpc-v2-cbor"}[p]
}

// Service is one service. It is read only: all calls share it.
type Service struct {
	Name           string // as the AWS command names it: "elbv2"
	ID             string // "Elastic Load Balancing v2"
	Protocol       Protocol
	JSONVersion    string // "1.0" or "1.1"
	TargetPrefix   string // what X-Amz-Target and the paths of CBOR begin with
	APIVersion     string // "2015-12-01"
	Namespace      string // of XML bodies
	EndpointPrefix string // the host's first part
	SigningName    string // the service in a signature's scope

	// QueryCompatible says that errors carry the code of the query protocol that the service spoke before.
	QueryCompatible bool

	Endpoints  []Endpoint  // where calls go, where that is not PREFIX.REGION.SUFFIX
	Operations []Operation // by name
	Errors     []Fault     // by name
}

// Endpoint is where a service is to be found in a partition, or in one region of it.
type Endpoint struct {
	Partition     string // "aws"
	Region        string // "" for all of the partition that have no entry of their own
	URL           string // with {region} and {suffix} where those belong
	SigningRegion string // "" for the region itself
	SigningName   string // "" for the service's
}

// At gives the URL for a region of a partition whose hosts end in suffix, and the region to sign for.
func (e Endpoint) At(region, suffix string) (url, signingRegion string) {
	url = strings.NewReplacer("{region}", region, "{suffix}", suffix).Replace(e.URL)
	return url, cmp.Or(e.SigningRegion, region)
}

// Operation is one call that a service answers.
type Operation struct {
	Name   string
	Method string
	URI    string // "/{Bucket}/{Key+}?list-type=2"
	Input  *Shape // a structure, or nil where nothing goes in
	Output *Shape // a structure, or nil where nothing comes out

	InputName     string // the root element of an XML body
	Namespace     string // of that element
	ResultWrapper string // the element around a query answer
	HostPrefix    string // "{AccountId}.", put before the host
	// ChecksumMember is the input member that names the algorithm of the body's checksum.
	ChecksumMember string

	ReadOnly         bool // changes nothing: safe to do again
	Idempotent       bool // the same request twice does what it does once
	Deprecated       bool
	Unsigned         bool // goes out without a signature
	UnsignedPayload  bool // the signature leaves the body out
	ChecksumRequired bool // the body needs a checksum
}

// Fault is an error that a service tells of in its model.
type Fault struct {
	Name      string // of the shape: "NoSuchKey"
	Code      string // on the wire, where it is another: "AWS.SimpleQueueService.NonExistentQueue"
	Status    int    // the HTTP status, or 0
	Retryable bool
}

// Kind is what a shape is in JSON's terms, and some of AWS's.
type Kind uint8

// The kinds. Those from String on have no parts.
const (
	Structure Kind = iota + 1
	List
	Map
	String
	Integer
	Long
	Float
	Double
	Boolean
	Blob
	Timestamp
	Document // any JSON
)

func (k Kind) String() string {
	return [...]string{"", "structure", "list", "map", "string", "integer", "long", "float", "double", "boolean", "blob",
		"timestamp", "document"}[k]
}

// TimeFormat is how a timestamp is written.
type TimeFormat uint8

// The formats. DefaultTime leaves it to the protocol and the place.
const (
	DefaultTime TimeFormat = iota
	ISO8601
	Epoch
	HTTPDate
)

// Shape is the shape of a value. Shapes may contain themselves.
type Shape struct {
	Kind    Kind
	Time    TimeFormat // of a timestamp
	Members []Member   // of a structure, in the model's order
	Element *Member    // of a list; of a map its value
	Key     *Member    // of a map

	// Payload is the place in Members of what alone makes the body, or -1.
	Payload int
	// EventStream says that a structure is a stream of events, which no single call can give.
	EventStream bool
}

// Location is where a member travels.
type Location uint8

// The locations.
const (
	Body Location = iota
	Header
	PrefixHeaders // a map: each entry a header, its name behind the prefix
	URI
	QueryString
	StatusCode
)

// Member is a member of a structure, or the element, key or value of a list or map (Name is then empty).
type Member struct {
	Name      string
	Wire      string // the name on the wire where it is another
	QueryName string // the name in EC2's form parameters where Wire does not tell it
	Namespace string // of the XML element
	Prefix    string // that the namespace is bound to
	Shape     *Shape
	Location  Location

	Required     bool
	Token        bool // an idempotency token: made up where none is given
	JSONText     bool // JSON in a header, in base64
	Host         bool // part of the host's name
	Attribute    bool // an XML attribute
	Flat         bool // a list or map without an element around it
	Streaming    bool // a body read as it comes
	BoundsLength bool // a stream whose length must be told
}

// OnWire gives the member's name on the wire.
func (m *Member) OnWire() string {
	if m.Wire != "" {
		return m.Wire
	}
	return m.Name
}

// Operation finds an operation by its name. The first letter may be lower case, as Step Functions and the SDKs write
// it: "putItem".
func (s *Service) Operation(name string) (*Operation, bool) {
	low, high := 0, len(s.Operations)
	wanted := Upper(name)
	for low < high {
		middle := (low + high) / 2
		if s.Operations[middle].Name < wanted {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(s.Operations) && s.Operations[low].Name == wanted {
		return &s.Operations[low], true
	}
	// A few models have operations that themselves begin in lower case, and SDKs write acronyms their own way.
	for i := range s.Operations {
		if strings.EqualFold(s.Operations[i].Name, name) {
			return &s.Operations[i], true
		}
	}
	return nil, false
}

// Fault finds the error with this code, or this name of its shape.
func (s *Service) Fault(code string) (Fault, bool) {
	for _, f := range s.Errors {
		if f.Code == code || f.Name == code {
			return f, true
		}
	}
	return Fault{}, false
}

// Member finds a structure's member by its name in the model, or else by the name that Pascal or Upper gives it.
func (s *Shape) Member(name string) (*Member, bool) {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i], true
		}
	}
	for i := range s.Members {
		if own := s.Members[i].Name; Pascal(own) == name || Upper(own) == name {
			return &s.Members[i], true
		}
	}
	return nil, false
}
