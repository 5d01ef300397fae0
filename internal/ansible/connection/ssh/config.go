package ssh

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
)

const (
	// maxIncludes is how deep configuration files may include each other, as in OpenSSH.
	maxIncludes = 16
	// maxConfig is how large one configuration file may be.
	maxConfig = 4 << 20
)

// settings are what the command line and the configuration files say of one host. Keywords are
// in lower case; the first value counts, except for those that add up.
type settings struct {
	original string
	values   map[string][]string
	// user and home are those of whoever runs us.
	user, home string
}

func accumulates(keyword string) bool {
	switch keyword {
	case "identityfile", "certificatefile", "localforward", "remoteforward", "sendenv", "setenv":
		return true
	}
	return false
}

func (s *settings) set(keyword string, values []string) {
	keyword = strings.ToLower(keyword)
	switch {
	case accumulates(keyword):
		s.values[keyword] = append(s.values[keyword], values...)
	case s.values[keyword] == nil:
		s.values[keyword] = values
	}
}

// get gives a keyword's first word, or another.
func (s *settings) get(keyword, otherwise string) string {
	if v := s.values[keyword]; len(v) > 0 {
		return v[0]
	}
	return otherwise
}

func (s *settings) is(keyword string) bool {
	v := strings.ToLower(s.get(keyword, ""))
	return v == "yes" || v == "true"
}

// hostName is the name to connect to.
func (s *settings) hostName() string {
	name := s.get("hostname", s.original)
	return strings.NewReplacer("%h", s.original, "%%", "%").Replace(name)
}

// expand puts what is known of the connection in the place of the tokens of a value.
func (s *settings) expand(text string) string {
	host, _ := os.Hostname()
	port, remote := s.get("port", "22"), s.get("user", s.user)
	r := strings.NewReplacer("%%", "%", "%h", s.hostName(), "%n", s.original, "%p", port, "%r", remote, "%u", s.user,
		"%d", s.home, "%i", fmt.Sprint(os.Getuid()), "%l", host, "%L", strings.SplitN(host, ".", 2)[0],
		"%k", s.get("hostkeyalias", s.original), "%j", s.get("proxyjump", ""))
	return r.Replace(text)
}

// path is expand for files: ~ and ${VARIABLES} too.
func (s *settings) path(text string) string {
	if strings.Contains(text, "${") {
		text = os.Expand(text, os.Getenv)
	}
	if text == "~" || strings.HasPrefix(text, "~/") {
		text = s.home + text[1:]
	}
	return s.expand(text)
}

// configFile is one file that is being read.
type configFile struct {
	path  string
	user  bool // Includes are looked for in ~/.ssh, and not in /etc/ssh
	depth int
	// off tells that what stands at the Include does not concern the host.
	off bool
}

// readFile reads a configuration file. One that is not there is no error unless it has to be.
func (s *settings) readFile(ctx context.Context, f configFile, must bool) error {
	file, err := os.Open(f.path)
	if err != nil {
		if must {
			return fmt.Errorf("can't open user config file %s: %w", f.path, err)
		}
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return nil
	}
	return s.read(ctx, f, io.LimitReader(file, maxConfig))
}

