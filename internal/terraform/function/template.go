package function

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxTemplateDepth is how deep templates may render templates.
const maxTemplateDepth = 1024

// templates makes the functions that render templates. A template can call all
// functions, those that render templates too, so each depth has its own pair.
type templates struct {
	opts         Options
	descriptions map[string]string
	table        map[string]function.Function // complete, with the pair for depth 0
	// parsed has the last reading of each file by its path: ten thousand
	// instances that render one file parse it once. It grows with the number of
	// files, not of calls.
	parsed sync.Map // of parsedTemplate
}

type parsedTemplate struct {
	src  string
	expr hcl.Expression
}

// addTemplates adds the functions that render templates, which themselves see
// the whole table.
func addTemplates(table map[string]function.Function, descriptions map[string]string, opts Options) {
	r := &templates{opts: opts, descriptions: descriptions, table: table}
	r.addPair(table, 0)
}

func (r *templates) addPair(to map[string]function.Function, depth int) {
	fromFile := guard("templatefile", r.fromFile(depth), r.descriptions["templatefile"])
	fromText := guard("templatestring", r.fromText(depth), r.descriptions["templatestring"])
	to["templatefile"], to[Namespace+"templatefile"] = fromFile, fromFile
	to["templatestring"], to[Namespace+"templatestring"] = fromText, fromText
}

// fromFile renders a file. Any mark in the variables is on the whole result, also
// where the template does not use the variable.
func (r *templates) fromFile(depth int) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{text("path"), variables()},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			expr, _, err := r.loadFile(args[0].AsString())
			return resultType(expr), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			expr, src, err := r.loadFile(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return r.render(expr, args[1], r.functions(src, depth))
		},
	})
}

// fromText renders a string. Marks of single variables are on the result only
// where the template uses them.
func (r *templates) fromText(depth int) function.Function {
	vars := variables()
	vars.AllowMarked = true
	return function.New(&function.Spec{
		Params: []function.Parameter{text("template"), vars},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			expr, err := parseTemplate(args[0].AsString(), "template")
			return resultType(expr), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			src := args[0].AsString()
			expr, err := parseTemplate(src, "template")
			if err != nil {
				return cty.NilVal, err
			}
			bare, marks := args[1].Unmark()
			v, err := r.render(expr, bare, r.functions(src, depth))
			if err != nil {
				return cty.NilVal, err
			}
			return v.WithMarks(marks), nil
		},
	})
}

// variables is the parameter for what a template may use. Even when nothing is
// known of them, the template itself is looked at.
func variables() function.Parameter {
	p := anything("vars")
	p.AllowDynamicType = true
	return p
}

// resultType foresees what a template gives: a string, except that one made of a
// single interpolation gives whatever that is.
func resultType(expr hcl.Expression) cty.Type {
	switch expr.(type) {
	case *hclsyntax.TemplateExpr:
		return cty.String
	default:
		return cty.DynamicPseudoType
	}
}

func (r *templates) loadFile(path string) (hcl.Expression, string, error) {
	src, err := readText(r.opts, path)
	if err != nil {
		return nil, "", err
	}
	if known, ok := r.parsed.Load(path); ok && known.(parsedTemplate).src == src {
		return known.(parsedTemplate).expr, src, nil
	}
	expr, err := parseTemplate(src, path)
	if err != nil {
		return nil, "", err
	}
	r.parsed.Store(path, parsedTemplate{src, expr})
	return expr, src, nil
}

func parseTemplate(src, name string) (hcl.Expression, error) {
	expr, diags := hclsyntax.ParseTemplate([]byte(src), name, hcl.Pos{Line: 1, Column: 1})
	if diags.HasErrors() {
		return nil, function.NewArgErrorf(0, "the template cannot be read: %s", allErrors(diags))
	}
	return expr, nil
}

// functions gives what a template may call. Only a template that renders another
// one needs a table of its own, which counts how deep it is.
func (r *templates) functions(src string, depth int) map[string]function.Function {
	if !strings.Contains(src, "templatefile") && !strings.Contains(src, "templatestring") {
		return r.table
	}
	own := maps.Clone(r.table)
	if depth < maxTemplateDepth {
		r.addPair(own, depth+1)
		return own
	}
	for _, name := range []string{"templatefile", "templatestring"} {
		own[name] = tooDeep()
		own[Namespace+name] = own[name]
	}
	return own
}

var errTooDeep = fmt.Errorf("templates render one another to a depth of more than %d, as when one renders itself", maxTemplateDepth)

func tooDeep() function.Function {
	p := whatever("args")
	return function.New(&function.Spec{
		VarParam: &p,
		Type:     func([]cty.Value) (cty.Type, error) { return cty.NilType, errTooDeep },
		Impl:     func([]cty.Value, cty.Type) (cty.Value, error) { return cty.NilVal, errTooDeep },
	})
}

func isTooDeep(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
		if ok && errors.Is(call.FunctionCallError(), errTooDeep) {
			return true
		}
	}
	return false
}

// render evaluates a template with nothing but the given variables, so that what
// it depends on is visible to the caller.
func (r *templates) render(expr hcl.Expression, vars cty.Value, functions map[string]function.Function) (cty.Value, error) {
	if ty := vars.Type(); !ty.IsMapType() && !ty.IsObjectType() {
		return cty.NilVal, function.NewArgErrorf(1, "must be a map or object, not %s", ty.FriendlyName())
	}
	ctx := &hcl.EvalContext{Variables: vars.AsValueMap(), Functions: functions}
	if err := checkVariables(expr, ctx.Variables); err != nil {
		return cty.NilVal, err
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		if isTooDeep(diags) {
			// Each of a thousand templates would wrap the message once more.
			return cty.NilVal, errTooDeep
		}
		return cty.NilVal, function.NewArgErrorf(0, "rendering the template failed: %s", allErrors(diags))
	}
	return v, nil
}

// checkVariables says first what HCL would say less clearly about names.
func checkVariables(expr hcl.Expression, vars map[string]cty.Value) error {
	names := slices.Sorted(maps.Keys(vars))
	for _, name := range names {
		if !hclsyntax.ValidIdentifier(name) {
			return function.NewArgErrorf(1, "invalid template variable name %q: must start with a letter, followed by zero or more letters, digits, and underscores", name)
		}
	}
	for _, t := range expr.Variables() {
		root := t.RootName()
		if _, ok := vars[root]; !ok {
			return function.NewArgErrorf(1, "vars map does not contain key %q, referenced at %s%s", root, t.SourceRange(), didYouMean(root, names))
		}
	}
	return nil
}

// allErrors writes diagnostics on one line each; a template may have more than
// one mistake.
func allErrors(diags hcl.Diagnostics) string {
	var lines []string
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		line := d.Summary + ": " + strings.TrimSuffix(d.Detail, ".")
		if d.Subject != nil {
			line = d.Subject.String() + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
