package python

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// plain makes a method of a function from text to text.
func plain(f func(string) string) spec {
	return spec{run: func(on any, _ args) (any, error) { return f(on.(string)), nil }}
}

// check makes a method that tells whether all characters are of a kind, and there are some.
func check(is func(r rune) bool) spec {
	return spec{run: func(on any, _ args) (any, error) {
		s := on.(string)
		for _, r := range s {
			if !is(r) {
				return false, nil
			}
		}
		return s != "", nil
	}}
}

// cased makes isupper and islower: no letter of the other case, and at least one of this.
func cased(is, not func(r rune) bool) spec {
	return spec{run: func(on any, _ args) (any, error) {
		found := false
		for _, r := range on.(string) {
			if not(r) || unicode.IsTitle(r) {
				return false, nil
			}
			found = found || is(r)
		}
		return found, nil
	}}
}

func isNumeric(r rune) bool { return unicode.IsNumber(r) }

func isAlpha(r rune) bool { return unicode.IsLetter(r) }

var stringMethods = map[string]spec{
	"upper":      plain(Upper),
	"lower":      plain(strings.ToLower),
	"casefold":   plain(Casefold),
	"title":      plain(Title),
	"capitalize": plain(Capitalize),
	"swapcase":   plain(swapCase),
	"isdigit":    check(func(r rune) bool { return unicode.IsDigit(r) || unicode.In(r, unicode.No) && r < 0x2100 }),
	"isdecimal":  check(unicode.IsDigit),
	"isnumeric":  check(isNumeric),
	"isalpha":    check(isAlpha),
	"isalnum":    check(func(r rune) bool { return isAlpha(r) || isNumeric(r) }),
	"isspace":    check(unicode.IsSpace),
	"isupper":    cased(unicode.IsUpper, unicode.IsLower),
	"islower":    cased(unicode.IsLower, unicode.IsUpper),
	"istitle": {run: func(on any, _ args) (any, error) {
		s := on.(string)
		return s != "" && hasLetter(s) && Title(s) == s, nil
	}},
	"isascii": {run: func(on any, _ args) (any, error) { return ascii(on.(string)), nil }},
	"isprintable": {run: func(on any, _ args) (any, error) {
		return strings.IndexFunc(on.(string), func(r rune) bool { return !unicode.IsPrint(r) }) < 0, nil
	}},
	"isidentifier": {run: func(on any, _ args) (any, error) { return Identifier(on.(string)), nil }},
	"strip":        stripper(strings.TrimFunc),
	"lstrip":       stripper(strings.TrimLeftFunc),
	"rstrip":       stripper(strings.TrimRightFunc),
	"split":        {params: "sep maxsplit", run: splitMethod(false)},
	"rsplit":       {params: "sep maxsplit", run: splitMethod(true)},
	"splitlines": {params: "keepends", run: func(on any, a args) (any, error) {
		if strings.Count(on.(string), "\n") > MaxItems {
			return nil, &ErrTooLarge{"the number of lines"}
		}
		return Lines(on.(string), a.has(0) && Truth(a.all[0])), nil
	}},
	"join":         {params: "iterable", required: 1, run: joinMethod},
	"replace":      {params: "old new count", required: 2, run: replaceMethod},
	"startswith":   affixMethod(strings.HasPrefix, "startswith"),
	"endswith":     affixMethod(strings.HasSuffix, "endswith"),
	"removeprefix": cutMethod(strings.TrimPrefix, "removeprefix"),
	"removesuffix": cutMethod(strings.TrimSuffix, "removesuffix"),
	"find":         finder(false, false),
	"rfind":        finder(true, false),
	"index":        finder(false, true),
	"rindex":       finder(true, true),
	"count":        {params: "sub start end", required: 1, run: countMethod},
	"partition":    {params: "sep", required: 1, run: partition(false)},
	"rpartition":   {params: "sep", required: 1, run: partition(true)},
	"center":       justifier('^', "center"),
	"ljust":        justifier('<', "ljust"),
	"rjust":        justifier('>', "rjust"),
	"zfill":        {params: "width", required: 1, run: zfill},
	"expandtabs":   {params: "tabsize", run: expandTabs},
	"encode":       {params: "encoding errors", run: func(on any, _ args) (any, error) { return on, nil }},
	"translate":    {params: "table", required: 1, run: translate},
	"maketrans":    {params: "x y z", required: 1, run: makeTranslation},
}

