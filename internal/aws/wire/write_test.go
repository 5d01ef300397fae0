package wire

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/aws/catalog"
)

// recording is what botocore sent for a case: testdata/record.py.
type recording struct {
	Service, Operation string
	Input              map[string]any
	Method, URL, Body  string
	Headers            map[string]string
}

// TestPeer writes each of the recorded calls as botocore does.
func TestPeer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var recorded []recording
	if err := d.Decode(&recorded); err != nil {
		t.Fatal(err)
	}
	var services catalog.Catalog
	protocols := map[catalog.Protocol]int{}
	for _, want := range recorded {
		s, _ := services.Service(want.Service)
		protocols[s.Protocol]++
		t.Run(want.Service+"/"+want.Operation, func(t *testing.T) {
			t.Parallel()
			c := call(t, &services, want.Service, want.Operation, want.Input)
			r, err := Write(c)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(want.URL)
			if err != nil {
				t.Fatal(err)
			}
			if r.Method != want.Method || r.Path != u.EscapedPath() {
				t.Errorf("%s %s, want %s %s", r.Method, r.Path, want.Method, u.EscapedPath())
			}
			if got, wanted := sortedPairs(t, r.Query), sortedPairs(t, u.RawQuery); !slices.Equal(got, wanted) {
				t.Errorf("the query is %q, want %q", got, wanted)
			}
			if !strings.HasPrefix(u.Host, r.HostPrefix) {
				t.Errorf("the host begins with %q, want %q", r.HostPrefix, u.Host)
			}
			compareHeaders(t, r, want.Headers)
			if diff := cmp.Diff(meaning(t, c, []byte(latin1(want.Body))), meaning(t, c, r.Body)); diff != "" {
				t.Errorf("the body differs (-botocore +ours):\n%s", diff)
			}
		})
	}
	for p := catalog.JSON; p < catalog.CBOR; p++ {
		if protocols[p] < 3 {
			t.Errorf("%d recordings speak %s", protocols[p], p)
		}
	}
}

// call makes a call for a test, with a token that tells itself.
func call(t testing.TB, services *catalog.Catalog, service, operation string, input any) Call {
	t.Helper()
	s, known := services.Service(service)
	if !known {
		t.Fatalf("no service %s", service)
	}
	o, known := s.Operation(operation)
	if !known {
		t.Fatalf("no operation %s %s", service, operation)
	}
	return Call{Service: s, Operation: o, Input: input, Token: func() string { return "made-up" }}
}

func latin1(text string) string {
	var bytes []byte
	for _, r := range text {
		bytes = append(bytes, byte(r))
	}
	return string(bytes)
}

func sortedPairs(t *testing.T, query string) []string {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for name, all := range values {
		for _, v := range all {
			pairs = append(pairs, name+"="+v)
		}
	}
	slices.Sort(pairs)
	return pairs
}

func compareHeaders(t *testing.T, r *Request, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name, values := range r.Header {
		got[strings.ToLower(name)] = strings.Join(values, ",")
	}
	// The body's own type may be left out where the service does not look at it.
	if want["content-type"] == "" && strings.HasSuffix(got["content-type"], "xml") {
		delete(got, "content-type")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the headers differ (-botocore +ours):\n%s", diff)
	}
}

// meaning makes a body comparable: what may stand in any order stands in one.
func meaning(t *testing.T, c Call, body []byte) any {
	t.Helper()
	switch p := c.Service.Protocol; {
	case p == catalog.Query || p == catalog.EC2:
		return sortedPairs(t, string(body))
	case len(body) > 0 && body[0] == '{':
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		return v
	case len(body) > 0 && body[0] == '<':
		n, err := parseXML(body)
		if err != nil {
			t.Fatal(err)
		}
		return outline(n)
	}
	return string(body)
}

func outline(n *node) []string {
	var lines []string
	for _, a := range n.attrs {
		lines = append(lines, fmt.Sprintf("%s@%s=%s", n.name, name(a.Name), a.Value))
	}
	if len(n.children) == 0 {
		lines = append(lines, n.name+"="+n.text)
	}
	for i, c := range n.children {
		for _, line := range outline(c) {
			// Elements of one name are a list, whose order counts.
			nth := 0
			for _, before := range n.children[:i] {
				if before.name == c.name {
					nth++
				}
			}
			lines = append(lines, fmt.Sprintf("%s/%d/%s", n.name, nth, line))
		}
	}
	slices.Sort(lines)
	return lines
}

func name(n xml.Name) string { return n.Space + ":" + n.Local }
