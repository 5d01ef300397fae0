package task

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

func TestRequest(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"method": %q, "body": %q, "host": %q}`, r.Method, body, r.Host)
	}))
	defer srv.Close()
	const src = `task "order" {
  http {
    method          = "POST"
    url             = var.url
    headers         = { Authorization = "Bearer ${var.token}", Host = "shop.test" }
    body            = jsonencode({ title = "Emma" })
    ca_certificate  = var.ca
    expected_status = [201]
  }
}`
	s := newStand(t, src)
	s.values["var.url"], s.values["var.token"] = cty.StringVal(srv.URL+"/orders"), secretText("hunter22")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	s.values["var.ca"] = cty.StringVal(string(ca))
	c := s.plan()
	if !c.After.GetAttr("exit_code").IsNull() || c.After.GetAttr("status").IsKnown() || c.Idempotent {
		t.Errorf("planned %#v", c.After)
	}
	s.must(object.Run)
	if got := s.output("status"); got != "201" {
		t.Errorf("status is %s", got)
	}
	bare, _ := s.prior().Value.UnmarkDeep()
	answer := bare.GetAttr("json")
	for name, want := range map[string]string{"method": "POST", "body": `{"title":"Emma"}`, "host": "shop.test"} {
		if got := answer.GetAttr(name).AsString(); got != want {
			t.Errorf("the server saw %s %q, want %q", name, got, want)
		}
	}
	if got := bare.GetAttr("response_headers").GetAttr("x-seen").AsString(); got != "Bearer hunter22" {
		t.Errorf("the header is %q", got)
	}
	if !s.prior().Value.GetAttr("body").HasMark(object.Sensitive) || strings.Contains(joined(s.log), "hunter22") {
		t.Errorf("the answer is %#v, the log %q", s.prior().Value, s.log)
	}
	s.must(object.NoOp)
	s.values["var.ca"] = cty.NullVal(cty.String)
	if _, d := s.apply(); !d.HasErrors() || !strings.Contains(d[0].Detail, "certificate") {
		t.Errorf("a certificate that nobody vouches for was accepted: %v", d.Err())
	}
	s.edit(strings.Replace(src, "var.ca\n", "null\n    insecure = true\n", 1))
	s.must(object.Run)
}

func TestRequestRetries(t *testing.T) {
	var n atomic.Int64
	status := http.StatusServiceUnavailable
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) < 3 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(status)
			fmt.Fprint(w, "busy with hunter22")
			return
		}
		fmt.Fprint(w, "done")
	}))
	defer srv.Close()
	s := newStand(t, `task "a" {
  http {
    url = "${var.url}/?key=${var.token}"
  }
  retry {
    min_backoff = "1ms"
  }
}`)
	s.values["var.url"], s.values["var.token"] = cty.StringVal(srv.URL), secretText("hunter22")
	s.must(object.Run)
	if n.Load() != 3 || s.output("body") != "done" || strings.Contains(joined(s.log), "hunter22") {
		t.Errorf("%d requests gave %q, log %q", n.Load(), s.output("body"), s.log)
	}
	n.Store(0)
	status = http.StatusForbidden
	s.replace = true
	_, d := s.apply()
	if !d.HasErrors() || n.Load() != 1 || d[0].Detail != "task.a failed: the server answered 403 Forbidden.\n\nThe end of its output:\n  busy with (sensitive value)" {
		t.Errorf("%d requests, said %v", n.Load(), d.Err())
	}
	if s.output("status") != "403" || !s.prior().Tainted {
		t.Errorf("stored %#v", s.prior())
	}
	srv.Close()
	if _, d = s.apply(); !d.HasErrors() || strings.Contains(d[0].Detail, "hunter22") || !strings.Contains(d[0].Detail, "refused (attempt 3)") {
		t.Error(d.Err())
	}
}

func TestRequestTimeout(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	s := newStand(t, `task "a" {
  timeout = "20ms"
  http {
    url = var.url
  }
}`)
	s.values["var.url"] = cty.StringVal(srv.URL)
	if _, d := s.apply(); !d.HasErrors() || d[0].Detail != "task.a failed: no whole answer within 20ms." {
		t.Error(d.Err())
	}
}

func TestLongAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, MaxOutput+1))
	}))
	defer srv.Close()
	s := newStand(t, `task "a" {
  http {
    url = var.url
  }
}`)
	s.values["var.url"] = cty.StringVal(srv.URL)
	if _, d := s.apply(); len(d) != 1 || d.HasErrors() || len(s.output("body")) != MaxOutput {
		t.Error(d)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]string{"": "0s", "7": "7s", "-1": "0s", "x": "0s", "999999999": "0s", "Wed, 21 Oct 2026 07:28:00 GMT": "0s"} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got.String() != want {
			t.Errorf("%q gave %s, want %s", text, got, want)
		}
	}
}
