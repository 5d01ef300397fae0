package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// benchCase is one group of measurements that can be chosen by name.
type benchCase struct {
	name, about string
	run         func(ctx context.Context, b *bench) error
}

// cases lists them all, in the order in which they run: what takes the machine's
// memory comes late.
func cases() []benchCase {
	return []benchCase{
		{"version", "the start of the program", version},
		{"journal", "events a second, each as durable as the disk allows", journal},
		{"state-write", "one change in a small and in a large state", stateWrite},
		{"schema", "a provider's schema, asked of its process and from the cache", schemaCache},
		{"chains", "2000 single terraform_data in chains of ten, each referring to the one before", chained},
		{"pairs", "2 x 1000 terraform_data, b[i] referring to a[i]", paired},
		{"growth", "2 x 500 against 2 x 5000 of the same", growth},
		{"files", "1000 random_id and 1000 local_file of real providers, each file holding an ID", filesReferring},
		{"files-plain", "the same without the reference", filesPlain},
		{"large", "100,000 instances of terraform_data", large},
	}
}

// The goals, as the project states them.
const (
	goalVersion      = 0.050 // seconds
	goalEvents       = 5000  // a second
	goalPairsApply   = 50    // times as fast as OpenTofu
	goalPairsPlan    = 30
	goalGrowth       = 12      // times the time of a tenth
	goalGrowthMemory = 1 << 30 // bytes
	goalBare         = 1.3     // times the time of the bare client
	// A state of 100 times the size may cost this much more for a change: the depth
	// of a tree and the noise of a disk, but no walk over the rows.
	goalStateWrite = 2.0
	// Memory for ten times the instances.
	goalLargeMemory = 12
)

func version(ctx context.Context, b *bench) error {
	tools := []tool{{name: "tutti", plan: []string{b.tutti, "version"}}}
	if b.peer {
		tools = append(tools, tool{name: "tofu", plan: []string{b.tofu, "version"}})
	}
	got := map[string]series{}
	for range 4 * b.runs {
		for _, t := range tools {
			s, err := b.measure(ctx, command{b.dir, t.plan})
			if err != nil {
				return err
			}
			got[t.name] = append(got[t.name], s)
		}
	}
	for _, t := range tools {
		b.report.process("version", t.name, got[t.name])
	}
	median := got["tutti"].wall().median
	b.report.goal(median < goalVersion, "tutti version", "%s, under %s wanted", duration(median), duration(goalVersion))
	return nil
}

// inside runs one of this program's own measurements in a process of its own,
// b.runs times, and gives each figure of its answers.
func (b *bench) inside(ctx context.Context, name string, args ...string) (map[string][]float64, error) {
	out := map[string][]float64{}
	for range b.runs {
		dir, err := b.folder(name)
		if err != nil {
			return nil, err
		}
		s, err := b.measure(ctx, command{dir, append([]string{b.self, name}, args...)})
		if err != nil {
			return nil, err
		}
		var figures map[string]float64
		if err := json.Unmarshal([]byte(s.output), &figures); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for what, v := range figures {
			out[what] = append(out[what], v)
		}
	}
	return out, nil
}

func journal(ctx context.Context, b *bench) error {
	got, err := b.inside(ctx, insideJournal)
	if err != nil {
		return err
	}
	for _, what := range []string{figureDisk, figureOneCaller, figureTenCallers, figureRun} {
		b.report.figure(what, "tutti", b.runs, spreadOf(got[what]), rate)
	}
	for _, what := range []string{figureTenCallers, figureRun} {
		median := spreadOf(got[what]).median
		b.report.goal(median >= goalEvents, what, "%s, %d wanted", rate(median), goalEvents)
	}
	return nil
}

func stateWrite(ctx context.Context, b *bench) error {
	got, err := b.inside(ctx, insideState)
	if err != nil {
		return err
	}
	for _, what := range []string{figureSmallState, figureLargeState, figureSmallCPU, figureLargeCPU} {
		b.report.figure(what, "tutti", b.runs, spreadOf(got[what]), duration)
	}
	ratio := spreadOf(got[figureLargeCPU]).median / spreadOf(got[figureSmallCPU]).median
	b.report.goal(ratio < goalStateWrite, "CPU of a change, 100,000 rows against 1,000", "%.2fx, under %.1fx wanted", ratio, goalStateWrite)
	return nil
}

func schemaCache(ctx context.Context, b *bench) error {
	path, err := b.provider("tls")
	if err != nil {
		return err
	}
	got, err := b.inside(ctx, insideSchema, path)
	if err != nil {
		return err
	}
	asked, kept := spreadOf(got[figureAsked]), spreadOf(got[figureKept])
	b.report.figure(figureAsked, "tutti", b.runs, asked, duration)
	b.report.figure(figureKept, "tutti", b.runs, kept, duration)
	b.report.note("schema from the cache", "%.0fx faster", asked.median/kept.median)
	return nil
}

// beside runs tutti, and the peer unless it is not wanted, on one stack.
func (b *bench) beside(ctx context.Context, s stack, more ...tool) (results, error) {
	tools := append([]tool{b.tuttiTool()}, more...)
	if b.peer {
		tools = append(tools, b.tofuTool())
	}
	got, err := b.contest(ctx, map[string][]tool{s.name: tools}, s)
	return got[s.name], err
}

