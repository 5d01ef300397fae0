package provider_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

// BenchmarkLaunch is one whole life of a real provider's process, schema cached.
func BenchmarkLaunch(b *testing.B) {
	path, dir := providertest.Real(b, "local"), b.TempDir()
	for b.Loop() {
		p, err := provider.Launch(context.Background(), provider.LaunchOptions{Path: path, CacheDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		ok(b, p.Configure(context.Background(), cty.EmptyObjectVal))
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSchemaCached is what a command pays that needs one type and no process.
func BenchmarkSchemaCached(b *testing.B) {
	path, dir := providertest.Real(b, "tls"), b.TempDir()
	open := func() {
		p, err := provider.Launch(context.Background(), provider.LaunchOptions{Path: path, CacheDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		s, diags := p.Schema(context.Background())
		ok(b, diags)
		if s.Types.Type(provider.Managed, "tls_private_key") == nil {
			b.Fatal("no such type")
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	open()
	for b.Loop() {
		open()
	}
}

// BenchmarkPlanLocal is planning of a local_file, calls one after the other and
// sixteen at once.
func BenchmarkPlanLocal(b *testing.B) {
	p := launch(b, provider.LaunchOptions{Path: providertest.Real(b, "local")})
	configure(b, p)
	block := schemaOf(b, p).Types.Type(provider.Managed, "local_file").Block
	config := object(block, map[string]cty.Value{"filename": cty.StringVal(filepath.Join(b.TempDir(), "x")), "content": cty.StringVal("x")})
	req := provider.PlanRequest{TypeName: "local_file", Proposed: proposed(block, config), Config: config}
	plan := func() {
		if _, diags := p.Plan(context.Background(), req); diags.HasErrors() {
			b.Error(diags.Err())
		}
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			plan()
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	})
	b.Run("sixteen", func(b *testing.B) {
		b.ReportAllocs()
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := w; i < b.N; i += 16 {
					plan()
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	})
}

// BenchmarkFunction is the cheapest call that a real provider answers: the cost
// of a call as such.
func BenchmarkFunction(b *testing.B) {
	p := launch(b, provider.LaunchOptions{Path: providertest.Real(b, "local")})
	args := []cty.Value{cty.StringVal("/")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.CallFunction(context.Background(), "direxists", args); err != nil {
			b.Fatal(err)
		}
	}
}
