package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"tutti/internal/diag"
)

// Format gives a file of native syntax in the canonical style, as `terraform fmt`
// does: spacing and alignment, and the old forms "${x}" for x and quoted types
// brought up to date. A file with syntax errors is given back as it is, with the
// errors.
func Format(src []byte, filename string) ([]byte, diag.List) {
	if _, hd := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); hd.HasErrors() {
		return src, diag.FromHCL(hd)
	}
	f, hd := hclwrite.ParseConfig(src, filename, hcl.InitialPos)
	if hd.HasErrors() {
		return src, diag.FromHCL(hd)
	}
	tidyBody(f.Body(), nil)
	return f.Bytes(), nil
}

// tidyBody rewrites what the token formatter does not touch; within holds the
// types of the blocks around the body.
func tidyBody(body *hclwrite.Body, within []string) {
	for name, attr := range body.Attributes() {
		tokens := attr.Expr().BuildTokens(nil)
		if name == "type" && len(within) == 1 && within[0] == "variable" {
			body.SetAttributeRaw(name, tidyType(tokens))
		} else {
			body.SetAttributeRaw(name, tidyValue(tokens))
		}
	}
	for _, block := range body.Blocks() {
		block.SetLabels(block.Labels()) // always quoted, without comments between
		tidyBody(block.Body(), append(within[:len(within):len(within)], block.Type()))
	}
}

// tidyValue turns a template that is nothing but one interpolation into the
// expression inside it.
func tidyValue(tokens hclwrite.Tokens) hclwrite.Tokens {
	if len(tokens) < 5 {
		return tokens
	}
	end := len(tokens) - 1
	if tokens[0].Type != hclsyntax.TokenOQuote || tokens[1].Type != hclsyntax.TokenTemplateInterp ||
		tokens[end-1].Type != hclsyntax.TokenTemplateSeqEnd || tokens[end].Type != hclsyntax.TokenCQuote {
		return tokens
	}
	inner := tokens[2 : end-1]
	depth := 0 // of quotes inside the interpolation
	for _, t := range inner {
		switch t.Type {
		case hclsyntax.TokenOQuote:
			depth++
		case hclsyntax.TokenCQuote:
			depth--
		case hclsyntax.TokenTemplateSeqEnd:
			if depth == 0 {
				return tokens // a second interpolation follows
			}
		case hclsyntax.TokenQuotedLit:
			if depth == 0 {
				return tokens
			}
		}
	}
	inner = trimNewlines(inner)
	if !spansLines(inner) || wrapped(inner) {
		return inner
	}
	// Newlines are free inside a template and would end the expression outside.
	out := hclwrite.Tokens{{Type: hclsyntax.TokenOParen, Bytes: []byte("(")}}
	out = append(out, inner...)
	return append(out, &hclwrite.Token{Type: hclsyntax.TokenCParen, Bytes: []byte(")")})
}

// spansLines reports whether there is a newline. Inside brackets it would do no
// harm, but the same parentheses as Terraform's keep both tools at peace.
func spansLines(tokens hclwrite.Tokens) bool {
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenNewline {
			return true
		}
	}
	return false
}

// wrapped reports whether one pair of parentheses encloses everything.
func wrapped(tokens hclwrite.Tokens) bool {
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen:
			depth++
		case hclsyntax.TokenCParen:
			depth--
		}
		if depth == 0 {
			return i > 0 && i == len(tokens)-1
		}
	}
	return false
}

func trimNewlines(tokens hclwrite.Tokens) hclwrite.Tokens {
	for len(tokens) > 0 && tokens[0].Type == hclsyntax.TokenNewline {
		tokens = tokens[1:]
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].Type == hclsyntax.TokenNewline {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

// tidyType writes the types of Terraform 0.11 and the bare collections in full.
func tidyType(tokens hclwrite.Tokens) hclwrite.Tokens {
	switch len(tokens) {
	case 1:
		switch kw := string(tokens[0].Bytes); kw {
		case "list", "map", "set":
			return call(kw, "any")
		}
	case 3:
		if tokens[0].Type != hclsyntax.TokenOQuote || tokens[1].Type != hclsyntax.TokenQuotedLit {
			return tokens
		}
		switch kw := string(tokens[1].Bytes); kw {
		case "string":
			return hclwrite.Tokens{word("string")}
		case "list", "map":
			return call(kw, "string")
		}
	}
	return tokens
}

func word(s string) *hclwrite.Token {
	return &hclwrite.Token{Type: hclsyntax.TokenIdent, Bytes: []byte(s)}
}

func call(name, arg string) hclwrite.Tokens {
	return hclwrite.Tokens{
		word(name), {Type: hclsyntax.TokenOParen, Bytes: []byte("(")}, word(arg),
		{Type: hclsyntax.TokenCParen, Bytes: []byte(")")},
	}
}