// faster notes how many times as fast as the peer tutti was; goals of 0 promise
// nothing.
func (b *bench) faster(r results, apply, plan float64) {
	if r["tofu"] == nil {
		return
	}
	for _, x := range []struct {
		what string
		goal float64
		of   func(*measured) series
	}{{"apply", apply, func(m *measured) series { return m.apply }}, {"no-op plan", plan, func(m *measured) series { return m.plan }}} {
		ours, theirs := x.of(r["tutti"]), x.of(r["tofu"])
		ratio := theirs.wall().median / ours.wall().median
		what := x.what + ", tofu / tutti"
		memory := theirs.peak().max / max(ours.peak().max, 1)
		if x.goal == 0 {
			b.report.note(what, "%.1fx the time, %.1fx the memory", ratio, memory)
		} else {
			b.report.goal(ratio >= x.goal, what, "%.0fx the time, %.0fx wanted; %.1fx the memory", ratio, x.goal, memory)
		}
	}
}

func chained(ctx context.Context, b *bench) error {
	r, err := b.beside(ctx, chains(2000))
	if err == nil {
		b.faster(r, 0, 0)
	}
	return err
}

func paired(ctx context.Context, b *bench) error {
	r, err := b.beside(ctx, pairs(1000))
	if err == nil {
		b.faster(r, goalPairsApply, goalPairsPlan)
	}
	return err
}

func growth(ctx context.Context, b *bench) error {
	small, big := pairs(500), pairs(5000)
	entries := map[string][]tool{small.name: {b.tuttiTool()}, big.name: {b.tuttiTool()}}
	if b.peerLarge {
		once := b.tofuTool()
		once.runs = 1
		entries[big.name] = append(entries[big.name], once)
	}
	got, err := b.contest(ctx, entries, small, big)
	if err != nil {
		return err
	}
	one, ten := got[small.name]["tutti"], got[big.name]["tutti"]
	b.grown("apply", one.apply, ten.apply, goalGrowth)
	b.grown("no-op plan", one.plan, ten.plan, goalGrowth)
	peak := max(ten.apply.peak().max, ten.plan.peak().max)
	b.report.goal(peak < goalGrowthMemory, "memory of 2 x 5000", "%s, under %s wanted", size(peak), size(goalGrowthMemory))
	b.faster(got[big.name], 0, 0)
	return nil
}

// grown judges how the time of ten times the objects compares.
func (b *bench) grown(what string, one, ten series, most float64) {
	wall := ten.wall().median / one.wall().median
	cpu := ten.cpu().median / one.cpu().median
	b.report.goal(wall < most, what+", ten times the objects", "%.1fx the time (%.1fx the CPU), under %.0fx wanted", wall, cpu, most)
}

func filesReferring(ctx context.Context, b *bench) error { return b.real(ctx, files(1000, true)) }

func filesPlain(ctx context.Context, b *bench) error { return b.real(ctx, files(1000, false)) }

// real compares with the bare client on a stack of real providers. Where something is
// unknown when it is planned there are two limits: with and without a plan of
// everything ahead of the first change.
func (b *bench) real(ctx context.Context, s stack) error {
	kinds := []bool{false}
	if s.reference {
		kinds = append(kinds, true)
	}
	var limits []tool
	for _, announce := range kinds {
		t, err := b.bareTool(s, announce)
		if err != nil {
			return err
		}
		limits = append(limits, t)
	}
	r, err := b.beside(ctx, s, limits...)
	if err != nil {
		return err
	}
	b.faster(r, 0, 0)
	for _, t := range limits {
		b.against(t.name, r["tutti"], r[t.name])
	}
	return nil
}

// against judges tutti's time beside a limit's. A plan alone is the same for all.
func (b *bench) against(name string, ours, bare *measured) {
	judge := func(what string, ours, bare series) {
		ratio := ours.wall().median / bare.wall().median
		b.report.goal(ratio <= goalBare, what+", tutti / "+name, "%.2fx the time (%.2fx the CPU), at most %.1fx wanted",
			ratio, ours.cpu().median/bare.cpu().median, goalBare)
	}
	judge("apply", ours.apply, bare.apply)
	if name == bareClient {
		judge("no-op plan", ours.plan, bare.plan)
	}
	b.report.note("calls of the "+name, "apply %s; plan %s", strings.TrimSpace(bare.apply[0].output), strings.TrimSpace(bare.plan[0].output))
}

func large(ctx context.Context, b *bench) error {
	tenth, whole := pairs(5_000), pairs(50_000)
	once := b.tuttiTool()
	once.runs = min(once.runs, 2) // a minute each
	got, err := b.contest(ctx, map[string][]tool{tenth.name: {once}, whole.name: {once}}, tenth, whole)
	if err != nil {
		return err
	}
	one, ten := got[tenth.name]["tutti"], got[whole.name]["tutti"]
	b.grown("apply of 100,000", one.apply, ten.apply, goalGrowth)
	b.grown("no-op plan of 100,000", one.plan, ten.plan, goalGrowth)
	for _, x := range []struct {
		what     string
		one, ten series
	}{{"apply", one.apply, ten.apply}, {"no-op plan", one.plan, ten.plan}} {
		ratio := x.ten.peak().max / max(x.one.peak().max, 1)
		b.report.goal(ratio < goalLargeMemory, "memory of "+x.what+", ten times the objects", "%.1fx (%.1f KB an instance), under %dx wanted",
			ratio, x.ten.peak().max/float64(whole.objects)/1024, goalLargeMemory)
	}
	return nil
}
