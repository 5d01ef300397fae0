package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// request is one as the AWS SDK signs it.
func request(t *testing.T, id, secret, body string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8083/?b=2%2F&a=x+y", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSStepFunctions.ListStateMachines")
	r.Header.Set("X-Amz-Meta", "  two   words ")
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: "any"}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), "states", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func serve(r *http.Request) *httptest.ResponseRecorder {
	g := &Guard{Keys: Keys{secrets: map[string]string{"AKID": "hidden"}}, MaxBody: 100, Clock: func() time.Time { return now },
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "passed %s %v", body, err)
		})}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		of   func(t *testing.T) *http.Request
		want string
	}{
		{"signed", func(t *testing.T) *http.Request { return request(t, "AKID", "hidden", `{"a":1}`, now) }, `passed {"a":1} <nil>`},
		{"empty", func(t *testing.T) *http.Request { return request(t, "AKID", "hidden", ``, now.Add(-14*time.Minute)) }, `passed  <nil>`},
		{"not signed", func(*testing.T) *http.Request { return httptest.NewRequest(http.MethodPost, "/", nil) }, "MissingAuthenticationToken"},
		{"half a header", func(*testing.T) *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/x/states/aws4_request, SignedHeaders=host")
			return r
		}, "IncompleteSignature"},
		{"unknown key", func(t *testing.T) *http.Request { return request(t, "OTHER", "hidden", "", now) }, "UnrecognizedClientException"},
		{"wrong secret", func(t *testing.T) *http.Request { return request(t, "AKID", "guessed", "", now) }, "does not match"},
		{"other body", func(t *testing.T) *http.Request {
			r := request(t, "AKID", "hidden", "one", now)
			r.Body = io.NopCloser(strings.NewReader("two"))
			return r
		}, "does not match"},
		{"other action", func(t *testing.T) *http.Request {
			r := request(t, "AKID", "hidden", "", now)
			r.Header.Set("X-Amz-Target", "AWSStepFunctions.DeleteStateMachine")
			return r
		}, "does not match"},
		{"other region", func(t *testing.T) *http.Request {
			r := request(t, "AKID", "hidden", "", now)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-west-1", "us-east-1", 1))
			return r
		}, "does not match"},
		{"late", func(t *testing.T) *http.Request { return request(t, "AKID", "hidden", "", now.Add(-16*time.Minute)) }, "Signature expired"},
		{"early", func(t *testing.T) *http.Request { return request(t, "AKID", "hidden", "", now.Add(16*time.Minute)) }, "not yet current"},
		{"other day", func(t *testing.T) *http.Request {
			r := request(t, "AKID", "hidden", "", now)
			r.Header.Set("X-Amz-Date", "20261124T000000Z")
			return r
		}, "not that of the request"},
		{"too large", func(t *testing.T) *http.Request {
			return request(t, "AKID", "hidden", string(bytes.Repeat([]byte("x"), 101)), now)
		}, "RequestEntityTooLarge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := serve(c.of(t))
			got := w.Body.String()
			if !strings.Contains(got, c.want) || strings.Contains(got, "hidden") {
				t.Errorf("%d %s\nwant %s", w.Code, got, c.want)
			}
			if passed := strings.HasPrefix(c.want, "passed"); (w.Code == http.StatusOK) != passed {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ path, variable, want string }{
		{file("good", "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=s1\nregion = x\n[other]\naws_access_key_id=B\naws_secret_access_key=s2\n", 0o600), "", "2 access keys"},
		{file("half", "[default]\naws_access_key_id = A\n[other]\n", 0o600), "", "line 3: an access key has an ID and a secret"},
		{file("text", "hello\n", 0o600), "", "line 1 is neither"},
		{file("open", "", 0o644), "", "chmod 600"},
		{filepath.Join(dir, "absent"), "", "no such file"},
		{"", "A:s1, B:s2:3", "2 access keys"},
		{"", "A", "not of the form"},
		{"", "A/B:s", "no space, comma or slash"},
		{"", strings.Repeat("k:s,", maxKeys) + "k:s", "1 access keys"},
	} {
		keys, err := Load(c.path, c.variable)
		got := fmt.Sprintf("%v %#v", keys, keys)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%q %.20q: %s\nwant %s", c.path, c.variable, got, c.want)
		}
		if strings.Contains(got, "s1") {
			t.Errorf("a secret is shown: %s", got)
		}
	}
	var many strings.Builder
	for i := range maxKeys + 1 {
		fmt.Fprintf(&many, "k%d:s,", i)
	}
	if _, err := Load("", strings.TrimSuffix(many.String(), ",")); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too many keys: %v", err)
	}
}
