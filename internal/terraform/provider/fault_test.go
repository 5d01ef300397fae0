package provider_test

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

func TestCrashCarriesLastLines(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		for fault, want := range map[string]string{"apply_crash": "panic: told to crash in apply", "apply_exit": "ended while"} {
			p := faulty(t, env)
			done, diags := apply(t.Context(), t, p, map[string]cty.Value{"name": s("a"), "fault": s(fault)})
			wantError(t, diags, "Provider crashed", "faulty", "ApplyResourceChange", want)
			if done.State != cty.NilVal || diags[0].ID() != provider.CrashedID || !provider.InDoubt(diags) {
				t.Errorf("state %#v, ID %s", done.State, diags[0].ID())
			}
			_, _, diags = plan(t, p, map[string]cty.Value{"name": s("a")})
			wantError(t, diags, "Provider crashed")
		}
	})
}

func TestNoDoubtAboutRefusals(t *testing.T) {
	p := faulty(t)
	for fault, doubt := range map[string]bool{"apply_error": false, "apply_error_partial": false, "apply_wrong_type": true} {
		_, diags := apply(t.Context(), t, p, map[string]cty.Value{"name": s("a"), "fault": s(fault)})
		if !diags.HasErrors() || provider.InDoubt(diags) != doubt {
			t.Errorf("%s: %v, in doubt %t", fault, diags.Err(), !doubt)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, diags := apply(ctx, t, p, map[string]cty.Value{"name": s("a")})
	wantError(t, diags, "Operation cancelled")
	if provider.InDoubt(diags) {
		t.Error("an apply that was never begun is in doubt")
	}
}

func TestLogReceivesStandardError(t *testing.T) {
	var log strings.Builder
	p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), Log: &log})
	_, err := p.CallFunction(t.Context(), "crash", nil)
	if err == nil || !strings.Contains(log.String(), "panic: told to crash in a function") {
		t.Errorf("%v, log:\n%s", err, log.String())
	}
}

func TestCrashAtConfigure(t *testing.T) {
	p := faulty(t)
	diags := p.Configure(t.Context(), cty.ObjectVal(map[string]cty.Value{"label": cty.NullVal(cty.String), "fault": s("configure_crash")}))
	wantError(t, diags, "Provider crashed", "panic: told to crash in configure")
}

// TestCancelApply: what a cancelled apply did is not lost when the provider says
// it, and a provider that says nothing is killed.
func TestCancelApply(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		book, lines := ledger(t)
		p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), Env: []string{env, book}, StopGrace: time.Minute})
		done, diags := cancelWhenSeen(t, p, "apply_hang", func() bool { return strings.Contains(strings.Join(lines(), ","), "create a") })
		wantError(t, diags, "Interrupted")
		if done.State == cty.NilVal || !done.State.GetAttr("id").RawEquals(s("id-of-a")) {
			t.Errorf("partial state %#v", done.State)
		}
		if got := lines(); got[len(got)-1] != "stop" {
			t.Errorf("the provider was not asked to stop: %v", got)
		}

		p = faulty(t, env, book)
		done, diags = cancelWhenSeen(t, p, "apply_freeze", func() bool { return slices.Contains(lines(), "freeze") })
		wantError(t, diags, "Provider did not stop", "ApplyResourceChange")
		if !provider.InDoubt(diags) {
			t.Error("there is no doubt about what a killed provider did")
		}
		if done.State != cty.NilVal || diags[0].ID() != provider.KilledID {
			t.Errorf("state %#v, ID %s", done.State, diags[0].ID())
		}
	})
}

// cancelWhenSeen applies a thing with a fault and cancels when seen says so.
func cancelWhenSeen(t *testing.T, p provider.Provider, fault string, seen func() bool) (out provider.ApplyResponse, diags diag.List) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	planned, config, first := plan(t, p, map[string]cty.Value{"name": s("a"), "fault": s(fault)})
	ok(t, first)
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, diags = p.Apply(ctx, provider.ApplyRequest{TypeName: thing, Planned: planned.Planned, Config: config, Private: planned.Private})
	}()
	for !seen() {
		runtime.Gosched()
	}
	cancel()
	<-done
	return out, diags
}

func TestCancelPlanReturnsAtOnce(t *testing.T) {
	p := faulty(t)
	b := thingBlock(t, p)
	_, _, diags := plan(t, p, map[string]cty.Value{"name": s("warm")})
	ok(t, diags)
	ctx, cancel := context.WithCancel(t.Context())
	config := object(b, map[string]cty.Value{"name": s("a"), "fault": s("plan_hang")})
	time.AfterFunc(10*time.Millisecond, cancel)
	_, diags = p.Plan(ctx, provider.PlanRequest{TypeName: thing, Proposed: proposed(b, config), Config: config})
	wantError(t, diags, "Operation cancelled")
	_, _, diags = plan(t, p, map[string]cty.Value{"name": s("b")})
	ok(t, diags) // the provider goes on
}

