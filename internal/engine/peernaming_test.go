package engine_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// naming replaces what differs from one run to the next (random values, times,
// keys) by where it came from: two tools that did the same then say the same.
type naming struct {
	names map[string]string
	steps int
	// noIdentity is set for Terraform, which keeps identities from 1.12 on.
	noIdentity bool
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
)

// learn takes the values of a state in.
func (n *naming) learn(t *testing.T, state string) {
	t.Helper()
	if n.names == nil {
		n.names = map[string]string{}
	}
	n.steps++
	for _, r := range list(mustJSON(t, state)["resources"]) {
		typ := sprint(r["type"])
		for _, i := range list(r["instances"]) {
			attrs, _ := i["attributes"].(map[string]any)
			where := fmt.Sprintf("%d:%s.%s[%v]", n.steps, typ, r["name"], i["index_key"])
			for _, name := range keys(attrs) {
				if chosen(typ, name) {
					n.name(attrs[name], where+"."+name)
				}
			}
		}
	}
}

// chosen reports whether the attribute's value is one that a provider chooses anew
// each time.
func chosen(typ, name string) bool {
	switch {
	case typ == "terraform_data":
		return name == "id"
	case strings.HasPrefix(typ, "random_") && typ != "random_shuffle":
		switch name {
		case "id", "result", "hex", "dec", "base64", "bcrypt_hash":
			return true
		}
	case strings.HasPrefix(typ, "tls_"):
		return name != "algorithm" && name != "private_key_algorithm" && name != "key_algorithm"
	case strings.HasPrefix(typ, "time_"):
		return name == "id" || name == "rfc3339" || name == "unix"
	}
	return false
}

func (n *naming) name(v any, where string) {
	switch v := v.(type) {
	case string:
		if len(v) > 3 && n.names[v] == "" {
			n.names[v] = "<" + where + ">"
		}
	case json.Number:
		if len(v) > 3 && n.names[string(v)] == "" {
			n.names[string(v)] = "<" + where + ">"
		}
	case []any:
		for i, e := range v {
			n.name(e, fmt.Sprintf("%s.%d", where, i))
		}
	}
}

// text replaces what was learned, long values first.
func (n *naming) text(s string) string {
	olds := make([]string, 0, len(n.names))
	for old := range n.names {
		olds = append(olds, old)
	}
	sort.Slice(olds, func(i, j int) bool {
		if len(olds[i]) != len(olds[j]) {
			return len(olds[i]) > len(olds[j])
		}
		return olds[i] < olds[j]
	})
	for _, old := range olds {
		s = strings.ReplaceAll(s, old, n.names[old])
	}
	return times.ReplaceAllString(uuids.ReplaceAllString(s, "<uuid>"), "<time>")
}

