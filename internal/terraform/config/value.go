package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
)

// Argument is one -var or -var-file of the command line.
type Argument struct {
	Name, Text string // -var NAME=TEXT
	File       string // -var-file FILE; the others are then empty
}

// ValueOptions say where values of root variables come from, in order of
// precedence: the environment, terraform.tfvars, terraform.tfvars.json,
// *.auto.tfvars and *.auto.tfvars.json by name, then the arguments in their order.
// A later one wins.
type ValueOptions struct {
	Files FileSource // the disk when nil
	Dir   string     // where the tfvars files lie; "." when empty
	Env   []string   // NAME=TEXT, as os.Environ gives it
	Args  []Argument
}

// Value is a root variable's value, converted to its type.
type Value struct {
	Value cty.Value
	// From says where it comes from, for people: "the file prod.tfvars".
	From string
	// Range is where it stands in a file; nil when it is in none.
	Range *hcl.Range
}

// Values are the values of a root module's variables.
type Values struct {
	// Set holds the given values and the defaults, by name. A default has no From.
	Set map[string]Value
	// Missing are the variables that still need a value, by name; they are not an
	// error, because a person may be asked.
	Missing []*Variable
	// Sources is the text of the files that were read, for showing lines.
	Sources map[string][]byte
}

// Plain gives the values alone, as Options.Variables wants them.
func (v Values) Plain() map[string]cty.Value {
	out := make(map[string]cty.Value, len(v.Set))
	for name, val := range v.Set {
		out[name] = val.Value
	}
	return out
}

// MissingErrors says of each missing variable that it has no value.
func (v Values) MissingErrors() diag.List {
	var diags diag.List
	for _, m := range v.Missing {
		diags = append(diags, diag.Errorf(&m.DeclRange, "No value for required variable",
			"The variable %q has no default and was given no value. Give one with -var '%s=...', in a .tfvars file or in the environment as TF_VAR_%s.", m.Name, m.Name, m.Name)...)
	}
	return diags
}

// maxUndeclared bounds how many warnings about undeclared variables are given one
// by one.
const maxUndeclared = 2

// VariableValues gathers the values of the root module's variables. Validation
// rules are not looked at here. Undeclared names are an error on the command line,
// a warning in a file, and ignored in the environment, which is shared.
func VariableValues(m *Module, opts ValueOptions) (Values, diag.List) {
	g := &gatherer{module: m, files: opts.Files, out: Values{Set: map[string]Value{}, Sources: map[string][]byte{}}}
	if g.files == nil {
		g.files = Disk{}
	}
	if opts.Dir == "" {
		opts.Dir = "."
	}
	g.environment(opts.Env)
	g.autoFiles(opts.Dir)
	for _, a := range opts.Args {
		if a.File != "" {
			g.file(a.File, true)
			continue
		}
		g.argument(a)
	}
	g.finish()
	return g.out, g.diags
}

type gatherer struct {
	module     *Module
	files      FileSource
	out        Values
	undeclared []*diag.Diagnostic
	diags      diag.List
}

func (g *gatherer) environment(env []string) {
	const prefix = "TF_VAR_"
	for _, e := range env {
		name, text, ok := strings.Cut(e, "=")
		if !ok || !strings.HasPrefix(name, prefix) {
			continue
		}
		if v := g.module.Variables[name[len(prefix):]]; v != nil {
			g.text(v, text, "the environment variable "+name)
		}
	}
}

// autoFiles reads the files that are read without being named.
func (g *gatherer) autoFiles(dir string) {
	names, err := g.files.ReadDir(dir)
	if err != nil {
		return // the module itself lies there, so this was reported
	}
	var fixed, auto []string
	for _, n := range names {
		switch {
		case n == "terraform.tfvars" || n == "terraform.tfvars.json":
			fixed = append(fixed, n)
		case strings.HasSuffix(n, ".auto.tfvars") || strings.HasSuffix(n, ".auto.tfvars.json"):
			auto = append(auto, n)
		}
	}
	sort.Strings(fixed)
	sort.Strings(auto)
	for _, n := range append(fixed, auto...) {
		g.file(filepath.Join(dir, n), false)
	}
}

