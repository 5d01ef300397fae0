package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// split cuts a line into words as a POSIX shell would, without expanding anything, and as
// Python's shlex does: a backslash between double quotes only protects a quote or another
// backslash, and # is an ordinary character.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	open := false // a word has begun, if only with an empty pair of quotes
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case ' ', '\t', '\r', '\n':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case '\\':
			i++
			if i == len(runes) {
				return nil, errors.New("No escaped character") // Ansible's own words
			}
			word.WriteRune(runes[i])
			open = true
		case '\'', '"':
			end, err := quoted(runes, i, &word)
			if err != nil {
				return nil, err
			}
			i, open = end, true
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted reads from the quote at begin to its partner, whose index it gives.
func quoted(runes []rune, begin int, word *strings.Builder) (end int, err error) {
	quote := runes[begin]
	for i := begin + 1; i < len(runes); i++ {
		switch {
		case runes[i] == quote:
			return i, nil
		case runes[i] == '\\' && quote == '"':
			i++
			if i == len(runes) {
				return 0, errors.New("No escaped character") // Ansible's own words
			}
			if runes[i] != '"' && runes[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(runes[i])
		default:
			word.WriteRune(runes[i])
		}
	}
	return 0, errors.New("No closing quotation") // Ansible's own words
}

// matches tells whether a file is there that the pattern names. Relative patterns are of dir.
func matches(pattern, dir string) bool {
	if !filepath.IsAbs(pattern) && dir != "" {
		pattern = filepath.Join(dir, pattern)
	}
	if !strings.ContainsAny(pattern, "*?[") {
		_, err := os.Lstat(pattern)
		return err == nil
	}
	found, err := filepath.Glob(strings.ReplaceAll(pattern, "[!", "[^"))
	if err != nil {
		_, err = os.Lstat(pattern)
		return err == nil
	}
	for _, file := range found {
		if !hides(pattern, file) {
			return true
		}
	}
	return false
}

// hides tells that a part of the file's name begins with a point where the pattern has a
// wildcard, which does not match in a shell.
func hides(pattern, file string) bool {
	p, f := strings.Split(filepath.Clean(pattern), "/"), strings.Split(file, "/")
	for i := range min(len(p), len(f)) {
		if strings.HasPrefix(f[i], ".") && !strings.HasPrefix(p[i], ".") {
			return true
		}
	}
	return false
}

// present tells that a file is there; a relative name is of dir.
func present(name, dir string) bool {
	if !filepath.IsAbs(name) && dir != "" {
		name = filepath.Join(dir, name)
	}
	_, err := os.Stat(name)
	return err == nil
}
