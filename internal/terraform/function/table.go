// Package function holds the built-in functions of the Terraform language, as
// OpenTofu 1.12 and Terraform 1.11 have them: names in, cty functions out. What
// a maintained library already does (cty's standard library, its YAML, HCL's try
// and can) is taken from there; the rest is written here, one file per subject.
//
// It owns the table of names, the functions' types, how they treat unknown,
// null and marked values, and their error texts. It must not know modules,
// state, providers or how a plan is made: what a function needs of the world
// (files, the clock, fresh IDs) comes in through Options, so that a caller can
// record it and a replay can give the same answers again.
//
// Start at Table. Every function goes through guard (guard.go), which is the one
// place that keeps sensitive arguments out of error texts.
package function

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty/function"
)

// Namespace is the prefix under which every built-in function can also be
// called, so that core::abs is abs whatever else has that name.
const Namespace = "core::"

// Options say where file functions look and what stands for the world. The zero
// value reads the real disk from the current directory, with the real clock.
type Options struct {
	// BaseDir is where relative paths start: the directory the tool runs in, not
	// the module's. Empty means the process's current directory.
	BaseDir string
	// Files reads what file functions ask for; nil means Disk{}.
	Files Files
	// PlanTimestamp gives what plantimestamp() says: the moment recorded once for
	// the run. Nil, or a zero time, gives unknown, as in validation.
	PlanTimestamp func() time.Time
	// Now is the clock of timestamp(); nil means time.Now.
	Now func() time.Time
	// UUID makes what uuid() gives; nil means a random UUID of version 4.
	UUID func() string
	// MaxText is the longest text, in bytes, that a file or a compressed string
	// may become; 0 means 256 MiB.
	MaxText int64
	// PureOnly makes timestamp(), uuid() and bcrypt() unknown. Planning and
	// validation set it: those results are decided only during apply.
	PureOnly bool
	// Console adds type(), which exists only where a person asks for it.
	Console bool
}

// withDefaults fills in what the zero value stands for.
func (o Options) withDefaults() Options {
	if o.Files == nil {
		o.Files = Disk{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxText == 0 {
		o.MaxText = maxText
	}
	if o.UUID == nil {
		o.UUID = uuid.NewString
	}
	return o
}

// Table gives the functions by name, each also under its name in the core
// namespace ("core::abs"). The map is the caller's; the functions are safe for
// concurrent use as long as the hooks in opts are.
func Table(opts Options) map[string]function.Function {
	opts = opts.withDefaults()
	plain := make(map[string]function.Function, 140)
	addLibrary(plain)
	addCollections(plain)
	addConversions(plain)
	addAddresses(plain)
	addEncodings(plain, opts)
	addHashes(plain)
	addTexts(plain)
	addMarks(plain)
	addTimes(plain, opts)
	addRandoms(plain, opts)
	addFiles(plain, opts)
	if opts.Console {
		plain["type"] = typeFunction()
	}
	table := make(map[string]function.Function, 2*len(plain)+6)
	descriptions := readDescriptions()
	for name, f := range plain {
		f = guard(name, f, descriptions[name])
		table[name], table[Namespace+name] = f, f
	}
	addExpressions(table, descriptions)
	addTemplates(table, descriptions, opts)
	return table
}

// Varies reports whether a function may give something else each time it is called
// with the same arguments: by chance, by the clock, by what lies in files, or because
// it evaluates text in which such functions may be called.
func Varies(name string) bool {
	name = strings.TrimPrefix(name, Namespace)
	switch name {
	case "uuid", "timestamp", "bcrypt", "templatefile", "templatestring":
		return true
	default:
		return strings.HasPrefix(name, "file")
	}
}

// impure makes a function unknown when only pure ones are wanted. Its arguments
// are still checked.
func impure(f function.Function, opts Options) function.Function {
	if opts.PureOnly {
		return function.Unpredictable(f)
	}
	return f
}
