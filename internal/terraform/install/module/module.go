// Package module installs what module calls refer to: it fetches packages from
// registries, git, the web and S3 into .terraform/modules, and keeps
// modules.json, the record of which call's module lies where, as Terraform has
// it.
//
// In: a stack's folder and a way to learn the module calls of a folder. Out:
// folders and the manifest. It must not know the configuration language beyond
// a call's name, source and version.
//
// Start reading at Install, which makes things be there, and at Manifest.Find,
// which only looks. The transports are written here and not taken from go-getter:
// its first version brings the SDKs of two clouds with it (38 MB in the binary
// and 8 ms at each start), its second wants arguments of git unguarded.
package module

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/place"
	"tutti/internal/terraform/install/service"
)

// Limits that stop modules which call each other for ever.
const (
	maxDepth    = 50     // calls from the root module to the deepest one
	maxCalls    = 20_000 // in the whole tree
	parallelism = 8      // modules fetched at once
)

// Call is a module block, as far as installing needs it.
type Call struct {
	Name         string
	Source       string
	SourceRange  hcl.Range
	Version      string // a constraint, "" for none
	VersionRange hcl.Range
}

// Loader reads which modules are called in a folder. It is called for several
// folders at once.
type Loader func(dir string) ([]Call, diag.List)

// Event is progress with one module call.
type Event struct {
	Key     string // path of calls, joined by dots
	Source  string // where it is fetched from; "" once it is there
	Version string
	Dir     string // where it is, relative to the stack's folder; "" before that
}

// Options say what to install and where.
type Options struct {
	// Dir is the stack's folder, DataDir the folder of installed things as for
	// install.Options.
	Dir, DataDir string
	Config       *cliconfig.Config
	Client       *service.Client // nil means one made from Config
	// Host is the registry of sources without a host; "" means
	// registry.terraform.io.
	Host svchost.Hostname
	// Upgrade fetches everything again, in the newest versions allowed.
	Upgrade bool
	Load    Loader
	Report  func(Event) // may be nil; called from several goroutines at once
}

// Install makes DataDir hold every module that the stack calls, directly or not,
// and writes the manifest. What is installed and still fits is left alone. It is
// safe to run in several processes at once.
func Install(ctx context.Context, o Options) (*Manifest, diag.List) {
	if o.Config == nil {
		o.Config = &cliconfig.Config{}
	}
	if o.Client == nil {
		o.Client = service.New(service.Options{Config: o.Config})
	}
	o.DataDir = install.DataDir(o.Dir, o.DataDir, o.Config)
	const failed = "Modules cannot be installed"
	unlock, err := place.Exclusive(ctx, filepath.Join(o.DataDir, ".tutti.lock"))
	if err != nil {
		return nil, diag.FromError(failed, err)
	}
	defer unlock()
	old, err := ReadManifest(o.DataDir)
	if err != nil {
		return nil, diag.FromError(failed, err)
	}
	// Absolute, because git and hg run in folders of their own.
	stage, err := filepath.Abs(filepath.Join(o.DataDir, ".tutti-staging"))
	if err != nil {
		return nil, diag.FromError(failed, err)
	}
	in := &installer{Options: o, old: old, stage: stage,
		fetcher:    &fetcher{client: o.Client, vars: o.Config.Var},
		registries: &registries{client: o.Client, lists: map[tfaddr.ModulePackage]*versionList{}},
		packages:   map[string]*fetched{},
		new:        &Manifest{path: old.path, records: map[string]Record{}}}
	if err := os.RemoveAll(in.stage); err != nil { // what a killed process left
		return nil, diag.FromError(failed, err)
	}
	defer func() { _ = os.RemoveAll(in.stage) }()
	list := in.walk(ctx)
	if list.HasErrors() {
		return in.new, list
	}
	if len(in.new.records) == 1 && len(old.records) == 0 {
		return in.new, list // a stack without module calls needs no manifest
	}
	return in.new, append(list, diag.FromError(failed, in.new.save())...)
}

type installer struct {
	Options
	old, new   *Manifest
	stage      string
	fetcher    *fetcher
	registries *registries

	mu       sync.Mutex // guards packages
	packages map[string]*fetched
}

// fetched is a package of this run, fetched once however often it is called.
type fetched struct {
	once   sync.Once
	subdir string
	err    error

	mu  sync.Mutex // guards dir
	dir string     // below the stage, then where the first call's module lies
}

// item is a module whose calls are to be installed.
type item struct {
	record  Record
	pkg     string   // folder of the package it lies in, "" for the stack's own
	above   []string // identities of the modules that led here, and its own
	calls   []Call
	loading diag.List
}

// step is one call on the way.
type step struct {
	parent *item
	call   Call
	child  *item
	list   diag.List
}

