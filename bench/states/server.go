package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// server is one of the two that are measured.
type server struct {
	url     string
	process *exec.Cmd
	stdin   io.WriteCloser
	dir     string
	client  *http.Client
	// starts is how many executions a round of StartExecution begins.
	starts int
}

func newServer(process *exec.Cmd) *server {
	return &server{process: process, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
}

var urlLine = regexp.MustCompile(`Step Functions API +(http://\S+)`)

// startTutti serves a new store in a folder of its own, on the disk that holds
// temporary files.
func startTutti(binary string) (*server, error) {
	dir, err := os.MkdirTemp("", "bench-states-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve", "-listen", "127.0.0.1:0", "-log-level", "warn")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := newServer(cmd)
	s.dir, s.starts = dir, 20_000
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := urlLine.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return s, nil
		}
	}
	return nil, errors.New("tutti serve did not start")
}

// motoServer serves until its standard input ends.
const motoServer = `
import logging, sys
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer
logging.disable(logging.CRITICAL)
default_user_config["stepfunctions"] = {"execute_state_machine": True}
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
`

func startMoto(python string) (*server, error) {
	cmd := exec.Command(python, "-c", motoServer)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("moto did not start: %w", err)
	}
	s := newServer(cmd)
	s.url, s.stdin, s.starts = strings.TrimSpace(line), stdin, 200
	return s, nil
}

func (s *server) stop() {
	if s.stdin != nil {
		_ = s.stdin.Close()
	} else {
		_ = s.process.Process.Signal(syscall.SIGTERM)
	}
	_ = s.process.Wait()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// credential is what moto reads the region from; without access keys tutti does not
// check it.
const credential = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0"

func (s *server) call(action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, s.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AWSStepFunctions."+action)
	r.Header.Set("Authorization", credential)
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it is only read
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.300s", action, answer.Status, text)
	}
	return json.Unmarshal(text, out)
}

// memory is the server's resident set in MB, as Linux tells it.
func (s *server) memory() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS in the process's status")
}
