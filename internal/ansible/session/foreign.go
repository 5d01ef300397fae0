package session

import (
	"context"
	"path/filepath"
	"slices"
	"sync"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/python"
)

// foreign finds and runs modules that are not native. An installed ansible-core is looked for
// when the first of them is needed. It is safe for use by several goroutines.
type foreign struct {
	in   play.Input
	warn func(string)

	mu        sync.Mutex
	runner    *python.Runner
	libraries []string
}

// knows adds folders that may have a library of modules.
func (f *foreign) knows(beside []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range beside {
		if library := filepath.Join(dir, "library"); !slices.Contains(f.libraries, library) {
			f.libraries = append(f.libraries, library)
		}
	}
}

// made gives the runner with the folders of modules that are known so far.
func (f *foreign) made() (*python.Runner, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runner == nil {
		f.runner = &python.Runner{Finder: &python.Finder{Collections: collectionFolders(f.in), Core: python.FindCore(""), Warn: f.warn,
			Library: f.in.Settings.Library, ModuleUtils: f.in.Settings.ModuleUtils}}
	}
	return f.runner, slices.Clone(f.libraries)
}

// find gives a module's full name. beside are folders that may have a library.
func (f *foreign) find(name string, beside []string) (string, error) {
	f.knows(beside)
	r, libraries := f.made()
	m, err := r.Finder.Find(name, libraries...)
	if err != nil {
		return "", err
	}
	return m.Name, nil
}

// run runs a module on a host.
func (f *foreign) run(ctx context.Context, t action.Target, q module.Request) (module.Result, error) {
	r, libraries := f.made()
	return r.Run(ctx, t, q, options(t, q, libraries))
}

// job makes a module into one for the background.
func (f *foreign) job(ctx context.Context, t action.Target, q module.Request) (channel.Job, error) {
	r, libraries := f.made()
	return r.Job(ctx, t, q, options(t, q, libraries))
}

func options(t action.Target, q module.Request, libraries []string) python.Options {
	o := python.Options{Host: q.Host, Library: libraries}
	if c, ok := t.(interface{ Spec() connection.Spec }); ok {
		s := c.Spec()
		o.Python, o.RemoteTmp = s.Python, s.RemoteTmp
		if o.Host == "" {
			o.Host = s.Name
		}
	}
	return o
}
