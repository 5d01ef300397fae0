package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/integration"
)

// Definition is a checked definition, with its substitutions made.
type Definition struct {
	// File is where it stands, for messages; the ending tells JSON from YAML.
	File string `json:"file"`
	Text string `json:"text"`
}

// Hash is the SHA-256 of the text.
func (d Definition) Hash() string {
	sum := sha256.Sum256([]byte(d.Text))
	return hex.EncodeToString(sum[:])
}

// Load reads and checks a definition. Warnings are given beside it.
func Load(file string, text []byte, substitutions map[string]string) (Definition, *definition.StateMachine, diag.List) {
	if len(substitutions) == 0 {
		substitutions = nil
	}
	m, findings := definition.Check(file, text, definition.Options{Substitutions: substitutions, Recognise: integration.Recognise()})
	d := definition.Diagnostics(findings)
	if m == nil {
		return Definition{}, nil, d
	}
	out := Definition{File: file, Text: substitute(string(text), substitutions)}
	if substitutions != nil {
		// What the reader put in as values is now text: it must mean the same.
		if m, findings = definition.Check(file, []byte(out.Text), definition.Options{}); m == nil {
			return Definition{}, nil, definition.Diagnostics(findings)
		}
	}
	return out, m, d
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_]+)\}`)

// substitute puts texts in the place of ${name}, in the form that they have inside the
// quotes of a JSON string.
func substitute(text string, by map[string]string) string {
	if by == nil {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		v, ok := by[found[2:len(found)-1]]
		if !ok {
			return found
		}
		quoted, err := json.Marshal(v)
		if err != nil {
			panic("workflow: invariant broken: a text has no JSON form: " + err.Error())
		}
		return string(quoted[1 : len(quoted)-1])
	})
}

// load reads the definition of a part. What stands in the block itself has its mistakes
// told there: the places in a text that was evaluated mean nothing to anybody.
func (d *driver) load(p part, what, argument string) (Definition, diag.List) {
	if p.source == "" {
		def, _, dl := Load(what+".asl", []byte(p.text), p.substitutions)
		return def, relocate(dl, d.place(argument))
	}
	path := p.source
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.root, path)
	}
	text, err := d.read(path)
	if err != nil {
		return Definition{}, relocate(diag.Errorf(nil, "Definition cannot be read", "The definition of %s cannot be read: %v.", what, err), d.place(argument))
	}
	def, _, dl := Load(path, text, p.substitutions)
	return def, dl
}

// strict warns of where the service's limits could be passed, of an input too as far as
// it is known.
func (d *driver) strict(p part, def Definition) diag.List {
	m, dl := definition.Parse(def.File, []byte(def.Text))
	if m == nil {
		return dl
	}
	input := 0
	if p.input.IsWhollyKnown() {
		input = len(p.encodeInput())
	}
	dl = definition.Diagnostics(m.Strict(definition.Use{Size: len(def.Text), Input: input}))
	if p.source == "" {
		return relocate(dl, d.place("definition"))
	}
	return dl
}

func relocate(list diag.List, at *hcl.Range) diag.List {
	out := make(diag.List, len(list))
	for i, x := range list {
		c := *x
		if c.Subject != nil && at != nil {
			c.Detail = fmt.Sprintf("%s (line %d of the definition)", c.Detail, c.Subject.Start.Line)
		}
		c.Subject, c.Context = at, nil
		out[i] = &c
	}
	return out
}

// place is where an argument stands in the block; nil when there is no block.
func (d *driver) place(argument string) *hcl.Range {
	if d.block == nil {
		return nil
	}
	if a := d.block.Body.Attributes[argument]; a != nil {
		rng := a.Expr.Range()
		return &rng
	}
	rng := d.block.Range
	return &rng
}
