package lockfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/address"
	"tutti/internal/terraform/install/constraint"
)

const invalidFile = "Invalid dependency lock file"

// conflictMark is what git leaves at the start of a line that it could not merge.
var conflictMark = regexp.MustCompile(`(?m)^(<{7}|={7}|>{7})(\s|$)`)

// checksum is a scheme and a sum; the letters are those of hexadecimal and base64.
var checksum = regexp.MustCompile(`^[a-z0-9]+:[A-Za-z0-9+/=_.-]+$`)

func (f *File) parse(text []byte) diag.List {
	f.tool = toolOf(text)
	if loc := conflictMark.FindIndex(text); loc != nil {
		line := 1 + strings.Count(string(text[:loc[0]]), "\n")
		rng := &hcl.Range{Filename: f.path,
			Start: hcl.Pos{Line: line, Column: 1, Byte: loc[0]}, End: hcl.Pos{Line: line, Column: 8, Byte: loc[0] + 7}}
		return diag.Errorf(rng, invalidFile,
			"The file still holds the marks of a merge that git could not finish. Keep either side and run \"tutti init\", which writes it anew.")
	}
	file, hclDiags := hclsyntax.ParseConfig(text, f.path, hcl.InitialPos)
	list := diag.FromHCL(hclDiags)
	if file == nil {
		return list
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		panic("lockfile: the native syntax parser gives a *hclsyntax.Body")
	}
	for _, attr := range sortedAttributes(body) {
		list = append(list, diag.Errorf(attr.NameRange.Ptr(), invalidFile,
			"The name %q is not known here: the file holds only provider blocks.", attr.Name)...)
	}
	for _, block := range body.Blocks {
		switch block.Type {
		case "provider":
			list = append(list, f.parseProvider(block)...)
		case "module":
			// Reserved by the format for module locks, which nobody writes yet.
		default:
			list = append(list, diag.Errorf(block.TypeRange.Ptr(), invalidFile,
				"A %q block is not known here: the file holds only provider blocks.%s",
				block.Type, diag.DidYouMean(block.Type, []string{"provider"}))...)
		}
	}
	return list
}

func (f *File) parseProvider(block *hclsyntax.Block) diag.List {
	if len(block.Labels) != 1 {
		return diag.Errorf(block.DefRange().Ptr(), invalidFile, "A provider block has one label: the provider's full source address.")
	}
	label, labelRange := block.Labels[0], block.LabelRanges[0]
	source, _, err := address.Provider(label)
	if err != nil || source.String() != label {
		return diag.Errorf(&labelRange, invalidFile,
			"%q is not a provider's full source address, such as \"registry.terraform.io/hashicorp/random\".", label)
	}
	if prior := f.entries[source]; prior != nil {
		return diag.Errorf(&labelRange, invalidFile,
			"The provider %s is locked twice; the first time at %s:%d. Remove one of the blocks.",
			source, prior.Range.Filename, prior.Range.Start.Line)
	}
	e := Entry{Source: source, Range: block.DefRange()}
	list := e.parseBody(block.Body)
	if e.Version.IsZero() && !list.HasErrors() {
		list = append(list, diag.Errorf(e.Range.Ptr(), invalidFile,
			"The block of %s has no version. Run \"tutti init -upgrade\" after removing the block.", source)...)
	}
	if !list.HasErrors() {
		f.Set(e)
	}
	return list
}

func (e *Entry) parseBody(body *hclsyntax.Body) (list diag.List) {
	for _, block := range body.Blocks {
		list = append(list, diag.Errorf(block.TypeRange.Ptr(), invalidFile, "A provider block holds no blocks, but there is %q.", block.Type)...)
	}
	for _, attr := range sortedAttributes(body) {
		var err error
		var more diag.List
		switch rng := attr.Expr.Range(); attr.Name {
		case "version":
			var text string
			if text, more = literalString(attr.Expr); !more.HasErrors() {
				e.Version, err = constraint.ParseVersion(text)
			}
			list = append(list, invalid(&rng, err)...)
		case "constraints":
			var text string
			if text, more = literalString(attr.Expr); !more.HasErrors() {
				e.Constraints, err = constraint.Parse(text)
			}
			list = append(list, invalid(&rng, err)...)
		case "hashes":
			e.Hashes, more = hashList(attr.Expr)
		default:
			more = diag.Errorf(attr.NameRange.Ptr(), invalidFile, "The name %q is not known in a provider block.%s",
				attr.Name, diag.DidYouMean(attr.Name, []string{"version", "constraints", "hashes"}))
		}
		list = append(list, more...)
	}
	return list
}

func invalid(rng *hcl.Range, err error) diag.List {
	if err == nil {
		return nil
	}
	return diag.FromError(invalidFile, err).At(*rng)
}

func hashList(expr hclsyntax.Expression) (out []string, list diag.List) {
	tuple, ok := expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return nil, diag.Errorf(expr.Range().Ptr(), invalidFile, "The hashes are a list of strings in square brackets.")
	}
	for _, item := range tuple.Exprs {
		text, more := literalString(item)
		if !more.HasErrors() && !checksum.MatchString(text) {
			more = diag.Errorf(item.Range().Ptr(), invalidFile, "%q is not a checksum: it begins with its scheme and a colon, as in \"h1:\".", text)
		}
		list = append(list, more...)
		out = append(out, text)
	}
	return out, list
}

// literalString reads a quoted string; nothing in this file is computed.
func literalString(expr hclsyntax.Expression) (string, diag.List) {
	v, hclDiags := expr.Value(nil)
	if hclDiags.HasErrors() {
		return "", diag.FromHCL(hclDiags)
	}
	if v.IsNull() || v.Type() != cty.String {
		return "", diag.Errorf(expr.Range().Ptr(), invalidFile, "This must be a string in quotes.")
	}
	return v.AsString(), nil
}

func sortedAttributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return out
}
