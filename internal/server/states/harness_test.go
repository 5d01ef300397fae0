package states

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// bench is an API over a store in a folder, with a Host of its own.
type bench struct {
	t    testing.TB
	api  *API
	host *local.Host
	s    store.Store
}

// echo answers every call with its arguments.
type echo struct{}

func (echo) Do(_ context.Context, d flow.Do, _ func(string)) (json.RawMessage, error) {
	var call struct{ Arguments json.RawMessage }
	err := json.Unmarshal(d.Input, &call)
	return call.Arguments, err
}

func newBench(t testing.TB, change func(*Options)) *bench {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Ring: secret.NewRing(testKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	x := executor.New(executor.Options{Store: s, Caller: func(context.Context, store.Run) (worker.Caller, error) { return echo{}, nil }})
	host, err := local.NewHost(local.HostOptions{Store: s, Machines: x, Observer: x.Observer})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Store: s, Host: host, Executor: x, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	api, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{host.Close(ctx), api.Close(ctx), s.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return &bench{t: t, api: api, host: host, s: s}
}

// call makes a request and gives the answer's status and body.
func (b *bench) call(action, body string) (status int, answer string) {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(body)))
	r.Header.Set("X-Amz-Target", targetPrefix+action)
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// must makes a request that succeeds, and gives a field of its answer.
func (b *bench) must(action, field string, in any) string {
	b.t.Helper()
	status, answer := b.call(action, text(in))
	var out map[string]any
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != http.StatusOK {
		b.t.Fatalf("%s: %d %s", action, status, answer)
	}
	return fmt.Sprint(out[field])
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type object = map[string]any

// testKey is one as TUTTI_KEY has it, 32 bytes in base64.
const testKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

const (
	anyRole = "arn:aws:iam::123456789012:role/anybody"
	pass    = `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`
	waits   = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":31536000,"End":true}}}`
)

func (b *bench) machine(name, definition string) string {
	b.t.Helper()
	return b.must("CreateStateMachine", "stateMachineArn", object{"name": name, "definition": definition, "roleArn": anyRole})
}

// BenchmarkStartExecution begins executions side by side, each durable when it is
// answered. Goal: 2,000 a second through HTTP; this is without.
func BenchmarkStartExecution(b *testing.B) {
	x := newBench(b, nil)
	arn := x.machine("m", pass)
	b.SetParallelism(32)
	b.ResetTimer()
	began := time.Now()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			x.must("StartExecution", "executionArn", object{"stateMachineArn": arn, "input": `{"n":1}`})
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "starts/s")
}
