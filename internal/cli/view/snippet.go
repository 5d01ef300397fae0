package view

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/diag"
)

// maxLines bounds how much of a file is shown with one diagnostic.
const maxLines = 8

// snippets cuts out of files what diagnostics are about. Each file is parsed once,
// and only when something in it is shown.
type snippets struct {
	sources map[string][]byte
	parsed  map[string]*hclsyntax.Body
}

// snippet is a few lines of a file.
type snippet struct {
	// context is the header of the block that holds the place; "" when unknown.
	context string
	lines   []sourceLine
	// digits is how wide the line numbers are.
	digits int
	// start is the byte at which the lines begin, and code their text.
	start int
	code  string
}

// sourceLine is a line with the bytes in it that are wrong.
type sourceLine struct {
	number   int
	text     string
	from, to int
}

func newSnippets(sources map[string][]byte) *snippets {
	return &snippets{sources: sources, parsed: map[string]*hclsyntax.Body{}}
}

// of cuts out the lines of a diagnostic's subject.
func (x *snippets) of(d *diag.Diagnostic) snippet {
	src, ok := x.sources[d.Subject.Filename]
	if !ok {
		return snippet{}
	}
	rng := fit(*d.Subject, len(src))
	out := snippet{context: x.context(rng, src)}
	first := lineStart(src, rng.Start.Byte)
	out.start = first
	number := rng.Start.Line
	for at := first; len(out.lines) < maxLines; number++ {
		end := at + lineLength(src[at:])
		text := strings.TrimSuffix(string(src[at:end]), "\r")
		l := sourceLine{number: number, text: text, from: between(rng.Start.Byte-at, 0, len(text)), to: between(rng.End.Byte-at, 0, len(text))}
		if indent := len(text) - len(strings.TrimLeft(text, " \t")); len(out.lines) > 0 && l.from < indent {
			l.from = min(indent, l.to)
		}
		out.lines = append(out.lines, l)
		out.code += text + "\n"
		if end >= rng.End.Byte || end >= len(src) {
			break
		}
		at = end + 1
	}
	out.code = strings.TrimSuffix(out.code, "\n")
	out.digits = len(itoa(out.lines[len(out.lines)-1].number))
	return out
}

// fit makes sure that a range lies in the file, which may have changed since.
func fit(r hcl.Range, n int) hcl.Range {
	r.Start.Byte = between(r.Start.Byte, 0, n)
	r.End.Byte = between(r.End.Byte, r.Start.Byte, n)
	return r
}

func between(n, low, high int) int { return min(max(n, low), high) }

func lineStart(src []byte, at int) int { return bytes.LastIndexByte(src[:at], '\n') + 1 }

func lineLength(src []byte) int {
	if n := bytes.IndexByte(src, '\n'); n >= 0 {
		return n
	}
	return len(src)
}

// context names the outermost block around a range, as the file writes it.
func (x *snippets) context(r hcl.Range, src []byte) string {
	body, ok := x.parsed[r.Filename]
	if !ok {
		if !strings.HasSuffix(r.Filename, ".json") {
			if f, _ := hclsyntax.ParseConfig(src, r.Filename, hcl.InitialPos); f != nil {
				body, _ = f.Body.(*hclsyntax.Body)
			}
		}
		x.parsed[r.Filename] = body
	}
	if body == nil {
		return ""
	}
	for _, b := range body.Blocks {
		if all := b.Range(); all.Start.Byte <= r.Start.Byte && r.Start.Byte <= all.End.Byte {
			text := b.Type
			for _, l := range b.Labels {
				text += " " + quoted(l)
			}
			return text
		}
	}
	return ""
}
