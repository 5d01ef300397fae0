package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/place"
	"tutti/internal/terraform/install/source"
)

// parallel is how many providers are looked up, downloaded and unpacked at once.
const parallel = 8

// installer is one call of Providers, Lock or Mirror.
type installer struct {
	Options
	locks  *lockfile.File
	from   source.Source
	hashes *hasher
}

// Providers makes DataDir hold a package of every provider that is required, and
// the lock file know them. Versions come from the lock file where it has them,
// otherwise the newest allowed is taken. What is there and right is left alone;
// what is not required any more leaves the lock file.
//
// With an error for some providers, the others are installed all the same, but
// the lock file is left as it was. It is safe to run in several processes at
// once.
func Providers(ctx context.Context, reqs []Requirement, o Options) diag.List {
	o = o.withDefaults()
	unlock, err := place.Exclusive(ctx, filepath.Join(o.DataDir, ".tutti.lock"))
	if err != nil {
		return diag.FromError("Providers cannot be installed", err)
	}
	defer unlock()
	stage := filepath.Join(o.DataDir, ".tutti-staging")
	if err := os.RemoveAll(stage); err != nil { // what a killed process left
		return diag.FromError("Providers cannot be installed", err)
	}
	defer func() { _ = os.RemoveAll(stage) }()

	in, wants, list := newInstaller(reqs, o)
	if list.HasErrors() {
		return list
	}
	results := make([]*chosen, len(wants))
	list = append(list, each(ctx, wants, func(ctx context.Context, i int, w *wanted) (diag.List, error) {
		own := filepath.Join(stage, fmt.Sprint(i))
		if err := os.MkdirAll(own, 0o755); err != nil {
			return nil, err
		}
		c, list, err := in.provider(ctx, w, own)
		results[i] = c
		return list, err
	})...)
	if list.HasErrors() {
		return list
	}
	return append(list, in.updateLocks(wants, results)...)
}

func newInstaller(reqs []Requirement, o Options) (*installer, []*wanted, diag.List) {
	in := &installer{Options: o, from: o.source(), hashes: newHasher(o.CacheDir)}
	locks, list := lockfile.Load(o.Dir)
	in.locks = locks
	wants, more := gather(reqs, locks)
	return in, wants, append(list, more...)
}

// each does the work for all providers, some at once, and gives what they have
// to say in the providers' order.
func each(ctx context.Context, wants []*wanted, work func(context.Context, int, *wanted) (diag.List, error)) diag.List {
	lists := make([]diag.List, len(wants))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, w := range wants {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			list, err := work(ctx, i, w)
			// The address keeps what is asked for by many objects from being theirs.
			lists[i] = append(list, explain(w, err)...).In(fmt.Sprintf("provider[%q]", w.source))
		})
	}
	wg.Wait()
	var all diag.List
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// chosen is what became of one provider; nil for one that is overridden.
type chosen struct {
	version constraint.Version
	hashes  []string
}

// provider installs one provider.
func (in *installer) provider(ctx context.Context, w *wanted, stage string) (*chosen, diag.List, error) {
	if dir, ok := in.Config.Installation.DevOverride(w.source); ok {
		in.report(Event{Kind: Overridden, Source: w.source, Detail: dir})
		return nil, nil, nil
	}
	version, warnings, err := in.choose(ctx, w, in.Upgrade)
	if err != nil {
		return nil, warnings, err
	}
	var locked []string
	if e := in.locks.Get(w.source); e != nil && e.Version.Compare(version) == 0 {
		locked = e.Hashes
	}
	added, err := in.install(ctx, w, version, locked, stage)
	if err != nil {
		return nil, warnings, err
	}
	return &chosen{version: version, hashes: append(added, locked...)}, warnings, nil
}

// choose decides on the version: the locked one, or the newest that is allowed.
func (in *installer) choose(ctx context.Context, w *wanted, upgrade bool) (constraint.Version, diag.List, error) {
	if e := in.locks.Get(w.source); e != nil && !upgrade {
		if !w.allowed.Allows(e.Version) {
			return constraint.Version{}, nil, &lockConflict{w, e}
		}
		in.report(Event{Kind: Reusing, Source: w.source, Version: e.Version.String()})
		return e.Version, nil, nil
	}
	in.report(Event{Kind: Finding, Source: w.source, Detail: w.allowed.String()})
	versions, notes, err := in.from.Versions(ctx, w.source)
	var warnings diag.List
	for _, n := range notes {
		warnings = append(warnings, diag.Warnf(w.at(), "Warning from the provider's registry", "About %s: %s", w.source, n)...)
	}
	if err != nil {
		return constraint.Version{}, warnings, err
	}
	v, ok := w.allowed.Newest(versions)
	if !ok {
		return constraint.Version{}, warnings, &noVersion{w, versions}
	}
	return v, warnings, nil
}