// walk goes through the tree of calls, level by level.
func (in *installer) walk(ctx context.Context) diag.List {
	root := &item{record: Record{Dir: "."}, above: []string{"."}}
	in.new.records[""] = root.record
	level := []*item{root}
	var all diag.List
	for depth := 0; len(level) > 0; depth++ {
		steps, list := in.load(level)
		all = append(all, list...)
		if len(steps) > 0 && (depth == maxDepth || len(in.new.records)+len(steps) > maxCalls) {
			s := steps[0]
			return append(all, diag.Errorf(&s.call.SourceRange, "Too many module calls",
				"With the call %q in %s there are more than %d calls, or more than %d nested ones.", s.call.Name, s.parent.record.Dir, maxCalls, maxDepth)...)
		}
		together(len(steps), func(i int) {
			s := steps[i]
			s.child, s.list = in.call(ctx, s.parent, s.call)
		})
		level = level[:0:0]
		for _, s := range steps {
			all = append(all, s.list...)
			if s.child != nil {
				in.new.records[s.child.record.Key] = s.child.record
				level = append(level, s.child)
			}
		}
	}
	return all
}

// load reads the calls of a level's modules.
func (in *installer) load(level []*item) ([]*step, diag.List) {
	together(len(level), func(i int) {
		it := level[i]
		it.calls, it.loading = in.Load(filepath.Join(in.Dir, filepath.FromSlash(it.record.Dir)))
	})
	var steps []*step
	var all diag.List
	for _, it := range level {
		all = append(all, it.loading...)
		for _, c := range it.calls {
			steps = append(steps, &step{parent: it, call: c})
		}
	}
	return steps, all
}

// together calls work for 0 to n-1, some at once.
func together(n int, work func(int)) {
	slots := make(chan struct{}, parallelism)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			work(i)
		})
	}
	wg.Wait()
}

func (c Call) parse() (Source, diag.List) {
	s, err := ParseSource(c.Source, c.Version != "")
	if err != nil {
		return s, diag.FromError("Invalid module source", err).At(c.SourceRange)
	}
	if _, err := constraint.Parse(c.Version); err != nil {
		return s, diag.FromError("Invalid version constraint", err).At(c.VersionRange)
	}
	return s, nil
}

// call installs one module; nil with errors.
func (in *installer) call(ctx context.Context, parent *item, c Call) (*item, diag.List) {
	s, list := c.parse()
	if list.HasErrors() {
		return nil, list
	}
	s = s.withHost(in.Host)
	key := Key(parent.record.Key, c.Name)
	if s.Kind == Local {
		return in.localCall(parent, c, s, key)
	}
	if r, ok := in.installed(key, c, s); ok {
		return in.below(parent, c, r, r.Source+" "+r.Version, in.packageOf(key))
	}
	r, err := in.remoteCall(ctx, c, s, key)
	if err != nil {
		return nil, explain(c, s, err)
	}
	return in.below(parent, c, r, r.Source+" "+r.Version, in.packageOf(key))
}

// below makes the item of a called module, unless its identity shows that it led
// to its own call: which modules are called depends on nothing that is computed,
// so that would go on for ever.
func (in *installer) below(parent *item, c Call, r Record, identity, pkg string) (*item, diag.List) {
	if slices.Contains(parent.above, identity) {
		return nil, diag.Errorf(&c.SourceRange, "Module calls itself",
			"The call %q leads back to %s, from which it comes.", c.Name, redactSource(strings.TrimSpace(identity)))
	}
	in.report(Event{Key: r.Key, Version: r.Version, Dir: r.Dir})
	return &item{record: r, pkg: pkg, above: append(slices.Clip(parent.above), identity)}, nil
}

func (in *installer) report(e Event) {
	if in.Report != nil {
		in.Report(e)
	}
}

// packageOf is the folder of a call's package, relative to the stack's folder
// where it is within it.
func (in *installer) packageOf(key string) string {
	dir := filepath.Join(in.DataDir, "modules", key)
	if rel, err := filepath.Rel(in.Dir, dir); err == nil {
		dir = rel
	}
	return filepath.ToSlash(dir)
}

func (in *installer) localCall(parent *item, c Call, s Source, key string) (*item, diag.List) {
	dir := path.Join(parent.record.Dir, s.Path)
	if parent.pkg != "" && dir != parent.pkg && !strings.HasPrefix(dir, parent.pkg+"/") {
		return nil, diag.Errorf(&c.SourceRange, "Local module outside its package",
			"The source %q leaves the package that the calling module was fetched in; what lies beside it there is not part of it.", c.Source)
	}
	if info, err := os.Stat(filepath.Join(in.Dir, filepath.FromSlash(dir))); err != nil || !info.IsDir() {
		return nil, diag.Errorf(&c.SourceRange, "Module not found", "There is no folder %s for the module %q.%s", dir, c.Name, in.sibling(dir))
	}
	return in.below(parent, c, Record{Key: key, Source: s.Path, Dir: dir}, dir, parent.pkg)
}

