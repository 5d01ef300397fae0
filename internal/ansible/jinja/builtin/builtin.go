// Package builtin holds the filters and tests that are Jinja's own, with what Ansible
// changes in some of them: values go in, values or errors in Python's words come out.
//
// It is pure, as all of jinja is. Ansible's filters are not here but in package filter.
//
// The table of names is in filters and tests below; the rest is by what is worked on:
// sequence.go, choose.go (map, select and the like), text.go, wrap.go, number.go, markup.go,
// json.go, test.go.
package builtin

import (
	"maps"
	"slices"

	"tutti/internal/ansible/jinja"
)

// New gives an environment that has Jinja's own filters, tests and globals.
func New(o jinja.Options) *jinja.Environment {
	e := jinja.New(o)
	Add(e)
	return e
}

// Add registers Jinja's own filters and tests.
func Add(e *jinja.Environment) {
	table := filters()
	for _, name := range names(table) {
		e.Filter(name, table[name])
	}
	table = tests()
	for _, name := range names(table) {
		e.Test(name, table[name])
	}
}

// names gives the keys of a table in order.
func names[V any](table map[string]V) []string { return slices.Sorted(maps.Keys(table)) }

// keeps are functions that keep or count items, and do not look at them.
const keeps = jinja.TakesInside

// whole takes everything as it is.
const whole = jinja.TakesInside | jinja.TakesLazy | jinja.TakesUndefined | jinja.TakesUnknown

func filters() map[string]jinja.Spec {
	table := map[string]jinja.Spec{
		"abs":            {Signature: "abs(x)", Run: absolute},
		"attr":           {Signature: "do_attr(obj, name)", Run: attr, Takes: keeps},
		"batch":          {Signature: "do_batch(value, linecount, fill_with=None)", Run: batch, Takes: keeps},
		"capitalize":     {Signature: "do_capitalize(s)", Run: capitalize},
		"center":         {Signature: "do_center(value, width=80)", Run: center},
		"default":        {Signature: "ansible_default(value, default_value='', boolean=False)", Run: orDefault, Takes: whole},
		"dictsort":       {Signature: "do_dictsort(value, case_sensitive=False, by='key', reverse=False)", Run: dictsort},
		"escape":         {Signature: "escape(s)", Run: escape},
		"filesizeformat": {Signature: "do_filesizeformat(value, binary=False)", Run: fileSize},
		"first":          {Signature: "do_first(seq)", Run: first, Takes: keeps | jinja.TakesLazy},
		"float":          {Signature: "do_float(value, default=0.0)", Run: toFloat, Takes: keeps},
		"forceescape":    {Signature: "do_forceescape(value)", Run: escape},
		"format":         {Signature: "do_format(value, *args, **kwargs)", Run: format},
		"groupby":        {Signature: "sync_do_groupby(value, attribute, default=None, case_sensitive=False)", Run: groupby},
		"indent":         {Signature: "do_indent(s, width=4, first=False, blank=False)", Run: indent},
		"int":            {Signature: "do_int(value, default=0, base=10)", Run: toInt, Takes: keeps},
		"items":          {Signature: "do_items(value)", Run: items, Takes: keeps},
		"join":           {Signature: "sync_do_join(value, d='', attribute=None)", Run: join},
		"last":           {Signature: "do_last(seq)", Run: last, Takes: keeps | jinja.TakesLazy},
		"length":         {Signature: "len(obj)", Run: length, Takes: keeps | jinja.TakesLazy},
		"list":           {Signature: "do_list(value)", Run: toList, Takes: keeps},
		"lower":          {Signature: "do_lower(s)", Run: lower},
		"map":            {Signature: "do_map(value, *args, **kwargs)", Run: apply, Takes: keeps | jinja.TakesUndefined},
		"max":            {Signature: "do_max(value, case_sensitive=False, attribute=None)", Run: maximum},
		"min":            {Signature: "do_min(value, case_sensitive=False, attribute=None)", Run: minimum},
		"pprint":         {Signature: "do_pprint(value)", Run: pprint},
		"random":         {Signature: "do_random(seq)", Run: random, Takes: keeps},
		"reject":         {Signature: "do_reject(value, *args, **kwargs)", Run: chooser(false, false), Takes: keeps},
		"rejectattr":     {Signature: "do_rejectattr(value, *args, **kwargs)", Run: chooser(false, true), Takes: keeps},
		"replace":        {Signature: "do_replace(s, old, new, count=None)", Run: replace},
		"reverse":        {Signature: "do_reverse(value)", Run: reverse, Takes: keeps},
		"round":          {Signature: "do_round(value, precision=0, method='common')", Run: round},
		"safe":           {Signature: "do_mark_safe(value)", Run: str},
		"select":         {Signature: "do_select(value, *args, **kwargs)", Run: chooser(true, false), Takes: keeps},
		"selectattr":     {Signature: "do_selectattr(value, *args, **kwargs)", Run: chooser(true, true), Takes: keeps},
		"slice":          {Signature: "sync_do_slice(value, slices, fill_with=None)", Run: slice, Takes: keeps},
		"sort":           {Signature: "do_sort(value, reverse=False, case_sensitive=False, attribute=None)", Run: sortItems},
		"string":         {Signature: "soft_str(s)", Run: str},
		"striptags":      {Signature: "do_striptags(value)", Run: stripTags},
		"sum":            {Signature: "sync_do_sum(iterable, attribute=None, start=0)", Run: sum},
		"title":          {Signature: "do_title(s)", Run: title},
		"tojson":         {Signature: "do_tojson(value, indent=None)", Run: toJSON},
		"trim":           {Signature: "do_trim(value, chars=None)", Run: trim},
		"truncate":       {Signature: "do_truncate(s, length=255, killwords=False, end='...', leeway=None)", Run: truncate},
		"unique":         {Signature: "sync_do_unique(value, case_sensitive=False, attribute=None)", Run: unique},
		"upper":          {Signature: "do_upper(s)", Run: upper},
		"urlencode":      {Signature: "do_urlencode(value)", Run: urlencode},
		"urlize":         {Signature: "do_urlize(value, trim_url_limit=None, nofollow=False, target=None, rel=None, extra_schemes=None)", Run: urlize},
		"wordcount":      {Signature: "do_wordcount(s)", Run: wordcount},
		"wordwrap":       {Signature: "do_wordwrap(s, width=79, break_long_words=True, wrapstring=None, break_on_hyphens=True)", Run: wordwrap},
		"xmlattr":        {Signature: "do_xmlattr(d, autospace=True)", Run: xmlattr, Takes: keeps},
	}
	table["count"], table["d"], table["e"] = table["length"], table["default"], table["escape"]
	return table
}

