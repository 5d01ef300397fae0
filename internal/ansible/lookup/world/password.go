package world

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // only a name is made of it
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path"
	"strings"
	"time"

	"tutti/internal/ansible/filter/mersenne"
	"tutti/internal/ansible/filter/password"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// maxPassword bounds the length of a password.
const maxPassword = 1 << 20

// nowhere is the file whose passwords are made anew each time.
const nowhere = "/dev/null"

// wish is a password that a term asks for.
type wish struct {
	file    string
	length  int64
	chars   string
	encrypt string
	ident   string
	seed    any
}

func (m *Machine) password(ctx context.Context, r Request) ([]any, error) {
	terms, err := texts(r.Terms, "split")
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(terms))
	for _, t := range terms {
		w, err := m.wish(r, t)
		if err != nil {
			return nil, err
		}
		secret, err := w.grant(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, secret)
	}
	return out, nil
}

// wish reads a term: a path, then options as k=v.
func (m *Machine) wish(r Request, term string) (*wish, error) {
	chars := value.NewList("ascii_letters", "digits", ".,:-_")
	o, err := lookup.NewOptions(r.Name, r.Options, lookup.Option{Name: "encrypt"}, lookup.Option{Name: "ident", Type: lookup.Text},
		lookup.Option{Name: "chars", Type: lookup.Items, Default: chars}, lookup.Option{Name: "length", Type: lookup.Integer, Default: int64(20)},
		lookup.Option{Name: "seed", Type: lookup.Text})
	if err != nil {
		return nil, err
	}
	file, rest, more := strings.Cut(term, " ")
	if more {
		pairs, err := playbook.ParsePairs(rest)
		if err != nil {
			return nil, err
		}
		if raw, ok := pairs.Get(playbook.RawPairs); ok {
			file += " " + value.String(raw)
			if !strings.HasPrefix(term, file) {
				return nil, errors.New("Unrecognized value after key=value parameters given to password lookup") // Ansible's own words
			}
		}
		if err := setWish(o, pairs); err != nil {
			return nil, err
		}
	}
	w := &wish{file: m.inBase(r, file), encrypt: o.Text("encrypt"), ident: o.Text("ident"), seed: o.Get("seed"), chars: alphabet(o.Texts("chars"))}
	if w.length, _ = o.Int("length"); w.length > maxPassword {
		return nil, fmt.Errorf("the password would be %d characters long: at most %d", w.length, maxPassword)
	}
	return w, nil
}

