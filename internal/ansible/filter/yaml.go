package filter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/document/dump"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// yamlName is what messages about text that is no file call it.
const yamlName = "<unicode string>"

// What follows the arguments that to_yaml and to_nice_yaml name is passed over, as in Ansible.

func toYAML(c *jinja.Call, a []any) (any, error) { return writeYAML(a[0], nil, nil, c.Kwargs) }

func toNiceYAML(c *jinja.Call, a []any) (any, error) { return writeYAML(a[0], a[1], false, c.Kwargs) }

func writeYAML(v, indent, flow any, named []jinja.Kwarg) (any, error) {
	o := dump.Options{Flow: flowStyle(flow)}
	var err error
	if o.Indent, err = yamlNumber(indent, o.Indent); err != nil {
		return nil, err
	}
	for _, k := range named {
		switch k.Name {
		case "default_flow_style":
			o.Flow = flowStyle(k.Value)
		case "indent":
			o.Indent, err = yamlNumber(k.Value, o.Indent)
		case "width":
			o.Width, err = yamlNumber(k.Value, o.Width)
		case "sort_keys":
			o.Unsorted = !python.Truth(k.Value)
		case "explicit_start":
			o.ExplicitStart = python.Truth(k.Value)
		case "explicit_end":
			o.ExplicitEnd = python.Truth(k.Value)
		case "default_style":
			if s, ok := k.Value.(string); ok && s != "" {
				o.Style = s[0]
			}
		case "allow_unicode":
			err = errors.New("yaml.dump() got multiple values for keyword argument 'allow_unicode'")
		case "line_break", "encoding", "tags", "version", "canonical":
			if python.Truth(k.Value) {
				err = fmt.Errorf("%s=%s cannot be written here; leave it out", k.Name, value.Repr(k.Value))
			}
		default:
			err = fmt.Errorf("dump_all() got an unexpected keyword argument %s", value.Repr(k.Name))
		}
		if err != nil {
			return nil, err
		}
	}
	text, err := dump.YAML(v, o)
	return text, err
}

func flowStyle(v any) dump.FlowStyle {
	switch {
	case v == nil:
		return dump.FlowLeaves
	case python.Truth(v):
		return dump.FlowAlways
	}
	return dump.FlowNever
}

// maxYAMLNumber bounds indents and widths that are asked for.
const maxYAMLNumber = 1 << 30

func yamlNumber(v any, standard int) (int, error) {
	if v == nil {
		return standard, nil
	}
	n, ok := asIndex(v)
	if !ok {
		return 0, errors.New("an integer is required")
	}
	return int(max(min(n, maxYAMLNumber), -maxYAMLNumber)), nil
}

func fromYAML(c *jinja.Call, a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		if a[0] != nil {
			warn(c, fmt.Sprintf("The from_yaml filter ignored non-string input of type '%s'.", value.TypeName(a[0])))
		}
		return a[0], nil
	}
	n, diags := document.Parse([]byte(text), "", yamlOptions())
	if diags.HasErrors() {
		return nil, yamlError(text, diags)
	}
	return n.Value(), nil
}

// yamlOptions read text that is data, whatever it holds.
func yamlOptions() document.Options {
	return document.Options{Untrusted: true, PlainTags: true, YAMLOnly: true}
}

func fromYAMLAll(c *jinja.Call, a []any) (any, error) {
	text, ok := a[0].(string)
	switch {
	case a[0] == nil:
		return &value.List{Items: []any{}}, nil
	case !ok:
		warn(c, fmt.Sprintf("The from_yaml_all filter ignored non-string input of type '%s'.", value.TypeName(a[0])))
		return a[0], nil
	}
	all, diags := document.ParseAll([]byte(text), "", yamlOptions())
	if diags.HasErrors() {
		return nil, yamlError(text, diags)
	}
	out := &value.List{Items: make([]any, len(all))}
	for i, n := range all {
		out.Items[i] = n.Value()
	}
	return out, nil
}

// yamlError tells what is wrong with a text as PyYAML does, where the fault is one of the
// text itself. It reads the text once more, since diagnostics have only the one sentence.
func yamlError(text string, diags diag.List) error {
	loader, err := yaml.NewLoader(bytes.NewReader([]byte(text)), yaml.WithV4Defaults())
	for err == nil {
		var n yaml.Node
		err = loader.Load(&n)
	}
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		err = several.Errors[0]
	}
	var fault *yaml.LoadError
	if errors.Is(err, io.EOF) || !errors.As(err, &fault) || strings.HasPrefix(fault.Message, "unknown anchor ") {
		return errors.New(constructorError(diags[0].Detail))
	}
	problem := yaml.Mark{Line: max(fault.Mark.Line, 1), Column: max(fault.Mark.Column, 1)}
	begin := yaml.Mark{Line: max(fault.ContextMark.Line, 1), Column: max(fault.ContextMark.Column, 1)}
	var lines []string
	if fault.ContextMsg != "" {
		lines = append(lines, fault.ContextMsg)
		if begin.Line != problem.Line || begin.Column != problem.Column {
			lines = append(lines, yamlPlace(begin))
		}
	}
	return errors.New(strings.Join(append(lines, fault.Message, yamlPlace(problem)), "\n"))
}

// constructorError turns the sentence of a diagnostic, with its place behind, into PyYAML's form.
func constructorError(detail string) string {
	message, place, ok := strings.Cut(detail, ". (")
	if !ok || strings.Contains(message, "\n") {
		return detail
	}
	return strings.ToLower(message[:1]) + message[1:] + "\n  in \"" + yamlName + "\", " + strings.TrimSuffix(place, ")")
}

func yamlPlace(at yaml.Mark) string {
	return fmt.Sprintf("  in %q, line %d, column %d", yamlName, at.Line, at.Column)
}
