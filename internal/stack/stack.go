// Package stack makes one Stack of what a folder holds: it finds the files, asks
// each language for its objects, and joins them in one namespace.
//
// In: a folder (or the snapshot of one), values of variables, where providers are.
// Out: a Stack that the hall can plan and carry out. It owns the list of languages
// and which of them reads which files. It must not know plans, runs or views.
package stack

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"time"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/function"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/provider"
)

// Options say which folder to read and how.
type Options struct {
	// Dir is the folder; "." when empty. File names in messages start with it.
	Dir string
	// Files is read instead of the disk when not nil: a plan's own copy.
	Files config.FileSource
	// Install says where providers and modules were installed.
	Install install.Options
	// Values are the user's, by where they come from. Plan files carry plain ones
	// instead.
	Values config.ValueOptions
	Plain  map[string]cty.Value
	// Workspace is "default" when empty.
	Workspace string
	// StateDrivers are the different State.Driver of the stored rows: their
	// providers are required too.
	StateDrivers []string
	// ReadStore gives the root outputs of the tutti stack in another folder; ok is
	// false when there is none.
	ReadStore func(ctx context.Context, dir, workspace string) (outputs map[string]cty.Value, ok bool, err error)
	// Session holds provider processes; one of the Stack's own when nil.
	Session *terraform.Session
	// Purpose says what the stack is opened for.
	Purpose Purpose
	// Time is when planning starts, or started.
	Time time.Time
	// ProviderLog takes what providers write to their standard error, secrets
	// included; nil for none (TF_LOG).
	ProviderLog io.Writer
}

// Purpose is what a stack is opened for: it decides what may be looked at.
type Purpose uint8

// The purposes.
const (
	Planning Purpose = iota
	Applying
	Validating
	// Installing is for init, which goes on in spite of names that do not exist.
	Installing
)

// Stack is what a folder holds, opened.
type Stack struct {
	Dir    string
	Config *config.Config
	Values config.Values
	// Inputs are the root variables as they were given, for a plan to carry.
	Inputs map[string]cty.Value

	required  []install.Requirement
	running   map[tfaddr.Provider]*provider.Reattach
	terraform *terraform.Root
	native    *native
	session   *terraform.Session
	files     config.FileSource
	extra     map[string][]byte
	tfvars    map[string][]byte
}

var _ object.Namespace = (*Stack)(nil)

// Load reads the files alone: for init, and for what needs no providers.
func Load(o Options) (*Stack, diag.List) {
	if o.Dir == "" {
		o.Dir = "."
	}
	if o.Files == nil {
		o.Files = config.Disk{}
	}
	s := &Stack{Dir: o.Dir, files: o.Files, Inputs: o.Plain, extra: map[string][]byte{}}
	root, d := config.LoadDir(o.Files, o.Dir)
	s.tfvars = map[string][]byte{}
	if o.Plain == nil {
		o.Values.Files, o.Values.Dir = o.Files, o.Dir
		var vd diag.List
		s.Values, vd = config.VariableValues(root, o.Values)
		d = append(d, vd...)
		s.Inputs = s.Values.Plain()
		for name, src := range s.Values.Sources {
			s.tfvars[name] = src
		}
	}
	modules, md := s.modules(o)
	d = append(d, md...)
	loaded, ld := config.Load(config.Options{Files: o.Files, Dir: o.Dir, Root: root, ModuleDir: modules, Variables: s.Inputs, Workspace: o.Workspace, Host: hosts(o), Unchecked: o.Purpose == Installing,
		Functions: func(string) map[string]ctyfunction.Function {
			return function.Table(function.Options{BaseDir: o.Dir, PureOnly: true})
		}})
	s.Config = loaded
	d = append(d, ld...)
	var rd diag.List
	if s.running, rd = reattached(o.Install); rd.HasErrors() {
		d = append(d, rd...)
	}
	s.required = slices.DeleteFunc(requirements(s.Config, o.StateDrivers), func(r install.Requirement) bool { return s.running[r.Source] != nil })
	var nd diag.List
	s.native, nd = loadNative(o.Files, o.Dir)
	return s, append(d, nd...)
}

