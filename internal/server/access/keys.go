package access

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Keys are access keys with their secrets. It does not print them.
type Keys struct{ secrets map[string]string }

// String implements fmt.Stringer.
func (k Keys) String() string { return fmt.Sprintf("%d access keys", len(k.secrets)) }

// GoString implements fmt.GoStringer.
func (k Keys) GoString() string { return k.String() }

// Len is how many there are.
func (k Keys) Len() int { return len(k.secrets) }

func (k Keys) secret(id string) (string, bool) {
	s, ok := k.secrets[id]
	return s, ok
}

// Variable names the environment variable that holds access keys: ID:SECRET, several
// with commas between.
const Variable = "TUTTI_ACCESS_KEYS"

// maxKeys bounds how many access keys there may be.
const maxKeys = 10_000

// Load reads the access keys of a file in the form of ~/.aws/credentials. Where path
// is empty, they are those of the variable or, when that is empty, of the file
// tutti/access-keys in the user's configuration folder, which need not exist.
func Load(path, variable string) (Keys, error) {
	if path == "" && variable != "" {
		return parseVariable(variable)
	}
	optional := path == ""
	if optional {
		dir, err := os.UserConfigDir()
		if err != nil {
			return Keys{}, nil // without such a folder there is no such file
		}
		path = filepath.Join(dir, "tutti", "access-keys")
	}
	f, err := os.Open(path)
	if optional && os.IsNotExist(err) {
		return Keys{}, nil
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read access keys: %w", err)
	}
	defer func() { _ = f.Close() }() // it is only read
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		return Keys{}, fmt.Errorf("read access keys: others may read %s (mode %#o): chmod 600 it", path, info.Mode().Perm())
	}
	return parseFile(path, bufio.NewScanner(f))
}

func parseVariable(text string) (Keys, error) {
	k := Keys{secrets: map[string]string{}}
	for i, part := range strings.Split(text, ",") {
		id, secret, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return Keys{}, fmt.Errorf("%s: entry %d is not of the form ID:SECRET", Variable, i+1)
		}
		if err := k.add(id, secret); err != nil {
			return Keys{}, fmt.Errorf("%s: entry %d: %w", Variable, i+1, err)
		}
	}
	return k, nil
}

// parseFile reads sections of aws_access_key_id and aws_secret_access_key; other
// settings mean nothing here.
func parseFile(path string, lines *bufio.Scanner) (Keys, error) {
	k := Keys{secrets: map[string]string{}}
	var id, secret string
	end := func(line int) error {
		if id == "" && secret == "" {
			return nil
		}
		if err := k.add(id, secret); err != nil {
			return fmt.Errorf("%s: the section that ends at line %d: %w", path, line, err)
		}
		id, secret = "", ""
		return nil
	}
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		name, value, isSetting := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			if err := end(n); err != nil {
				return Keys{}, err
			}
		case !isSetting:
			return Keys{}, fmt.Errorf("%s: line %d is neither [name] nor a setting", path, n)
		case strings.TrimSpace(name) == "aws_access_key_id":
			id = strings.TrimSpace(value)
		case strings.TrimSpace(name) == "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return Keys{}, fmt.Errorf("read access keys of %s: %w", path, err)
	}
	return k, end(n)
}

func (k Keys) add(id, secret string) error {
	switch {
	case id == "" || secret == "":
		return fmt.Errorf("an access key has an ID and a secret, and one of them is missing")
	case strings.ContainsAny(id, "/, "):
		return fmt.Errorf("the ID of an access key has no space, comma or slash")
	case len(k.secrets) >= maxKeys:
		return fmt.Errorf("there are more than %d access keys", maxKeys)
	}
	k.secrets[id] = secret
	return nil
}