func (n *naming) value(v any) any {
	switch v := v.(type) {
	case string:
		return n.text(v)
	case json.Number:
		if name := n.names[string(v)]; name != "" {
			return name
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = n.value(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[n.text(k)] = n.value(e)
		}
		return out
	default:
		return v
	}
}

// plan gives what is compared of `show -json` of a plan.
func (n *naming) plan(t *testing.T, text string) any {
	t.Helper()
	p := mustJSON(t, text)
	out := map[string]any{}
	for _, c := range list(p["resource_changes"]) {
		change, _ := c["change"].(map[string]any)
		if c["action_reason"] == "read_because_check_nested" {
			continue // the peers read these once more while applying; tutti need not
		}
		if actions := sprint(change["actions"]); actions == "[no-op]" && c["previous_address"] == nil && change["importing"] == nil {
			continue
		}
		out[sprint(c["address"])+deposed(c)] = n.change(c, change)
	}
	drift := []string{}
	for _, c := range list(p["resource_drift"]) {
		change, _ := c["change"].(map[string]any)
		if actions := sprint(change["actions"]); actions != "[no-op]" {
			drift = append(drift, sprint(c["address"])+" "+actions)
		}
	}
	sort.Strings(drift)
	outputs := map[string]any{}
	changes, _ := p["output_changes"].(map[string]any)
	for _, name := range keys(changes) {
		change, _ := changes[name].(map[string]any)
		if sprint(change["actions"]) != "[no-op]" {
			outputs[name] = map[string]any{"actions": change["actions"], "after": n.value(change["after"]), "after_unknown": onlyTrue(change["after_unknown"])}
		}
	}
	return map[string]any{"changes": out, "drift": drift, "outputs": outputs}
}

func deposed(c map[string]any) string {
	if c["deposed"] == nil {
		return ""
	}
	return " (deposed)"
}

func (n *naming) change(c, change map[string]any) any {
	out := map[string]any{"actions": change["actions"], "reason": c["action_reason"], "after": n.value(change["after"]),
		"after_unknown": onlyTrue(change["after_unknown"]), "sensitive": present(onlyTrue(change["after_sensitive"]), change["after"])}
	if sprint(change["actions"]) == "[create]" {
		delete(out, "reason") // OpenTofu says replace_by_triggers even of what is not there yet
	}
	if change["importing"] != nil {
		out["importing"] = n.value(change["importing"])
	}
	var paths []string
	items, _ := change["replace_paths"].([]any)
	for _, p := range items {
		paths = append(paths, n.text(sprint(p)))
	}
	sort.Strings(paths)
	out["replace_paths"] = paths
	if c["previous_address"] != nil {
		out["previous_address"] = c["previous_address"]
	}
	return out
}

// onlyTrue drops what says that something is not so.
func onlyTrue(v any) any {
	switch v := v.(type) {
	case bool:
		if !v {
			return nil
		}
		return v
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if x := onlyTrue(e); x != nil {
				out[k] = x
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out, any1 := make([]any, len(v)), false
		for i, e := range v {
			out[i] = onlyTrue(e)
			any1 = any1 || out[i] != nil
		}
		if !any1 {
			return nil
		}
		return out
	default:
		return v
	}
}

// present drops from the sensitive places those at which there is nothing: the
// peers do not agree about them.
func present(sensitive, after any) any {
	s, ok := sensitive.(map[string]any)
	if !ok {
		return sensitive
	}
	a, _ := after.(map[string]any)
	out := map[string]any{}
	for k, e := range s {
		if a[k] != nil {
			out[k] = present(e, a[k])
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// state gives what is compared of a state.
func (n *naming) state(t *testing.T, text string) any {
	t.Helper()
	s := mustJSON(t, text)
	rows := map[string]any{}
	for _, r := range list(s["resources"]) {
		if r["mode"] == "data" {
			continue // tutti reads them again and keeps none
		}
		name := fmt.Sprintf("%v.%v.%v", orEmpty(r["module"]), r["type"], r["name"])
		for _, i := range list(r["instances"]) {
			provider := r["provider"]
			if provider == nil {
				provider = i["provider"] // as OpenTofu writes those with for_each
			}
			attrs, _ := n.value(i["attributes"]).(map[string]any)
			if strings.HasPrefix(sprint(r["type"]), "time_") {
				for _, part := range []string{"hour", "minute", "second"} {
					delete(attrs, part) // two tools begin a second apart
				}
			}
			delete(attrs, "b64_std") // of random_id: the same as its id, or not quite
			row := map[string]any{"provider": provider, "attributes": attrs, "schema_version": i["schema_version"]}
			for _, k := range []string{"status", "create_before_destroy", "identity"} {
				if i[k] != nil && i[k] != false && !(k == "identity" && n.noIdentity) {
					row[k] = n.value(i[k])
				}
			}
			rows[fmt.Sprintf("%s[%v]%s", name, i["index_key"], deposed(i))] = row
		}
	}
	return map[string]any{"rows": rows, "outputs": n.value(s["outputs"])}
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func list(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, x := range items {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// difference gives the paths whose values differ; "" when nothing does.
func difference(ours, peer any) string {
	a, b := map[string]string{}, map[string]string{}
	flatten("", peer, a)
	flatten("", ours, b)
	var out strings.Builder
	all := map[string]any{}
	for k := range a {
		all[k] = nil
	}
	for k := range b {
		all[k] = nil
	}
	for _, k := range keys(all) {
		if a[k] == b[k] {
			continue
		}
		if a[k] != "" {
			fmt.Fprintf(&out, "  - %s: %s\n", k, a[k])
		}
		if b[k] != "" {
			fmt.Fprintf(&out, "  + %s: %s\n", k, b[k])
		}
	}
	return out.String()
}

func flatten(at string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && at != "" {
			out[at] = "{}"
		}
		for k, e := range v {
			flatten(at+"/"+k, e, out)
		}
	case []any:
		if len(v) == 0 {
			out[at] = "[]"
		}
		for i, e := range v {
			flatten(fmt.Sprintf("%s/%d", at, i), e, out)
		}
	case []string:
		out[at] = fmt.Sprintf("%q", v)
	case nil:
		out[at] = "null"
	default:
		out[at] = fmt.Sprintf("%#v", v)
	}
}
