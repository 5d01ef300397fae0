package states

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checker holds an input against its shape and gathers what does not fit, in the
// words of the service.
type checker struct {
	model *model
	// strict holds payloads and definitions to the service's sizes too.
	strict bool
	found  []string
	// fault is set when the input cannot be read at all.
	fault *Fault
}

// payloads are the shapes whose size is this server's own limit (Options.Limits)
// and not the service's.
var payloads = []string{"SensitiveData", "SensitiveDataJobInput", "Definition"}

// maxInputDepth bounds how deep an input may nest: the model's own shapes nest four
// levels deep, and what lies deeper is not looked at.
const maxInputDepth = 16

// check gives the fault of an input, or nil. The input is what encoding/json makes
// of it with numbers as json.Number.
func (m *model) check(action string, input any, strict bool) *Fault {
	c := checker{model: m, strict: strict}
	c.value("", m.Operations[action].Input, input, 0)
	switch n := len(c.found); {
	case c.fault != nil:
		return c.fault
	case n == 0:
		return nil
	case n == 1:
		return invalid("1 validation error detected: %s", c.found[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(c.found, "; "))
	}
}

func (c *checker) value(path, name string, v any, depth int) {
	s := c.model.Shapes[name]
	if v == nil || depth > maxInputDepth || c.fault != nil {
		return // a member that is required has been seen to by its structure
	}
	switch s.Type {
	case "structure":
		c.structure(path, s, v, depth)
	case "list":
		c.list(path, s, v, depth)
	case "string":
		c.text(path, name, s, v)
	case "integer", "long", "float", "double":
		c.number(path, s, v)
	case "boolean":
		if _, ok := v.(bool); !ok {
			c.misread(v, "Boolean")
		}
	default:
		panic(fmt.Sprintf("states: invariant broken: the model's shape %s is a %s, which no input had", name, s.Type))
	}
}

func (c *checker) structure(path string, s *shape, v any, depth int) {
	object, ok := v.(map[string]any)
	if !ok {
		c.fault = serialization("Start of structure or map found where not expected.")
		if path != "" {
			c.misread(v, "Structure")
		}
		return
	}
	for _, name := range s.members {
		inner := join(path, name)
		if object[name] == nil && slices.Contains(s.Required, name) {
			c.add("Value null at '%s' failed to satisfy constraint: Member must not be null", inner)
			continue
		}
		c.value(inner, s.Members[name].Shape, object[name], depth+1)
	}
}

func (c *checker) list(path string, s *shape, v any, depth int) {
	items, ok := v.([]any)
	if !ok {
		c.misread(v, "List")
		return
	}
	c.length(path, s, len(items), "[...]", true)
	for i, item := range items {
		c.value(path+"."+strconv.Itoa(i+1)+".member", s.Member.Shape, item, depth+1)
	}
}

func (c *checker) text(path, name string, s *shape, v any) {
	text, ok := v.(string)
	if !ok {
		c.misread(v, "String")
		return
	}
	shown := text
	if s.Sensitive {
		shown = "***"
	}
	c.length(path, s, utf8.RuneCountInString(text), shown, c.strict || !slices.Contains(payloads, name))
	for _, p := range s.patterns {
		if !p.MatchString(text) {
			c.add("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", shown, path, s.Pattern)
			break
		}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		c.add("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", shown, path, strings.Join(s.Enum, ", "))
	}
}

func (c *checker) length(path string, s *shape, n int, shown string, bounded bool) {
	if s.Min != nil && float64(n) < *s.Min {
		c.add("Value '%s' at '%s' failed to satisfy constraint: Member must have length greater than or equal to %v", shown, path, int64(*s.Min))
	}
	if bounded && s.Max != nil && float64(n) > *s.Max {
		c.add("Value '%s' at '%s' failed to satisfy constraint: Member must have length less than or equal to %v", shown, path, int64(*s.Max))
	}
}

func (c *checker) number(path string, s *shape, v any) {
	n, ok := v.(json.Number)
	if !ok {
		c.misread(v, map[string]string{"integer": "Integer", "long": "Long", "float": "Float", "double": "Double"}[s.Type])
		return
	}
	f, err := n.Float64()
	if _, errWhole := strconv.ParseInt(n.String(), 10, 64); err != nil || errWhole != nil && (s.Type == "integer" || s.Type == "long") {
		c.fault = serialization("NUMBER_VALUE cannot be converted to a whole number")
		return
	}
	if s.Min != nil && f < *s.Min {
		c.add("Value '%s' at '%s' failed to satisfy constraint: Member must have value greater than or equal to %v", n, path, *s.Min)
	}
	if s.Max != nil && f > *s.Max {
		c.add("Value '%s' at '%s' failed to satisfy constraint: Member must have value less than or equal to %v", n, path, *s.Max)
	}
}

func (c *checker) add(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// misread says that a value is of the wrong type: the request cannot be read.
func (c *checker) misread(v any, want string) {
	kind := "STRUCTURE_VALUE"
	switch v := v.(type) {
	case string:
		kind = "STRING_VALUE"
	case json.Number:
		kind = "NUMBER_VALUE"
	case []any:
		kind = "LIST_VALUE"
	case bool:
		kind = strings.ToUpper(strconv.FormatBool(v)) + "_VALUE"
	}
	c.fault = serialization(kind + " cannot be converted to " + want)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
