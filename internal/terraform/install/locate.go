package install

import (
	"context"
	"errors"
	"io/fs"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/source"
)

// Located is a provider that can be launched.
type Located struct {
	Source  tfaddr.Provider // its full address
	Version string          // "" for a dev override, whose version nobody knows
	Program string          // path of the executable
	Dir     string          // the package's folder
	// H1 is the package's checksum, by which what the provider says of itself can
	// be remembered; "" for a dev override, which changes under our feet.
	H1          string
	DevOverride bool
}

// Locate finds the installed package of every required provider, from the lock
// file and DataDir alone: no network, and nothing is changed. The result is by
// Requirement.Source. What is missing, or is not what the lock file knows, is an
// error that says to run init.
//
// Only Dir, DataDir, Config and CacheDir of the options count.
func Locate(ctx context.Context, reqs []Requirement, o Options) (map[tfaddr.Provider]Located, diag.List) {
	o = o.withDefaults()
	in, wants, list := newInstaller(reqs, o)
	if list.HasErrors() {
		return nil, list
	}
	located := make([]Located, len(wants))
	list = append(list, each(ctx, wants, func(_ context.Context, i int, w *wanted) (diag.List, error) {
		var list diag.List
		located[i], list = in.locate(w)
		return list, nil
	})...)
	out := make(map[tfaddr.Provider]Located, len(wants))
	for i, w := range wants {
		if located[i].Program == "" {
			continue
		}
		for _, asked := range w.asked {
			out[asked] = located[i]
		}
	}
	return out, list
}

const notInstalled = "Provider not installed"

func (in *installer) locate(w *wanted) (Located, diag.List) {
	if dir, ok := in.Config.Installation.DevOverride(w.source); ok {
		program, err := executable(dir, w.source.Type)
		if err != nil {
			return Located{}, diag.Errorf(w.at(), "Development override without a program",
				"The CLI configuration's dev_overrides put %s in the place of %s, but: %s.", dir, w.source, err)
		}
		return Located{Source: w.source, Program: program, Dir: dir, DevOverride: true}, nil
	}
	e := in.locks.Get(w.source)
	if e == nil {
		return Located{}, diag.Errorf(w.at(), notInstalled,
			"The lock file %s has no version of %s yet. Run \"tutti init\" to choose and install one.%s", lockfile.Name, w.source, w.places())
	}
	if !w.allowed.Allows(e.Version) {
		return Located{}, explain(w, &lockConflict{w, e})
	}
	dir := packageDir(in.providersDir(), w.source, e.Version, source.Current())
	program, err := executable(dir, w.source.Type)
	if errors.Is(err, fs.ErrNotExist) {
		return Located{}, diag.Errorf(w.at(), notInstalled,
			"%s %s is locked but not installed in %s for %s. Run \"tutti init\".", w.source, e.Version, in.providersDir(), source.Current())
	}
	if err != nil {
		return Located{}, diag.FromError(notInstalled, err)
	}
	h1, err := in.hashes.h1(dir)
	if err != nil {
		return Located{}, diag.FromError(notInstalled, err)
	}
	if !e.Holds(h1) {
		return Located{}, in.wrongPackage(w, e, dir, h1)
	}
	return Located{Source: w.source, Version: e.Version.String(), Program: program, Dir: dir, H1: h1}, nil
}

func (in *installer) wrongPackage(w *wanted, e *lockfile.Entry, dir, h1 string) diag.List {
	rng := e.Range
	if len(e.Hashes) == 0 {
		return diag.Errorf(&rng, "Provider checksum mismatch",
			"The lock file has no checksum for %s %s, so the installed package cannot be checked. Run \"tutti init\" to record it.", w.source, e.Version)
	}
	return diag.Errorf(&rng, "Provider checksum mismatch",
		"The package of %s %s in %s has the checksum %s, but the lock file knows only %s. Run \"tutti init\" to install it again; "+
			"if the lock file was made on another platform, \"tutti providers lock\" adds the checksums of this one.",
		w.source, e.Version, dir, h1, shorten(e.Hashes))
}
