package definition

import (
	"strings"
	"tutti/internal/stepfunctions/document"
	"unicode"
	"unicode/utf8"

	"tutti/internal/stepfunctions/expression"
)

// MaxLabel is how many characters the label of a map run may have.
const MaxLabel = 40

func (r *reading) mapState(n *document.Node) *Map {
	c := r.c
	m := &Map{}
	r.processor(n, m)
	if !m.Distributed {
		for _, field := range []string{"ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"} {
			if f := n.Get(field); f != nil {
				c.unsupported(f, nil, `is one of distributed Maps, and this Map is inline. Set Mode "DISTRIBUTED" in ItemProcessor/ProcessorConfig, or remove the field.`)
			}
		}
	}
	m.Label = r.label(n, m)
	m.Items = r.items(n)
	r.selector(n, m)
	m.MaxConcurrency = r.number(n, "MaxConcurrency", "MaxConcurrencyPath", wholeNumber(0, unbounded))
	m.ToleratedFailureCount = r.number(n, "ToleratedFailureCount", "ToleratedFailureCountPath", wholeNumber(0, unbounded))
	m.ToleratedFailurePercentage = r.number(n, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath", interval{low: 0, high: 100})
	if f := c.objectOf(n, "ItemReader"); f != nil {
		m.Reader = r.reader(f)
	}
	if f := c.objectOf(n, "ItemBatcher"); f != nil {
		m.Batcher = r.batcher(f)
	}
	if f := c.objectOf(n, "ResultWriter"); f != nil {
		m.Writer = r.writer(f)
	}
	return m
}

// processor reads ItemProcessor, or Iterator as it was called before.
func (r *reading) processor(n *document.Node, m *Map) {
	c := r.c
	f := c.oneOf(n, true, "ItemProcessor", "Iterator")
	if f == nil {
		return
	}
	if f.Kind != document.Object {
		c.typed(f, "object")
		return
	}
	if config := c.objectOf(f, "ProcessorConfig"); config != nil {
		m.Distributed = c.oneWord(config, "Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED"
		known := []string{"Mode"}
		if m.Distributed {
			known = append(known, "ExecutionType")
			c.required(config, "ExecutionType")
			m.Express = c.oneWord(config, "ExecutionType", "STANDARD", "EXPRESS") == "EXPRESS"
		}
		c.fieldsOf(config, known...)
		if m.Distributed && c.options.Express {
			c.wrong(config, "Not possible in an express workflow", "Express state machine does not support distributed Map states", "an express workflow cannot have a distributed Map.")
		}
	}
	inner := *r
	if m.Distributed {
		// An inner scope that is closed: child executions see no variables from outside.
		inner.scope = &scope{outer: r.scope, depth: r.scope.depth, closed: true}
	}
	m.Processor = c.machine(f, &inner)
}

// label checks Label; without one a distributed Map goes by its own name.
func (r *reading) label(n *document.Node, m *Map) string {
	c := r.c
	text, ok := c.stringOf(n, "Label")
	if !ok {
		if m.Distributed {
			return cut(n.Key, MaxLabel)
		}
		return ""
	}
	f := n.Get("Label")
	rng := c.source.Whole(f)
	switch {
	case text == "" || utf8.RuneCountInString(text) > MaxLabel:
		c.coded(f, rng, InvalidLabelName, "Invalid label", "Label must have between 1 and 40 characters", "a label has 1 to %d characters, and this one has %d.", MaxLabel, utf8.RuneCountInString(text))
	case strings.ContainsFunc(text, notInLabel):
		c.coded(f, rng, InvalidLabelName, "Invalid label", "Label contains invalid characters", "a label has no blanks, control characters, brackets, wildcards, nor any of \" # %% \\ ^ | ~ ` $ & , ; : /.")
	default:
		if first, again := c.labels[text]; again {
			c.coded(f, rng, DuplicateLabelName, "Duplicate label", "Duplicate label name: "+text, "another Map has the label %s, on line %d. Each needs its own.", quote(text), c.source.Pos(first.Start).Line)
		}
		c.labels[text] = f
	}
	return text
}

func notInLabel(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", c)
}

// cut gives the first characters of a text.
func cut(s string, most int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}

// items reads where the items come from: ItemsPath, or Items in JSONata.
func (r *reading) items(n *document.Node) expression.Expr {
	if r.language == JSONPath {
		f := n.Get("ItemsPath")
		if f == nil {
			return nil
		}
		if e := r.reference(f); e != nil {
			return expression.ItemsAt(e)
		}
		return nil
	}
	f := n.Get("Items")
	if f == nil {
		return nil
	}
	text, isText := f.Text()
	switch {
	case isText && isQuery(text):
		if e := r.query(f, text); e != nil {
			return expression.OfKind(e, "array", "object")
		}
		return nil
	case f.Kind == document.Scalar:
		r.c.typed(f, "array")
		return nil
	}
	return r.queries(f)
}

// selector reads ItemSelector, or Parameters as it was called before.
func (r *reading) selector(n *document.Node, m *Map) {
	fields := []string{"ItemSelector"}
	if r.language == JSONPath {
		fields = append(fields, "Parameters")
	}
	f := r.c.oneOf(n, false, fields...)
	switch {
	case f == nil:
	case r.language == JSONata:
		m.Selector = r.argumentsJSONata(f)
	case f.Kind != document.Object:
		r.c.typed(f, "object")
	default:
		m.Selector = r.payload(f)
	}
}
