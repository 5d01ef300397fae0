package teststate_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/rehearsal"
	"tutti/internal/stepfunctions/teststate"
)

var update = flag.Bool("update", false, "write what states come to into testdata")

// Each archive holds requests as JSON, each followed by what comes of it. A request has
// the API's own fields, but for JSON that is not text.
func TestStates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives: ", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out []txtar.File
		for i, f := range a.Files {
			if strings.HasSuffix(f.Name, ".want") {
				continue
			}
			got := tried(t, f.Data)
			want := ""
			if i+1 < len(a.Files) && a.Files[i+1].Name == f.Name+".want" {
				want = string(a.Files[i+1].Data)
			}
			if got != want && !*update {
				t.Errorf("%s %s:\n%s\ngot:\n%s\nwant:\n%s", file, f.Name, f.Data, got, want)
			}
			out = append(out, f, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
		}
		if *update {
			a.Files = out
			if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// request reads one of the archives' requests.
func request(t *testing.T, text []byte) teststate.Request {
	t.Helper()
	v, err := data.Decode(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	o := v.(*data.Object)
	object := func(from *data.Object, key string) *data.Object {
		m, _ := from.Get(key)
		o, _ := m.(*data.Object)
		return o
	}
	word := func(from *data.Object, key string) string {
		m, _ := from.Get(key)
		s, _ := m.(string)
		return s
	}
	number := func(from *data.Object, key string) int64 {
		m, _ := from.Get(key)
		n, _ := data.Int(m)
		return n
	}
	configuration := object(o, "stateConfiguration")
	r := teststate.Request{StateName: word(o, "stateName"), Variables: object(o, "variables"), Context: object(o, "context"), Level: teststate.Level(word(o, "inspectionLevel")),
		Configuration: teststate.Configuration{RetryCount: number(configuration, "retrierRetryCount"), ErrorCausedByState: word(configuration, "errorCausedByState"),
			MapIterationFailures: number(configuration, "mapIterationFailureCount")},
		Execution: execution.Identity{ID: "arn:e", Name: "e"}, StateMachine: execution.Identity{ID: "arn:m", Name: "m"},
		Now: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC), Random: func() float64 { return 0.5 }, UUID: func() string { return "u" }}
	def, _ := o.Get("definition")
	r.Definition = data.Encode(def)
	r.Input, _ = o.Get("input")
	secrets, _ := o.Get("revealSecrets")
	r.RevealSecrets = secrets == true
	if m := object(o, "mock"); m != nil {
		r.Mock = &teststate.Mock{}
		r.Mock.Result, r.Mock.HasResult = m.Get("result")
		if word(m, "check") != "" {
			r.Mock.Check = func(resource definition.Resource, _ any) string {
				return "Field '" + resource.Service + "' " + word(m, "check")
			}
		}
		if e := object(m, "errorOutput"); e != nil {
			r.Mock.Error = &teststate.Failure{Name: word(e, "error"), Cause: word(e, "cause")}
		}
	}
	r.Call = func(c execution.Call) (any, *teststate.Failure) {
		if strings.HasSuffix(c.Resource, "fails") {
			return nil, &teststate.Failure{Name: "Called", Cause: "and failed"}
		}
		return data.ObjectOf(data.Member{Key: "called", Value: c.Resource}, data.Member{Key: "with", Value: string(c.Arguments)}), nil
	}
	return r
}

func tried(t *testing.T, text []byte) string {
	t.Helper()
	response, err := teststate.Run(request(t, text))
	var invalid *teststate.InvalidError
	switch {
	case errors.As(err, &invalid):
		return invalid.Error() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(response.Status)
	if response.NextState != "" {
		b.WriteString(" -> " + response.NextState)
	}
	if response.Error != "" || response.Cause != "" {
		fmt.Fprintf(&b, "\nerror %s: %s", response.Error, response.Cause)
	}
	if response.HasOutput {
		fmt.Fprintf(&b, "\noutput %s", data.Encode(response.Output))
	}
	for _, m := range response.Inspection.Members() {
		text, ok := m.Value.(string)
		if !ok {
			text = string(data.Encode(m.Value))
		}
		fmt.Fprintf(&b, "\n  %s %s", m.Key, text)
	}
	return b.String() + "\n"
}

// What a state comes to by itself is what it comes to in an execution.
func TestSameAsExecution(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txtar")
	compared := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".want") || !strings.HasPrefix(f.Name, "same") {
				continue
			}
			compared++
			r := request(t, f.Data)
			response, err := teststate.Run(r)
			if err != nil {
				t.Fatal(f.Name, err)
			}
			want := fmt.Sprint(response.Error, string(data.Encode(response.Output)))
			if got := executed(t, r, response.NextState); got != want {
				t.Errorf("%s: %s in an execution, %s by itself", f.Name, got, want)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d states were compared", compared)
	}
}

// executed carries the state out in a machine whose next state hands its input on.
func executed(t *testing.T, r teststate.Request, next string) string {
	t.Helper()
	more := ""
	if next != "" {
		more = fmt.Sprintf(`,%q:{"Type":"Succeed"}`, next)
	}
	def, diags := definition.Parse("x.asl.json", []byte(`{"StartAt":"StateName","States":{"StateName":`+string(r.Definition)+more+`}}`))
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	replies := &mock.Case{}
	if r.Mock != nil {
		reply := mock.Reply{Output: r.Mock.Result}
		if e := r.Mock.Error; e != nil {
			reply.Error, reply.Cause = e.Name, e.Cause
		}
		replies.Set("StateName", true, reply)
	}
	result, err := rehearsal.Run(rehearsal.Options{Definition: def, Input: r.Input, Replies: replies, From: "StateName", Variables: r.Variables, At: r.Now})
	if err != nil {
		t.Fatal(err)
	}
	name := result.Error
	if _, caught := def.State(next); next != "" && caught && r.Mock != nil && r.Mock.Error != nil {
		name = r.Mock.Error.Name
	}
	return fmt.Sprint(name, string(data.Encode(result.Output)))
}
