package servetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// load is how many executions of each kind are open when the server is killed: a
// thousand together.
var load = map[string]int{"wait": 300, "command": 100, "callback": 300, "activity": 300}

// definitions of the load. Each execution's input is {"i": number}, and so is its
// output. A command waits at a gate, which is a named pipe; a callback leaves its
// token in a file.
func definitions(activity string) map[string]string {
	task := func(resource, parameters string) string {
		return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + resource + `",` + parameters + `"ResultPath":null,"End":true}}}`
	}
	return map[string]string{
		"wait":    `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":6,"Next":"P"},"P":{"Type":"Pass","End":true}}}`,
		"command": task("arn:tutti:command", `"Parameters":{"Command":["sh","-c","cat gate >/dev/null; echo {}"]},`),
		"callback": task("arn:tutti:command.waitForTaskToken", `"Parameters":{"Command":["sh","-c","printf %s \"$TOKEN\" >tokens/.$NAME; mv tokens/.$NAME tokens/$NAME; echo {}"],`+
			`"Environment":{"TOKEN.$":"$$.Task.Token","NAME.$":"$$.Execution.Name"}},`),
		"activity": task(activity, `"HeartbeatSeconds":5,"Retry":[{"ErrorEquals":["States.Timeout","States.HeartbeatTimeout"],"IntervalSeconds":1,"MaxAttempts":20,"BackoffRate":1}],`),
	}
}

// crowd is the load of one store, whichever server serves it at the moment.
type crowd struct {
	t        *testing.T
	dir      string
	mu       sync.Mutex
	server   *server
	sdk      *sfn.Client // of the server
	activity string
	machines map[string]string // ARNs by kind
}

func (c *crowd) client() *sfn.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sdk == nil {
		c.sdk = c.server.client("test", "test")
	}
	return c.sdk
}

// again kills the server and starts another.
func (c *crowd) again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server.kill()
	c.server, c.sdk = serve(c.t, c.dir), nil
}

// refused reports whether the service said no, and not only the network.
func refused(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api)
}

// TestKill kills the server three times with a thousand executions open, once while
// they are being answered. All end as they would have.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "gate"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, dir: dir, server: serve(t, dir), machines: map[string]string{}}
	c.create()
	c.begin()
	c.again()
	if n := c.count(""); n[types.ExecutionStatusRunning]+n[types.ExecutionStatusSucceeded] != c.total() {
		t.Fatalf("of %d executions there are after the first kill: %v", c.total(), n)
	}
	c.again()
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	wait.Go(func() { c.openGate(ctx) })
	for range 4 {
		wait.Go(func() { c.work(ctx) })
	}
	wait.Go(func() { c.callBack(ctx) })
	eventually(t, "half of the executions end", func() bool {
		return c.count(types.ExecutionStatusSucceeded)[types.ExecutionStatusSucceeded] >= c.total()/2
	})
	c.again()
	eventually(t, "all executions end", func() bool { return len(c.count(types.ExecutionStatusRunning)) == 0 })
	c.check()
}

func (c *crowd) total() (n int) {
	for _, count := range load {
		n += count
	}
	return n
}

func (c *crowd) create() {
	ctx := c.t.Context()
	act, err := c.client().CreateActivity(ctx, &sfn.CreateActivityInput{Name: aws.String("act")})
	if err != nil {
		c.t.Fatal(err)
	}
	c.activity = *act.ActivityArn
	for kind, text := range definitions(c.activity) {
		m, err := c.client().CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String(kind), Definition: aws.String(text), RoleArn: aws.String(role)})
		if err != nil {
			c.t.Fatal(err)
		}
		c.machines[kind] = *m.StateMachineArn
	}
}