func tests() map[string]jinja.Spec {
	table := map[string]jinja.Spec{
		"odd":         {Signature: "test_odd(value)", Run: remainder(1)},
		"even":        {Signature: "test_even(value)", Run: remainder(0)},
		"divisibleby": {Signature: "test_divisibleby(value, num)", Run: divisible},
		"defined":     {Signature: "test_defined(value)", Run: defined(true), Takes: whole},
		"undefined":   {Signature: "test_undefined(value)", Run: defined(false), Takes: whole},
		"filter":      {Signature: "test_filter(value)", Run: exists(jinja.FilterKind)},
		"test":        {Signature: "test_test(value)", Run: exists(jinja.TestKind)},
		"callable":    {Signature: "callable(obj)", Run: isCallable, Takes: keeps},
		"sameas":      {Signature: "test_sameas(value, other)", Run: sameAs, Takes: keeps},
		"in":          {Signature: "test_in(value, seq)", Run: compare("in")},
		"escaped":     ofType("test_escaped(value)", func(any) bool { return false }),
		"lower":       {Signature: "test_lower(value)", Run: method("islower")},
		"upper":       {Signature: "test_upper(value)", Run: method("isupper")},
	}
	types := kinds()
	for _, name := range names(types) {
		table[name] = ofType("test_"+name+"(value)", types[name])
	}
	for _, op := range [][]string{{"==", "eq", "equalto"}, {"!=", "ne"}, {"<", "lt", "lessthan"}, {"<=", "le"}, {">", "gt", "greaterthan"}, {">=", "ge"}} {
		s := jinja.Spec{Signature: op[1] + "(a, b)", Run: compare(op[0])}
		for _, name := range op {
			table[name] = s
		}
	}
	return table
}
