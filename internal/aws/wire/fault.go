package wire

import (
	"cmp"
	"net/http"
	"strings"

	"tutti/internal/aws/catalog"
)

// Fault is an error that a service answered with.
type Fault struct {
	Code      string // the name of the error's shape where the model has it, else what the service says: "NoSuchKey"
	Message   string
	Status    int
	RequestID string
	Modelled  bool // Code is among the errors of the service's model
	Retryable bool // the model says so
}

func (f *Fault) Error() string {
	if f.Message == "" {
		return f.Code
	}
	return f.Code + ": " + f.Message
}

// readFault reads the error of an answer. It always finds one: an answer that nobody can read has its status as code.
func readFault(c Call, a Answer) *Fault {
	f := &Fault{Status: a.Status, RequestID: RequestID(a.Header)}
	switch c.Service.Protocol {
	case catalog.JSON, catalog.RESTJSON:
		if v, err := parseJSON(a.Body); err == nil {
			f.fromObject(v)
		}
		// REST services tell the code in a header, some with a namespace or a URL beside it.
		f.Code = cmp.Or(errorName(a.Header.Get("X-Amzn-Errortype")), f.Code)
	case catalog.CBOR:
		if v, err := parseCBOR(a.Body); err == nil {
			f.fromObject(v)
		}
	default:
		if n, err := parseXML(a.Body); err == nil && n != nil {
			f.fromElement(n)
		}
	}
	if f.Code == "" {
		f.Code = statusCode(c.Operation, a.Status)
	}
	if known, is := c.Service.Fault(f.Code); is {
		f.Code, f.Modelled, f.Retryable = known.Name, true, known.Retryable
	}
	return f
}

// RequestID gives what a service calls a request by.
func RequestID(h http.Header) string {
	return cmp.Or(h.Get("X-Amzn-Requestid"), h.Get("X-Amz-Request-Id"))
}

func (f *Fault) fromObject(v any) {
	object, _ := v.(map[string]any)
	for _, name := range []string{"__type", "code", "Code"} {
		if text, is := object[name].(string); is && f.Code == "" {
			f.Code = errorName(text)
		}
	}
	for _, name := range []string{"message", "Message", "errorMessage"} {
		if text, is := object[name].(string); is && f.Message == "" {
			f.Message = text
		}
	}
}

// errorName takes the name out of "com.amazonaws.sqs#QueueDoesNotExist" and "NotFound:http://...".
func errorName(text string) string {
	text, _, _ = strings.Cut(text, ":")
	if i := strings.LastIndexByte(text, '#'); i >= 0 {
		text = text[i+1:]
	}
	return strings.TrimSpace(text)
}

// fromElement knows the three forms: an Error alone (S3), in an ErrorResponse, and in Response and Errors (EC2).
func (f *Fault) fromElement(root *node) {
	e := root
	if root.name != "Error" {
		e = root.child("Error")
		if within := root.child("Errors"); within != nil {
			e = within.child("Error")
		}
	}
	for name, into := range map[string]*string{"Code": &f.Code, "Message": &f.Message} {
		if n := e.child(name); n != nil {
			*into = strings.TrimSpace(n.text)
		}
	}
	for _, n := range []*node{e.child("RequestId"), root.child("RequestId"), root.child("RequestID")} {
		if n != nil {
			f.RequestID = cmp.Or(f.RequestID, strings.TrimSpace(n.text))
		}
	}
}

// statusCode names an error without a body. The answer to HEAD never has one; what is missing follows from what was
// asked for.
func statusCode(o *catalog.Operation, status int) string {
	if o.Method == http.MethodHead && status == http.StatusNotFound {
		switch o.Name {
		case "HeadObject":
			return "NoSuchKey"
		case "HeadBucket":
			return "NoSuchBucket"
		}
	}
	return cmp.Or(strings.ReplaceAll(http.StatusText(status), " ", ""), "UnknownError")
}
