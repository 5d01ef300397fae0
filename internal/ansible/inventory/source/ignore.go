package source

import (
	"fmt"
	"regexp"
	"strings"
)

// ignored tells what is passed over in a folder of inventories.
type ignored struct {
	extensions []string
	patterns   []*regexp.Regexp
}

func newIgnored(o Options) (ignored, error) {
	i := ignored{extensions: o.IgnoredExtensions}
	if i.extensions == nil {
		i.extensions = DefaultIgnored()
	}
	for _, p := range o.IgnoredPatterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return i, fmt.Errorf("the pattern %q of ignored inventories is no regular expression: %w", p, err)
		}
		i.patterns = append(i.patterns, re)
	}
	return i, nil
}

func (i ignored) has(name string) bool {
	switch name {
	case "host_vars", "group_vars", "vars_plugins":
		return true
	}
	if strings.HasPrefix(name, ".") {
		return true
	}
	for _, ext := range i.extensions {
		if ext != "" && strings.HasSuffix(name, ext) {
			return true
		}
	}
	for _, re := range i.patterns {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}
