package view

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
)

// Diagnostic is a diagnostic in the form that Terraform's -json has. Range and
// Snippet are left out when no file is to blame; id is tutti's own.
type Diagnostic struct {
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Address  string       `json:"address,omitempty"`
	Range    *Range       `json:"range,omitempty"`
	Snippet  *CodeSnippet `json:"snippet,omitempty"`
	ID       string       `json:"id,omitempty"`
}

// Range is a part of a file; the end is exclusive.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos counts lines and columns from 1 and bytes from 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// CodeSnippet is what stands there. The highlight's offsets are bytes in Code.
type CodeSnippet struct {
	Context        *string      `json:"context"`
	Code           string       `json:"code"`
	StartLine      int          `json:"start_line"`
	HighlightStart int          `json:"highlight_start_offset"`
	HighlightEnd   int          `json:"highlight_end_offset"`
	Values         []Expression `json:"values"`
}

// Expression is a reference and what it stands for.
type Expression struct {
	Traversal string `json:"traversal"`
	Statement string `json:"statement"`
}

// JSONDiags turns diagnostics into their form for machines.
func JSONDiags(list diag.List, sources map[string][]byte) []Diagnostic {
	x := newSnippets(sources)
	out := make([]Diagnostic, 0, len(list))
	for _, d := range list.Sorted() {
		j := Diagnostic{Severity: strings.ToLower(d.Severity.String()), Summary: d.Headline, Detail: d.Detail, Address: d.Address, ID: d.ID()}
		if d.Subject != nil {
			j.Range = jsonRange(*d.Subject)
			j.Snippet = x.json(d)
		}
		out = append(out, j)
	}
	return out
}

func jsonRange(r hcl.Range) *Range {
	pos := func(p hcl.Pos) Pos { return Pos{p.Line, p.Column, p.Byte} }
	return &Range{r.Filename, pos(r.Start), pos(r.End)}
}

func (x *snippets) json(d *diag.Diagnostic) *CodeSnippet {
	sn := x.of(d)
	if len(sn.lines) == 0 {
		return nil
	}
	out := &CodeSnippet{Code: sn.code, StartLine: d.Subject.Start.Line, Values: []Expression{},
		HighlightStart: between(d.Subject.Start.Byte-sn.start, 0, len(sn.code)), HighlightEnd: between(d.Subject.End.Byte-sn.start, 0, len(sn.code))}
	if sn.context != "" {
		out.Context = &sn.context
	}
	for _, v := range d.Values {
		name, rest := splitValue(v)
		out.Values = append(out.Values, Expression{name, rest})
	}
	return out
}

// splitValue parts "var.a[\"x y\"] is 80" at the first space outside of brackets.
func splitValue(s string) (name, statement string) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ' ':
			if depth == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}
