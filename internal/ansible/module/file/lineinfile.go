package file

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/regex"
)

func lineinfileModule() module.Module {
	return module.Module{Name: "lineinfile", Run: runLineinfile, Spec: argument.Spec{Check: true, FileAttributes: true,
		MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}},
		Options: []argument.Option{
			{Name: "path", Type: argument.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "regexp", Aliases: []string{"regex"}},
			{Name: "search_string"},
			{Name: "line", Aliases: []string{"value"}},
			{Name: "insertafter"},
			{Name: "insertbefore"},
			{Name: "backrefs", Type: argument.Bool, Default: false},
			{Name: "create", Type: argument.Bool, Default: false},
			{Name: "backup", Type: argument.Bool, Default: false},
			{Name: "firstmatch", Type: argument.Bool, Default: false},
			{Name: "validate"},
		}}}
}

func runLineinfile(ctx context.Context, c *module.Call) module.Result {
	l := &lineEdit{Call: c, ctx: ctx, path: c.String("path"), line: []byte(c.String("line"))}
	result, err := l.run()
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

// lineEdit is one call of lineinfile. Lines are bytes, as in the real module: nothing is
// assumed about the encoding of the file.
type lineEdit struct {
	*module.Call
	ctx    context.Context
	path   string
	line   []byte
	lines  [][]byte
	before []byte
	there  bool
	regexp *regex.Regex
	// place finds the line to insert after or before.
	place *regex.Regex
	after bool
}

func (l *lineEdit) run() (module.Result, error) {
	l.warnOfEmpty()
	if err := editable(l.path); err != nil {
		return nil, err
	}
	present := l.String("state") == "present"
	switch {
	case present && l.Bool("backrefs") && !l.Given("regexp"):
		return nil, attribute.Failed("regexp is required with backrefs=true")
	case present && !l.Given("line"):
		return nil, attribute.Failed("line is required with state=present")
	case !present && !l.Given("regexp") && !l.Given("search_string") && !l.Given("line"):
		return nil, attribute.Failed("one of line, search_string, or regexp is required with state=absent")
	}
	l.there = exists(l.path)
	if !present {
		if !l.there {
			return module.Result{"changed": false, "msg": "file not present"}, nil
		}
		return l.absent()
	}
	return l.present()
}

func (l *lineEdit) warnOfEmpty() {
	const warning = "The %s is an empty string, which will match every line in the file. This may have unintended consequences, " +
		"such as replacing the last line in the file rather than appending."
	switch {
	case l.Args["regexp"] == "":
		l.Warn(warning+" If this is desired, use '^' to match every line in the file and avoid this warning.", "regular expression")
	case l.Args["search_string"] == "":
		l.Warn(warning, "search string")
	}
}

func (l *lineEdit) compile(name string) (*regex.Regex, error) {
	re, err := regex.Compile(l.String(name), regex.Bytes)
	if err != nil {
		return nil, attribute.Failed(fmt.Sprintf("%s is not a regular expression: %v", name, err))
	}
	return re, nil
}

// open reads the file and the expressions.
func (l *lineEdit) open() (err error) {
	if l.there {
		if l.before, err = os.ReadFile(l.path); err != nil {
			return attribute.Failed(attribute.OSError(err, l.path))
		}
		l.lines = lines(l.before)
	}
	if l.Given("regexp") {
		l.regexp, err = l.compile("regexp")
	}
	return err
}

// search tells whether a line is one that regexp or search_string look for.
func (l *lineEdit) search(line []byte) (match *regex.Match, found bool, err error) {
	if l.regexp != nil {
		match, err = l.regexp.Search(string(line))
		return match, match != nil, err
	}
	if l.Given("search_string") {
		return nil, bytes.Contains(line, []byte(l.String("search_string"))), nil
	}
	return nil, false, nil
}

func (l *lineEdit) absent() (module.Result, error) {
	if err := l.open(); err != nil {
		return nil, err
	}
	var kept [][]byte
	for _, line := range l.lines {
		_, found, err := l.search(line)
		if err != nil {
			return nil, err
		}
		if !l.Given("regexp") && !l.Given("search_string") {
			found = bytes.Equal(trimEnd(line), l.line)
		}
		if !found {
			kept = append(kept, line)
		}
	}
	found := len(l.lines) - len(kept)
	msg := ""
	if found > 0 {
		msg = fmt.Sprintf("%d line(s) removed", found)
	}
	return l.finish(kept, found > 0, msg, module.Result{"found": found})
}

// finish writes the lines, when they changed, and makes the result.
func (l *lineEdit) finish(kept [][]byte, changed bool, msg string, result module.Result) (module.Result, error) {
	after := bytes.Join(kept, nil)
	diff := contentDiff(l.path, nil, nil)
	if l.Diff {
		diff = contentDiff(l.path, l.before, after)
	}
	backup := ""
	if changed && !l.CheckMode {
		var err error
		if l.Bool("backup") && l.there {
			if backup, err = attribute.Backup(l.ctx, l.Call, l.path); err != nil {
				return nil, err
			}
		}
		if err := writeChanges(l.ctx, l.Call, after, attribute.RealPath(l.path)); err != nil {
			return nil, err
		}
	}
	result["backup"] = backup
	if l.CheckMode && !l.there {
		result["changed"], result["msg"], result["diff"] = changed, msg, diff
		return result, nil
	}
	d := &attribute.Diff{}
	msg, changed, err := settle(l.ctx, l.Call, changed, msg, d)
	result["changed"], result["msg"], result["diff"] = changed, msg, []any{diff, attributeDiff(l.path, d)}
	return result, err
}

func (l *lineEdit) present() (module.Result, error) {
	if !l.there {
		if !l.Bool("create") {
			return nil, attribute.Failed("Destination "+l.path+" does not exist !", "rc", 257)
		}
		if dir := dirOf(l.path); dir != "" && !exists(dir) && !l.CheckMode {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return nil, attribute.Failed(fmt.Sprintf("Error creating %s (%s)", dir, attribute.OSError(err, dir)))
			}
		}
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	if err := l.readPlace(); err != nil {
		return nil, err
	}
	found, err := l.find()
	if err != nil {
		return nil, err
	}
	msg, err := l.edit(found)
	if err != nil {
		return nil, err
	}
	return l.finish(l.lines, msg != "", msg, module.Result{})
}

func (l *lineEdit) readPlace() (err error) {
	after, before := l.Args["insertafter"], l.Args["insertbefore"]
	l.after = after != nil || before == nil
	switch {
	case after != nil && after != "BOF" && after != "EOF":
		l.place, err = l.compile("insertafter")
	case before != nil && before != "BOF":
		l.place, err = l.compile("insertbefore")
	}
	return err
}

// spot is what find found: the line that is to be replaced, and where one is to be inserted;
// -1 for none.
type spot struct {
	line, insert int
	// match is that of regexp, matched that there was one or search_string was found.
	match   *regex.Match
	matched bool
	exact   bool
}

func (l *lineEdit) find() (spot, error) {
	s := spot{line: -1, insert: -1}
	for i, line := range l.lines {
		match, found, err := l.search(line)
		if err != nil {
			return s, err
		}
		if found {
			s.line, s.match, s.matched = i, match, true
			if l.Bool("firstmatch") {
				break
			}
		}
	}
	if s.matched {
		return s, nil
	}
	for i, line := range l.lines {
		if bytes.Equal(l.line, trimEnd(line)) {
			s.line, s.exact = i, true
			continue
		}
		if l.place == nil {
			continue
		}
		m, err := l.place.Search(string(line))
		if err != nil {
			return s, err
		}
		if m == nil {
			continue
		}
		s.insert = i
		if l.after {
			s.insert = i + 1
		}
		if l.Bool("firstmatch") {
			break
		}
	}
	return s, nil
}

// edit changes the lines and says what it did; "" is nothing.
func (l *lineEdit) edit(s spot) (string, error) {
	switch {
	case s.line >= 0:
		return l.replaceLine(s)
	case l.Bool("backrefs"):
		// Without a match there is nothing that the references could stand for.
		return "", nil
	case l.Args["insertbefore"] == "BOF" || l.Args["insertafter"] == "BOF":
		l.insert(0)
	case s.insert < 0 || l.after && l.place == nil:
		if n := len(l.lines); n > 0 && !bytes.HasSuffix(l.lines[n-1], []byte("\n")) && !bytes.HasSuffix(l.lines[n-1], []byte("\r")) {
			l.lines = append(l.lines, []byte("\n"))
		}
		l.insert(len(l.lines))
	case l.after && s.insert == len(l.lines):
		if bytes.Equal(trimEnd(l.lines[s.insert-1]), l.line) {
			return "", nil
		}
		l.insert(s.insert)
	case l.after && bytes.Equal(l.line, trimEnd(l.lines[s.insert])):
		return "", nil
	default:
		l.insert(s.insert)
	}
	return "line added", nil
}

func (l *lineEdit) insert(at int) {
	l.lines = slices.Insert(l.lines, at, append(bytes.Clone(l.line), '\n'))
}

func (l *lineEdit) replaceLine(s spot) (string, error) {
	line := l.line
	if l.Bool("backrefs") && s.match != nil {
		expanded, err := s.match.Expand(string(l.line))
		if err != nil {
			return "", attribute.Failed(err.Error())
		}
		line = []byte(expanded)
	}
	if line = withEnd(line); bytes.Equal(l.lines[s.line], line) {
		return "", nil
	}
	l.lines[s.line] = line
	return "line replaced", nil
}