// sibling suggests a folder of nearly that name.
func (in *installer) sibling(dir string) string {
	entries, err := os.ReadDir(filepath.Join(in.Dir, filepath.FromSlash(path.Dir(dir))))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return diag.DidYouMean(path.Base(dir), names)
}

// installed gives the record of a call whose module is there and still fits.
func (in *installer) installed(key string, c Call, s Source) (Record, bool) {
	r, ok := in.old.records[key]
	if !ok || in.Upgrade || !sameSource(r, s) || !c.allows(r.Version) {
		return Record{}, false
	}
	info, err := os.Stat(filepath.Join(in.Dir, filepath.FromSlash(r.Dir)))
	return r, err == nil && info.IsDir()
}

// remoteCall fetches one module.
func (in *installer) remoteCall(ctx context.Context, c Call, s Source, key string) (Record, error) {
	r := Record{Key: key, Source: s.String()}
	from, subdir := s, s.Subdir
	if s.Kind == Registry {
		v, err := in.newest(ctx, c, s)
		if err != nil {
			return r, err
		}
		if from, err = in.registries.locate(ctx, s.Module.Package, v); err != nil {
			return r, err
		}
		r.Version, subdir = v.String(), below(from.Subdir, s.Module.Subdir)
	}
	in.report(Event{Key: key, Source: redactSource(from.Package), Version: r.Version})
	f := in.fetch(ctx, from.Package)
	if f.err != nil {
		return r, f.err
	}
	dir := filepath.Join(in.DataDir, "modules", key)
	if err := in.takeOver(f, key, dir); err != nil {
		return r, err
	}
	within, err := findSubdir(dir, below(f.subdir, subdir))
	if err != nil {
		return r, err
	}
	r.Dir = path.Join(in.packageOf(key), within)
	return r, nil
}

func (in *installer) newest(ctx context.Context, c Call, s Source) (constraint.Version, error) {
	allowed, err := constraint.Parse(c.Version)
	if err != nil {
		return constraint.Version{}, err
	}
	versions, err := in.registries.versions(ctx, s.Module.Package)
	if err != nil {
		return constraint.Version{}, err
	}
	v, ok := allowed.Newest(versions)
	if !ok {
		return v, &noVersion{allowed: allowed, versions: versions}
	}
	return v, nil
}

// fetch gets a package once in this run.
func (in *installer) fetch(ctx context.Context, pkg string) *fetched {
	in.mu.Lock()
	f := in.packages[pkg]
	if f == nil {
		f = &fetched{dir: filepath.Join(in.stage, fmt.Sprint(len(in.packages)), "package")}
		in.packages[pkg] = f
	}
	in.mu.Unlock()
	f.once.Do(func() {
		scratch := filepath.Join(filepath.Dir(f.dir), "scratch")
		if f.err = os.MkdirAll(scratch, 0o700); f.err == nil {
			f.subdir, f.err = in.fetcher.fetch(ctx, pkg, f.dir, scratch)
		}
	})
	return f
}

// takeOver puts a fetched package where a call's module belongs: the first call
// gets it, each further one a copy.
func (in *installer) takeOver(f *fetched, key, dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := filepath.Join(in.stage, "calls", key)
	if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
		return err
	}
	if target, err := os.Readlink(f.dir); err == nil {
		return place.Link(target, dir, filepath.Dir(made))
	}
	if strings.HasPrefix(f.dir, in.stage) {
		if err := place.Move(f.dir, dir); err != nil {
			return err
		}
		f.dir = dir
		return nil
	}
	if err := os.CopyFS(made, os.DirFS(f.dir)); err != nil {
		return err
	}
	return place.Move(made, dir)
}

// findSubdir finds a folder within a package. A server may give it as a pattern
// ("*" for the one folder at the top of an archive).
func findSubdir(dir, subdir string) (string, error) {
	if subdir == "" {
		return "", nil
	}
	if !filepath.IsLocal(filepath.FromSlash(subdir)) {
		return "", fmt.Errorf("the folder %q lies outside the package", subdir)
	}
	found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(subdir)))
	if err != nil {
		return "", fmt.Errorf("the folder %q of the package is no valid pattern", subdir)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("the package has no folder %q", subdir)
	case 1:
	default:
		return "", fmt.Errorf("the pattern %q matches %d folders of the package", subdir, len(found))
	}
	if info, err := os.Stat(found[0]); err != nil || !info.IsDir() {
		return "", errors.Join(fmt.Errorf("%q is not a folder of the package", subdir), err)
	}
	rel, err := filepath.Rel(dir, found[0])
	return filepath.ToSlash(rel), err
}
