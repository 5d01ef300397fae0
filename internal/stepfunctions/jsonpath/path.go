// Package jsonpath evaluates the paths of the Amazon States Language over JSON values
// of package data: $.orders[?(@.total > 10)].id, $$.Execution.Id, $variable.x.
//
// In: a path's text, compiled once by Parse, and documents. Out: values that share
// their parts with the document, or an error that says what was not there. A Path is
// immutable; the package reads no clock and does no I/O, and what a hostile path can
// cost is bounded (Max constants).
//
// The service evaluates paths with the Java library Jayway JsonPath in its default
// configuration, so that library decides where the service's documentation is silent:
// a definite path gives one value and fails without one, an indefinite path gives a
// list. Two things differ on purpose. The service knows none of the library's
// functions, so "$.list.length()" looks for a member named "length()". And what the
// library drops or doubles by mistake ("..[*].x" and "..[?(…)].x" over arrays, "a&&@.b"
// without blanks as one name, equality that depends on the side of a literal) is done
// as written.
//
// Files: path.go the type, parse.go and filter.go the syntax, eval.go and compare.go
// the meaning, set.go writing through a reference path, scope.go the documents that
// paths start from.
package jsonpath

import (
	"fmt"
	"strings"
)

// Limits that keep a path from hanging or exhausting the process.
const (
	// MaxText is how long a path may be, in bytes.
	MaxText = 64 << 10
	// MaxNesting is how deep filters may lie in each other, parentheses included.
	MaxNesting = 50
	// MaxSteps is how much one evaluation may do. A step is a value looked at or a
	// comparison; so many of them take a second or two.
	MaxSteps = 20_000_000
	// MaxFound is how many values a path may find.
	MaxFound = 4_000_000
)

// Root says which document a path starts from: Input, Context, or "$name" for the
// variable of that name.
type Root string

// The roots that are not variables.
const (
	Input   Root = "$"
	Context Root = "$$"
)

// Variable gives the name of the variable that a path starts from.
func (r Root) Variable() (name string, ok bool) {
	if r == Input || r == Context {
		return "", false
	}
	return string(r[1:]), true
}

// Path is a compiled path. It is immutable and safe for concurrent use.
type Path struct {
	text     string
	root     Root
	steps    []step
	definite bool
}

// String gives the path as it was written.
func (p *Path) String() string { return p.text }

// Root says which document the path starts from.
func (p *Path) Root() Root { return p.root }

// Definite reports whether the path names one place. Such a path gives one value or a
// *NotFoundError, and every other path gives a list, which may be empty.
func (p *Path) Definite() bool { return p.definite }

// IsReference reports whether this is a Reference Path (States Language, "Reference
// Paths"): member names and indices that are not negative, nothing else.
func (p *Path) IsReference() bool {
	for _, s := range p.steps {
		switch s := s.(type) {
		case members:
			if len(s) != 1 {
				return false
			}
		case indices:
			if len(s) != 1 || s[0] < 0 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// step is one part of a path, in the order of the text: members, indices, slice,
// wildcard, scan or filter.
type step interface {
	// definite reports whether the step leads to one place; last tells that no other
	// step follows it.
	definite(last bool) bool
	String() string
}

type (
	// members are names of an object's members: .a, ['a'], ['a','b'].
	members []string
	// indices count from 0; negative ones from the end: [0], [0,-1].
	indices []int
	// slice takes elements from and up to an index: [1:3], [:3], [-2:].
	slice struct {
		from, to       int
		hasFrom, hasTo bool
	}
	// wildcard takes every member or element.
	wildcard struct{}
	// scan has the rest of the path applied to a value and all that lies in it.
	scan struct{}
	// filter takes what its condition accepts.
	filter struct {
		condition condition
		text      string
	}
)

// Several members at the end of a path are merged into one object.
func (m members) definite(last bool) bool { return len(m) == 1 || last }
func (i indices) definite(bool) bool      { return len(i) == 1 }
func (slice) definite(bool) bool          { return false }
func (wildcard) definite(bool) bool       { return false }
func (scan) definite(bool) bool           { return false }
func (filter) definite(bool) bool         { return false }

func (m members) String() string {
	quoted := make([]string, len(m))
	for i, name := range m {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func (i indices) String() string {
	return strings.ReplaceAll(fmt.Sprint([]int(i)), " ", ",")
}

func (s slice) String() string {
	text := "["
	if s.hasFrom {
		text += fmt.Sprint(s.from)
	}
	text += ":"
	if s.hasTo {
		text += fmt.Sprint(s.to)
	}
	return text + "]"
}

func (wildcard) String() string { return "[*]" }
func (scan) String() string     { return ".." }
func (f filter) String() string { return f.text }

// SyntaxError says where a text is not a path.
type SyntaxError struct {
	Path   string
	Offset int // bytes from the start of the path
	What   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid path %s at byte %d: %s", shorten(e.Path), e.Offset, e.What)
}

// NotFoundError says that a path has no value in a document. Where is the part of the
// path at which the search ended.
type NotFoundError struct {
	Path  string
	Where string
	What  string
	// within says that a member is missing that is not the path's last step.
	within bool
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("path %s has no value: %s at %s", shorten(e.Path), e.What, shorten(e.Where))
}

// Library words the error as Jayway JsonPath does, which is what the service hands on
// in some of its messages.
func (e *NotFoundError) Library() string {
	if e.within {
		return "Missing property in path " + shorten(e.Where)
	}
	return "No results for path: " + shorten(e.Where)
}

// LimitError says that a path would cost more than a limit allows.
type LimitError struct {
	Path  string
	What  string
	Limit int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("path %s: %s, the limit is %d", shorten(e.Path), e.What, e.Limit)
}

// shorten keeps error texts readable whatever the user wrote.
func shorten(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