func (c *crowd) begin() {
	var wait sync.WaitGroup
	client := c.client()
	for kind, count := range load {
		wait.Go(func() {
			for i := range count {
				_, err := client.StartExecution(c.t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(c.machines[kind]),
					Name: aws.String(fmt.Sprintf("%s-%d", kind, i)), Input: aws.String(fmt.Sprintf(`{"i":%d}`, i))})
				if err != nil {
					c.t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// count tells how many executions have which status, of those that have this one; ""
// is any.
func (c *crowd) count(status types.ExecutionStatus) map[types.ExecutionStatus]int {
	n := map[types.ExecutionStatus]int{}
	for _, arn := range c.machines {
		for p := sfn.NewListExecutionsPaginator(c.client(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(arn), StatusFilter: status, MaxResults: 1000}); p.HasMorePages(); {
			page, err := p.NextPage(c.t.Context())
			if err != nil {
				c.t.Fatal(err)
			}
			for _, e := range page.Executions {
				n[e.Status]++
			}
		}
	}
	return n
}

// openGate lets all commands through, also those that come to the gate later. A
// reader that has gone when its writer comes is no harm.
func (c *crowd) openGate(ctx context.Context) {
	for now := time.NewTicker(poll); ctx.Err() == nil; <-now.C {
		if gate, err := os.OpenFile(filepath.Join(c.dir, "gate"), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_ = gate.Close()
		}
	}
}

// work is a worker of the activity that answers with what it is given.
func (c *crowd) work(ctx context.Context) {
	for ctx.Err() == nil {
		client := c.client()
		task, err := client.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: aws.String(c.activity)})
		if err != nil || task.TaskToken == nil {
			continue // the server was killed, or nobody has work
		}
		c.answer(ctx, *task.TaskToken, aws.ToString(task.Input))
	}
}

// answer answers a task until the answer is taken. When the server was killed before
// it could say so, it says now that the task is over.
func (c *crowd) answer(ctx context.Context, token, output string) {
	for ctx.Err() == nil {
		_, err := c.client().SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(output)})
		var over *types.TaskTimedOut
		if err == nil || errors.As(err, &over) {
			return
		}
		if refused(err) {
			c.t.Errorf("answer a task: %v", err)
			return
		}
	}
}

// callBack answers the tokens that callbacks have left.
func (c *crowd) callBack(ctx context.Context) {
	done := map[string]bool{}
	for now := time.NewTicker(poll); ctx.Err() == nil && len(done) < load["callback"]; <-now.C {
		files, err := filepath.Glob(filepath.Join(c.dir, "tokens", "callback-*"))
		if err != nil {
			c.t.Error(err)
		}
		for _, f := range files {
			token, err := os.ReadFile(f)
			if err != nil {
				c.t.Error(err)
			}
			if !done[f] {
				c.answer(ctx, string(token), "{}")
				done[f] = true
			}
		}
	}
}

// check holds every execution to the end that it would have had.
func (c *crowd) check() {
	for kind, count := range load {
		for i := range count {
			arn := strings.Replace(c.machines[kind], ":stateMachine:", ":execution:", 1) + fmt.Sprintf(":%s-%d", kind, i)
			d, err := c.client().DescribeExecution(c.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
			if err != nil {
				c.t.Fatal(err)
			}
			var output struct{ I *int }
			if err := json.Unmarshal([]byte(aws.ToString(d.Output)), &output); err != nil || output.I == nil || *output.I != i || d.Status != types.ExecutionStatusSucceeded {
				c.t.Errorf("%s is %s: %s %s %s", arn, d.Status, aws.ToString(d.Output), aws.ToString(d.Error), aws.ToString(d.Cause))
			}
		}
	}
}

// TestKillExpress kills the server while EXPRESS executions go on: they start again.
func TestKillExpress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	definition := `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":2,"Next":"T"},"T":{"Type":"Task","Resource":"arn:tutti:command",` +
		`"Parameters":{"Command":["sh","-c","echo done >>effect; echo {}"]},"End":true}}}`
	m, err := s.client("t", "t").CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("x"), Type: types.StateMachineTypeExpress,
		Definition: aws.String(definition), RoleArn: aws.String(role)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client("t", "t").StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn}); err != nil {
		t.Fatal(err)
	}
	s.kill()
	if _, err := os.Stat(filepath.Join(dir, "effect")); err == nil {
		t.Fatal("it had ended before the kill")
	}
	s = serve(t, dir)
	effect := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "effect"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	eventually(t, "the execution starts again and ends", func() bool { return effect() != "" })
	if code := s.stop(); code != 0 || effect() != "done\n" {
		t.Errorf("exit code %d, the effect is %q", code, effect())
	}
	s = serve(t, dir)
	if strings.Contains(s.log.String(), "taken up") {
		t.Errorf("what has ended is taken up again")
	}
}

// TestYear has an execution wait for a year over two kills, and then be stopped.
func TestYear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	c, ctx := s.client("t", "t"), t.Context()
	m, err := c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("year"), RoleArn: aws.String(role),
		Definition: aws.String(`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":31536000,"End":true}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.kill()
		s = serve(t, dir)
		d, err := s.client("t", "t").DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn})
		if err != nil || d.Status != types.ExecutionStatusRunning || !d.StartDate.Equal(*e.StartDate) {
			t.Fatalf("it is %+v, %v", d, err)
		}
	}
	if _, err := s.client("t", "t").StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: e.ExecutionArn}); err != nil {
		t.Fatal(err)
	}
	h, err := s.client("t", "t").GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: e.ExecutionArn, ReverseOrder: true, MaxResults: 1})
	if err != nil || len(h.Events) != 1 || h.Events[0].Type != types.HistoryEventTypeExecutionAborted {
		t.Errorf("the history ends with %+v, %v", h, err)
	}
}