func (s *settings) read(ctx context.Context, f configFile, r io.Reader) error {
	active := !f.off
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		words, err := splitLine(lines.Text())
		if err != nil {
			return fmt.Errorf("%s line %d: %w", f.path, n, err)
		}
		if len(words) == 0 {
			continue
		}
		keyword, values := strings.ToLower(words[0]), words[1:]
		if len(values) == 0 {
			return fmt.Errorf("%s line %d: %s has no value", f.path, n, words[0])
		}
		switch keyword {
		case "host":
			active = !f.off && matchList(values, s.original)
		case "match":
			fits, err := s.match(ctx, values)
			if err != nil {
				return fmt.Errorf("%s line %d: %w", f.path, n, err)
			}
			active = !f.off && fits
		case "include":
			if err := s.include(ctx, f, values, active); err != nil {
				return fmt.Errorf("%s line %d: %w", f.path, n, err)
			}
		default:
			if active {
				s.set(keyword, joined(keyword, values))
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

// joined keeps commands in one piece.
func joined(keyword string, values []string) []string {
	switch keyword {
	case "proxycommand", "localcommand", "remotecommand":
		return []string{strings.Join(values, " ")}
	}
	return values
}

func (s *settings) include(ctx context.Context, f configFile, patterns []string, active bool) error {
	if f.depth >= maxIncludes {
		return fmt.Errorf("more than %d files include each other", maxIncludes)
	}
	for _, pattern := range patterns {
		pattern = s.path(pattern)
		if !filepath.IsAbs(pattern) {
			base := "/etc/ssh"
			if f.user {
				base = filepath.Join(s.home, ".ssh")
			}
			pattern = filepath.Join(base, pattern)
		}
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if err := s.readFile(ctx, configFile{file, f.user, f.depth + 1, !active}, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// match tells whether the criteria of a Match hold.
func (s *settings) match(ctx context.Context, words []string) (bool, error) {
	fits := true
	for i := 0; i < len(words); i++ {
		criterion, negated := strings.CutPrefix(words[i], "!")
		criterion, value, glued := strings.Cut(strings.ToLower(criterion), "=")
		var holds bool
		switch criterion {
		case "all":
			holds = true
		case "canonical", "final":
			holds = false // there is no second pass
		default:
			if !glued {
				i++
				if i >= len(words) {
					return false, fmt.Errorf("match %s has no value", criterion)
				}
				value = words[i]
			}
			var known bool
			if holds, known = s.criterion(ctx, criterion, value, fits); !known {
				return false, fmt.Errorf("match %s is not one of all, host, originalhost, user, localuser, exec, canonical, final", criterion)
			}
		}
		fits = fits && holds != negated
	}
	return fits, nil
}

func (s *settings) criterion(ctx context.Context, name, value string, needed bool) (holds, known bool) {
	list := strings.Split(value, ",")
	switch name {
	case "host":
		return matchList(list, s.hostName()), true
	case "originalhost":
		return matchList(list, s.original), true
	case "user":
		return matchList(list, s.get("user", s.user)), true
	case "localuser":
		return matchList(list, s.user), true
	case "exec":
		// Commands are run only where the answer matters.
		return needed && exec.CommandContext(ctx, "/bin/sh", "-c", s.expand(value)).Run() == nil, true
	case "localnetwork", "tagged", "sessiontype", "command", "version":
		return false, true
	}
	return false, false
}

// matchList holds a name against patterns; one with ! that fits excludes it.
func matchList(patterns []string, name string) bool {
	fits := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		if !wildcard(strings.ToLower(p), strings.ToLower(name)) {
			continue
		}
		if negated {
			return false
		}
		fits = true
	}
	return fits
}

// wildcard matches * and ?. It goes back to the last * only, so its time is bounded by the
// product of the lengths.
func wildcard(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// splitLine gives a line's words: a keyword, an optional =, and values that may be quoted.
func splitLine(line string) ([]string, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	end := strings.IndexAny(line, " \t=\"")
	if end < 0 {
		return []string{line}, nil
	}
	words := []string{line[:end]}
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	if strings.EqualFold(words[0], "proxycommand") || strings.EqualFold(words[0], "localcommand") || strings.EqualFold(words[0], "remotecommand") {
		return append(words, rest), nil // a shell reads its quotes
	}
	for rest != "" && rest[0] != '#' {
		word, after, err := nextWord(rest)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		rest = strings.TrimLeft(after, " \t")
	}
	return words, nil
}

func nextWord(text string) (word, rest string, err error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\'' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), text[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", fmt.Errorf("a quotation mark %c is not closed", quote)
	}
	return b.String(), "", nil
}

func newSettings(original, homeDir string) *settings {
	s := &settings{original: original, values: map[string][]string{}, user: os.Getenv("USER"), home: homeDir}
	// OpenSSH goes by the password file and not by HOME.
	if me, err := user.Current(); err == nil {
		s.user = me.Username
		if s.home == "" {
			s.home = me.HomeDir
		}
	}
	return s
}
