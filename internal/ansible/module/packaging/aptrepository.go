package packaging

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

func aptRepositorySpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "repo", Required: true},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "mode", Type: argument.Raw},
			{Name: "update_cache", Type: argument.Bool, Default: true, Aliases: []string{"update-cache"}},
			{Name: "update_cache_retries", Type: argument.Int, Default: int64(5)},
			{Name: "update_cache_retry_max_delay", Type: argument.Int, Default: int64(12)},
			{Name: "filename"},
			{Name: "install_python_apt", Type: argument.Bool, Default: true},
			{Name: "validate_certs", Type: argument.Bool, Default: true},
			{Name: "codename"},
		},
		Check: true,
	}
}

// sourceEntry is one line of a list of sources.
type sourceEntry struct {
	valid, enabled  bool
	source, comment string
}

func (l sourceEntry) String() string {
	s := l.source
	if !l.enabled {
		s = "# " + s
	}
	if l.comment != "" {
		s += " # " + l.comment
	}
	return s + "\n"
}

// sources are all lists of apt on this host.
type sources struct {
	c         *module.Call
	list, dir string
	files     map[string][]sourceEntry
	fresh     map[string]bool
	codename  string
}

// aptRepository is the module apt_repository: a line in a list of sources.
func aptRepository(ctx context.Context, c *module.Call) module.Result {
	s := &sources{c: c, files: map[string][]sourceEntry{}, fresh: map[string]bool{}}
	result, err := s.do(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func (s *sources) do(ctx context.Context) (module.Result, error) {
	c := s.c
	if c.String("repo") == "" {
		return nil, attribute.Failed("Please set argument 'repo' to a non-empty value")
	}
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	before := s.dump()
	if err := s.change(ctx); err != nil {
		return nil, err
	}
	after := s.dump()
	added, removed, differences := []any{}, []any{}, []any{}
	changed := len(before) != len(after)
	for _, file := range names(before, after) {
		b, old := before[file]
		a, now := after[file]
		changed = changed || a != b
		entry := map[string]any{"before": b, "after": a, "before_header": file, "after_header": file}
		switch {
		case !old:
			added = append(added, file)
			entry["before_header"] = "/dev/null"
		case !now:
			removed = append(removed, file)
			entry["after_header"] = "/dev/null"
		default:
			continue
		}
		if c.Diff {
			differences = append(differences, entry)
		}
	}
	if changed && !c.CheckMode {
		if err := s.apply(ctx, before, after); err != nil {
			return nil, err
		}
	}
	return module.Result{"changed": changed, "repo": c.String("repo"), "sources_added": added, "sources_removed": removed, "state": c.String("state"), "diff": differences}, nil
}

// names are the keys of two maps, in order.
func names(a, b map[string]string) []string {
	var list []string
	for k := range a {
		list = append(list, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			list = append(list, k)
		}
	}
	sort.Strings(list)
	return list
}

// apply writes the lists and loads what they name; when that fails everything is as before.
func (s *sources) apply(ctx context.Context, before, after map[string]string) error {
	write := func(wanted map[string]string) error {
		for _, file := range names(before, after) {
			text, ok := wanted[file]
			if !ok {
				_ = os.Remove(file)
			} else if before[file] != after[file] {
				if err := s.write(ctx, file, text); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := write(after)
	if err == nil && s.c.Bool("update_cache") {
		a := &aptCall{c: s.c}
		if a.get, err = require(ctx, "apt-get"); err == nil {
			err = a.load(ctx)
		}
	}
	if err != nil {
		_ = write(before)
	}
	return err
}

func (s *sources) write(ctx context.Context, file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return attribute.Failed("Failed to create directory " + filepath.Dir(file) + ": " + attribute.OSError(err, ""))
	}
	temporary, err := attribute.Temporary(s.c, []byte(text))
	if err != nil {
		return err
	}
	target := file
	if link, err := os.Readlink(file); err == nil {
		if target = link; !filepath.IsAbs(link) {
			target = filepath.Join(filepath.Dir(file), link)
		}
	}
	if err := attribute.AtomicMove(ctx, temporary, target, attribute.Move{}); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if s.fresh[file] && s.c.Given("mode") {
		_, err = attribute.Wanted{Path: file, Mode: s.c.Args["mode"]}.Apply(ctx, s.c, false, nil)
	}
	return err
}

var shellSetting = regexp.MustCompile(`(?m)^([LD])='(.*)'$`)

// read reads all lists.
func (s *sources) read(ctx context.Context) error {
	s.list, s.dir = "/etc/apt/sources.list", "/etc/apt/sources.list.d/"
	for _, m := range shellSetting.FindAllStringSubmatch(run(ctx, "apt-config", "shell", "L", "Dir::Etc::sourcelist/f", "D", "Dir::Etc::sourceparts/d").Stdout, -1) {
		if m[1] == "L" {
			s.list = m[2]
		} else {
			s.dir = m[2]
		}
	}
	if s.codename = s.c.String("codename"); s.codename == "" {
		data, _ := os.ReadFile("/etc/os-release")
		for _, line := range lines(string(data)) {
			if name, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
				s.codename = strings.Trim(name, `"'`)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(s.dir, "*.list"))
	if info, err := os.Stat(s.list); err == nil && info.Mode().IsRegular() {
		files = append(files, s.list)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return attribute.Failed(attribute.OSError(err, file))
		}
		all := strings.Split(string(data), "\n")
		if all[len(all)-1] == "" {
			all = all[:len(all)-1]
		}
		s.files[file] = nil
		for _, line := range all {
			s.files[file] = append(s.files[file], parseSource(line))
		}
	}
	return nil
}

func parseSource(line string) sourceEntry {
	e := sourceEntry{enabled: true}
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		e.enabled, line = false, line[1:]
	}
	if at := strings.IndexByte(line, '#'); at > 0 {
		e.comment, line = strings.TrimSpace(line[at+1:]), line[:at]
	}
	e.source = strings.TrimSpace(line)
	if f := strings.Fields(e.source); len(f) > 0 && (f[0] == "deb" || f[0] == "deb-src") {
		e.valid, e.source = true, strings.Join(f, " ")
	}
	return e
}

// dump gives the texts of all lists that are not empty.
func (s *sources) dump() map[string]string {
	texts := map[string]string{}
	for file, entries := range s.files {
		var b strings.Builder
		for _, e := range entries {
			b.WriteString(e.String())
		}
		if len(entries) > 0 {
			texts[file] = b.String()
		}
	}
	return texts
}

// change adds or removes the line.
func (s *sources) change(ctx context.Context) error {
	repo, file := s.c.String("repo"), ""
	var source string
	if strings.HasPrefix(repo, "ppa:") {
		var owner, name string
		source, owner, name = s.ppa(repo)
		file = s.suggest(repo + "_" + s.codename)
		if s.c.String("state") == "present" && !s.has(source) {
			if err := s.addKey(ctx, source, owner, name); err != nil {
				return err
			}
		}
	} else {
		e := parseSource(repo)
		if !e.valid || !e.enabled {
			return attribute.Failed("Invalid repository string: " + strings.TrimSpace(strings.TrimPrefix(repo, "#")))
		}
		source = e.source
		file = s.suggest(source)
	}
	if s.c.String("state") == "absent" {
		s.remove(source)
	} else {
		s.add(source, file)
	}
	return nil
}

func (s *sources) has(source string) bool {
	for _, entries := range s.files {
		for _, e := range entries {
			if e.valid && e.enabled && e.source == source {
				return true
			}
		}
	}
	return false
}

func (s *sources) remove(source string) {
	for file, entries := range s.files {
		var kept []sourceEntry
		for _, e := range entries {
			if !e.valid || !e.enabled || e.source != source {
				kept = append(kept, e)
			}
		}
		s.files[file] = kept
	}
}

func (s *sources) add(source, file string) {
	found := false
	for _, entries := range s.files {
		for i := range entries {
			if entries[i].valid && entries[i].source == source {
				entries[i].enabled, found = true, true
			}
		}
	}
	if found {
		return
	}
	if !strings.Contains(file, "/") {
		file = filepath.Join(s.dir, file)
	}
	s.files[file] = append(s.files[file], sourceEntry{valid: true, enabled: true, source: source})
	s.fresh[file] = true
}

var (
	sourceOptions = regexp.MustCompile(`\[[^\]]+\]`)
	sourceScheme  = regexp.MustCompile(`\w+://`)
	notAlphabetic = regexp.MustCompile(`[^a-zA-Z0-9]`)
)

// suggest gives the name of the list that a source goes into.
func (s *sources) suggest(line string) string {
	if s.c.Given("filename") {
		return s.c.String("filename") + ".list"
	}
	line = sourceScheme.ReplaceAllString(sourceOptions.ReplaceAllString(line, ""), "")
	for _, word := range strings.Fields(line) {
		if word == "deb" || word == "deb-src" {
			continue
		}
		if _, host, ok := strings.Cut(word, "@"); ok {
			word = host
		}
		return strings.Join(strings.Fields(notAlphabetic.ReplaceAllString(word, " ")), "_") + ".list"
	}
	return "sources.list"
}

// ppa gives the line that ppa:owner/name stands for.
func (s *sources) ppa(repo string) (source, owner, name string) {
	owner, name, ok := strings.Cut(strings.Split(repo, ":")[1], "/")
	if !ok {
		name = "ppa"
	}
	return fmt.Sprintf("deb https://ppa.launchpadcontent.net/%s/%s/ubuntu %s main", owner, name, s.codename), owner, name
}

// addKey fetches the key of a PPA, unless apt has it.
func (s *sources) addKey(ctx context.Context, source, owner, name string) error {
	r := fetch.Of(s.c, fmt.Sprintf("https://api.launchpad.net/1.0/~%s/+archive/%s", owner, name))
	r.Headers["Accept"] = "application/json"
	a := fetch.Do(ctx, r)
	if a.Body == nil {
		return attribute.Failed("failed to fetch PPA information, error was: " + a.Msg)
	}
	defer func() { _ = a.Body.Close() }()
	var about struct {
		Fingerprint string `json:"signing_key_fingerprint"`
	}
	if err := json.NewDecoder(io.LimitReader(a.Body, 1<<20)).Decode(&about); err != nil || about.Fingerprint == "" {
		return attribute.Failed("failed to fetch PPA information, error was: the answer names no signing_key_fingerprint")
	}
	const server = "hkp://keyserver.ubuntu.com:80"
	if key := module.LookPath(ctx, "apt-key"); key != "" {
		o := run(ctx, key, "export", about.Fingerprint)
		if o.Code == 0 && !strings.Contains(o.Stderr, "nothing exported") || s.c.CheckMode {
			return nil
		}
		argv := []string{key, "adv", "--recv-keys", "--no-tty", "--keyserver", server, about.Fingerprint}
		if o = run(ctx, argv...); o.Code != 0 {
			return bad(argv, o)
		}
		return nil
	}
	gpg := module.LookPath(ctx, "gpg")
	if gpg == "" {
		return attribute.Failed("Either apt-key or gpg binary is required, but neither could be found." +
			"The apt-key CLI has been deprecated and removed in modern Debian and derivatives, you might want to use \"deb822_repository\" instead.")
	}
	if s.c.CheckMode {
		return nil
	}
	return s.exportKey(ctx, gpg, server, about.Fingerprint, filepath.Base(strings.ReplaceAll(source, " ", "-"))+"-"+owner+"-"+name+".gpg")
}

func (s *sources) exportKey(ctx context.Context, gpg, server, fingerprint, name string) error {
	for _, dir := range []string{"/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/usr/share/keyrings"} {
		if !isDir(dir) {
			continue
		}
		argv := []string{gpg, "--no-tty", "--keyserver", server, "--export", fingerprint}
		o := run(ctx, argv...)
		if o.Code != 0 {
			return bad(argv, o)
		}
		if o.Stdout == "" {
			return attribute.Failed("Unable to get required signing key", "rc", o.Code, "stderr", o.Stderr, "command", argv)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(o.Stdout), 0o644); err != nil {
			return attribute.Failed("Unable to add required signing key.", "rc", o.Code, "stderr", o.Stderr, "error", attribute.OSError(err, dir))
		}
		return nil
	}
	return attribute.Failed("Unable to find any existing apt gpgp repo directories, tried the following: /etc/apt/keyrings, /etc/apt/trusted.gpg.d, /usr/share/keyrings")
}