func TestStartFaults(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self := providertest.Faulty(t)
	foreign := filepath.Join(dir, "foreign")
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(program[18:], uint16(elf.EM_S390)) // e_machine of the ELF header
	if err := os.WriteFile(foreign, program, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, env, headline string
		details                   []string
	}{
		{"missing", filepath.Join(dir, "none"), "", "Provider executable not found", []string{filepath.Join(dir, "none"), "init"}},
		{"not executable", file("plain", "text", 0o600), "", "Provider executable cannot be run", []string{"chmod"}},
		{"no program", file("junk", "\x00\x01\x02", 0o700), "", "Not a provider", []string{"damaged"}},
		{"no interpreter", file("script", "#!/none/such\n", 0o700), "", "Provider executable cannot be run", []string{"interpreter"}},
		{"another program", file("hello.sh", "#!/bin/sh\necho good day\n", 0o700), "", "Not a provider", []string{"good day"}},
		{"another machine", foreign, "", "Provider built for another platform", []string{"S390", runtime.GOARCH}},
		{"exits", self, "FAULTY_START=exit", "Provider failed to start", []string{"faulty: told to exit"}},
		{"panics", self, "FAULTY_START=panic", "Provider failed to start", []string{"panic: told to panic at start"}},
		{"hangs", self, "FAULTY_START=hang", "Provider did not start in time", []string{"faulty"}},
		{"talks", self, "FAULTY_START=garbage", "Not a provider", []string{"hello, this is not a handshake"}},
		{"too new", self, "FAULTY_START=protocol", "Unsupported provider protocol", []string{"version 9"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := provider.LaunchOptions{Path: test.path, Name: "faulty", Env: []string{test.env}}
			if test.name == "hangs" {
				opts.StartTimeout = 100 * time.Millisecond
			}
			p := launch(t, opts)
			diags := p.Configure(t.Context(), cty.EmptyObjectVal)
			wantError(t, diags, test.headline, test.details...)
			if len(diags) == 1 && diags[0].ID() != provider.StartFailedID {
				t.Errorf("ID %s", diags[0].ID())
			}
		})
	}
}

func TestCancelStart(t *testing.T) {
	p := faulty(t, "FAULTY_START=freeze")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, diags := p.Schema(ctx)
	wantError(t, diags, "Operation cancelled")
}

func TestSchemaFaults(t *testing.T) {
	_, diags := faulty(t, "FAULTY_SCHEMA=error").Schema(t.Context())
	wantError(t, diags, "No schema today")
	p := faulty(t, "FAULTY_SCHEMA=bad")
	diags = p.ValidateResource(t.Context(), provider.Managed, thing, cty.EmptyObjectVal)
	wantError(t, diags, "Invalid provider schema", thing, "block bad")
}

func TestCloseTwiceAndCallAfter(t *testing.T) {
	p := faulty(t)
	_ = thingBlock(t, p)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	_, _, diags := plan(t, p, map[string]cty.Value{"name": s("a")})
	if !diags.HasErrors() {
		t.Error("a closed provider answered")
	}
}

func TestReattach(t *testing.T) {
	cmd := exec.Command(providertest.Faulty(t), "-debug")
	cmd.Env = append(os.Environ(), "FAULTY_DEBUG=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var how json.RawMessage
	if err := json.NewDecoder(out).Decode(&how); err != nil {
		t.Fatal(err)
	}
	running, err := provider.ParseReattach(`{"test/faulty":` + string(how) + `}`)
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, provider.LaunchOptions{Name: "faulty", Reattach: running["test/faulty"]})
	_, diags := apply(t.Context(), t, p, map[string]cty.Value{"name": s("a")})
	ok(t, diags)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// It is not ours to end.
	p = launch(t, provider.LaunchOptions{Name: "faulty", Reattach: running["test/faulty"]})
	_, diags = apply(t.Context(), t, p, map[string]cty.Value{"name": s("b")})
	ok(t, diags)
}

func TestParseReattachRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                           "unexpected end",
		`{"a":{"Protocol":"netrpc"}}`: "netrpc",
		`{"a":{"Protocol":"grpc","ProtocolVersion":4}}`:          "version 4",
		`{"a":{"Protocol":"grpc","Addr":{"Network":"carrier"}}}`: "carrier",
	} {
		if _, err := provider.ParseReattach(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if got, err := provider.ParseReattach(""); err != nil || len(got) != 0 {
		t.Errorf("empty: %v, %v", got, err)
	}
}

func FuzzParseReattach(f *testing.F) {
	f.Add(`{"a":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1,"Test":true,"Addr":{"Network":"unix","String":"/x"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := provider.ParseReattach(text)
		for name, r := range all {
			if err != nil || r.ProtocolVersion != 5 && r.ProtocolVersion != 6 {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		}
	})
}