// file reads one tfvars file.
func (g *gatherer) file(name string, named bool) {
	src, err := g.files.ReadFile(name)
	if err != nil {
		what := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			what = "there is no such file"
		}
		g.diags = append(g.diags, diag.Errorf(nil, "Variables file cannot be read", "The file %s cannot be read: %s.", name, what)...)
		return
	}
	g.out.Sources[name] = src
	body, diags := parseFile(src, name)
	g.diags = append(g.diags, diags...)
	if body == nil {
		return
	}
	attrs, hd := body.JustAttributes()
	g.diags = append(g.diags, diag.FromHCL(hd)...)
	for _, a := range byPosition(attrs) {
		rng := a.Expr.Range()
		v := g.module.Variables[a.Name]
		if v == nil {
			g.undeclared = append(g.undeclared, diag.Warnf(&a.NameRange, "Value for undeclared variable",
				"The root module has no variable %q, but %s gives it a value.%s Add a \"variable\" block to use it.", a.Name, name, g.near(a.Name))...)
			continue
		}
		val, hd := a.Expr.Value(nil)
		g.diags = append(g.diags, diag.FromHCL(hd)...)
		if !hd.HasErrors() {
			g.set(v, Value{Value: val, From: "the file " + name, Range: &rng})
		} else {
			g.broken(v)
		}
	}
}

// argument takes one -var.
func (g *gatherer) argument(a Argument) {
	v := g.module.Variables[a.Name]
	if v == nil {
		g.diags = append(g.diags, diag.Errorf(nil, "Value for undeclared variable",
			"The root module has no variable %q, which -var gives a value.%s Add a \"variable\" block to use it.", a.Name, g.near(a.Name))...)
		return
	}
	g.text(v, a.Text, "the option -var "+a.Name)
}

func (g *gatherer) near(name string) string {
	return diag.DidYouMean(name, sortedKeys(g.module.Variables))
}

func (g *gatherer) text(v *Variable, text, from string) {
	val, diags := v.Parse(text)
	g.diags = append(g.diags, diags...)
	if diags.HasErrors() {
		g.broken(v)
		return
	}
	g.set(v, Value{Value: val, From: from})
}

// broken keeps a variable with a bad value from being called missing as well.
func (g *gatherer) broken(v *Variable) {
	g.out.Set[v.Name] = Value{Value: cty.UnknownVal(v.Type.WithoutOptionalAttributesDeep()), From: "a value with errors"}
}

// set converts a value and stores it; a null for what is not nullable stands for
// the default.
func (g *gatherer) set(v *Variable, val Value) {
	conv, err := v.Convert(val.Value)
	if err != nil {
		g.diags = append(g.diags, diag.Errorf(val.Range, "Invalid value for input variable",
			"The value that %s gives to var.%s does not fit its type: %s.", val.From, v.Name, describeConversion(err))...)
		g.broken(v)
		return
	}
	val.Value = conv
	if conv.IsNull() && !v.Nullable {
		if v.Required() {
			g.diags = append(g.diags, diag.Errorf(val.Range, "Required variable not set",
				"The value that %s gives to var.%s is null, which the variable does not allow.", val.From, v.Name)...)
			g.broken(v)
			return
		}
		val.Value = v.Default
	}
	g.out.Set[v.Name] = val
}

// finish adds defaults, finds what is missing and sums up the undeclared.
func (g *gatherer) finish() {
	for _, name := range sortedKeys(g.module.Variables) {
		v := g.module.Variables[name]
		if _, ok := g.out.Set[name]; ok {
			continue
		}
		if v.Required() {
			g.out.Missing = append(g.out.Missing, v)
			continue
		}
		g.out.Set[name] = Value{Value: v.Default}
	}
	if len(g.undeclared) > maxUndeclared+1 {
		g.diags = append(g.diags, g.undeclared[:maxUndeclared]...)
		g.diags = append(g.diags, diag.Warnf(nil, "Values for undeclared variables",
			"The files give values to %d more variables that the root module does not declare.", len(g.undeclared)-maxUndeclared)...)
		return
	}
	g.diags = append(g.diags, g.undeclared...)
}

// Parse reads a value as the command line, the environment or a prompt gives it:
// the text itself when the type is primitive or not said, else an expression
// without references. It is not converted yet.
func (v *Variable) Parse(text string) (cty.Value, diag.List) {
	if v.Literal {
		return cty.StringVal(text), nil
	}
	name := "<value for var." + v.Name + ">"
	expr, hd := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if hd.HasErrors() {
		return cty.DynamicVal, diag.FromHCL(hd)
	}
	val, hd := expr.Value(nil)
	return val, diag.FromHCL(hd)
}

// Accept parses and converts a text, as for an answer to a prompt.
func (v *Variable) Accept(text string) (cty.Value, diag.List) {
	val, diags := v.Parse(text)
	if diags.HasErrors() {
		return val, diags
	}
	conv, err := v.Convert(val)
	if err != nil {
		return cty.DynamicVal, diag.Errorf(nil, "Invalid value for input variable", "The value does not fit the type of var.%s: %s.", v.Name, describeConversion(err))
	}
	return conv, diags
}
