package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	actions "tutti/internal/ansible/action/builtin"
	modules "tutti/internal/ansible/builtin"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/worker"
	"tutti/internal/diag"
)

// Session is everything that a play needs. Close it at its end.
type Session struct {
	// Input is what the machine is started with.
	Input play.Input
	// Playbooks are the files as they were read, for who only lists them.
	Playbooks []*playbook.Playbook
	Inventory *inventory.Inventory
	Worker    *worker.Worker
	held      *Held
}

// Held is what a worker holds open: connections, and Python.
type Held struct {
	pool    *connection.Pool
	plugins *plugins
}

// Close ends it all.
func (h *Held) Close() {
	h.pool.Close()
	h.plugins.close()
}

// Open makes a request ready. The diagnostics tell what is wrong with files; an error what is
// wrong with the world.
func Open(ctx context.Context, r Request) (*Session, diag.List, error) {
	if r.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, nil, err
		}
		r.Dir = dir
	}
	s := &Session{}
	said, err := s.inventory(ctx, r)
	if err != nil || said.HasErrors() {
		return nil, said, err
	}
	if err := s.input(r); err != nil {
		return nil, said, err
	}
	s.Worker, s.held = Worker(r, s.Input)
	if s.Input.Plugins, err = s.held.plugins.names(ctx); err != nil {
		s.Close()
		return nil, said, err
	}
	books, diags, err := play.Preload(&s.Input, s.answer)
	said = append(said, diags...)
	if err != nil || said.HasErrors() {
		s.Close()
		return nil, said, err
	}
	s.Playbooks = books
	s.beside(r)
	return s, said, nil
}

// Defaults are the settings of a play without any configuration.
func Defaults() play.Settings {
	return play.Settings{Gathering: "implicit", InjectFacts: true, ErrorOnMissingHandler: true, PollInterval: 15, Strategy: "linear", BecomeMethod: "sudo"}
}

// Close ends the session's connections, and its Python.
func (s *Session) Close() { s.held.Close() }

// Worker makes the worker of a play from its input: also that of one that is taken up again.
func Worker(r Request, in play.Input) (*worker.Worker, *Held) {
	native := modules.Modules()
	find := func(name string) *module.Module { return native[name] }
	others := &foreign{in: in, warn: r.Warn}
	for _, p := range in.Playbooks {
		others.knows([]string{filepath.Dir(p)})
	}
	pool := connection.NewPool(connection.Options{Modules: find, Foreign: others.run, Ask: r.HostKey, Warn: r.Warn})
	python := newPlugins(in, r.Warn)
	w := worker.New(worker.Options{Pool: pool, Actions: actions.Actions(), Native: func(name string) bool { return native[name] != nil },
		Person: r.Person, Find: others.find, Job: others.job, Plugin: python.call, Dir: in.Dir, Secrets: in.Secrets})
	return w, &Held{pool: pool, plugins: python}
}

func (s *Session) answer(a play.Ask) play.Answer {
	text, err := json.Marshal(a)
	if err != nil {
		return play.Answer{Error: err.Error()}
	}
	out, err := s.Worker.Do(context.Background(), play.ActivityAsk, text)
	if err != nil {
		return play.Answer{Error: err.Error()}
	}
	var answer play.Answer
	if err := json.Unmarshal(out, &answer); err != nil {
		return play.Answer{Error: err.Error()}
	}
	return answer
}

func (s *Session) inventory(ctx context.Context, r Request) (diag.List, error) {
	if r.Groups != nil {
		inv, err := inventoryOf(*r.Groups)
		s.Inventory = inv
		return nil, err
	}
	inv, said := source.Load(ctx, r.Inventory, Sources(r))
	s.Inventory = inv
	return said, nil
}

// ordered gives the keys of a map in order.
func ordered[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// input collects what the machine is started with.
func (s *Session) input(r Request) error {
	in := &s.Input
	in.Dir, in.Options, in.Settings, in.Secrets, in.Sources = r.Dir, r.Options, r.Settings, r.Secrets, r.Inventory
	in.Options.Connection, in.Files = r.Connection, r.Files
	in.Options.LimitText = r.LimitText
	if r.LimitText != "" {
		limit, err := source.Limit(r.LimitText, r.Dir)
		if err != nil {
			return err
		}
		in.Options.Limit = limit
		if hosts, _, err := s.Inventory.Select(inventory.Selection{Patterns: []string{"all"}, Limit: limit}); err != nil || len(hosts) == 0 {
			return errors.New("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.") // Ansible's words
		}
	}
	for _, p := range r.Playbooks {
		in.Playbooks = append(in.Playbooks, absolute(r.Dir, p))
	}
	var err error
	if in.Inventory, err = json.Marshal(s.Inventory); err != nil {
		return fmt.Errorf("the inventory cannot be kept: %w", err)
	}
	if r.Extra != nil {
		in.Extra = value.Encode(r.Extra)
	}
	in.Home, _ = os.UserHomeDir()
	in.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		in.User = u.Username
	}
	for name := range modules.Modules() {
		in.Modules = append(in.Modules, "ansible.builtin."+name)
	}
	for name := range actions.Actions() {
		in.Modules = append(in.Modules, "ansible.builtin."+name)
	}
	slices.Sort(in.Modules)
	in.Modules = slices.Compact(in.Modules)
	return nil
}

func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// beside reads group_vars and host_vars next to the playbooks.
func (s *Session) beside(r Request) {
	s.Input.Beside = map[string]*inventory.Vars{}
	reading := Sources(r)
	for _, pb := range s.Playbooks {
		for _, p := range pb.Plays {
			if s.Input.Beside[p.Dir] != nil {
				continue
			}
			vars, diags := source.Beside(p.Dir, reading)
			if r.Warn != nil {
				for _, d := range diags {
					r.Warn(d.Detail)
				}
			}
			s.Input.Beside[p.Dir] = vars
		}
	}
}
