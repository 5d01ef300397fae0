// Package document reads JSON and YAML files into nodes that know where they stand, so
// that what is wrong with a definition, a case or a file of mocks is told with its line
// and column.
//
// In: a file's name and text. Out: the file (Read) with its root Node, or diagnostics.
// It knows nothing of what the files mean.
package document

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/stepfunctions/data"
)

// Node is a value of a file. Whether the file was JSON or YAML is forgotten beyond the
// two readers.
type Node struct {
	Kind   Kind
	Parent *Node
	// Key is the node's name in an object; Index its place in a list, -1 elsewhere.
	Key   string
	Index int
	// Value is a scalar's: nil, bool, float64, data.Number or string.
	Value any
	// Inner are the values of an object or list in the order of the file.
	Inner []*Node
	// Positions are bytes from the start of the file; those of the key are both 0
	// outside objects.
	Start, End       int
	KeyStart, KeyEnd int
	// exact says that the characters of a string stand in the file one after the other
	// from body on, escaped as JSON does.
	exact bool
	body  int
}

// Kind is what a node is made of.
type Kind uint8

// The kinds of node. The zero value is invalid.
const (
	Scalar Kind = iota + 1
	List
	Object
)

// TypeName is what the node is in the words of JSON.
func (n *Node) TypeName() string {
	switch n.Kind {
	case List:
		return "array"
	case Object:
		return "object"
	default:
		return data.Kind(n.Value)
	}
}

// Get gives a member of an object; of equal keys the last one counts. A nil node has
// no members.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	for i := len(n.Inner) - 1; i >= 0; i-- {
		if n.Inner[i].Key == key {
			return n.Inner[i]
		}
	}
	return nil
}

// Has reports whether an object has a member.
func (n *Node) Has(key string) bool { return n.Get(key) != nil }

// Text gives a string's value.
func (n *Node) Text() (string, bool) {
	if n == nil || n.Kind != Scalar {
		return "", false
	}
	s, ok := n.Value.(string)
	return s, ok
}

// Null reports whether the file says null.
func (n *Node) Null() bool { return n != nil && n.Kind == Scalar && n.Value == nil }

// Data gives the value without its places.
func (n *Node) Data() any {
	switch n.Kind {
	case List:
		list := make([]any, len(n.Inner))
		for i, item := range n.Inner {
			list[i] = item.Data()
		}
		return list
	case Object:
		o := data.NewObject(len(n.Inner))
		for _, m := range n.Inner {
			o.Set(m.Key, m.Data())
		}
		return o
	default:
		return n.Value
	}
}

// Pointer is the node's place as Step Functions writes it: /States/Pay/Retry[0]/Next.
func (n *Node) Pointer() string {
	if n.Parent == nil {
		return "/"
	}
	return n.PathFrom(nil)
}

// PathFrom gives the way to the node from one that it lies in, or, from nil, from the
// root: /Retry[0]/Next.
func (n *Node) PathFrom(from *Node) string {
	var steps []string
	for at := n; at != from && at.Parent != nil; at = at.Parent {
		if at.Index >= 0 {
			steps = append(steps, "["+strconv.Itoa(at.Index)+"]")
		} else {
			steps = append(steps, "/"+at.Key)
		}
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	return b.String()
}

// File is a text with what is needed to tell lines and columns.
type File struct {
	Name string
	Text []byte
	Root *Node
	// lines are the bytes at which each begins.
	lines []int
}

func newFile(name string, text []byte) *File {
	f := &File{Name: name, Text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Pos tells the line and column (in characters, from 1) of a byte.
func (f *File) Pos(at int) hcl.Pos {
	at = min(at, len(f.Text))
	line := sort.SearchInts(f.lines, at+1) - 1
	return hcl.Pos{Line: line + 1, Column: utf8.RuneCount(f.Text[f.lines[line]:at]) + 1, Byte: at}
}

// Between is the range from one byte up to another.
func (f *File) Between(start, end int) hcl.Range {
	return hcl.Range{Filename: f.Name, Start: f.Pos(start), End: f.Pos(max(start, end))}
}

// Whole is the range of a node's value.
func (f *File) Whole(n *Node) hcl.Range { return f.Between(n.Start, n.End) }

// NameOf is the range of a node's key, or, where it has none, its first line.
func (f *File) NameOf(n *Node) hcl.Range {
	if n.KeyEnd == 0 {
		return f.Head(n)
	}
	return f.Between(n.KeyStart, n.KeyEnd)
}

// Head is a node's first line: enough to point at a large object.
func (f *File) Head(n *Node) hcl.Range {
	end := n.End
	for i := n.Start; i < n.End && i < len(f.Text); i++ {
		if f.Text[i] == '\n' {
			end = i
			break
		}
	}
	return f.Between(n.Start, end)
}

// Inside is the range of a part of a string's value, given in bytes of the value.
// Where the file's form is not that of the value, it is the whole string.
func (f *File) Inside(n *Node, from, to int) hcl.Range {
	if !n.exact || from < 0 {
		return f.Whole(n)
	}
	start, rest := f.skip(n.body, n.End, from)
	end, _ := f.skip(start, n.End, to-from+rest)
	return f.Between(start, end)
}

// skip goes on from a byte of the file until so many bytes of the value are passed.
// It gives where that is, and how many bytes the last escape went too far, negative.
func (f *File) skip(at, end, count int) (int, int) {
	for count > 0 && at < end {
		width, taken := escapeWidth(f.Text[at:end])
		at += taken
		count -= width
	}
	return at, min(count, 0)
}

// escapeWidth tells how many bytes of a value the next character of a JSON string
// gives, and how many bytes of the file it takes.
func escapeWidth(text []byte) (width, taken int) {
	if text[0] != '\\' || len(text) < 2 {
		_, n := utf8.DecodeRune(text)
		return n, n
	}
	if text[1] != 'u' || len(text) < 6 {
		return 1, 2
	}
	r, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	switch {
	case err != nil:
		return 1, 2
	case r >= 0xd800 && r < 0xdc00 && len(text) >= 12 && text[6] == '\\' && text[7] == 'u':
		return 4, 12
	}
	return max(1, utf8.RuneLen(rune(r))), 6
}
