package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
	"tutti/internal/stepfunctions/intrinsic"
	"tutti/internal/stepfunctions/jsonata"
	"tutti/internal/stepfunctions/jsonpath"
	"tutti/internal/terraform/function"
)

// language is a language whose expressions eval can try.
type language struct {
	name     string
	evaluate func(text string, in *evalInput) evalResult
}

// languages are all of them.
func languages() []language {
	return []language{{"jsonata", evalJSONata}, {"jsonpath", evalJSONPath}, {"hcl", evalHCL}, {"jinja", evalJinja}}
}

func languageNames() []string {
	var names []string
	for _, l := range languages() {
		names = append(names, l.name)
	}
	return names
}

func languageOf(name string) (language, error) {
	for _, l := range languages() {
		if l.name == name {
			return l, nil
		}
	}
	return language{}, fmt.Errorf("-lang %s: the languages are %s.%s", name, strings.Join(languageNames(), ", "), diag.DidYouMean(name, languageNames()))
}

// evalInput is what an expression is evaluated with.
type evalInput struct {
	variables *data.Object
	context   any // null when none is given
	// read gives the data; given is false when there is none. It is called only for
	// an expression that needs the data, because it may wait for standard input.
	read func() (value any, given bool, err error)
}

// badData is the result of data that cannot be read.
func badData(err error) evalResult {
	return failedEval("The data cannot be read", evalFailure{code: "invalid-data", message: err.Error(), position: -1})
}

func evalJSONata(text string, in *evalInput) evalResult {
	text = strings.TrimSpace(text)
	if expression.IsJSONata(text) {
		text = text[2 : len(text)-2]
	}
	x, err := jsonata.Parse(text)
	if err != nil {
		return failedJSONata("The expression is not valid", err)
	}
	input, given, err := in.read()
	if err != nil {
		return badData(err)
	}
	states := data.ObjectOf(data.Member{Key: "input", Value: input}, data.Member{Key: "context", Value: in.context})
	if !given {
		input = jsonata.Undefined
		states = states.Without("input")
	}
	options := jsonata.Options{
		Variables: map[string]any{"states": states},
		Functions: jsonata.Service(rand.Float64, uuid.NewString),
		Now:       time.Now(),
		Random:    rand.Float64,
	}
	// The service takes $eval away; here it is the language's.
	delete(options.Functions, "eval")
	for _, m := range in.variables.Members() {
		options.Variables[m.Key] = m.Value
	}
	v, defined, err := x.Eval(input, options)
	switch {
	case err != nil:
		return failedJSONata("The expression cannot be evaluated", err)
	case !defined:
		return evalResult{undefined: "The expression has no value (undefined)."}
	}
	return evalResult{value: v}
}

func failedJSONata(headline string, err error) evalResult {
	var e *jsonata.Error
	if !errors.As(err, &e) {
		panic("cli: invariant broken: JSONata failed without a code: " + err.Error())
	}
	f := evalFailure{e.Code, e.Message, e.Position}
	if f.position == 0 { // it counts from behind a token
		f.position = -1
	}
	return failedEval(headline, f)
}

// invalidDefinition is the code that the service's checks of definitions give to what
// is neither a path nor an intrinsic function.
const invalidDefinition = "SCHEMA_VALIDATION_FAILED"

func evalJSONPath(text string, in *evalInput) evalResult {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return evalPayload(text, in)
	}
	var paths []*jsonpath.Path
	var eval func(intrinsic.Scope) (any, error)
	if intrinsic.Is(text) {
		x, err := intrinsic.Parse(text)
		if err != nil {
			return badPath(err)
		}
		paths, eval = x.Paths(), x.Eval
	} else {
		p, err := jsonpath.Parse(text)
		if err != nil {
			return badPath(err)
		}
		paths, eval = []*jsonpath.Path{p}, func(s intrinsic.Scope) (any, error) { return s.Eval(p) }
	}
	scope := intrinsic.Scope{Scope: jsonpath.Scope{Context: in.context, Variables: in.variables}, Random: rand.Float64, UUID: uuid.NewString}
	if slices.ContainsFunc(paths, func(p *jsonpath.Path) bool { return p.Root() == jsonpath.Input }) {
		var err error
		if scope.Input, _, err = in.read(); err != nil {
			return badData(err)
		}
	}
	v, err := eval(scope)
	var failed *intrinsic.Error
	switch _, missing := err.(*jsonpath.NotFoundError); {
	case err == nil:
		return evalResult{value: v}
	case missing:
		return evalResult{undefined: err.Error()}
	case errors.As(err, &failed) && !failed.Path():
		return failedEval("The expression cannot be evaluated", evalFailure{expression.IntrinsicFailure, err.Error(), -1})
	}
	return failedEval("The expression cannot be evaluated", evalFailure{expression.Runtime, err.Error(), -1})
}