// Open reads the folder and makes its objects. Variables that are missing are
// errors here: ask for them before.
func Open(ctx context.Context, o Options) (*Stack, diag.List) {
	s, d := Load(o)
	if s.Config == nil || d.HasErrors() {
		return s, d
	}
	if o.Purpose != Validating {
		for _, v := range s.Values.Missing {
			rng := v.DeclRange
			d = append(d, diag.Errorf(&rng, "No value for required variable", "The root module's variable %q has no default and was given no value. Give one with -var '%s=...', with -var-file, in terraform.tfvars, or in the environment as TF_VAR_%s.", v.Name, v.Name, v.Name)...)
		}
	}
	s.session = o.Session
	if s.session == nil {
		s.session = terraform.NewSession(newLauncher(ctx, s, o))
	}
	inputs := s.Inputs
	if o.Purpose == Validating {
		inputs = unknownInputs(s.Config)
	}
	var td diag.List
	s.terraform, td = terraform.Open(terraform.Options{Config: s.Config, Variables: inputs, Workspace: o.Workspace, Dir: s.Dir,
		Closed: o.Purpose == Validating, Applying: o.Purpose == Applying, PlanTime: o.Time}, s.session)
	d = append(d, td...)
	s.native.open(s.terraform)
	return s, append(d, s.checkNames()...)
}

// unknownInputs stands for every value that the variables may have.
func unknownInputs(c *config.Config) map[string]cty.Value {
	out := map[string]cty.Value{}
	for name, v := range c.Module.Variables {
		out[name] = cty.UnknownVal(v.Type.WithoutOptionalAttributesDeep())
	}
	return out
}

// Objects implements object.Namespace.
func (s *Stack) Objects() []object.Object {
	return append(s.terraform.Namespace().Objects(), s.native.objects...)
}

// Lookup implements object.Namespace.
func (s *Stack) Lookup(n addr.Name) object.Object {
	if o := s.native.lookup(n); o != nil {
		return o
	}
	return s.terraform.Namespace().Lookup(n)
}

// checkNames reports references to tutti's own objects that do not exist: each
// language has checked its own names.
func (s *Stack) checkNames() diag.List {
	var d diag.List
	var known []string
	for _, o := range s.Objects() {
		known = append(known, o.Addr().Name.String())
	}
	for _, o := range s.Objects() {
		for _, ref := range o.References() {
			if s.Lookup(ref.Subject) != nil {
				continue
			}
			rng := ref.Range
			d = append(d, diag.Errorf(&rng, "Reference to undeclared object", "%s is not declared in this stack.%s", ref.Subject, diag.DidYouMean(ref.Subject.String(), known))...)
		}
	}
	return d
}

// DriverOf gives the driver of a row whose block is gone.
func (s *Stack) DriverOf(ctx context.Context, sc object.Scope, row *object.State) (object.Driver, diag.List) {
	if isNative(row.Addr.Kind) {
		return nativeDriver(row)
	}
	return s.terraform.DriverOf(ctx, sc, row)
}

// Moves gives the moved blocks.
func (s *Stack) Moves() []object.Move { return s.terraform.Moves() }

// Removals gives the removed blocks.
func (s *Stack) Removals() []object.Removal { return s.terraform.Removals() }

// Session gives the provider processes, to be shared with the next opening.
func (s *Stack) Session() *terraform.Session { return s.session }

// Terraform gives the Terraform part, for what is particular to it (console,
// provider schemas).
func (s *Stack) Terraform() *terraform.Root { return s.terraform }

// Sources gives the texts of all files that were read, for diagnostics.
func (s *Stack) Sources() map[string][]byte {
	out := s.Carried()
	for name, src := range s.tfvars {
		out[name] = src
	}
	return out
}

// Carried gives the texts that a plan takes along: all but those of files with
// values, which may be secret and are in the plan as far as it needs them.
func (s *Stack) Carried() map[string][]byte {
	out := map[string][]byte{}
	if s.Config != nil {
		for name, src := range s.Config.Sources() {
			out[name] = src
		}
	}
	for name, src := range s.native.sources {
		out[filepath.Clean(name)] = src
	}
	for name, src := range s.extra {
		out[name] = src
	}
	return out
}

// Close ends the provider processes.
func (s *Stack) Close(ctx context.Context) error {
	if s.session == nil {
		return nil
	}
	return s.session.Close(ctx)
}

// Requirements are the providers that the configuration and the state need.
func (s *Stack) Requirements() []install.Requirement { return s.required }
