package cli

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/value"
	"tutti/internal/stepfunctions/data"
)

// evalJinja evaluates an expression, or a template when there are {{ or {% in the text. The
// variables are those of -var, data, and the members of the data when it is an object.
func evalJinja(text string, in *evalInput) evalResult {
	vars, failed := jinjaVariables(text, in)
	if failed != nil {
		return *failed
	}
	e := builtin.New(jinja.Options{})
	filter.Register(e)
	at := value.Origin{File: evalFile, Line: 1, Column: 1}
	text = strings.TrimSuffix(text, "\n")
	var t *jinja.Template
	var err error
	if strings.Contains(text, "{{") || strings.Contains(text, "{%") {
		t, err = e.ParseTemplate(&value.Template{Text: text, Origin: at})
	} else {
		t, err = e.Expression(text, at)
	}
	if err != nil {
		return failedJinja(err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	v, err := t.Native(jinja.Context{Variables: vars, Now: time.Now(), Seed: rand.Uint64(), Data: &world.Machine{Folder: cwd}})
	if err != nil {
		return failedJinja(err)
	}
	if u, ok := v.(*value.Undefined); ok {
		return evalResult{undefined: "The expression has no value: " + u.Hint + "."}
	}
	b, err := value.JSON(v)
	if err != nil {
		return failedEval("The value has no form in JSON", evalFailure{code: "no-json", message: err.Error(), position: -1})
	}
	out, err := data.Decode(b)
	if err != nil {
		return failedEval("The value has no form in JSON", evalFailure{code: "no-json", message: err.Error(), position: -1})
	}
	return evalResult{value: out}
}

// jinjaVariables are what an expression can refer to. The data is read only when a variable is
// asked for that -var does not give: reading may wait for standard input.
func jinjaVariables(text string, in *evalInput) (*lazyVariables, *evalResult) {
	vars := &lazyVariables{given: &value.Dict{}, in: in}
	for _, m := range in.variables.Members() {
		v, err := value.ParseJSON(data.Encode(m.Value))
		if err != nil {
			failed := failedEval("The variable cannot be used", evalFailure{code: "invalid-variable", message: m.Key + ": " + err.Error(), position: -1})
			return nil, &failed
		}
		vars.given.Set(m.Key, v)
	}
	return vars, nil
}

// lazyVariables are variables, and the data's members when it is an object.
type lazyVariables struct {
	given *value.Dict
	in    *evalInput
	read  bool
	err   error
}

var _ jinja.Variables = (*lazyVariables)(nil)

// Variable implements jinja.Variables.
func (l *lazyVariables) Variable(name string) (any, bool, error) {
	if v, ok := l.given.Get(name); ok {
		return v, true, nil
	}
	if !l.read {
		l.read = true
		l.err = l.load()
	}
	if l.err != nil {
		return nil, false, l.err
	}
	v, ok := l.given.Get(name)
	return v, ok, nil
}

func (l *lazyVariables) load() error {
	read, given, err := l.in.read()
	if err != nil {
		return &unreadable{err}
	}
	if !given {
		return nil
	}
	v, err := value.ParseJSON(data.Encode(read))
	if err != nil {
		return &unreadable{err}
	}
	if d, ok := v.(*value.Dict); ok {
		for k, x := range d.All() {
			if !l.given.Has(k) {
				l.given.Set(k, x)
			}
		}
	}
	if !l.given.Has("data") {
		l.given.Set("data", v)
	}
	return nil
}

// unreadable is the error of data that is no JSON.
type unreadable struct{ cause error }

func (u *unreadable) Error() string { return u.cause.Error() }

func failedJinja(err error) evalResult {
	var bad *unreadable
	if errors.As(err, &bad) {
		return badData(bad.cause)
	}
	f := evalFailure{code: "evaluation-failed", message: err.Error(), position: -1}
	headline := "The expression cannot be evaluated"
	var e *jinja.Error
	if errors.As(err, &e) {
		switch e.Reason {
		case jinja.Syntax:
			f.code, headline = "syntax", "The expression is not valid"
		case jinja.Undefined:
			f.code = "undefined"
		}
	}
	return failedEval(headline, f)
}
