package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed peer.js
var peerScript []byte

// peer is a node process that evaluates cases on demand.
type peer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	node    string
}

// answer is what the peer says of one measurement.
type answer struct {
	Wall  float64         `json:"wall"` // nanoseconds of one evaluation
	CPU   float64         `json:"cpu"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
	Node  string          `json:"node"`
}

func startPeer(folder, modules string, cases []contest) (*peer, error) {
	script := filepath.Join(folder, "peer.js")
	if err := os.WriteFile(script, peerScript, 0o600); err != nil {
		return nil, err
	}
	args := []string{script}
	for i, c := range cases {
		file := filepath.Join(folder, strconv.Itoa(i)+".json")
		content, err := json.Marshal(map[string]any{"expression": c.expression, "document": json.RawMessage(c.document)})
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return nil, err
		}
		args = append(args, file)
	}
	p := &peer{cmd: exec.Command("node", args...)}
	p.cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "TZ=UTC")
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := p.read()
	p.node = first.Node
	return p, err
}

func (p *peer) measure(number int, span time.Duration) (answer, error) {
	if _, err := fmt.Fprintf(p.in, "%d %d\n", number, span.Milliseconds()); err != nil {
		return answer{}, err
	}
	return p.read()
}

func (p *peer) read() (answer, error) {
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("node ended: %w", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, err
	}
	if a.Error != "" {
		return answer{}, fmt.Errorf("jsonata-js: %s", a.Error)
	}
	return a, nil
}

func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait()
}
