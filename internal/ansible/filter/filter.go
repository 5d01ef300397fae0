// Package filter holds the filters and tests that Ansible adds to Jinja: those of
// ansible.builtin, with their results and the words of their errors.
//
// Register puts them into an environment of package jinja; values go in, values or errors
// come out. Jinja's own filters are the business of jinja/builtin.
//
// The package is pure, as what a deterministic machine calls has to be. A few filters and
// tests ask about the machine that templates are evaluated on (is that a file? where is the
// user's home?): they ask the World that the caller gives as the context's Data, which knows
// answers that were recorded, or puts the evaluation off. Randomness and the time come from
// the context too.
//
// Below it lie what is large enough to stand alone: clock (strftime), mersenne (Python's
// random numbers), password (hashes of Unix), version, jsontext, real.
package filter

import (
	"fmt"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// World answers questions about the machine that templates are evaluated on. An answer that
// is not there yet is a *jinja.Pending error.
type World interface {
	// Ask asks one of the Ask questions.
	Ask(question string, args ...any) (any, error)
}

// Warner is what a World is that wants to hear warnings.
type Warner interface{ Warn(text string) }

// The questions that a World answers, with what they are asked of.
const (
	// AskEnvironment: a variable's name. Its text, or nil.
	AskEnvironment = "environment"
	// AskHome: a user's name, "" for the own. The home folder, or nil.
	AskHome = "home"
	// AskFolder: nothing. The current folder.
	AskFolder = "folder"
	// AskRealPath: a path, and whether it must be there. The path without links.
	AskRealPath = "realpath"
	// AskGlob: a pattern of the shell. The list of the files that match.
	AskGlob = "glob"
	// AskFolderAt, AskFileAt, AskLinkAt, AskAnythingAt, AskEntryAt, AskMountAt: a path.
	// Whether a folder, a file, a link, anything (links followed), any entry, a mount is there.
	AskFolderAt   = "isdir"
	AskFileAt     = "isfile"
	AskLinkAt     = "islink"
	AskAnythingAt = "exists"
	AskEntryAt    = "lexists"
	AskMountAt    = "ismount"
	// AskSameFile: two paths. Whether they are one file.
	AskSameFile = "samefile"
	// AskVaultedFile: a path. Whether the file is one of the vault.
	AskVaultedFile = "vaulted"
)

// ask asks the caller's world.
func ask(c *jinja.Call, question string, args ...any) (any, error) {
	w, ok := c.Data().(World)
	if !ok {
		return nil, fmt.Errorf("%s needs the machine that the play is run from, which cannot be reached here", c.Name)
	}
	return w.Ask(question, args...)
}

func warn(c *jinja.Call, text string) {
	if w, ok := c.Data().(Warner); ok {
		w.Warn(text)
	}
}

// function is a filter or a test: a holds its arguments as its signature names them.
type function func(c *jinja.Call, a []any) (any, error)

// entry is a filter or test as it is registered.
type entry struct {
	names     []string
	signature string
	run       function
	takes     jinja.Takes
}

// Register puts all filters and tests into an environment, in place of those of the same
// names. They are found under their full names too (ansible.builtin.x).
func Register(e *jinja.Environment) {
	for _, table := range [][]entry{pathFilters(), textFilters(), dataFilters(), numberFilters(), codeFilters()} {
		for _, f := range table {
			for _, name := range f.names {
				e.Filter(name, f.spec())
			}
		}
	}
	for _, table := range [][]entry{resultTests(), valueTests(), fileTests()} {
		for _, t := range table {
			for _, name := range t.names {
				e.Test(name, t.spec())
			}
		}
	}
}

func (f entry) spec() jinja.Spec {
	return jinja.Spec{Signature: f.signature, Takes: f.takes, Run: func(c *jinja.Call) (any, error) { return f.run(c, c.Args) }}
}

func names(n ...string) []string { return n }

func pathFilters() []entry {
	return []entry{
		{names("basename"), "basename(p)", onPath(basename), 0},
		{names("dirname"), "dirname(p)", onPath(dirname), 0},
		{names("expanduser"), "expanduser(path)", expanduser, 0},
		{names("expandvars"), "expandvars(path)", expandvars, 0},
		{names("path_join"), "path_join(paths)", pathJoin, 0},
		{names("realpath"), "realpath(filename, strict=False)", realpath, 0},
		{names("relpath"), "relpath(path, start=None)", relpath, 0},
		{names("splitext"), "splitext(p)", onPath(splitext), 0},
		{names("win_basename"), "basename(p)", onPath(winBasename), 0},
		{names("win_dirname"), "dirname(p)", onPath(winDirname), 0},
		{names("win_splitdrive"), "splitdrive(p)", onPath(winSplitdrive), 0},
		{names("commonpath"), "commonpath(paths)", commonpath, 0},
		{names("normpath"), "normpath(path)", onPath(normpath), 0},
		{names("fileglob"), "fileglob(pathname)", fileglob, 0},
	}
}

func textFilters() []entry {
	return []entry{
		{names("bool"), "to_bool(value)", toBool, 0},
		{names("to_datetime"), "to_datetime(string, format='%Y-%m-%d %H:%M:%S')", toDatetime, 0},
		{names("strftime"), "strftime(string_format, second=None, utc=False)", strftime, 0},
		{names("quote"), "quote(a)", quote, 0},
		{names("regex_replace"), "regex_replace(value='', pattern='', replacement='', ignorecase=False, multiline=False, count=0, mandatory_count=0)", regexReplace, 0},
		{names("regex_escape"), "regex_escape(string, re_type='python')", regexEscape, 0},
		{names("regex_search"), "regex_search(value, regex, *args, **kwargs)", regexSearch, 0},
		{names("regex_findall"), "regex_findall(value, regex, multiline=False, ignorecase=False)", regexFindall, 0},
		{names("comment"), "comment(text, style='plain', **kw)", comment, 0},
		{names("split"), "", splitText, 0},
		{names("ternary"), "ternary(value, true_val, false_val, none_val=None)", ternary, jinja.TakesUndefined | jinja.TakesUnknown | jinja.TakesInside},
		{names("mandatory"), "mandatory(a, msg=None)", mandatory, jinja.TakesUndefined | jinja.TakesUnknown | jinja.TakesInside},
		{names("type_debug"), "type_debug(obj)", typeDebug, jinja.TakesUndefined | jinja.TakesInside},
	}
}

func dataFilters() []entry {
	return []entry{
		{names("combine"), "combine(*terms, **kwargs)", combine, jinja.TakesInside},
		{names("extract"), "extract(item, container, morekeys=None)", extract, jinja.TakesInside},
		{names("flatten"), "flatten(mylist, levels=None, skip_nulls=True)", flatten, 0},
		{names("dict2items"), "dict_to_list_of_dict_key_value_elements(mydict, key_name='key', value_name='value')", dictToItems, jinja.TakesInside},
		{names("items2dict"), "list_of_dict_key_value_elements_to_dict(mylist, key_name='key', value_name='value')", itemsToDict, 0},
		{names("subelements"), "subelements(obj, subelements, skip_missing=False)", subelements, 0},
		{names("unique"), "unique(a, case_sensitive=None, attribute=None)", unique, 0},
		{names("intersect"), "intersect(a, b)", intersect, 0},
		{names("difference"), "difference(a, b)", difference, 0},
		{names("symmetric_difference"), "symmetric_difference(a, b)", symmetricDifference, 0},
		{names("union"), "union(a, b)", union, 0},
		{names("product"), "", product, jinja.TakesInside},
		{names("permutations"), "permutations(iterable, r=None)", permutations, jinja.TakesInside},
		{names("combinations"), "combinations(iterable, r='" + missing + "')", combinations, jinja.TakesInside},
		{names("rekey_on_member"), "rekey_on_member(data, key, duplicates='error')", rekeyOnMember, 0},
		{names("zip"), "", zip, jinja.TakesInside},
		{names("zip_longest"), "", zipLongest, jinja.TakesInside},
		{names("shuffle"), "randomize_list(mylist, seed=None)", shuffle, jinja.TakesInside},
		{names("random"), "rand(end, start=None, step=None, seed=None)", random, jinja.TakesInside},
	}
}

func numberFilters() []entry {
	return []entry{
		{names("log"), "logarithm(x, base=2.718281828459045)", logarithm, 0},
		{names("pow"), "power(x, y)", power, 0},
		{names("root"), "inversepower(x, base=2)", root, 0},
		{names("human_readable"), "human_readable(size, isbits=False, unit=None)", humanReadable, 0},
		{names("human_to_bytes"), "human_to_bytes(size, default_unit=None, isbits=False)", humanToBytes, 0},
	}
}

func codeFilters() []entry {
	return []entry{
		{names("b64decode"), "b64decode(string, encoding='utf-8', urlsafe=False)", b64decode, 0},
		{names("b64encode"), "b64encode(string, encoding='utf-8', urlsafe=False)", b64encode, 0},
		{names("to_uuid"), "to_uuid(string, namespace='" + ansibleNamespace + "')", toUUID, 0},
		{names("to_json"), "to_json(a, profile=None, **kwargs)", toJSON, 0},
		{names("to_nice_json"), "to_nice_json(a, indent=4, sort_keys=True, **kwargs)", toNiceJSON, 0},
		{names("from_json"), "from_json(a, profile=None, **kwargs)", fromJSON, 0},
		{names("to_yaml"), "to_yaml(a, *args, **kwargs)", toYAML, 0},
		{names("to_nice_yaml"), "to_nice_yaml(a, indent=4, *args, **kwargs)", toNiceYAML, 0},
		{names("from_yaml"), "from_yaml(data)", fromYAML, 0},
		{names("from_yaml_all"), "from_yaml_all(data)", fromYAMLAll, 0},
		{names("md5"), "secure_hash_s(data)", md5Of, 0},
		{names("sha1", "checksum"), "secure_hash_s(data)", sha1Of, 0},
		{names("hash"), "get_hash(data, hashtype='sha1')", hashOfText, 0},
		{names("password_hash"), "get_encrypted_password(password, hashtype='sha512', salt=None, salt_size=None, rounds=None, ident=None)", passwordHash, 0},
		{names("vault"), "do_vault(data, secret, salt=None, vault_id='filter_default', wrap_object=False, vaultid=None)", encrypt, 0},
		{names("unvault"), "do_unvault(vault, secret, vault_id='filter_default', vaultid=None)", decrypt, 0},
		{names("urldecode"), "unquote_plus(string, encoding='utf-8', errors='replace')", urlDecode, 0},
		{names("urlsplit"), "split_url(value, query='', alias='urlsplit')", urlSplit, 0},
	}
}

func resultTests() []entry {
	return []entry{
		{names("failed", "failure"), "failed(result)", flag("failed", "failed", true), jinja.TakesInside},
		{names("succeeded", "success", "successful"), "success(result)", flag("failed", "failed", false), jinja.TakesInside},
		{names("unreachable"), "unreachable(result)", flag("unreachable", "unreachable", true), jinja.TakesInside},
		{names("reachable"), "reachable(result)", flag("unreachable", "unreachable", false), jinja.TakesInside},
		{names("skipped", "skip"), "skipped(result)", flag("skipped", "skipped", true), jinja.TakesInside},
		{names("changed", "change"), "changed(result)", isChanged, jinja.TakesInside},
		{names("timedout"), "timedout(result)", isTimedOut, jinja.TakesInside},
		{names("started"), "started(result)", asynchronous("started"), jinja.TakesInside},
		{names("finished"), "finished(result)", asynchronous("finished"), jinja.TakesInside},
	}
}

func valueTests() []entry {
	return []entry{
		{names("match"), "match(value, pattern='', ignorecase=False, multiline=False)", matcher("match"), 0},
		{names("search"), "search(value, pattern='', ignorecase=False, multiline=False)", matcher("search"), 0},
		{names("regex"), "regex(value='', pattern='', ignorecase=False, multiline=False, match_type='search')", matcher("search"), 0},
		{names("version", "version_compare"), "version_compare(value, version, operator='eq', strict=None, version_type=None)", compareVersions, 0},
		{names("vault_encrypted"), "vault_encrypted(value)", isVaulted, jinja.TakesLazy},
		{names("any"), "any(iterable)", quantified(true), jinja.TakesInside},
		{names("all"), "all(iterable)", quantified(false), jinja.TakesInside},
		{names("truthy"), "truthy(value, convert_bool=False)", truthy(true), jinja.TakesInside},
		{names("falsy"), "falsy(value, convert_bool=False)", truthy(false), jinja.TakesInside},
		{names("subset", "issubset"), "issubset(a, b)", within(false), 0},
		{names("superset", "issuperset"), "issuperset(a, b)", within(true), 0},
		{names("contains"), "contains(seq, value)", contains, 0},
		{names("nan", "isnan"), "isnotanumber(x)", isNaN, 0},
		{names("uri"), "is_uri(value, schemes=None)", uri, 0},
		{names("url"), "is_url(value, schemes=None)", isURL, 0},
		{names("urn"), "is_urn(value)", isURN, 0},
	}
}

func fileTests() []entry {
	return []entry{
		{names("directory", "is_dir"), "isdir(s)", onFile(AskFolderAt, "stat"), 0},
		{names("file", "is_file"), "isfile(path)", onFile(AskFileAt, "stat"), 0},
		{names("link", "is_link"), "islink(path)", onFile(AskLinkAt, "lstat"), 0},
		{names("exists"), "exists(path)", onFile(AskAnythingAt, "stat"), 0},
		{names("link_exists"), "lexists(path)", onFile(AskEntryAt, "lstat"), 0},
		{names("mount", "is_mount"), "ismount(path)", onFile(AskMountAt, "lstat"), 0},
		{names("vaulted_file"), "vaulted_file(value)", isVaultedFile, 0},
		{names("abs", "is_abs"), "isabs(s)", isAbsolute, 0},
		{names("same_file", "is_same_file"), "samefile(f1, f2)", sameFile, 0},
	}
}

// attribute is what map and its kin take as an attribute: names and numbers with dots
// between them.
func attribute(c *jinja.Call, v, path any) (any, error) {
	text, ok := path.(string)
	if !ok {
		return c.Item(v, path)
	}
	for _, part := range dotted(text) {
		var err error
		if v, err = c.Item(v, part); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// splitText is str.split.
func splitText(c *jinja.Call, a []any) (any, error) {
	if len(a) == 0 {
		return nil, fmt.Errorf("unbound method str.split() needs an argument")
	}
	if _, ok := a[0].(string); !ok {
		return nil, fmt.Errorf("descriptor 'split' for 'str' objects doesn't apply to a '%s' object", value.TypeName(a[0]))
	}
	method, _ := python.Attribute(a[0], "split")
	return method.(*python.Method).Call(a[1:], c.Kwargs)
}
