package objecttest

import (
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// Parse reads a configuration, one block a line; lines that begin with # are
// comments:
//
//	a count=2 text=x force=y uses=b,c[.],d[0] cbd
//	module.m each=eu,us
//	module.m.c uses=^a after=d
//	data.d uses=m/c provider=p trigger=a countof=a import=ID prevent keep
//
// A reference is to an object as a whole, x[.] to the instance with the same key,
// ^x to the root from inside of a module, m/x into every instance of a module.
func Parse(text string) (Config, error) {
	var c Config
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		b, within, err := parseBlock(words)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		into := &c
		for _, call := range within {
			for _, m := range *into {
				if m.Name == (addr.Name{Kind: addr.ModuleCall, Name: call}) {
					into = &m.Inside
					break
				}
			}
		}
		*into = append(*into, b)
	}
	return c, nil
}

func parseBlock(words []string) (b *Block, within []string, err error) {
	b = &Block{N: 1}
	parts := strings.Split(words[0], ".")
	for len(parts) > 2 && parts[0] == "module" {
		within, parts = append(within, parts[1]), parts[2:]
	}
	if b.Name, err = parseName(strings.Join(parts, ".")); err != nil {
		return nil, nil, err
	}
	for _, w := range words[1:] {
		key, val, _ := strings.Cut(w, "=")
		if err := b.set(key, val); err != nil {
			return nil, nil, err
		}
	}
	return b, within, nil
}

func parseName(s string) (addr.Name, error) {
	kind, rest, found := strings.Cut(s, ".")
	switch {
	case !found:
		return addr.Name{Kind: addr.Resource, Type: "t", Name: s}, nil
	case kind == "data":
		return addr.Name{Kind: addr.Data, Type: "t", Name: rest}, nil
	case kind == "module":
		return addr.Name{Kind: addr.ModuleCall, Name: rest}, nil
	default:
		return addr.Name{}, fmt.Errorf("%q is no name", s)
	}
}

func (b *Block) set(key, val string) (err error) {
	switch key {
	case "count":
		b.Shape = object.Count
		b.N, err = strconv.Atoi(val)
	case "each":
		b.Shape, b.Each = object.ForEach, strings.FieldsFunc(val, func(r rune) bool { return r == ',' })
	case "off":
		b.N = 0
	case "text":
		b.Text = val
	case "force":
		b.Force = val
	case "cbd":
		b.CreateFirst = true
	case "prevent":
		b.Prevent = true
	case "keep":
		b.Forget = true
	case "import":
		b.Import = val
	case "uses":
		b.Uses, err = parseUses(val)
	case "after":
		b.After, err = parseUses(val)
	case "trigger":
		b.Triggers, err = parseUses(val)
	case "countof":
		b.CountOf, err = parseUse(val)
	case "provider":
		b.Provider, err = parseUse(val)
	default:
		err = fmt.Errorf("no block has %q", key)
	}
	return err
}

func parseUses(list string) ([]Use, error) {
	var out []Use
	for s := range strings.SplitSeq(list, ",") {
		u, err := parseUse(s)
		if err != nil {
			return nil, err
		}
		out = append(out, *u)
	}
	return out, nil
}

func parseUse(s string) (u *Use, err error) {
	u = &Use{}
	s, u.Up = strings.CutPrefix(s, "^")
	if in, rest, ok := strings.Cut(s, "/"); ok {
		u.In, s = in, rest
	}
	s, index, ok := strings.Cut(strings.TrimSuffix(s, "]"), "[")
	if n, err := strconv.Atoi(index); ok && err == nil {
		u.Key = addr.IntKey(n)
	} else if ok && index != "." {
		u.Key = addr.StringKey(index)
	}
	u.Same = index == "."
	u.Name, err = parseName(s)
	return u, err
}
