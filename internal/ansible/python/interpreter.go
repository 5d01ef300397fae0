package python

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/shlex"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// fallback is the interpreter where none was found.
const fallback = "/usr/bin/python3"

// candidates are looked for in this order.
func candidates() []string {
	return []string{"python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", fallback, "python3"}
}

// discovery is what is to be told of an interpreter that was looked for just now.
type discovery struct {
	path   string
	none   bool
	silent bool
}

// interpreter gives the host's Python as words; it is looked for once.
func (h *host) interpreter(ctx context.Context, t action.Target, o Options) ([]string, *discovery, error) {
	wanted := o.Python
	if i, ok := t.(Interpreted); ok && wanted == "" {
		wanted = i.Interpreter()
	}
	if wanted != "" && !strings.HasPrefix(wanted, "auto") {
		words, err := shlex.Split(wanted)
		if err != nil || len(words) == 0 {
			words = []string{wanted}
		}
		return words, nil, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.python != "" {
		return []string{h.python}, nil, nil
	}
	d, err := discover(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	d.silent = strings.HasSuffix(wanted, "_silent")
	h.python = d.path
	return []string{d.path}, d, nil
}

func discover(ctx context.Context, t action.Target) (*discovery, error) {
	var b strings.Builder
	b.WriteString("echo FOUND")
	for _, c := range candidates() {
		fmt.Fprintf(&b, "; command -v '%s'", c)
	}
	b.WriteString("; echo ENDFOUND")
	out, err := t.Exec(ctx, action.Command{Shell: b.String()})
	if err != nil {
		return nil, err
	}
	_, found, _ := strings.Cut(out.Stdout, "FOUND\n")
	found, _, _ = strings.Cut(found, "ENDFOUND")
	for line := range strings.Lines(found) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
			return &discovery{path: line}, nil
		}
	}
	return &discovery{path: fallback, none: true}, nil
}

// tell adds to a result what Ansible says of an interpreter that it looked for.
func (d *discovery) tell(r module.Result, host string) {
	if d == nil {
		return
	}
	facts, ok := r["ansible_facts"].(map[string]any)
	if !ok {
		facts = map[string]any{}
		r["ansible_facts"] = facts
	}
	facts["discovered_interpreter_python"] = d.path
	if d.silent {
		return
	}
	text := fmt.Sprintf("Host '%s' is using the discovered Python interpreter at '%s', but future installation of another Python interpreter "+
		"could cause a different interpreter to be discovered. See https://docs.ansible.com/ansible-core/2.19/reference_appendices/interpreter_discovery.html "+
		"for more information.", host, d.path)
	if d.none {
		text = fmt.Sprintf("No python interpreters found for host '%s' (tried ['%s']).", host, strings.Join(candidates(), "', '"))
	}
	addWarning(r, text)
}

func addWarning(r module.Result, text string) {
	switch list := r["warnings"].(type) {
	case []any:
		r["warnings"] = append(list, text)
	case []string:
		r["warnings"] = append(list, text)
	default:
		r["warnings"] = []any{text}
	}
}

// simplify makes plain values of those that newer modules return with a type of Ansible's own:
// warnings, deprecations and errors.
func simplify(r module.Result) {
	for k, v := range r {
		r[k] = plain(v)
	}
}

func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		kind, typed := v["__ansible_type"].(string)
		for k := range v {
			v[k] = plain(v[k])
		}
		if !typed {
			return v
		}
		event, _ := v["event"].(map[string]any)
		switch kind {
		case "WarningSummary":
			return eventText(event)
		case "ErrorSummary":
			if trace, ok := event["formatted_traceback"].(string); ok && trace != "" {
				return trace
			}
			return eventText(event)
		case "DeprecationSummary":
			d := map[string]any{"msg": eventText(event)}
			for _, k := range []string{"version", "date"} {
				if v[k] != nil {
					d[k] = v[k]
				}
			}
			if who, ok := v["deprecator"].(map[string]any); ok && who["resolved_name"] != nil {
				d["collection_name"] = who["resolved_name"]
			}
			return d
		}
		delete(v, "__ansible_type")
	}
	return v
}

// eventText is what an event says, with its cause.
func eventText(event map[string]any) string {
	text, _ := event["msg"].(string)
	if help, ok := event["help_text"].(string); ok && help != "" {
		text += " " + help
	}
	if chain, ok := event["chain"].(map[string]any); ok {
		if inner, ok := chain["event"].(map[string]any); ok {
			text += ": " + eventText(inner)
		}
	}
	return text
}
