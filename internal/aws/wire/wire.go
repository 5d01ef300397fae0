// Package wire writes the requests of AWS's protocols and reads their answers. In go and come plain JSON values: nil,
// bool, string, a number (json.Number, or any of Go's), []any and map[string]any; going in also json.RawMessage, whose
// objects keep their order where they become text, and []byte for binary values. It carries nothing out: no clock, no network.
//
// The protocols are told in the Smithy specification (https://smithy.io/2.0/aws/protocols/). Start reading at Write and
// Read; value.go holds what every protocol does first: the input against its shape.
package wire

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"regexp"
	"strings"

	"tutti/internal/aws/catalog"
)

// Call is an operation with what goes in.
type Call struct {
	Service   *catalog.Service
	Operation *catalog.Operation
	Input     any // nil, or an object; any part may be a json.RawMessage
	Style     Style
	// Token gives the text for an idempotency token that the input leaves out.
	Token func() string
}

// Style is how values are written on the side of JSON. The zero value is the AWS command's: names as the model has them,
// a body as its text, other binary values in base64.
type Style struct {
	// Names are those of members in what comes out. (Going in, each form is understood.)
	Names Names
	// Milliseconds writes timestamps that come out as numbers since 1970, not in ISO 8601.
	Milliseconds bool
	// JSONBodies takes whatever is given for a body as JSON, a text too: "x" goes out as "x" with its quotes.
	JSONBodies bool
}

// Names is how members are named.
type Names uint8

// The names of members.
const (
	ModelNames  Names = iota // "clusterArn", "DBInstanceIdentifier"
	PascalNames              // catalog.Pascal: "ClusterArn", "DbInstanceIdentifier"
	UpperNames               // "ClusterArn", "DBInstanceIdentifier"
)

// Request is what goes out, but for the host, the date and the signature.
type Request struct {
	Method     string
	Path       string // escaped
	Query      string // escaped
	Header     http.Header
	Body       []byte
	HostPrefix string // goes before the host's name
}

// Write makes the request of a call. An input that the model does not allow gives an *InputError.
func Write(c Call) (*Request, error) {
	if stream := eventStream(c.Operation); stream != "" {
		return nil, fmt.Errorf("%s %s %s a stream of events, which one call cannot carry", c.Service.ID, c.Operation.Name, stream)
	}
	input, err := settle(c)
	if err != nil {
		return nil, err
	}
	r := &Request{Method: c.Operation.Method, Path: "/", Header: http.Header{}}
	switch c.Service.Protocol {
	case catalog.JSON:
		err = writeJSON(r, c, input)
	case catalog.RESTJSON, catalog.RESTXML:
		err = writeREST(r, c, input)
	case catalog.Query, catalog.EC2:
		writeForm(r, c, input)
	case catalog.CBOR:
		err = writeCBOR(r, c, input)
	default:
		panic(fmt.Sprintf("wire: %s has no protocol", c.Service.Name))
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", c.Service.ID, c.Operation.Name, err)
	}
	if r.HostPrefix, err = hostPrefix(c.Operation, input); err != nil {
		return nil, err
	}
	checksum(r, c.Operation, input)
	return r, nil
}

// eventStream tells what of an operation is a stream of events: "takes", "gives", or "" where nothing is.
func eventStream(o *catalog.Operation) string {
	for _, side := range []struct {
		shape *catalog.Shape
		verb  string
	}{{o.Input, "takes"}, {o.Output, "gives"}} {
		if side.shape == nil {
			continue
		}
		for i := range side.shape.Members {
			if side.shape.Members[i].Shape.EventStream {
				return side.verb
			}
		}
	}
	return ""
}

// hostLabel is what may stand in a host's name; anything else could send the call, and its signature, elsewhere.
var hostLabel = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

func hostPrefix(o *catalog.Operation, input *record) (string, error) {
	prefix := o.HostPrefix
	for _, f := range input.fields {
		if !f.member.Host {
			continue
		}
		label, _ := f.value.(string)
		if !hostLabel.MatchString(label) {
			return "", &InputError{Problems: []Problem{{Kind: Wrong, Path: f.member.Name, Text: "becomes part of the host's name: letters, digits and hyphens only"}}}
		}
		prefix = strings.ReplaceAll(prefix, "{"+f.member.Name+"}", label)
	}
	return prefix, nil
}

// checksum adds the checksum that some operations insist on: by the algorithm that the input names where we have it,
// else CRC32, or MD5 for those that know only that.
func checksum(r *Request, o *catalog.Operation, input *record) {
	if !o.ChecksumRequired || r.Header.Get("Content-MD5") != "" {
		return
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			return // the user's own
		}
	}
	if o.ChecksumMember == "" {
		sum := md5.Sum(r.Body)
		r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
		return
	}
	if m, found := o.Input.Member(o.ChecksumMember); found && m.Location == catalog.Header {
		r.Header.Set(m.OnWire(), "CRC32")
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(r.Body))
	r.Header.Set("X-Amz-Checksum-Crc32", base64.StdEncoding.EncodeToString(sum))
}
