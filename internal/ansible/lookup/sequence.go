package lookup

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// shortcut is the short form of a sequence: [start-]end[/stride][:format].
var shortcut = regexp.MustCompile(`(?i)^(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/(0?x?[0-9a-f]+))?(?::(.+))?\n?$`)

func sequence(v *invocation) ([]any, error) {
	terms := v.terms
	if len(terms) == 0 && v.options.Len() > 0 {
		terms = []any{""}
	}
	out := []any{}
	for _, t := range terms {
		o, err := NewOptions("sequence", v.options, Option{"start", Integer, int64(1)}, Option{"end", Integer, nil},
			Option{"count", Integer, nil}, Option{"stride", Integer, int64(1)}, Option{"format", Raw, "%d"})
		if err != nil {
			return nil, err
		}
		text, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("unknown error parsing with_sequence arguments: %s. Error was: expected string or bytes-like object, got '%s'",
				value.Repr(t), value.TypeName(t))
		}
		if err := sequenceTerm(o, text); err != nil {
			return nil, err
		}
		s := span{format: o.Text("format")}
		if worth, err := s.check(o); err != nil {
			return nil, err
		} else if !worth {
			continue
		}
		if out, err = s.generate(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sequenceTerm sets the options that a term gives.
func sequenceTerm(o *Options, text string) error {
	if m := shortcut.FindStringSubmatch(text); m != nil {
		for i, name := range []string{"start", "end", "stride", "format"} {
			if m[i+1] == "" {
				continue
			}
			if err := o.Set(name, m[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	p, err := playbook.ParsePairs(text)
	if err != nil {
		return fmt.Errorf("unknown error parsing with_sequence arguments: %s. Error was: %w", value.Repr(text), err)
	}
	var unknown []any
	for k, x := range p.All() {
		name, _ := k.(string)
		if !o.Has(name) {
			unknown = append(unknown, name)
			continue
		}
		if err := o.Set(name, x); err != nil {
			return err
		}
	}
	if unknown != nil {
		return fmt.Errorf("unrecognized arguments to with_sequence: %s", value.Repr(value.NewList(unknown...)))
	}
	return nil
}

// span is a sequence that was read.
type span struct {
	start, end, stride int64
	format             string
}

// check completes the span; worth is false when it has no items.
func (s *span) check(o *Options) (worth bool, err error) {
	end, hasEnd := o.Int("end")
	count, hasCount := o.Int("count")
	s.start, _ = o.Int("start")
	s.stride, _ = o.Int("stride")
	switch {
	case !hasCount && !hasEnd:
		return false, errors.New("must specify count or end in with_sequence")
	case hasCount && hasEnd:
		return false, errors.New("can't specify both count and end in with_sequence")
	case hasCount && count == 0:
		return false, nil
	case hasCount:
		end = s.start + count*s.stride - 1
	}
	s.end = end
	switch {
	case s.stride > 0 && s.end < s.start:
		return false, errors.New("to count backwards make stride negative")
	case s.stride < 0 && s.end > s.start:
		return false, errors.New("to count forward don't make stride negative")
	case s.stride == 0:
		return false, nil
	case strings.Count(s.format, "%") != 1:
		return false, fmt.Errorf("bad formatting string: %s", s.format)
	}
	return true, nil
}

func (s *span) generate(out []any) ([]any, error) {
	for i := s.start; s.stride > 0 && i <= s.end || s.stride < 0 && i >= s.end; i += s.stride {
		if len(out) >= maxItems {
			return nil, errTooMany
		}
		text, err := python.Percent(s.format, i)
		if err != nil {
			return nil, fmt.Errorf("problem formatting %d with %s", i, value.Repr(s.format))
		}
		out = append(out, text)
		if next := i + s.stride; (next > i) != (s.stride > 0) {
			break // beyond the last number that there is
		}
	}
	return out, nil
}
