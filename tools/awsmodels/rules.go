package main

import (
	"fmt"
	"regexp"
	"strings"
)

// ruleSet is Smithy's "endpoint rules": conditions that lead to an endpoint, given a region and other parameters. We
// evaluate them here, once for each region, with nothing given but the region, so that tutti need not.
type ruleSet struct {
	Parameters map[string]struct{ Default any }
	Rules      []rule
}

type rule struct {
	Type       string // "tree", "endpoint", "error"
	Conditions []function
	Rules      []rule
	Endpoint   struct {
		URL        any // a template, {"ref": ...} or {"fn": ...}
		Properties struct {
			AuthSchemes []struct {
				Name          string
				SigningRegion any
				SigningName   any
			}
		}
	}
}

type function struct {
	Fn     string
	Argv   []any
	Assign string
}

// resolved is an endpoint that rules have led to.
type resolved struct{ url, signingRegion, signingName string }

type scope struct {
	values     map[string]any
	partitions []partition
}

// resolve gives the endpoint for a region, or false where the rules refuse or ask for more than we give.
func (r *ruleSet) resolve(region string, partitions []partition) (resolved, bool) {
	s := scope{values: map[string]any{}, partitions: partitions}
	for name, p := range r.Parameters {
		if p.Default != nil {
			s.values[name] = p.Default
		}
	}
	s.values["Region"] = region
	s.values["UseGlobalEndpoint"] = false
	return s.rules(r.Rules)
}

// rules takes the first whose conditions hold.
func (s *scope) rules(rules []rule) (resolved, bool) {
	for _, r := range rules {
		if !s.conditions(r.Conditions) {
			continue
		}
		switch r.Type {
		case "tree":
			return s.rules(r.Rules)
		case "endpoint":
			url, ok := s.value(r.Endpoint.URL).(string)
			e := resolved{url: url}
			for _, scheme := range r.Endpoint.Properties.AuthSchemes {
				if scheme.Name == "sigv4" {
					e.signingRegion, _ = s.value(scheme.SigningRegion).(string)
					e.signingName, _ = s.value(scheme.SigningName).(string)
					break
				}
			}
			return e, ok
		default:
			return resolved{}, false
		}
	}
	return resolved{}, false
}

func (s *scope) conditions(all []function) bool {
	for _, c := range all {
		v := s.call(c)
		if v == nil || v == false {
			return false
		}
		if c.Assign != "" {
			s.values[c.Assign] = v
		}
	}
	return true
}

func (s *scope) value(v any) any {
	switch v := v.(type) {
	case string:
		return s.template(v)
	case map[string]any:
		if name, is := v["ref"].(string); is {
			return s.values[name]
		}
		if name, is := v["fn"].(string); is {
			argv, _ := v["argv"].([]any)
			return s.call(function{Fn: name, Argv: argv})
		}
	}
	return v
}

var templatePart = regexp.MustCompile(`\{([A-Za-z]+)(?:#([A-Za-z]+))?\}`)

func (s *scope) template(text string) string {
	return templatePart.ReplaceAllStringFunc(text, func(part string) string {
		names := templatePart.FindStringSubmatch(part)
		v := s.values[names[1]]
		if names[2] != "" {
			v = attribute(v, names[2])
		}
		return fmt.Sprint(v)
	})
}

func attribute(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// call knows the functions that rules use where nothing but a region is given. What looks at ARNs, buckets and URLs has
// nothing to look at then.
func (s *scope) call(f function) any {
	argv := make([]any, len(f.Argv))
	for i, a := range f.Argv {
		argv[i] = s.value(a)
	}
	switch f.Fn {
	case "isSet":
		return argv[0] != nil
	case "not":
		return argv[0] == nil || argv[0] == false
	case "booleanEquals", "stringEquals":
		return argv[0] == argv[1]
	case "getAttr":
		path, _ := argv[1].(string)
		return attribute(argv[0], path)
	case "isValidHostLabel":
		label, _ := argv[0].(string)
		return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`).MatchString(label)
	case "aws.partition":
		region, _ := argv[0].(string)
		return partitionOf(region, s.partitions)
	case "substring", "parseURL", "aws.parseArn", "aws.isVirtualHostableS3Bucket", "uriEncode":
		return nil
	}
	panic("awsmodels: no endpoint function " + f.Fn)
}
