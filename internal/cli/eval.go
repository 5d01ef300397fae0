package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
)

// exitUndefined is eval's code for an expression that has no value.
const exitUndefined = 3

// evalFlags are those of eval.
type evalFlags struct {
	language, data, context string
	variables               jsonVariables
	json, raw, compact      bool
}

func (a *app) evalCommand() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use: "eval EXPR", Short: "Try an expression of JSONata, JSONPath, HCL or Jinja", Args: cobra.ExactArgs(1),
		Long: `Eval evaluates one expression and prints its value as JSON. It needs no files;
EXPR may be @FILE, a file that holds the expression.

  jsonata  JSONata 2.0 with the functions that Step Functions adds. The data is
           the input of the expression and $states.input, the context object is
           $states.context; {% and %} around the expression do not count.
  jsonpath a path ($.a, $$.a, $name.a), an intrinsic function (States.Format(...))
           or a payload template ({"id.$": "$.a"}) of Step Functions. The data is
           $, the context object is $$.
  hcl      an expression of Terraform and OpenTofu with all their functions. The
           data is data, variables are var.NAME.
  jinja    an expression of Ansible's Jinja, or a template when there are {{ or {%
           in it, with native types and Ansible's filters and tests. The data is
           data, and the members of an object are variables too.

Without -data the data is what comes in through a pipe or from a file.

Exit codes: 0 there is a value, 1 error, 3 there is no value (which null is not).`,
		Example: `  tutti eval -data '{"n":[1,2]}' '$sum(n)'
  tutti eval -lang jsonpath -data @order.json '$.lines[?(@.price > 10)].id'
  tutti eval -lang hcl -var 'n={"a":1}' 'merge(var.n, {b = 2})'
  curl -s https://example.com/a.json | tutti eval -r 'items.name'`,
		RunE: func(_ *cobra.Command, args []string) error { return a.evaluate(args[0], &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.language, "lang", "jsonata", "the language of the expression: "+strings.Join(languageNames(), ", "))
	fl.Var((*jsonText)(&f.data), "data", "the data: JSON, @FILE, or - for standard input")
	fl.Var((*jsonText)(&f.context), "context", "the context object of a workflow, in the same forms as -data")
	fl.Var(&f.variables, "var", "a variable, $NAME, var.NAME or (jinja) NAME; may be repeated")
	fl.BoolVar(&f.json, "json", false, `print {"value": ...}, {"undefined": true} or {"error": {"code": ..., "message": ...}}`)
	fl.BoolVarP(&f.raw, "raw-output", "r", false, "print a string as it is, without quotes; -r for short")
	fl.BoolVarP(&f.compact, "compact", "c", false, "print the value in one line; -c for short")
	return c
}

// jsonText is a flag that takes JSON or says where it is.
type jsonText string

var _ pflag.Value = (*jsonText)(nil)

func (t *jsonText) String() string     { return string(*t) }
func (t *jsonText) Type() string       { return "JSON|@FILE|-" }
func (t *jsonText) Set(s string) error { *t = jsonText(s); return nil }

// jsonVariables are the variables of -var, the later one of equal names counting.
type jsonVariables struct{ values data.Object }

var _ pflag.Value = (*jsonVariables)(nil)

func (v *jsonVariables) String() string { return "" }
func (v *jsonVariables) Type() string   { return "NAME=JSON" }

func (v *jsonVariables) Set(s string) error {
	name, text, ok := strings.Cut(s, "=")
	if name = strings.TrimPrefix(strings.TrimSpace(name), "$"); !ok || name == "" {
		return fmt.Errorf("expected NAME=JSON")
	}
	value, err := data.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("the value of %s is %w; a text stands in quotes: '%s=\"text\"'", name, err, name)
	}
	v.values.Set(name, value)
	return nil
}

// evaluate is the command.
func (a *app) evaluate(text string, f *evalFlags) error {
	l, err := languageOf(f.language)
	if err != nil {
		return err
	}
	in := &evalInput{variables: &f.variables.values, read: func() (any, bool, error) { return a.evalData(f.data) }}
	if f.context != "" {
		if in.context, _, err = a.evalData(f.context); err != nil {
			return fmt.Errorf("-context: %w", err)
		}
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = string(b)
	}
	r := l.evaluate(text, in)
	if f.json {
		return a.evalJSON(r)
	}
	a.diagnostics(r.diags, r.sources)
	switch {
	case r.failed != nil:
		return exitCode(exitError)
	case r.undefined != "":
		_, _ = fmt.Fprintln(a.stderr, r.undefined)
		return exitCode(exitUndefined)
	}
	return a.evalPrint(r.value, f)
}

func (a *app) evalPrint(value any, f *evalFlags) error {
	if s, ok := value.(string); ok && f.raw {
		_, err := fmt.Fprintln(a.stdout, s)
		return err
	}
	text := data.Encode(value)
	if !f.compact {
		var b bytes.Buffer
		if err := json.Indent(&b, text, "", "  "); err != nil {
			panic("cli: invariant broken: an encoded value is not JSON: " + err.Error())
		}
		text = b.Bytes()
	}
	_, err := a.stdout.Write(append(text, '\n'))
	return err
}

// evalJSON prints what became of the expression as one line of JSON.
func (a *app) evalJSON(r evalResult) error {
	var out *data.Object
	var code error
	switch {
	case r.failed != nil:
		failed := data.ObjectOf(data.Member{Key: "code", Value: r.failed.code}, data.Member{Key: "message", Value: r.failed.message})
		if r.failed.position >= 0 {
			failed.Set("position", float64(r.failed.position))
		}
		out, code = data.ObjectOf(data.Member{Key: "error", Value: failed}), exitCode(exitError)
	case r.undefined != "":
		out, code = data.ObjectOf(data.Member{Key: "undefined", Value: true}), exitCode(exitUndefined)
	default:
		out = data.ObjectOf(data.Member{Key: "value", Value: r.value})
	}
	if _, err := a.stdout.Write(append(data.Encode(out), '\n')); err != nil {
		return err
	}
	return code
}

// evalData reads JSON from where a flag says. Without a flag it is what comes in
// through a pipe or from a file, if anything does.
func (a *app) evalData(from string) (value any, given bool, err error) {
	var text []byte
	switch {
	case from == "":
		info, err := a.stdin.Stat()
		if err != nil || info.Mode()&os.ModeNamedPipe == 0 && !info.Mode().IsRegular() {
			return nil, false, nil
		}
		if text, err = io.ReadAll(a.stdin); err != nil || len(bytes.TrimSpace(text)) == 0 {
			return nil, false, err
		}
	case from == "-":
		text, err = io.ReadAll(a.stdin)
	case from[0] == '@':
		text, err = os.ReadFile(from[1:])
	default:
		text = []byte(from)
	}
	if err != nil {
		return nil, false, err
	}
	value, err = data.Decode(text)
	return value, err == nil, err
}

// evalResult is what became of an expression: a value, none, or a failure.
type evalResult struct {
	value any
	// undefined says why there is no value.
	undefined string
	failed    *evalFailure
	// diags are the failure, or warnings, for people.
	diags   diag.List
	sources map[string][]byte
}

// evalFailure is an error for programs.
type evalFailure struct {
	code, message string
	position      int // in the expression, or -1
}

// failedEval makes the result of an error that has a code.
func failedEval(headline string, f evalFailure) evalResult {
	where := ""
	if f.position >= 0 {
		where = fmt.Sprintf(" (at position %d)", f.position)
	}
	return evalResult{failed: &f, diags: diag.Errorf(nil, headline, "%s: %s%s.", f.code, strings.TrimSuffix(f.message, "."), where)}
}
