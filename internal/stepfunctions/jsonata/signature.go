package jsonata

import "strings"

// signature is what a function says of its arguments, such as <s-n?:s>. The type of the result is not checked.
type signature struct {
	parameters []parameter
	// simple: one letter a parameter, none repeated, so that as many arguments as parameters match one by one.
	simple bool
}

type parameter struct {
	letters  string // of the types that fit, as letter gives them
	array    bool   // a single value is made an array
	element  string // the type of an array's items; empty: any
	optional bool
	lazy     bool // an optional one that rather takes nothing
	repeated bool
	context  bool // the context value stands in when it is missing
}

const anyLetter = "asnblfom"

// parseSignature reads a signature. offset is where an error lies.
func parseSignature(text string) (_ *signature, offset int, _ *Error) {
	s := &signature{simple: true}
	for i := 1; i < len(text) && text[i] != ':'; i++ {
		last := len(s.parameters) - 1
		switch c := text[i]; c {
		case 's', 'n', 'b', 'l', 'o':
			s.add(parameter{letters: string(c) + "m"})
		case 'a':
			s.add(parameter{letters: anyLetter, array: true})
		case 'f':
			s.add(parameter{letters: "f"})
		case 'j':
			s.add(parameter{letters: "asnblom"})
		case 'x':
			s.add(parameter{letters: anyLetter})
		case '(':
			end := closing(text, i, '(', ')')
			choice := text[i+1 : min(end, len(text))]
			if strings.Contains(choice, "<") {
				return nil, i, &Error{Code: "S0402", Value: choice}
			}
			s.add(parameter{letters: choice + "m"})
			i = end
		case '<':
			if last < 0 || !s.parameters[last].array && s.parameters[last].letters != "f" {
				return nil, i, &Error{Code: "S0401", Value: s.lastType()}
			}
			end := closing(text, i, '<', '>')
			if s.parameters[last].array {
				s.parameters[last].element = text[i+1 : min(end, len(text))]
			}
			i = end
		case '-', '?', '+':
			if last >= 0 {
				s.parameters[last].modify(c)
				s.simple = s.simple && c != '+'
			}
		}
	}
	return s, 0, nil
}

// mustSignature is for signatures that a program writes.
func mustSignature(text string) *signature {
	s, _, err := parseSignature(text)
	if err != nil {
		panic("jsonata: invariant broken: not a signature: " + text)
	}
	return s
}

func (s *signature) add(p parameter) { s.parameters = append(s.parameters, p) }

func (s *signature) lastType() any {
	if n := len(s.parameters); n > 0 {
		return s.parameters[n-1].letters[:1]
	}
	return Undefined
}

func (p *parameter) modify(c byte) {
	switch c {
	case '+':
		p.repeated = true
	case '-':
		p.context = true
		p.lazy = p.optional
		p.optional = true
	case '?':
		p.lazy = p.optional
		p.optional = true
	}
}

// closing finds the bracket that closes the one at start.
func closing(text string, start int, open, closed byte) int {
	for i, depth := start+1, 1; i < len(text); i++ {
		switch text[i] {
		case closed:
			if depth--; depth == 0 {
				return i
			}
		case open:
			depth++
		}
	}
	return len(text)
}

// check gives the arguments as the function wants them: with the context in the place of a missing one, and arrays
// where arrays are wanted.
func (s *signature) check(args []any, context any) ([]any, error) {
	if s.simple && len(args) <= len(s.parameters) && s.fits(args) {
		return s.arrays(args)
	}
	var room [16]byte
	letters := room[:0]
	for _, arg := range args {
		letters = append(letters, letter(arg))
	}
	counts, ok := s.match(string(letters))
	if !ok {
		return nil, s.mismatch(string(letters), args)
	}
	return s.assign(args, context, counts)
}

// fits tells whether the arguments match the parameters one by one and the rest can simply be missing.
func (s *signature) fits(args []any) bool {
	for i, arg := range args {
		if p := &s.parameters[i]; p.lazy || strings.IndexByte(p.letters, letter(arg)) < 0 {
			return false
		}
	}
	for i := len(args); i < len(s.parameters); i++ {
		if p := &s.parameters[i]; !p.optional || p.context {
			return false
		}
	}
	return true
}

