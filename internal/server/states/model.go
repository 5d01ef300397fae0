package states

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ../../../tools/statesmodel -out model.json

// modelText is made from the service's own model by tools/statesmodel.
//
//go:embed model.json
var modelText []byte

// model tells for every action what its input may be and which errors it answers.
type model struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]*shape    `json:"shapes"`
}

type operation struct {
	Input  string   `json:"input"`
	Errors []string `json:"errors"`
}

// shape is one type of the model. Min and Max bound a string's or list's length or
// a number's value.
type shape struct {
	Type      string            `json:"type"`
	Required  []string          `json:"required"`
	Members   map[string]member `json:"members"`
	Member    *member           `json:"member"`
	Min       *float64          `json:"min"`
	Max       *float64          `json:"max"`
	Pattern   string            `json:"pattern"`
	Enum      []string          `json:"enum"`
	Sensitive bool              `json:"sensitive"`

	// members are the names of Members in order, patterns what Pattern is made of.
	members  []string
	patterns []*regexp.Regexp
}

type member struct {
	Shape string `json:"shape"`
}

// theModel reads the table once. A table that cannot be read is our own fault.
var theModel = sync.OnceValue(func() *model {
	m := &model{}
	if err := json.Unmarshal(modelText, m); err != nil {
		panic(fmt.Sprintf("states: invariant broken: model.json: %v", err))
	}
	for _, s := range m.Shapes {
		s.members = slices.Sorted(maps.Keys(s.Members))
		s.patterns = compile(s.Pattern)
	}
	return m
})

// compile makes Go's expressions of one of the model's, which are Java's: a
// look-ahead at the beginning becomes an expression of its own, and \p{ASCII} a
// range. Java's match the whole text.
func compile(pattern string) []*regexp.Regexp {
	if pattern == "" {
		return nil
	}
	pattern = strings.ReplaceAll(pattern, `\p{ASCII}`, `[\x00-\x7F]`)
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$")
	var list []*regexp.Regexp
	if ahead, ok := strings.CutPrefix(pattern, "(?="); ok {
		if look, rest, ok := strings.Cut(ahead, ")"); ok {
			list = append(list, regexp.MustCompile("^(?:"+look+")"))
			pattern = rest
		}
	}
	return append(list, regexp.MustCompile("^(?:"+pattern+")$"))
}
