package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"tutti/internal/stepfunctions/data"
)

// yamlReader makes nodes of YAML: one document, with the types of JSON only. What
// YAML alone has (timestamps, binary) is read as the string that is written.
type yamlReader struct {
	file       *File
	nodes      int
	columns    map[int][]int // by line: places
	substitute func(name string) (string, bool)
}

func (r *yamlReader) document() (*Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(r.file.Text))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &syntaxError{0, "the file is empty"}
	case err != nil:
		return nil, r.fromLibrary(err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, r.fail(&second, "there is a second document, and one is expected")
	} else if !errors.Is(err, io.EOF) {
		return nil, r.fromLibrary(err)
	}
	n, err := r.value(doc.Content[0], nil, 1)
	if err == nil {
		n.Index = -1
	}
	return n, err
}

// The library tells the line in its message only.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func (r *yamlReader) fromLibrary(err error) error {
	m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return &syntaxError{0, err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	return &syntaxError{r.offset(line, 1), m[2]}
}

func (r *yamlReader) fail(y *yaml.Node, what string) error {
	return &syntaxError{r.offset(y.Line, y.Column), what}
}

// offset gives the byte of a line and column; the library counts columns in
// characters.
func (r *yamlReader) offset(line, column int) int {
	if line < 1 || line > len(r.file.lines) {
		return 0
	}
	places, known := r.columns[line]
	if !known {
		places = r.file.places(line)
		if r.columns == nil {
			r.columns = map[int][]int{}
		}
		r.columns[line] = places
	}
	if places == nil {
		return min(r.file.lines[line-1]+column-1, len(r.file.Text))
	}
	return places[min(column-1, len(places)-1)]
}

// places gives the bytes at which a line's characters begin, and its end; nil for a
// line of single bytes.
func (f *File) places(line int) []int {
	start, end := f.lines[line-1], len(f.Text)
	if line < len(f.lines) {
		end = f.lines[line]
	}
	text := f.Text[start:end]
	if utf8.RuneCount(text) == len(text) {
		return nil
	}
	var all []int
	for i := range string(text) {
		all = append(all, start+i)
	}
	return append(all, end)
}

func (r *yamlReader) value(y *yaml.Node, parent *Node, depth int) (*Node, error) {
	if r.nodes++; r.nodes > MaxNodes {
		return nil, r.fail(y, "the file has too many values")
	}
	if depth > MaxDepth {
		return nil, r.fail(y, "values lie too deep in each other")
	}
	start := r.offset(y.Line, y.Column)
	for steps := 0; y.Kind == yaml.AliasNode; steps++ {
		if steps > MaxDepth {
			return nil, r.fail(y, "the alias leads back to itself")
		}
		y = y.Alias
	}
	n := &Node{Kind: Scalar, Parent: parent, Index: -1, Start: start, End: start}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Object
		if err := r.tag(y, "!!map"); err != nil {
			return nil, err
		}
		return n, r.members(n, y, depth)
	case yaml.SequenceNode:
		n.Kind = List
		if err := r.tag(y, "!!seq"); err != nil {
			return nil, err
		}
		for i, item := range y.Content {
			v, err := r.value(item, n, depth+1)
			if err != nil {
				return nil, err
			}
			v.Index = i
			n.Inner = append(n.Inner, v)
			n.End = max(n.End, v.End)
		}
		return n, nil
	default:
		return n, r.scalar(n, y)
	}
}

func (r *yamlReader) tag(y *yaml.Node, want string) error {
	if tag := y.ShortTag(); tag != want {
		return r.fail(y, fmt.Sprintf("the tag %s is not known here; values are those of JSON only", tag))
	}
	return nil
}

func (r *yamlReader) members(n *Node, y *yaml.Node, depth int) error {
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		v, err := r.value(y.Content[i+1], n, depth+1)
		if err != nil {
			return err
		}
		n.End = max(n.End, v.End)
		if k.ShortTag() == "!!merge" {
			more, err := r.merge(k, v)
			if err != nil {
				return err
			}
			merged = append(merged, more...)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			return r.fail(k, "a key must be a string")
		}
		v.Key, v.KeyStart = k.Value, r.offset(k.Line, k.Column)
		v.KeyEnd = r.endOf(k, v.KeyStart)
		n.Inner = append(n.Inner, v)
	}
	for _, m := range merged {
		if !n.Has(m.Key) {
			m.Parent = n
			n.Inner = append(n.Inner, m)
		}
	}
	return nil
}

// merge gives the members of <<: *a or <<: [*a, *b].
func (r *yamlReader) merge(k *yaml.Node, v *Node) ([]*Node, error) {
	switch v.Kind {
	case Object:
		return v.Inner, nil
	case List:
		var all []*Node
		for _, item := range v.Inner {
			more, err := r.merge(k, item)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	return nil, r.fail(k, "<< takes an object or a list of objects")
}

func (r *yamlReader) scalar(n *Node, y *yaml.Node) error {
	n.End = r.endOf(y, n.Start)
	text, tag := y.Value, y.ShortTag()
	if name := substitution.FindStringSubmatch(text); name != nil && name[0] == text && y.Style == 0 && r.substitute != nil {
		given, ok := r.substitute(name[1])
		if !ok {
			return &missingSubstitution{n.Start, n.End, name[1]}
		}
		// What is substituted outside of quotes is typed as if it stood in the file.
		plain := yaml.Node{Kind: yaml.ScalarNode, Value: given}
		text, tag = given, plain.ShortTag()
	}
	var err error
	n.Value, err = r.typed(y, text, tag)
	quote := y.Style == yaml.DoubleQuotedStyle || y.Style == yaml.SingleQuotedStyle
	if quote {
		n.body = n.Start + 1
	} else {
		n.body = n.Start
	}
	// A value that stands in the file letter by letter keeps its inner places.
	n.exact = n.body+len(text) <= len(r.file.Text) && string(r.file.Text[n.body:n.body+len(text)]) == text && !strings.Contains(text, `\`)
	return err
}

func (r *yamlReader) typed(y *yaml.Node, text, tag string) (any, error) {
	switch tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(text, "true"), nil
	case "!!int", "!!float":
		if v, err := data.Decode([]byte(text)); err == nil {
			if _, number := data.Float(v); number {
				return v, nil
			}
		}
		var f float64
		plain := yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
		if err := plain.Decode(&f); err != nil || f-f != 0 {
			return nil, r.fail(y, fmt.Sprintf("%s is not a number of JSON", text))
		}
		return f, nil
	case "!!str", "!!timestamp":
		return text, nil
	}
	return nil, r.tag(y, "!!str")
}

// endOf finds where a scalar ends: exactly when it is plain or in simple quotes,
// otherwise at the end of its first line.
func (r *yamlReader) endOf(y *yaml.Node, start int) int {
	text := r.file.Text[start:]
	for _, quote := range []string{"", `"`, "'"} {
		if form := quote + y.Value + quote; form != "" && bytes.HasPrefix(text, []byte(form)) {
			return start + len(form)
		}
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return start + len(bytes.TrimRight(line, " \t\r"))
}