// evalPayload evaluates a payload template.
func evalPayload(text string, in *evalInput) evalResult {
	v, err := data.Decode([]byte(text))
	if err != nil {
		return badPath(err)
	}
	x, err := payload(v)
	if err != nil {
		return badPath(err)
	}
	scope := &expression.Scope{Variable: in.variables.Get, Now: time.Now(), Random: rand.Float64, UUID: uuid.NewString}
	scope.Context, _ = in.context.(*data.Object)
	if scope.Input, _, err = in.read(); err != nil {
		return badData(err)
	}
	v, err = x.Eval(scope)
	var failed *expression.Error
	if errors.As(err, &failed) {
		return failedEval("The expression cannot be evaluated", evalFailure{failed.Name, failed.Cause, -1})
	}
	return evalResult{value: v}
}

// payload compiles JSON in which the members whose keys end in .$ are paths or
// intrinsic functions.
func payload(v any) (expression.Expr, error) {
	var err error
	switch v := v.(type) {
	case []any:
		items := make([]expression.Expr, len(v))
		for i, item := range v {
			if items[i], err = payload(item); err != nil {
				return nil, err
			}
		}
		return expression.List(items), nil
	case *data.Object:
		fields := make([]expression.Field, v.Len())
		for i, m := range v.Members() {
			key, computed := strings.CutSuffix(m.Key, ".$")
			fields[i].Key = key
			text, isText := m.Value.(string)
			switch {
			case computed && isText:
				fields[i].Value, err = expression.Dynamic(m.Key, text)
			case computed:
				err = fmt.Errorf("the value must be a string, not %s", data.Kind(m.Value))
			default:
				fields[i].Value, err = payload(m.Value)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Key, err)
			}
		}
		return expression.Object(fields), nil
	}
	return expression.Constant{Value: v}, nil
}

func badPath(err error) evalResult {
	f := evalFailure{code: invalidDefinition, message: err.Error(), position: -1}
	switch err := err.(type) {
	case *intrinsic.SyntaxError:
		f.message, f.position = err.What, err.Offset
	case *jsonpath.SyntaxError:
		f.message, f.position = err.What, err.Offset
	}
	return failedEval("The expression is not valid", f)
}

// evalFile is what diagnostics call the expression.
const evalFile = "<expression>"

func evalHCL(text string, in *evalInput) evalResult {
	sources := map[string][]byte{evalFile: []byte(text)}
	x, hd := hclsyntax.ParseExpression([]byte(text), evalFile, hcl.InitialPos)
	if hd.HasErrors() {
		return failedHCL(diag.FromHCL(hd), sources)
	}
	scope, failed := hclScope(x, in)
	if failed != nil {
		return *failed
	}
	v, hd := x.Value(scope)
	d := diag.FromHCL(hd)
	if hd.HasErrors() {
		return failedHCL(d, sources)
	}
	if v.ContainsMarked() {
		rng := x.Range()
		return failedHCL(append(d, diag.Errorf(&rng, "The value is sensitive", "Sensitive values are not shown. Wrap what is not secret in nonsensitive().")...), sources)
	}
	b, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		rng := x.Range()
		return failedHCL(append(d, diag.Errorf(&rng, "The value has no form in JSON", "%s.", err)...), sources)
	}
	value, err := data.Decode(b)
	if err != nil {
		panic("cli: invariant broken: cty wrote what is no JSON: " + err.Error())
	}
	return evalResult{value: value, diags: d, sources: sources}
}

// hclScope gives what an expression can refer to: var, data, path and the functions.
func hclScope(x hcl.Expression, in *evalInput) (*hcl.EvalContext, *evalResult) {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	here := cty.StringVal(".")
	scope := &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"var":  hclValue(in.variables),
			"path": cty.ObjectVal(map[string]cty.Value{"module": here, "root": here, "cwd": cty.StringVal(filepath.ToSlash(cwd))}),
		},
		Functions: function.Table(function.Options{}),
	}
	for _, ref := range x.Variables() {
		if ref.RootName() != "data" {
			continue
		}
		v, given, err := in.read()
		if err != nil {
			failed := badData(err)
			return nil, &failed
		}
		if given {
			scope.Variables["data"] = hclValue(v)
		}
		break
	}
	return scope, nil
}

// hclValue turns JSON into a value as jsondecode does.
func hclValue(v any) cty.Value {
	b := data.Encode(v)
	ty, err := ctyjson.ImpliedType(b)
	if err == nil {
		var out cty.Value
		if out, err = ctyjson.Unmarshal(b, ty); err == nil {
			return out
		}
	}
	panic("cli: invariant broken: encoded JSON is not read: " + err.Error())
}

func failedHCL(d diag.List, sources map[string][]byte) evalResult {
	for _, x := range d {
		if x.Severity != diag.Error {
			continue
		}
		f := &evalFailure{code: x.ID(), message: x.Headline + ": " + x.Detail, position: -1}
		if x.Subject != nil {
			f.position = x.Subject.Start.Byte
		}
		return evalResult{failed: f, diags: d, sources: sources}
	}
	panic("cli: invariant broken: a failure without an error")
}
