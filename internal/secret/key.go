// Package secret keeps sensitive values from being read by those who should not:
// at rest, by encryption (Key, Ring, Box), and in what people see, by masking
// (Masker).
//
// In: bytes to protect and where the key lies; bytes of logs and streams and the
// values that must not be in them. It owns the key file, the form of a sealed
// value and the masked text. It must not know what is stored or who logs.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Errors that callers branch on.
var (
	// ErrNoKey means that there is no key at the place where it should be.
	ErrNoKey = errors.New("there is no key")
	// ErrWrongKey means that a value was sealed with another key.
	ErrWrongKey = errors.New("sealed with another key")
	// ErrDamaged means that a sealed value was changed, cut short, or belongs to
	// another place.
	ErrDamaged = errors.New("the sealed value is damaged")
)

// EnvKey is the environment variable that overrides the key file: 32 bytes as
// base64, or file:PATH for a file that holds them in that form.
const EnvKey = "TUTTI_KEY"

// Key is a symmetric key with its ID. Its zero value is invalid.
type Key struct {
	raw [32]byte
	id  [8]byte
}

// KeyID tells keys apart without giving anything of them away.
func (k Key) KeyID() string { return hex.EncodeToString(k.id[:]) }

// String shows the ID only, so that a key does not enter a log by accident.
func (k Key) String() string { return "key " + k.KeyID() }

// GoString is String: %#v must not show the key either.
func (k Key) GoString() string { return k.String() }

// NewKey makes a random key.
func NewKey() Key {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: the runtime ends the process instead
	return keyOf(raw)
}

func keyOf(raw [32]byte) Key {
	k := Key{raw: raw}
	sum := sha256.Sum256(append([]byte("tutti key id\x00"), raw[:]...))
	copy(k.id[:], sum[:])
	return k
}

// ParseKey reads a key as the key file has it: base64 of 32 bytes. Lines that
// start with # and space around are ignored.
func ParseKey(text string) (Key, error) {
	var data []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			data = append(data, line)
		}
	}
	if len(data) != 1 {
		return Key{}, fmt.Errorf("a key is one line of base64; there are %d lines", len(data))
	}
	trimmed := strings.TrimRight(data[0], "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(trimmed, "-_") {
		enc = base64.RawURLEncoding
	}
	raw, err := enc.DecodeString(trimmed)
	if err != nil {
		return Key{}, errors.New("a key must be base64") // the cause would quote a part of it
	}
	if len(raw) != 32 {
		return Key{}, fmt.Errorf("a key must be base64 of 32 bytes, this is of %d", len(raw))
	}
	return keyOf([32]byte(raw)), nil
}

// Text gives the key in the form that ParseKey reads.
func (k Key) Text() string { return base64.StdEncoding.EncodeToString(k.raw[:]) }

// DefaultPath is where the key file of this user lies: tutti/key in the config
// folder, which is outside of any stack so that a copied or committed stack does
// not carry the key with it.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for the key file: %w; set %s instead", err, EnvKey)
	}
	return filepath.Join(dir, "tutti", "key"), nil
}

// Ring finds the key when it is first needed, and keeps it. A stack without
// sensitive values never touches the key file. Safe for concurrent use.
type Ring struct {
	env  string
	path string

	mu  sync.Mutex
	key *Key
}

// NewRing gives a ring that takes its key from env, the value of TUTTI_KEY, or
// when that is empty from the file at path ("" for DefaultPath).
func NewRing(env, path string) *Ring { return &Ring{env: env, path: path} }

// RingOf gives a ring with a fixed key.
func RingOf(k Key) *Ring { return &Ring{key: &k} }

// Sealing gives the key for new values; the key file is made when there is none.
func (r *Ring) Sealing() (Key, error) { return r.get(true) }

// Opening gives the key for existing values. When there is none it is ErrNoKey:
// a new key could not open them.
func (r *Ring) Opening() (Key, error) { return r.get(false) }

func (r *Ring) get(create bool) (Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.key != nil {
		return *r.key, nil
	}
	k, err := r.load(create)
	if err != nil {
		return Key{}, err
	}
	r.key = &k
	return k, nil
}

func (r *Ring) load(create bool) (Key, error) {
	if path, ok := strings.CutPrefix(r.env, "file:"); ok {
		return readKeyFile(path)
	}
	if r.env != "" {
		k, err := ParseKey(r.env)
		if err != nil {
			return Key{}, fmt.Errorf("%s: %w", EnvKey, err)
		}
		return k, nil
	}
	path := r.path
	if path == "" {
		var err error
		if path, err = DefaultPath(); err != nil {
			return Key{}, err
		}
	}
	k, err := readKeyFile(path)
	if errors.Is(err, ErrNoKey) && create {
		return createKeyFile(path)
	}
	return k, err
}

// maxKeyFile bounds what is read of a key file: a wrong path may lead to anything.
const maxKeyFile = 4096

func readKeyFile(path string) (Key, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return Key{}, fmt.Errorf("%s: %w", path, ErrNoKey)
	}
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return Key{}, fmt.Errorf("key file %s: not a file of one line of base64", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	k, err := ParseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

// createKeyFile writes a new key beside the path and links it there, which fails
// when another process was faster: then that one's key is taken. So a reader
// never sees half a key, and two processes never use two.
func createKeyFile(path string) (Key, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Key{}, fmt.Errorf("making the key file: %w; set %s when there is no place for one", err, EnvKey)
	}
	k := NewKey()
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return Key{}, fmt.Errorf("making the key file: %w; set %s when there is no place for one", err, EnvKey)
	}
	defer os.Remove(tmp.Name())
	text := "# tutti encrypts sensitive values with this key. Without it they cannot be read: keep a copy elsewhere.\n" + k.Text() + "\n"
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Key{}, fmt.Errorf("making the key file: %w", err)
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, os.ErrExist) {
		return readKeyFile(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("making the key file: %w", err)
	}
	return k, syncDir(dir)
}

// syncDir makes the new name durable: values are sealed with the key next.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("making the key file durable: %w", err)
	}
	return nil
}
