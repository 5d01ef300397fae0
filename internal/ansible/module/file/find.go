package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/account"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/regex"
)

func findModule() module.Module {
	return module.Module{Name: "find", Run: runFind, Spec: argument.Spec{Check: true, Options: []argument.Option{
		{Name: "paths", Type: argument.List, Elements: argument.Path, Required: true, Aliases: []string{"name", "path"}},
		{Name: "patterns", Type: argument.List, Elements: argument.Str, Default: []any{}, Aliases: []string{"pattern"}},
		{Name: "excludes", Type: argument.List, Elements: argument.Str, Aliases: []string{"exclude"}},
		{Name: "contains"},
		{Name: "read_whole_file", Type: argument.Bool, Default: false},
		{Name: "file_type", Default: "file", Choices: []any{"any", "directory", "file", "link"}},
		{Name: "age"},
		{Name: "age_stamp", Default: "mtime", Choices: []any{"atime", "ctime", "mtime"}},
		{Name: "size"},
		{Name: "recurse", Type: argument.Bool, Default: false},
		{Name: "hidden", Type: argument.Bool, Default: false},
		{Name: "follow", Type: argument.Bool, Default: false},
		{Name: "get_checksum", Type: argument.Bool, Default: false},
		{Name: "checksum_algorithm", Default: "sha1", Choices: []any{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"},
			Aliases: []string{"checksum", "checksum_algo"}},
		{Name: "use_regex", Type: argument.Bool, Default: false},
		{Name: "depth", Type: argument.Int},
		{Name: "mode", Type: argument.Raw},
		{Name: "exact_mode", Type: argument.Bool, Default: true},
		{Name: "encoding"},
		{Name: "limit", Type: argument.Int},
	}}}
}

// finder is one call of the find module.
type finder struct {
	*module.Call
	ctx                context.Context
	patterns, excludes []matcher
	contains           *regex.Regex
	codec              codec
	age, size          *int64
	mode               *uint32
	limit, depth       int64
	now                time.Time
	found              []any
	looked             int
	skipped            map[string]any
	stopped            bool
	warned             bool
	names              map[uint32]string
	groups             map[uint32]string
}

func runFind(ctx context.Context, c *module.Call) module.Result {
	f := &finder{Call: c, ctx: ctx, now: time.Now(), skipped: map[string]any{}, found: []any{}, names: map[uint32]string{}, groups: map[uint32]string{}}
	if err := f.read(); err != nil {
		return attribute.Result(err)
	}
	for _, path := range c.Strings("paths") {
		if err := f.path(path); err != nil {
			f.skipped[path] = err.Error()
			f.warned = true
			c.Warn("Skipped '%s' path due to this access issue: %s\n", path, err)
		}
	}
	msg := "All paths examined"
	switch {
	case f.warned:
		msg = "Not all paths examined, check warnings for details"
	case f.stopped:
		msg = "Limit of matches reached"
	}
	return module.Result{"files": f.found, "changed": false, "msg": msg, "matched": len(f.found), "examined": f.looked, "skipped_paths": f.skipped}
}

// read reads the arguments that need it.
func (f *finder) read() (err error) {
	patterns := f.Strings("patterns")
	if len(patterns) == 0 {
		patterns = []string{"*"}
		if f.Bool("use_regex") {
			patterns = []string{".*"}
		}
	}
	if f.patterns, err = matchers(patterns, f.Bool("use_regex")); err != nil {
		return attribute.Failed(fmt.Sprintf("patterns hold no regular expression: %v", err))
	}
	if f.excludes, err = matchers(f.Strings("excludes"), f.Bool("use_regex")); err != nil {
		return attribute.Failed(fmt.Sprintf("excludes hold no regular expression: %v", err))
	}
	if f.Given("contains") {
		if f.contains, err = regex.Compile(f.String("contains"), 0); err != nil {
			return attribute.Failed(fmt.Sprintf("contains is not a regular expression: %v", err))
		}
	}
	var known bool
	if f.codec, known = codecs(f.String("encoding")); !known {
		return attribute.Failed("unknown encoding: " + f.String("encoding"))
	}
	if f.age, err = f.measure("age", "s1 m60 h3600 d86400 w604800"); err != nil {
		return err
	}
	if f.size, err = f.measure("size", "b1 k1024 m1048576 g1073741824 t1099511627776"); err != nil {
		return err
	}
	if err := f.readMode(); err != nil {
		return err
	}
	f.depth, _ = f.Int("depth")
	limit, given := f.Int("limit")
	if given && limit <= 0 {
		return attribute.Failed(fmt.Sprintf("limit cannot be %d (use None for unlimited)", limit))
	}
	f.limit = limit
	return nil
}

func (f *finder) readMode() error {
	text, isText := f.Args["mode"].(string)
	if !isText && f.Args["mode"] != nil && f.Args["mode"] != false && f.Args["mode"] != int64(0) {
		return attribute.Failed("argument 'mode' is not a string and conversion is not allowed, value is of type " + argument.TypeName(f.Args["mode"]))
	}
	if text == "" {
		return nil
	}
	mode, err := attribute.ParseMode(text, 0)
	if err != nil {
		return attribute.Failed(err.Error())
	}
	mode &= 0o7777
	f.mode = &mode
	return nil
}

var measured = regexp.MustCompile(`^(-?\d{1,12})([a-z])?$`)

// measure reads a number with a unit; nil when the argument is not given.
func (f *finder) measure(name, units string) (*int64, error) {
	if !f.Given(name) {
		return nil, nil
	}
	refused := attribute.Failed("failed to process "+name, name, f.String(name))
	m := measured.FindStringSubmatch(strings.ToLower(f.String(name)))
	if m == nil {
		return nil, refused
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return nil, refused
	}
	if m[2] == "" {
		return &n, nil
	}
	for _, unit := range strings.Fields(units) {
		if unit[:1] == m[2] {
			factor, err := strconv.ParseInt(unit[1:], 10, 64)
			n *= factor
			return &n, err
		}
	}
	return nil, refused
}

func (f *finder) path(path string) error {
	if !isDir(path) {
		return fmt.Errorf("'%s' is not a directory", path)
	}
	return f.walk(path, path)
}

func (f *finder) full() bool { return f.limit > 0 && int64(len(f.found)) == f.limit }

// walk goes through one folder and those in it.
func (f *finder) walk(base, dir string) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	entries, err := readDir(dir)
	if err != nil {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
			f.skipped[dir] = fmt.Sprintf("%s: '%s'", attribute.OSError(err, ""), dir)
			return nil
		}
		return fmt.Errorf("%s: '%s'", attribute.OSError(err, ""), dir)
	}
	var dirs, others []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&os.ModeSymlink != 0 && isDir(join(dir, e.Name())) {
			dirs = append(dirs, e.Name())
		} else {
			others = append(others, e.Name())
		}
	}
	f.looked += len(entries)
	deeper := f.Bool("recurse")
	for _, name := range append(others, dirs...) {
		path := filepath.Clean(join(dir, name))
		if f.depth != 0 && int64(strings.Count(path, "/")-strings.Count(strings.TrimRight(base, "/")+"/", "/")+1) > f.depth {
			deeper = false
			continue
		}
		if strings.HasPrefix(name, ".") && !f.Bool("hidden") {
			continue
		}
		if err := f.look(path, name); err != nil {
			return err
		}
		if f.full() {
			f.stopped = true
			return nil
		}
	}
	if !deeper {
		return nil
	}
	for _, name := range dirs {
		path := join(dir, name)
		if isLink(path) && !f.Bool("follow") {
			continue
		}
		if err := f.walk(base, path); err != nil || f.full() {
			return err
		}
	}
	return nil
}

