package document

import (
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// substitution is ${name}, as DefinitionSubstitutions of CloudFormation and SAM fill
// it in.
var substitution = regexp.MustCompile(`\$\{([A-Za-z0-9_]+)\}`)

// jsonReader makes nodes of JSON. Values are decoded by package data, so that both
// agree about what JSON is; this reader only finds where each begins and ends.
type jsonReader struct {
	text  []byte
	at    int
	nodes int
	// substitute gives what stands for ${name} where a value is expected.
	substitute func(name string) (string, bool)
}

func (r *jsonReader) document() (*Node, error) {
	r.blank()
	n, err := r.value(nil, 1)
	if err != nil {
		return nil, err
	}
	n.Index = -1
	if r.blank(); r.at < len(r.text) {
		return nil, r.fail("there is more after the end of the value")
	}
	return n, nil
}

func (r *jsonReader) fail(what string) error { return &syntaxError{r.at, what} }

func (r *jsonReader) blank() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *jsonReader) value(parent *Node, depth int) (*Node, error) {
	if r.nodes++; r.nodes > MaxNodes {
		return nil, r.fail("the file has too many values")
	}
	if depth > MaxDepth {
		return nil, r.fail("values lie too deep in each other")
	}
	if r.at >= len(r.text) {
		return nil, r.fail("the text ends where a value should be")
	}
	n := &Node{Kind: Scalar, Parent: parent, Index: -1, Start: r.at}
	var err error
	switch c := r.text[r.at]; {
	case c == '{':
		n.Kind = Object
		err = r.members(n, depth)
	case c == '[':
		n.Kind = List
		err = r.items(n, depth)
	case c == '"':
		n.exact, n.body = true, r.at+1
		n.Value, err = r.string()
	case c == '$' && r.substitute != nil:
		n.Value, err = r.substituted()
	default:
		n.Value, err = r.plain()
	}
	n.End = r.at
	return n, err
}

// string reads a string in quotes.
func (r *jsonReader) string() (string, error) {
	end := r.at + 1
	for end < len(r.text) && r.text[end] != '"' && r.text[end] != '\n' {
		if r.text[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(r.text) || r.text[end] != '"' {
		return "", r.fail("the string does not end on its line")
	}
	v, err := data.Decode(r.text[r.at : end+1])
	if err != nil {
		return "", r.inside(err)
	}
	r.at = end + 1
	return v.(string), nil
}

// inside moves an error of package data to its place in the file.
func (r *jsonReader) inside(err error) error {
	if syntax, ok := err.(*data.SyntaxError); ok {
		return &syntaxError{r.at + syntax.Offset, syntax.What}
	}
	return err
}

// maxShown is how many bytes of a wrong value are shown.
const maxShown = 40

// plain reads a number, true, false or null.
func (r *jsonReader) plain() (any, error) {
	end := r.at
	for end < len(r.text) && strings.IndexByte(" \t\r\n,:]}[{\"", r.text[end]) < 0 {
		end++
	}
	if end == r.at {
		return nil, r.fail("expected a value")
	}
	v, err := data.Decode(r.text[r.at:end])
	if err != nil {
		return nil, r.fail(strconv.Quote(string(r.text[r.at:min(end, r.at+maxShown)])) + " is no value of JSON")
	}
	r.at = end
	return v, nil
}

// substituted reads ${name} outside of quotes.
func (r *jsonReader) substituted() (any, error) {
	m := substitution.FindSubmatch(r.text[r.at:])
	if m == nil || len(m[0]) == 0 || r.text[r.at] != m[0][0] {
		return nil, r.fail("expected a value")
	}
	text, ok := r.substitute(string(m[1]))
	if !ok {
		return nil, &missingSubstitution{r.at, r.at + len(m[0]), string(m[1])}
	}
	v, err := data.Decode([]byte(text))
	if err != nil {
		return nil, r.fail("what is substituted here is not JSON: " + err.Error())
	}
	r.at += len(m[0])
	return v, nil
}

func (r *jsonReader) items(n *Node, depth int) error {
	for r.at++; ; {
		r.blank()
		if r.take(']') {
			return nil
		}
		if len(n.Inner) > 0 {
			if !r.take(',') {
				return r.fail("expected a comma or the end of the list")
			}
			r.blank()
		}
		item, err := r.value(n, depth+1)
		if err != nil {
			return err
		}
		item.Index = len(n.Inner)
		n.Inner = append(n.Inner, item)
	}
}

func (r *jsonReader) members(n *Node, depth int) error {
	for r.at++; ; {
		r.blank()
		if r.take('}') {
			return nil
		}
		if len(n.Inner) > 0 {
			if !r.take(',') {
				return r.fail("expected a comma or the end of the object")
			}
			r.blank()
		}
		if r.at >= len(r.text) || r.text[r.at] != '"' {
			return r.fail("expected a key in quotes")
		}
		start := r.at
		key, err := r.string()
		if err != nil {
			return err
		}
		end := r.at
		if r.blank(); !r.take(':') {
			return r.fail("expected a colon after the key")
		}
		r.blank()
		value, err := r.value(n, depth+1)
		if err != nil {
			return err
		}
		value.Key, value.KeyStart, value.KeyEnd = key, start, end
		n.Inner = append(n.Inner, value)
	}
}

func (r *jsonReader) take(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}
