package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// tool carries a stack out. Each field is a command line.
type tool struct {
	name string
	// init is not measured; nil when there is nothing to be done.
	init        []string
	apply, plan []string
	// count gives how many instances are in the state; nil when there is no state.
	count func(ctx context.Context, dir string) (int, error)
	runs  int
}

// measured are a tool's runs on a stack.
type measured struct{ apply, plan series }

// results are those of all tools, by name.
type results map[string]*measured

func (b *bench) tuttiTool() tool {
	return tool{name: "tutti", init: []string{b.tutti, "init", "-plugin-dir=" + b.mirror},
		apply: []string{b.tutti, "apply", "-auto-approve"}, plan: []string{b.tutti, "plan", "-detailed-exitcode"},
		count: b.listed, runs: b.runs}
}

func (b *bench) tofuTool() tool {
	return tool{name: "tofu", init: []string{b.tofu, "init", "-plugin-dir=" + b.mirror},
		apply: []string{b.tofu, "apply", "-auto-approve"}, plan: []string{b.tofu, "plan", "-detailed-exitcode"},
		count: inStateFile, runs: b.peerRuns}
}

// listed counts what tutti lists.
func (b *bench) listed(ctx context.Context, dir string) (int, error) {
	s, err := b.measure(ctx, command{dir, []string{b.tutti, "state", "list"}})
	return strings.Count(s.output, "\n"), err
}

// inStateFile counts the instances in a state file: that the peer lists its own
// takes minutes.
func inStateFile(_ context.Context, dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "terraform.tfstate"))
	if err != nil {
		return 0, err
	}
	var file struct {
		Resources []struct {
			Instances []json.RawMessage `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return 0, fmt.Errorf("terraform.tfstate: %w", err)
	}
	n := 0
	for _, r := range file.Resources {
		n += len(r.Instances)
	}
	return n, nil
}

// The names of the limits.
const (
	bareClient    = "bare client"
	bareAnnouncer = "bare, announced"
)

// bareTool is a limit: only the calls that must be made; with announce, by a client
// that plans everything before it applies anything.
func (b *bench) bareTool(s stack, announce bool) (tool, error) {
	name := bareClient
	if announce {
		name = bareAnnouncer
	}
	argv := []string{b.self, insideBare, "-count", fmt.Sprint(s.files), fmt.Sprintf("-reference=%t", s.reference), fmt.Sprintf("-announce=%t", announce)}
	for _, p := range s.providers {
		path, err := b.provider(p)
		if err != nil {
			return tool{}, err
		}
		argv = append(argv, "-"+p, path)
	}
	return tool{name: name, apply: append(slices.Clip(argv), "apply"), plan: append(slices.Clip(argv), "plan"), runs: b.runs}, nil
}

// provider gives the newest executable of a provider of the mirror.
func (b *bench) provider(name string) (string, error) {
	pattern := filepath.Join(b.mirror, "registry.terraform.io", "hashicorp", name, "*", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-"+name+"_*")
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no provider at %s: run `make providers`", pattern)
	}
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

// contest runs tools on stacks, by turns, so that whatever else the machine does
// hits all of them alike. Each run applies into an empty folder and plans again,
// which must find nothing to do. The results are by stack, then by tool.
func (b *bench) contest(ctx context.Context, entries map[string][]tool, stacks ...stack) (map[string]results, error) {
	out := map[string]results{}
	for round := 0; ; round++ {
		busy := false
		for _, s := range stacks {
			if out[s.name] == nil {
				out[s.name] = results{}
			}
			for _, t := range entries[s.name] {
				if round >= t.runs {
					continue
				}
				busy = true
				if err := b.life(ctx, t, s, out[s.name]); err != nil {
					return nil, fmt.Errorf("%s on %s: %w", t.name, s.name, err)
				}
			}
		}
		if !busy {
			break
		}
	}
	for _, s := range stacks {
		for _, t := range entries[s.name] {
			m := out[s.name][t.name]
			b.report.process(s.name+" apply", t.name, m.apply)
			b.report.process(s.name+" no-op plan", t.name, m.plan)
		}
	}
	return out, nil
}

// life is one run of one tool on one stack.
func (b *bench) life(ctx context.Context, t tool, s stack, into results) error {
	dir, err := b.folder(s.name)
	if err != nil {
		return err
	}
	if !b.keep {
		defer os.RemoveAll(dir)
	}
	if err := s.write(dir); err != nil {
		return err
	}
	if t.init != nil {
		if _, err := b.measure(ctx, command{dir, t.init}); err != nil {
			return err
		}
	}
	applied, err := b.measure(ctx, command{dir, t.apply})
	if err != nil {
		return err
	}
	if err := b.verify(ctx, t, s, dir); err != nil {
		return err
	}
	planned, err := b.measure(ctx, command{dir, t.plan})
	if err != nil {
		return err
	}
	m := into[t.name]
	if m == nil {
		m = &measured{}
		into[t.name] = m
	}
	m.apply, m.plan = append(m.apply, applied), append(m.plan, planned)
	return nil
}

// verify counts what an apply made: a tool that is fast because it did not do the
// work has no time.
func (b *bench) verify(ctx context.Context, t tool, s stack, dir string) error {
	if t.count != nil {
		n, err := t.count(ctx, dir)
		if err != nil {
			return err
		}
		if n != s.objects {
			return fmt.Errorf("%d instances are in the state after apply; want %d", n, s.objects)
		}
	}
	if s.files == 0 {
		return nil
	}
	made, err := os.ReadDir(filepath.Join(dir, "out"))
	if err == nil && len(made) != s.files {
		err = fmt.Errorf("%d files were written; want %d", len(made), s.files)
	}
	return err
}