// Upper is str.upper().
func Upper(s string) string {
	if strings.Contains(s, "ß") {
		s = strings.ReplaceAll(s, "ß", "SS")
	}
	return strings.ToUpper(s)
}

// Casefold is str.casefold().
func Casefold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") }

// Capitalize is str.capitalize().
func Capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
}

// Title is str.title(): a letter that follows no letter is upper case.
func Title(s string) string {
	after := false
	return strings.Map(func(r rune) rune {
		was := after
		after = unicode.IsLetter(r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func hasLetter(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// Identifier tells whether a text could name a variable in Python.
func Identifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

func stripper(trim func(string, func(rune) bool) string) spec {
	return spec{params: "chars", run: func(on any, a args) (any, error) {
		if a.all[0] == nil {
			return trim(on.(string), unicode.IsSpace), nil
		}
		chars, ok := a.all[0].(string)
		if !ok {
			return nil, errorf("strip arg must be None or str")
		}
		return trim(on.(string), func(r rune) bool { return strings.ContainsRune(chars, r) }), nil
	}}
}

func texts(parts []string) *value.List {
	l := &value.List{Items: make([]any, len(parts))}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l
}

func splitMethod(right bool) func(on any, a args) (any, error) {
	return func(on any, a args) (any, error) {
		n, err := a.number(1, -1)
		if err != nil {
			return nil, err
		}
		if len(on.(string)) > 4*MaxItems {
			return nil, &ErrTooLarge{"the text to split"}
		}
		if a.all[0] == nil {
			return texts(splitBlanks(on.(string), n, right)), nil
		}
		sep, ok := a.all[0].(string)
		if !ok {
			return nil, errorf("must be str or None, not %s", name(a.all[0]))
		}
		if sep == "" {
			return nil, errorf("empty separator")
		}
		if strings.Count(on.(string), sep) > MaxItems {
			return nil, &ErrTooLarge{"the number of parts"}
		}
		return texts(splitAt(on.(string), sep, n, right)), nil
	}
}

func splitAt(s, sep string, n int64, right bool) []string {
	switch {
	case n < 0 || n >= int64(len(s)):
		return strings.Split(s, sep)
	case !right:
		return strings.SplitN(s, sep, int(n)+1)
	}
	var parts []string
	for ; n > 0; n-- {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		parts = append([]string{s[i+len(sep):]}, parts...)
		s = s[:i]
	}
	return append([]string{s}, parts...)
}

func splitBlanks(s string, n int64, right bool) []string {
	if n < 0 {
		return strings.Fields(s)
	}
	var parts []string
	if right {
		for s = strings.TrimRightFunc(s, unicode.IsSpace); s != ""; s = strings.TrimRightFunc(s, unicode.IsSpace) {
			i := strings.LastIndexFunc(s, unicode.IsSpace)
			if int64(len(parts)) == n {
				i = -1
			}
			if i < 0 {
				return append([]string{s}, parts...)
			}
			_, size := utf8.DecodeRuneInString(s[i:])
			parts = append([]string{s[i+size:]}, parts...)
			s = s[:i]
		}
		return parts
	}
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		i := strings.IndexFunc(s, unicode.IsSpace)
		if i < 0 || int64(len(parts)) == n {
			return append(parts, s)
		}
		parts = append(parts, s[:i])
		s = s[i:]
	}
	return parts
}

// Lines is str.splitlines().
func Lines(s string, keep bool) *value.List {
	l := &value.List{}
	for s != "" {
		i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			l.Items = append(l.Items, s)
			break
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		if keep {
			l.Items = append(l.Items, s[:i+n])
		} else {
			l.Items = append(l.Items, s[:i])
		}
		s = s[i+n:]
	}
	return l
}

func joinMethod(on any, a args) (any, error) {
	items, err := Items(a.all[0])
	if err != nil {
		return nil, errorf("can only join an iterable")
	}
	var b strings.Builder
	for i, x := range items {
		s, ok := x.(string)
		if !ok {
			return nil, errorf("sequence item %d: expected str instance, %s found", i, name(x))
		}
		if i > 0 {
			b.WriteString(on.(string))
		}
		if b.Len()+len(s) > MaxText {
			return nil, &ErrTooLarge{"the text"}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func replaceMethod(on any, a args) (any, error) {
	old, err := a.text(0, "replace")
	if err != nil {
		return nil, err
	}
	by, err := a.text(1, "replace")
	if err != nil {
		return nil, err
	}
	n, err := a.number(2, -1)
	if err != nil {
		return nil, err
	}
	return Replace(on.(string), old, by, n)
}

// Replace is str.replace(); all are replaced when n is negative.
func Replace(s, old, by string, n int64) (string, error) {
	count := int64(strings.Count(s, old))
	if n >= 0 {
		count = min(count, n)
	}
	if grow := int64(len(by) - len(old)); grow > 0 && count > (MaxText-int64(len(s)))/grow {
		return "", &ErrTooLarge{"the text"}
	}
	return strings.Replace(s, old, by, int(count)), nil
}

// window cuts a text to the characters start..end that two arguments name.
func window(s string, a args, first int) (cut string, from int, ok bool, err error) {
	n := int64(utf8.RuneCountInString(s))
	bound := func(i int, standard int64) (int64, error) {
		v, err := a.number(i, standard)
		if v < 0 {
			v = max(v+n, 0)
		}
		return v, err
	}
	start, err := bound(first, 0)
	if err != nil {
		return "", 0, false, err
	}
	end, err := bound(first+1, n)
	if err != nil {
		return "", 0, false, err
	}
	if end = min(end, n); start > end {
		return "", 0, false, nil
	}
	return cut0(s, int(start), int(end), n), int(start), true, nil
}

func cut0(s string, from, to int, n int64) string {
	if from == 0 && int64(to) == n {
		return s
	}
	return cut(s, from, to)
}

func affixMethod(has func(s, affix string) bool, method string) spec {
	return spec{params: "prefix start end", required: 1, run: func(on any, a args) (any, error) {
		s, _, ok, err := window(on.(string), a, 1)
		if err != nil || !ok {
			return false, err
		}
		affixes := []any{a.all[0]}
		if t, ok := a.all[0].(*value.List); ok && t.Tuple {
			affixes = t.Items
		}
		for _, x := range affixes {
			affix, ok := x.(string)
			if !ok {
				return nil, errorf("%s first arg must be str or a tuple of str, not %s", method, name(x))
			}
			if has(s, affix) {
				return true, nil
			}
		}
		return false, nil
	}}
}

func cutMethod(trim func(s, affix string) string, method string) spec {
	return spec{params: "prefix", required: 1, run: func(on any, a args) (any, error) {
		affix, err := a.text(0, method)
		return trim(on.(string), affix), err
	}}
}

func finder(last, must bool) spec {
	return spec{params: "sub start end", required: 1, run: func(on any, a args) (any, error) {
		sub, ok := a.all[0].(string)
		if !ok {
			return nil, errorf("must be str, not %s", name(a.all[0]))
		}
		s, from, ok, err := window(on.(string), a, 1)
		if err != nil {
			return nil, err
		}
		i := -1
		switch {
		case ok && last:
			i = strings.LastIndex(s, sub)
		case ok:
			i = strings.Index(s, sub)
		}
		if i < 0 {
			if must {
				return nil, errorf("substring not found")
			}
			return int64(-1), nil
		}
		return int64(from + utf8.RuneCountInString(s[:i])), nil
	}}
}

func countMethod(on any, a args) (any, error) {
	sub, ok := a.all[0].(string)
	if !ok {
		return nil, errorf("must be str, not %s", name(a.all[0]))
	}
	s, _, ok, err := window(on.(string), a, 1)
	if err != nil || !ok {
		return int64(0), err
	}
	return int64(strings.Count(s, sub)), nil
}

func partition(last bool) func(on any, a args) (any, error) {
	return func(on any, a args) (any, error) {
		s := on.(string)
		sep, ok := a.all[0].(string)
		if !ok {
			return nil, errorf("must be str, not %s", name(a.all[0]))
		}
		if sep == "" {
			return nil, errorf("empty separator")
		}
		i := strings.Index(s, sep)
		if last {
			i = strings.LastIndex(s, sep)
		}
		switch {
		case i >= 0:
			return value.NewTuple(s[:i], sep, s[i+len(sep):]), nil
		case last:
			return value.NewTuple("", "", s), nil
		}
		return value.NewTuple(s, "", ""), nil
	}
}

func justifier(align byte, method string) spec {
	return spec{params: "width fillchar", required: 1, run: func(on any, a args) (any, error) {
		n, err := a.number(0, 0)
		if err != nil {
			return nil, err
		}
		fill := " "
		if a.has(1) {
			f, ok := a.all[1].(string)
			if !ok || utf8.RuneCountInString(f) != 1 {
				return nil, errorf("The fill character must be exactly one character long")
			}
			fill = f
		}
		return Justify(on.(string), align, n, fill)
	}}
}

// Justify pads a text to a width, to the left '<', the right '>' or on both sides '^'.
func Justify(s string, align byte, width int64, fill string) (string, error) {
	n := width - int64(utf8.RuneCountInString(s))
	if n <= 0 {
		return s, nil
	}
	if n > MaxText/4 {
		return "", &ErrTooLarge{"the text"}
	}
	left := int64(0)
	switch align {
	case '>':
		left = n
	case '^': // as str.center: the odd one goes to the left when the width is odd
		left = n/2 + n&width&1
	}
	return strings.Repeat(fill, int(left)) + s + strings.Repeat(fill, int(n-left)), nil
}

func zfill(on any, a args) (any, error) {
	n, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	s := on.(string)
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	s, err = Justify(s, '>', n-int64(len(sign)), "0")
	return sign + s, err
}

func expandTabs(on any, a args) (any, error) {
	size, err := a.number(0, 8)
	if err != nil {
		return nil, err
	}
	size = min(size, 1000)
	var b strings.Builder
	column := int64(0)
	for _, r := range on.(string) {
		switch {
		case r == '\t' && size > 0:
			n := size - column%size
			b.WriteString(strings.Repeat(" ", int(n)))
			column += n
		case r == '\t':
		default:
			b.WriteRune(r)
			if column++; r == '\n' || r == '\r' {
				column = 0
			}
		}
		if b.Len() > MaxText {
			return nil, &ErrTooLarge{"the text"}
		}
	}
	return b.String(), nil
}

// translate is str.translate(), for tables from characters (or their numbers) to text.
func translate(on any, a args) (any, error) {
	d, ok := a.all[0].(*value.Dict)
	if !ok {
		return nil, errorf("'%s' object is not subscriptable", name(a.all[0]))
	}
	var b strings.Builder
	for _, r := range on.(string) {
		to, found := d.Get(int64(r))
		switch to := to.(type) {
		case string:
			b.WriteString(to)
		case int64:
			b.WriteRune(rune(to))
		default:
			if !found {
				b.WriteRune(r)
			}
		}
		if b.Len() > MaxText {
			return nil, &ErrTooLarge{"the text"}
		}
	}
	return b.String(), nil
}

func makeTranslation(_ any, a args) (any, error) {
	out := &value.Dict{}
	if d, ok := a.all[0].(*value.Dict); ok && !a.has(1) {
		for k, v := range d.All() {
			if s, ok := k.(string); ok {
				r, _ := utf8.DecodeRuneInString(s)
				k = int64(r)
			}
			out.Set(k, v)
		}
		return out, nil
	}
	from, ok1 := a.all[0].(string)
	to, ok2 := a.all[1].(string)
	if !ok1 || !ok2 {
		return nil, errorf("if you give only one argument to maketrans it must be a dict")
	}
	x, y := []rune(from), []rune(to)
	if len(x) != len(y) {
		return nil, errorf("the first two maketrans arguments must have equal length")
	}
	for i := range x {
		out.Set(int64(x[i]), int64(y[i]))
	}
	if gone, ok := a.all[2].(string); ok {
		for _, r := range gone {
			out.Set(int64(r), nil)
		}
	}
	return out, nil
}