// look takes one thing up when it is what is looked for.
func (f *finder) look(path, name string) error {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		f.Warn("Skipped entry '%s' due to access issue.: %s", path, attribute.OSError(err, path))
		f.skipped[path] = fmt.Sprintf("%s: '%s'", attribute.OSError(err, ""), path)
		f.warned = true
		return nil
	}
	kind := st.Mode & syscall.S_IFMT
	wanted := f.String("file_type")
	regular := kind == syscall.S_IFREG
	switch {
	case wanted == "any",
		wanted == "directory" && kind == syscall.S_IFDIR, wanted == "file" && regular, wanted == "link" && kind == syscall.S_IFLNK:
	default:
		return nil
	}
	if !anyOf(f.patterns, name) || anyOf(f.excludes, name) || !f.ageFits(&st) || regular && !f.sizeFits(&st) {
		return nil
	}
	if wanted == "file" && f.contains != nil {
		if ok, err := f.contents(path); err != nil || !ok {
			return err
		}
	}
	if !f.modeFits(&st) {
		return nil
	}
	entry := f.info(path, &st)
	if regular && wanted != "directory" && f.Bool("get_checksum") {
		sums, err := attribute.Checksums(path, f.String("checksum_algorithm"))
		if err != nil {
			return fmt.Errorf("%s: '%s'", attribute.OSError(err, ""), path)
		}
		entry["checksum"] = sums[0]
	}
	f.found = append(f.found, entry)
	return nil
}

