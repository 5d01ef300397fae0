package target

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/module"
)

// Command is the word after which tutti itself, started on a host, is this program.
const Command = "@target"

const (
	// jobStart is how long a job may take to say that it has begun.
	jobStart = 30 * time.Second
	// jobGrace is how long a job that has reached its limit may take to end.
	jobGrace = 2 * time.Second
	// jobDir is where Ansible keeps the files of jobs.
	jobDir = "~/.ansible_async"
)

// Start begins a job in a process of its own, which outlives this one, and gives what Ansible's
// async_wrapper gives: the job's number and its file.
func (m *Machine) Start(ctx context.Context, job channel.Job) module.Result {
	dir := home(job.Dir, jobDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return module.Fail(fmt.Sprintf("could not create directory: %s - %v", dir, err))
	}
	// The link works also when the file is no longer there.
	self := "/proc/self/exe"
	if _, err := os.Stat(self); err != nil {
		if self, err = os.Executable(); err != nil {
			return module.Fail(fmt.Sprintf("could not find the program that runs jobs: %v", err))
		}
	}
	job.Dir = dir
	if job.Payload != "" {
		if err := keepPayload(&job); err != nil {
			return module.Fail(fmt.Sprintf("could not keep what the job runs: %v", err))
		}
	}
	text, err := json.Marshal(job)
	if err != nil {
		return module.Fail(fmt.Sprintf("the job cannot be written down: %v", err))
	}
	cmd := exec.Command(self, Command, "job")
	cmd.Env = os.Environ()
	cmd.Stdin = bytes.NewReader(text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return module.Fail(fmt.Sprintf("could not start the job: %v", err))
	}
	ctx, cancel := context.WithTimeout(ctx, jobStart)
	defer cancel()
	defer context.AfterFunc(ctx, func() { stdout.Close() })()
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	go func() { _ = cmd.Wait() }()
	id, ok := strings.CutPrefix(strings.TrimSpace(line), "started ")
	if !ok {
		return module.Fail("could not start the job: " + strings.TrimSpace(line))
	}
	return module.Result{"failed": false, "changed": false, "started": true, "finished": false, "ansible_job_id": id,
		"results_file": filepath.Join(dir, id)}
}

// keepPayload copies a file of Put to where the job can read it when we are gone.
func keepPayload(job *channel.Job) error {
	from, err := os.Open(job.Payload)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(job.Dir, ".payload-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if closing := to.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(to.Name())
		return err
	}
	job.Payload = to.Name()
	return nil
}

// runJob is the process of a job: it reads the job, says that it has begun, and then is on its
// own.
func runJob(modules Modules) int {
	var job channel.Job
	text, err := io.ReadAll(io.LimitReader(os.Stdin, channel.MaxMessage))
	if err == nil {
		err = channel.Decode(text, &job)
	}
	if err != nil {
		fmt.Println("the job cannot be read:", err)
		return 1
	}
	id := fmt.Sprintf("%s.%d", job.ID, os.Getpid())
	file := filepath.Join(job.Dir, id)
	if err := writeJob(file, module.Result{"started": true, "finished": false, "ansible_job_id": id}); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("started", id)
	letGo()
	if job.Payload != "" {
		defer os.Remove(job.Payload)
	}
	m := &Machine{Modules: modules}
	defer m.Close()
	if err := writeJob(file, m.limited(job)); err != nil {
		return 1
	}
	return 0
}

// letGo points the three streams at nothing: whoever reads them must not wait for the job.
func letGo() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		_ = dup(int(null.Fd()), fd)
	}
}

// limited carries a job out, but not for longer than its limit.
func (m *Machine) limited(job channel.Job) module.Result {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan module.Result, 1)
	go func() { done <- m.work(ctx, job) }()
	var limit <-chan time.Time
	if job.Limit > 0 {
		limit = time.After(time.Duration(job.Limit) * time.Second)
	}
	select {
	case r := <-done:
		return r
	case <-limit:
	}
	cancel()
	select {
	case <-done:
	case <-time.After(jobGrace):
	}
	return module.Result{"msg": "Timeout exceeded", "failed": true, "child_pid": os.Getpid()}
}

func (m *Machine) work(ctx context.Context, job channel.Job) module.Result {
	if job.Module != nil {
		return m.Run(ctx, *job.Module)
	}
	if job.Command == nil {
		return module.Fail("a job without anything to do")
	}
	for i, arg := range job.Command.Argv {
		job.Command.Argv[i] = strings.ReplaceAll(arg, channel.PayloadMark, job.Payload)
	}
	out := m.Exec(ctx, *job.Command)
	return ReadResult(out)
}

// writeJob writes a job's file so that a reader sees the old one or the new one.
func writeJob(file string, r module.Result) error {
	text, err := json.Marshal(r)
	if err != nil {
		text, _ = json.Marshal(module.Fail(fmt.Sprintf("the result cannot be written: %v", err)))
	}
	if err := os.WriteFile(file+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}