func setWish(o *lookup.Options, pairs *value.Dict) error {
	var unknown []string
	for k := range pairs.All() {
		if name := value.String(k); name != playbook.RawPairs && !o.Has(name) {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		return fmt.Errorf("Unrecognized parameter(s) given to password lookup: %s", strings.Join(unknown, ", ")) // Ansible's own words
	}
	for k, v := range pairs.All() {
		name := value.String(k)
		if name == playbook.RawPairs {
			continue
		}
		if text, ok := v.(string); ok && name == "chars" {
			v = charList(text)
		}
		if err := o.Set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// charList cuts "digits,,,x" at its commas; two of them are one that counts.
func charList(text string) *value.List {
	l := value.NewList()
	if strings.Contains(text, ",,") {
		l.Items = append(l.Items, ",")
	}
	for _, part := range strings.Split(strings.ReplaceAll(text, ",,", ","), ",") {
		if part != "" {
			l.Items = append(l.Items, part)
		}
	}
	return l
}

// alphabet puts character sets together, known ones by their names in Python's module string.
func alphabet(specs []string) string {
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	const punctuation, whitespace = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", " \t\n\r\x0b\x0c"
	var b strings.Builder
	for _, s := range specs {
		switch s {
		case "ascii_letters":
			s = lower + upper
		case "ascii_lowercase":
			s = lower
		case "ascii_uppercase":
			s = upper
		case "digits":
			s = digits
		case "hexdigits":
			s = digits + "abcdefABCDEF"
		case "octdigits":
			s = "01234567"
		case "punctuation":
			s = punctuation
		case "whitespace":
			s = whitespace
		case "printable":
			s = digits + lower + upper + punctuation + whitespace
		}
		b.WriteString(s)
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(b.String())
}

// inBase makes a path absolute, beside the playbook.
func (m *Machine) inBase(r Request, file string) string {
	if n := len(file); n > 1 && file[0] == file[n-1] && (file[0] == '"' || file[0] == '\'') {
		file = file[1 : n-1]
	}
	if strings.HasPrefix(file, "/") || strings.HasPrefix(file, "~") {
		return m.tidy(file)
	}
	return m.tidy(r.Base + "/" + file)
}

// secure draws from the system's randomness.
func secure(n int) int {
	x, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("world: the system has no randomness: " + err.Error())
	}
	return int(x.Int64())
}

func (w *wish) random() (password.Random, error) {
	if w.seed == nil {
		return secure, nil
	}
	r, err := mersenne.New(w.seed)
	if err != nil {
		return nil, err
	}
	return func(n int) int { return int(r.Below(int64(n))) }, nil
}

// grant gives the password of the file, which is made when it is not there.
func (w *wish) grant(ctx context.Context) (string, error) {
	random, err := w.random()
	if err != nil {
		return "", err
	}
	if w.chars == "" && w.length > 0 {
		return "", errors.New("Cannot choose from an empty sequence") // Python's own words
	}
	release, err := lock(ctx, w.file)
	if err != nil {
		return "", err
	}
	secret, salt, err := w.stored(random)
	release()
	if err != nil || w.encrypt == "" {
		return secret, err
	}
	return password.Hash(secret, w.encrypt, password.Options{Salt: salt, Ident: w.ident}, secure)
}

// stored reads the file, or makes it; it completes the ident.
func (w *wish) stored(random password.Random) (secret, salt string, err error) {
	content, err := os.ReadFile(w.file)
	changed, ident := false, ""
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && w.file == nowhere:
		secret, changed = password.Pick(w.chars, int(max(w.length, 0)), random), true
	case err != nil:
		return "", "", pythonError(err, w.file)
	default:
		secret, salt, ident = parse(strings.TrimRight(string(content), " \t\n\r\f\v"))
	}
	if w.encrypt != "" && salt == "" {
		salt, changed = password.Salt(w.encrypt, secure), true
	}
	switch {
	case ident == "":
		ident = w.ident
	case w.ident != "" && ident != w.ident:
		return "", "", fmt.Errorf("The ident parameter provided (%s) does not match the stored one (%s).", ident, w.ident) // Ansible's own words
	}
	if w.encrypt != "" && ident == "" {
		if ident = password.Ident(w.encrypt); ident != "" {
			changed = true
		}
	}
	w.ident = ident
	if changed && w.file != nowhere {
		err = write(w.file, format(secret, salt, ident))
	} else {
		err = nil
	}
	return secret, salt, err
}

// parse cuts the content of a password file: the password, then salt= and ident=.
func parse(content string) (secret, salt, ident string) {
	at := strings.LastIndex(content, " salt=")
	if at < 0 {
		return content, "", ""
	}
	secret, salt = content[:at], content[at+len(" salt="):]
	if at = strings.LastIndex(salt, " ident="); at >= 0 {
		salt, ident = salt[:at], salt[at+len(" ident="):]
	}
	return secret, salt, ident
}

func format(secret, salt, ident string) string {
	if salt == "" {
		return secret
	}
	if secret += " salt=" + salt; ident != "" {
		secret += " ident=" + ident
	}
	return secret
}

func write(file, content string) error {
	if err := os.MkdirAll(path.Dir(file), 0o700); err != nil {
		return pythonError(err, path.Dir(file))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return pythonError(err, file)
	}
	err = errors.Join(f.Chmod(0o600), writeAll(f, content+"\n"))
	return errors.Join(err, f.Close())
}

func writeAll(f *os.File, text string) error {
	_, err := f.WriteString(text)
	return err
}

// How long a lock of somebody else is waited for, and how often it is looked at.
const (
	lockPatience = 7 * time.Second
	lockInterval = 20 * time.Millisecond
)

// lock keeps others, in this process and in any other that knows the convention, from making
// the same password at the same time.
func lock(ctx context.Context, file string) (release func(), err error) {
	if file == nowhere {
		return func() {}, nil
	}
	folder := path.Dir(file)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, pythonError(err, folder)
	}
	sum := sha1.Sum([]byte(file)) //nolint:gosec // only a name is made of it
	name := folder + "/" + hex.EncodeToString(sum[:]) + ".ansible_lockfile"
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
		if err == nil {
			return func() { _ = os.Remove(name) }, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, pythonError(err, name)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("Password lookup cannot get the lock in 7 seconds, abort...This may caused by un-removed lockfileyou can manually remove it from controller machine at %s and try again", name) // Ansible's own words
		case <-tick.C:
		}
	}
}
