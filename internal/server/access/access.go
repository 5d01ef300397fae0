// Package access decides who may call the AWS APIs of `tutti serve`: those who hold
// an access key that tutti knows, proved by Signature Version 4.
//
// In: access keys from a file or the environment, and HTTP requests. Out: the same
// requests handed on, or the errors that AWS services give. It must not know any API,
// and never logs or prints a secret.
//
// The AWS SDK signs requests and does not check them. Signing again with it would not
// do: it leaves out headers that other clients sign, so the check here follows the
// header's own list (AWS General Reference, "Signature Version 4").
package access

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Guard lets requests through that are signed with one of its keys.
type Guard struct {
	Keys Keys
	// Next gets the requests that pass.
	Next http.Handler
	// MaxBody is the size in bytes that a body may have.
	MaxBody int64
	// Clock is the machine's own when nil.
	Clock func() time.Time
}

// skew is how far a request's time may be from ours (AWS General Reference).
const skew = 15 * time.Minute

// refusal is an error as AWS services give it.
type refusal struct {
	status        int
	code, message string
}

func refuse(code, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// ServeHTTP implements http.Handler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Who has no key is turned away before anything of the body is kept.
	s, secret, no := g.recognize(r)
	if no != nil {
		no.write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		(&refusal{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "The request is too large."}).write(w)
		return
	} else if err != nil {
		refuse("SerializationException", "The request was cut off.").write(w)
		return
	}
	if !hmac.Equal([]byte(s.signature), []byte(s.sign(secret, r.Header.Get(dateHeader), canonical(r, s.headers, body)))) {
		refuse("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.").write(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.Next.ServeHTTP(w, r)
}

func (no *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	text, err := json.Marshal(map[string]string{"__type": no.code, "message": no.message})
	if err != nil {
		panic("access: invariant broken: two texts are no JSON: " + err.Error())
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(text) // whoever asked may have gone away
}

// signed is what the Authorization header says.
type signed struct {
	key, date, region, service string
	headers                    []string
	signature                  string
}

const algorithm = "AWS4-HMAC-SHA256"

// readAuthorization reads AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request,
// SignedHeaders=a;b, Signature=hex.
func readAuthorization(text string) (signed, bool) {
	var s signed
	rest, ok := strings.CutPrefix(text, algorithm+" ")
	if !ok {
		return s, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return s, false
			}
			s.key, s.date, s.region, s.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.signature = value
		}
	}
	return s, s.key != "" && s.signature != "" && len(s.headers) > 0
}

const (
	dateHeader = "X-Amz-Date"
	timeForm   = "20060102T150405Z"
)

// recognize tells whose request it claims to be, with that key's secret, when the
// claim is whole and of this time.
func (g *Guard) recognize(r *http.Request) (s signed, secret string, no *refusal) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return s, "", refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	s, ok := readAuthorization(header)
	if !ok || !slices.Contains(s.headers, "host") || !slices.Contains(s.headers, "x-amz-date") {
		return s, "", refuse("IncompleteSignatureException", "The Authorization header is not a whole Signature Version 4, with at least host and x-amz-date signed.")
	}
	secret, known := g.Keys.secret(s.key)
	if !known {
		return s, "", refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	stamp := r.Header.Get(dateHeader)
	at, err := time.Parse(timeForm, stamp)
	if err != nil || !strings.HasPrefix(stamp, s.date) {
		return s, "", refuse("InvalidSignatureException", "The date of the signature is not that of the request.")
	}
	now := time.Now
	if g.Clock != nil {
		now = g.Clock
	}
	switch age := now().Sub(at); {
	case age > skew:
		no = refuse("InvalidSignatureException", "Signature expired: %s is now earlier than %s", stamp, now().Add(-skew).UTC().Format(timeForm))
	case age < -skew:
		no = refuse("InvalidSignatureException", "Signature not yet current: %s is still later than %s", stamp, now().Add(skew).UTC().Format(timeForm))
	}
	return s, secret, no
}

// canonical is the request in the form that is signed.
func canonical(r *http.Request, headers []string, body []byte) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, path, canonicalQuery(r.URL.Query()))
	for _, h := range headers {
		value := strings.Join(r.Header.Values(h), ",")
		switch h {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body)) // net/http takes it out of the headers
		}
		fmt.Fprintf(&b, "%s:%s\n", h, strings.Join(strings.Fields(value), " "))
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(headers, ";"), hex.EncodeToString(sum[:]))
	return b.String()
}

func canonicalQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

func (s signed) sign(secret, stamp, request string) string {
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	sum := sha256.Sum256([]byte(request))
	text := strings.Join([]string{algorithm, stamp, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
