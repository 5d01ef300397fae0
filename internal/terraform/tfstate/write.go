package tfstate

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// Write writes the state as Terraform does: the same order, the same indentation.
// Rows of what Terraform does not know (tasks, playbooks) are left out, and so are
// such needs. It takes memory for one instance at a time beside the sorted list.
func (f *File) Write(w io.Writer) error {
	out := &printer{w: bufio.NewWriterSize(w, 1<<16)}
	version := f.TerraformVersion
	if version == "" {
		version = WrittenVersion
	}
	out.text("{\n  \"version\": " + strconv.Itoa(FormatVersion) + ",\n  \"terraform_version\": ")
	out.value(version, "  ")
	out.text(",\n  \"serial\": " + strconv.FormatInt(f.Serial, 10) + ",\n  \"lineage\": ")
	out.value(f.Lineage, "  ")
	out.text(",\n  \"outputs\": ")
	outputs := make(map[string]outputV4, len(f.Outputs))
	for _, o := range f.Outputs {
		outputs[o.Name] = outputV4{Value: o.Value, Type: o.Type, Sensitive: o.Sensitive}
	}
	out.value(outputs, "  ")
	out.text(",\n  \"resources\": ")
	out.resources(sorted(f.Rows))
	out.text(",\n  \"check_results\": ")
	if f.Checks == nil {
		out.text("null")
	} else {
		out.value(f.Checks, "  ")
	}
	out.text("\n}\n")
	if out.err != nil {
		return fmt.Errorf("writing a tfstate: %w", out.err)
	}
	if err := out.w.Flush(); err != nil {
		return fmt.Errorf("writing a tfstate: %w", err)
	}
	return nil
}

// sorted gives the rows that Terraform knows, in its order: modules by their
// text, data sources before managed resources, numbers before texts as keys.
func sorted(rows []*object.State) []*object.State {
	out := make([]*object.State, 0, len(rows))
	for _, r := range rows {
		if known(r.Addr) {
			out = append(out, r)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if c := compareObjects(a.Addr.Object, b.Addr.Object); c != 0 {
			return c < 0
		}
		if c := a.Addr.Key.Compare(b.Addr.Key); c != 0 {
			return c < 0
		}
		return a.Deposed < b.Deposed
	})
	return out
}

func known(i addr.Instance) bool { return i.Kind == addr.Resource || i.Kind == addr.Data }

func compareObjects(a, b addr.Object) int {
	if a == b {
		return 0
	}
	for _, pair := range [][2]string{
		{a.Module.String(), b.Module.String()}, {mode(a.Kind), mode(b.Kind)}, {a.Type, b.Type}, {a.Name.Name, b.Name.Name},
	} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

func mode(k addr.Kind) string {
	if k == addr.Data {
		return "data"
	}
	return "managed"
}

// printer writes JSON piece by piece; the first error stops it.
type printer struct {
	w   *bufio.Writer
	buf bytes.Buffer
	err error
	// The dependencies of the row before, which are mostly those of the next.
	needs []addr.Instance
	texts []string
}

func (p *printer) text(s string) {
	if p.err == nil {
		_, p.err = p.w.WriteString(s)
	}
}

// value writes a value as JSON, with the prefix before each line but the first.
func (p *printer) value(v any, prefix string) {
	if p.err != nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		p.err = err
		return
	}
	p.buf.Reset()
	if p.err = json.Indent(&p.buf, data, prefix, "  "); p.err == nil {
		_, p.err = p.w.Write(p.buf.Bytes())
	}
}

func (p *printer) resources(rows []*object.State) {
	if len(rows) == 0 {
		p.text("[]")
		return
	}
	p.text("[\n    ")
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].Addr.Object == rows[start].Addr.Object {
			end++
		}
		if start > 0 {
			p.text(",\n    ")
		}
		p.resource(rows[start:end])
		start = end
	}
	p.text("\n  ]")
}

// resource writes one resource with its instances.
func (p *printer) resource(rows []*object.State) {
	o := rows[0].Addr.Object
	head := resourceV4{Module: o.Module.String(), Mode: mode(o.Kind), Type: o.Type, Name: o.Name.Name, Provider: rows[0].Driver}
	for _, r := range rows {
		if r.Driver != head.Provider || keyed(r.Driver) {
			head.Provider = "" // each instance names its own
			break
		}
	}
	data, err := json.MarshalIndent(head, "    ", "  ")
	if err != nil {
		p.err = err
		return
	}
	p.text(strings.TrimSuffix(string(data), "\n    }") + ",\n      \"instances\": [\n        ")
	for i, r := range rows {
		if i > 0 {
			p.text(",\n        ")
		}
		in, err := p.instance(r, head.Provider == "")
		if err != nil {
			p.err = err
			return
		}
		p.value(in, "        ")
	}
	p.text("\n      ]\n    }")
}

// keyed reports whether a provider's configuration is one of many (for_each).
func keyed(driver string) bool {
	_, rest, _ := strings.Cut(driver, `"]`)
	return strings.Contains(rest, "[")
}

func (p *printer) instance(r *object.State, ownProvider bool) (*instanceV4, error) {
	in := &instanceV4{
		Deposed: r.Deposed, SchemaVersion: r.SchemaVersion, Attributes: r.Attributes, AttributesFlat: r.Flatmap,
		Private:             base64.StdEncoding.EncodeToString(r.Private),
		CreateBeforeDestroy: r.CreateBeforeDestroy, SkipDestroy: r.Forget, Identity: r.Identity, Dependencies: p.dependencies(r.Needs),
	}
	if n, ok := r.Addr.Key.Int(); ok {
		in.IndexKey = strconv.AppendInt(nil, int64(n), 10)
	} else if s, ok := r.Addr.Key.Str(); ok {
		var err error
		if in.IndexKey, err = json.Marshal(s); err != nil {
			return nil, err
		}
	}
	if r.Tainted {
		in.Status = "tainted"
	}
	if ownProvider {
		in.Provider = r.Driver
	}
	if r.Identity != nil {
		in.IdentityVersion = &r.IdentityVersion
	}
	in.Sensitive = json.RawMessage("[]")
	if len(r.Sensitive) > 0 {
		var err error
		if in.Sensitive, err = object.MarshalPaths(r.Sensitive); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Addr, err)
		}
	}
	return in, nil
}

// dependencies gives the needs as they stand in the files: without keys, each
// once, sorted, and of resources only.
func (p *printer) dependencies(needs []addr.Instance) []string {
	if len(needs) == 0 {
		return nil
	}
	if same(needs, p.needs) {
		return p.texts
	}
	seen := make(map[addr.Config]bool, len(needs))
	out := make([]string, 0, len(needs))
	for _, n := range needs {
		if c := n.Object.Config(); known(n) && !seen[c] {
			seen[c] = true
			out = append(out, c.String())
		}
	}
	sort.Strings(out)
	p.needs, p.texts = needs, out
	return out
}

// same reports whether two lists of needs give the same dependencies for sure.
func same(a, b []addr.Instance) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Object != b[i].Object {
			return false
		}
	}
	return true
}