func (f *finder) ageFits(st *syscall.Stat_t) bool {
	if f.age == nil {
		return true
	}
	stamp := st.Mtim
	switch f.String("age_stamp") {
	case "atime":
		stamp = st.Atim
	case "ctime":
		stamp = st.Ctim
	}
	age := f.now.Sub(time.Unix(stamp.Unix()))
	if *f.age >= 0 {
		return age >= time.Duration(*f.age)*time.Second
	}
	return age <= time.Duration(-*f.age)*time.Second
}

func (f *finder) sizeFits(st *syscall.Stat_t) bool {
	switch {
	case f.size == nil:
		return true
	case *f.size >= 0:
		return st.Size >= *f.size
	}
	return st.Size <= -*f.size
}

func (f *finder) modeFits(st *syscall.Stat_t) bool {
	switch mode := st.Mode & 0o7777; {
	case f.mode == nil:
		return true
	case f.Bool("exact_mode"):
		return mode == *f.mode
	default:
		return mode&*f.mode != 0
	}
}

// contents searches a file: whole, or each line from its beginning.
func (f *finder) contents(path string) (bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, nil
	}
	if !f.Given("encoding") && !utf8.Valid(data) {
		//lint:ignore ST1005 these are Ansible's own words
		return false, fmt.Errorf(`Failed to read the file %s due to an encoding error. current encoding: `+
			`None (default determined by the Python built-in function "open")`, path)
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(f.codec.decode(data))
	if f.Bool("read_whole_file") {
		m, err := f.contains.Search(text)
		return m != nil, err
	}
	matches := anchored(f.contains)
	for line := range strings.Lines(text) {
		if matches(line) {
			return true, nil
		}
	}
	return false, nil
}

// info is what the module tells of a file. Names are looked up once for each number.
func (f *finder) info(path string, st *syscall.Stat_t) map[string]any {
	entry := describe(path, st)
	for _, key := range []string{"exists", "blocks", "block_size", "device_type", "readable", "writeable", "executable"} {
		delete(entry, key)
	}
	name, ok := f.names[st.Uid]
	if !ok {
		name, _ = account.UserName(int(st.Uid))
		f.names[st.Uid] = name
	}
	group, ok := f.groups[st.Gid]
	if !ok {
		group, _ = account.GroupName(int(st.Gid))
		f.groups[st.Gid] = group
	}
	entry["pw_name"], entry["gr_name"] = name, group
	return entry
}
