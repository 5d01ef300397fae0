package connection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/become"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/ssh"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

const (
	// maxStarting is how many hosts are connected to, and the program started there, at the same
	// time: beyond that they only wait for this machine's processors and its network.
	maxStarting = 32
	// promptGrace is how much longer than for connecting is waited for a prompt, as in Ansible.
	promptGrace = 2 * time.Second
	// uploadTime is how long the program may take to get onto a host.
	uploadTime = 10 * time.Minute
)

// Options are what a Pool works with.
type Options struct {
	// Modules finds native modules by their short names.
	Modules target.Modules
	// Foreign carries out a module that is not native, or that is but whose host our program does
	// not fit; nil is that there is no way. It may use all of the target but Run.
	Foreign func(ctx context.Context, t action.Target, r module.Request) (module.Result, error)
	// Home is the folder with .ssh; "" is the user's.
	Home string
	// Ask puts a yes-or-no question to the user; nil is that nobody is there.
	Ask func(question string) bool
	// Warn is told what the user should know; nil is nobody.
	Warn func(text string)
	// Programs are those for hosts; nil looks for them.
	Programs program.Set
}

// Pool has one connection to each host, for a whole run. It is safe for use by several
// goroutines.
type Pool struct {
	options  Options
	dialer   *ssh.Dialer
	starting chan struct{}
	programs func() (program.Set, error)
	machine  *target.Machine // this one

	mu      sync.Mutex
	hosts   map[string]*host
	targets map[string]*remote
	closed  bool
}

// Starter begins work in the background. Every Target of a Pool is one.
type Starter interface {
	// StartAsync gives what async_wrapper gives: ansible_job_id, results_file, started, finished.
	StartAsync(ctx context.Context, job channel.Job) (module.Result, error)
}

// NewPool makes a Pool without connections.
func NewPool(o Options) *Pool {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	programs := sync.OnceValues(program.Find)
	if o.Programs != nil {
		programs = func() (program.Set, error) { return o.Programs, nil }
	}
	return &Pool{options: o, dialer: &ssh.Dialer{Home: o.Home, Ask: o.Ask, Warn: o.Warn}, starting: make(chan struct{}, maxStarting),
		programs: programs, machine: &target.Machine{Modules: o.Modules}, hosts: map[string]*host{}, targets: map[string]*remote{}}
}

// errClosed is that of whoever comes after Close.
var errClosed = errors.New("connections are closed already")

func (p *Pool) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Open gives the target of a spec: the same for the same one. The host is connected to when it is
// first needed, so errors here are those of the spec.
func (p *Pool) Open(_ context.Context, s Spec) (action.Target, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	key := s.key()
	how := fmt.Sprintf("%s\x00%s\x00%+v", key, s.Python, s.Become)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if t := p.targets[how]; t != nil {
		return t, nil
	}
	h := p.hosts[key]
	if h == nil {
		h = &host{pool: p, spec: s, sessions: map[Become]*slot{}}
		h.spec.Become = Become{}
		p.hosts[key] = h
	}
	t := &remote{host: h, become: s.Become, python: s.Python}
	p.targets[how] = t
	return t, nil
}

// check refuses what there is no connection for.
func (s *Spec) check() error {
	switch s.Kind {
	case "ssh", "smart", "paramiko", "ansible.builtin.ssh", "paramiko_ssh", "ansible.builtin.paramiko_ssh", "":
		s.Kind = "ssh"
		if s.Host == "" {
			s.Host = s.Name
		}
		if s.Host == "" {
			return &Failure{"there is no host to connect to: ansible_host is empty"}
		}
	case "local", "ansible.builtin.local":
		s.Kind = "local"
	default:
		return &Failure{fmt.Sprintf("the connection plugin '%s' was not found: connections are ssh and local; "+
			"set ansible_connection to one of them for the host %s", s.Kind, s.Name)}
	}
	switch become.Method(strings.TrimPrefix(strings.TrimPrefix(s.Become.Method, "ansible.builtin."), "community.general.")) {
	case "":
		s.Become = Become{}
	case become.Sudo, become.Su, become.Doas, become.Runuser:
		s.Become.Method = s.Become.Method[strings.LastIndexByte(s.Become.Method, '.')+1:]
		if s.Become.User == "" {
			s.Become.User = "root"
		}
	default:
		return &Failure{fmt.Sprintf("Invalid become method specified, could not find matching plugin: '%s'. "+
			"Methods are sudo, su, doas and runuser.", s.Become.Method)}
	}
	return nil
}

// key is what tells one host's connection from another's.
func (s Spec) key() string {
	s.Become = Become{}
	s.Name = ""
	s.Python, s.Shell = "", ""
	if s.Kind == "local" {
		return "local\x00" + s.RemoteTmp
	}
	return fmt.Sprintf("%q", []any{s})
}

// Clean takes the program away from the hosts that this run has connected to. What runs of it
// goes on until the Pool is closed.
func (p *Pool) Clean(ctx context.Context) error {
	p.mu.Lock()
	hosts := make([]*host, 0, len(p.hosts))
	for _, h := range p.hosts {
		hosts = append(hosts, h)
	}
	p.mu.Unlock()
	var first error
	for _, h := range hosts {
		for _, s := range h.open() {
			if err := s.clean(ctx); err != nil && first == nil {
				first = fmt.Errorf("%s: %w", h.spec.Name, err)
			}
		}
	}
	return first
}

// Close ends all connections, and with them what still runs over them.
func (p *Pool) Close() {
	p.mu.Lock()
	hosts := p.hosts
	p.hosts, p.targets, p.closed = map[string]*host{}, map[string]*remote{}, true
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(h.close)
	}
	all.Wait()
	p.dialer.Close()
	p.machine.Close()
}