// install makes the package of a version be there, and gives the checksums that
// the lock file should know for it.
func (in *installer) install(ctx context.Context, w *wanted, v constraint.Version, locked []string, stage string) ([]string, error) {
	path := packageDir(in.providersDir(), w.source, v, source.Current())
	event := Event{Source: w.source, Version: v.String()}
	if h1, ok := in.present(path, w.source.Type, locked); ok {
		event.Kind = Present
		in.report(event)
		return []string{h1}, nil
	}
	cached := in.cachePath(source.Package{Source: w.source, Version: v, Platform: source.Current()})
	if h1, ok := in.fromCache(cached, locked); ok {
		event.Kind, event.Detail = Linking, cached
		in.report(event)
		return []string{h1}, place.Link(cached, path, stage)
	}
	p, err := in.from.Package(ctx, w.source, v, source.Current())
	if err != nil {
		return nil, err
	}
	event.Kind, event.Detail = Installing, p.Origin
	in.report(event)
	h1, err := in.put(ctx, p, locked, path, stage)
	if err != nil {
		return nil, err
	}
	hashes := []string{h1}
	event.Kind, event.Detail = Installed, "not signed"
	if p.SignedBy != "" {
		hashes = append(hashes, p.Hashes...)
		event.Detail = "signed, key ID " + p.SignedBy
	}
	in.report(event)
	return hashes, nil
}

// present reports whether the right package is installed already. Without a
// checksum in the lock file nobody knows what is right.
func (in *installer) present(path, typeName string, locked []string) (string, bool) {
	if _, err := executable(path, typeName); err != nil {
		return "", false
	}
	h1, err := in.hashes.h1(path)
	if err != nil {
		return "", false
	}
	for _, l := range locked {
		if l == h1 {
			return h1, true
		}
	}
	return "", false
}

// put gets a package and puts it in its place; by way of the cache, if there is
// one.
func (in *installer) put(ctx context.Context, p source.Package, locked []string, path, stage string) (h1 string, err error) {
	cached := in.cachePath(p)
	if cached == "" || p.Dir != "" {
		f, err := in.fetchUsable(ctx, p, locked, stage)
		if err != nil {
			return "", err
		}
		if p.Dir != "" {
			return f.h1, place.Link(p.Dir, path, stage)
		}
		return f.h1, place.Move(f.dir, path)
	}
	err = in.inCache(ctx, p, func(own string) error {
		f, err := in.fetchUsable(ctx, p, locked, own)
		if err != nil {
			return err
		}
		h1 = f.h1
		// Another process may have put it there while this one waited; then it
		// may be running from there, and is left alone.
		if there, err := in.hashes.h1(cached); err != nil || there != h1 {
			return place.Move(f.dir, cached)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return h1, place.Link(cached, path, stage)
}

// fetchUsable is fetch, for a package that is to be launched.
func (in *installer) fetchUsable(ctx context.Context, p source.Package, locked []string, stage string) (*fetched, error) {
	f, err := in.fetch(ctx, p, locked, stage)
	if err != nil {
		return nil, err
	}
	program, err := executable(f.dir, p.Source.Type)
	if err != nil {
		return nil, fmt.Errorf("the package of %s %s from %s is of no use: %w", p.Source, p.Version, p.Origin, err)
	}
	if p.Dir == "" {
		// Some packages are zipped on systems that know no permissions.
		err = os.Chmod(program, 0o755)
	}
	return f, err
}

// updateLocks writes what was chosen into the lock file.
func (in *installer) updateLocks(wants []*wanted, results []*chosen) diag.List {
	before := map[string]string{}
	for _, e := range in.locks.All() {
		before[e.Source.String()] = e.Version.String() + " " + e.Constraints.String()
	}
	keep := map[tfaddr.Provider]bool{}
	for i, w := range wants {
		keep[w.source] = true
		if c := results[i]; c != nil {
			in.locks.Set(lockfile.Entry{Source: w.source, Version: c.version, Constraints: w.allowed, Hashes: c.hashes})
		}
	}
	in.locks.Retain(func(p tfaddr.Provider) bool { return keep[p] })
	if !in.ReadOnlyLock {
		return diag.FromError("Dependency lock file cannot be written", in.locks.Save())
	}
	return in.refuseChanges(before)
}

// refuseChanges is for a read-only lock file: other choices are an error, more
// checksums for the same choices are not.
func (in *installer) refuseChanges(before map[string]string) diag.List {
	var differing []string
	now := map[string]bool{}
	for _, e := range in.locks.All() {
		address := e.Source.String()
		now[address] = true
		if before[address] != e.Version.String()+" "+e.Constraints.String() {
			differing = append(differing, address)
		}
	}
	for address := range before {
		if !now[address] {
			differing = append(differing, address+" (no longer required)")
		}
	}
	switch {
	case len(differing) > 0:
		return diag.Errorf(nil, "Dependency lock file would change",
			"The lock file is read-only in this run, but it does not fit the configuration: %s. Run \"tutti init\" without -lockfile=readonly and commit %s.",
			strings.Join(sorted(differing), ", "), lockfile.Name)
	case in.locks.Changed():
		return diag.Warnf(nil, "Dependency lock file not updated",
			"More checksums are known now than %s holds; they are not written because it is read-only in this run.", lockfile.Name)
	default:
		return nil
	}
}

// lockConflict: the locked version is not what the configuration allows.
type lockConflict struct {
	w     *wanted
	entry *lockfile.Entry
}

func (e *lockConflict) Error() string {
	return fmt.Sprintf("%s is locked at version %s, but the configuration wants %s", e.w.source, e.entry.Version, e.w.allowed)
}

// noVersion: none of the versions is allowed.
type noVersion struct {
	w        *wanted
	versions []constraint.Version
}

func (e *noVersion) Error() string {
	return fmt.Sprintf("no version of %s meets %s", e.w.source, e.w.allowed)
}