// arrays makes arrays of single values, copying the arguments only if there are such.
func (s *signature) arrays(args []any) ([]any, error) {
	own := args
	for i := range args {
		p := &s.parameters[i]
		if !p.array {
			continue
		}
		arg, err := p.asArray(args[i], i+1)
		if err != nil {
			return nil, err
		}
		if _, was := list(args[i]); !was && !isUndefined(arg) {
			if &own[0] == &args[0] {
				own = append([]any(nil), args...)
			}
			own[i] = arg
		}
	}
	return own, nil
}

// match finds how many arguments each parameter takes, as a regular expression over the letters would.
func (s *signature) match(letters string) (counts []int, ok bool) {
	m := matcher{parameters: s.parameters, counts: make([]int, len(s.parameters)),
		failed: make([]bool, len(s.parameters)*(len(letters)+1))}
	return m.counts, m.match(letters, 0)
}

// matcher remembers what failed, so that it never takes more than parameters times letters steps.
type matcher struct {
	parameters []parameter
	counts     []int
	failed     []bool // by parameter and letters left
}

func (m *matcher) match(letters string, from int) bool {
	if from == len(m.parameters) {
		return letters == ""
	}
	key := from + len(letters)*len(m.parameters)
	if m.failed[key] {
		return false
	}
	p := &m.parameters[from]
	least, most := 1, 0
	if p.optional {
		least = 0
	}
	for most < len(letters) && strings.IndexByte(p.letters, letters[most]) >= 0 && (p.repeated || most < 1) {
		most++
	}
	for i := range most - least + 1 {
		n := most - i
		if p.lazy {
			n = least + i
		}
		if m.counts[from] = n; m.match(letters[n:], from+1) {
			return true
		}
	}
	m.failed[key] = true
	return false
}

func (s *signature) assign(args []any, context any, counts []int) ([]any, error) {
	out := make([]any, 0, max(len(args), len(s.parameters)))
	at := 0
	next := func() any {
		at++
		if at > len(args) {
			return Undefined
		}
		return args[at-1]
	}
	for i := range s.parameters {
		p := &s.parameters[i]
		if counts[i] == 0 {
			switch {
			case !p.context:
				// A missing optional argument takes its place, whatever stands there: so does the reference.
				out = append(out, next())
			case strings.IndexByte(p.letters, letter(context)) >= 0:
				out = append(out, context)
			default:
				return nil, &Error{Code: "T0411", Value: context, Index: at + 1}
			}
			continue
		}
		for range counts[i] {
			arg := next()
			if p.array {
				var err error
				if arg, err = p.asArray(arg, at); err != nil {
					return nil, err
				}
			}
			out = append(out, arg)
		}
	}
	return out, nil
}

// asArray gives an argument as an array, after a check of its items.
func (p *parameter) asArray(arg any, index int) (any, error) {
	if isUndefined(arg) {
		return arg, nil
	}
	items, ok := list(arg)
	if p.element != "" {
		fits := ok || string(letter(arg)) == p.element
		for _, item := range items {
			if letter(item) != p.element[0] {
				fits = false
				break
			}
		}
		if !fits {
			return nil, &Error{Code: "T0412", Value: arg, Index: index, Type: plural(p.element)}
		}
	}
	if !ok {
		return []any{arg}, nil
	}
	return arg, nil
}

func plural(letter string) string {
	switch letter {
	case "a":
		return "arrays"
	case "b":
		return "booleans"
	case "f":
		return "functions"
	case "n":
		return "numbers"
	case "o":
		return "objects"
	case "s":
		return "strings"
	}
	return letter
}

// mismatch says which argument is the first that does not fit.
func (s *signature) mismatch(letters string, args []any) error {
	good := 0
	for n := range s.parameters {
		prefix := &signature{parameters: s.parameters[:n+1]}
		longest, ok := prefix.longest(letters)
		if !ok {
			break
		}
		good = longest
	}
	e := &Error{Code: "T0410", Index: good + 1, Value: Undefined}
	if good < len(args) {
		e.Value = args[good]
	}
	return e
}

// longest gives how many letters the parameters match at the start.
func (s *signature) longest(letters string) (int, bool) {
	for n := len(letters); n >= 0; n-- {
		if _, ok := s.match(letters[:n]); ok {
			return n, true
		}
	}
	return 0, false
}
