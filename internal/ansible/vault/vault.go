// Package vault encrypts and decrypts what ansible-vault does: text that begins with
// $ANSIBLE_VAULT;1.1;AES256, or 1.2 with the name of the password (its vault ID).
//
// Bytes and passwords go in, bytes come out. The package is pure: random bytes are given by
// the caller, so the same salt gives the same text. Where passwords come from is the business
// of the package password, and what the command ansible-vault does that of the package file.
// It never puts a password or a plain text into an error.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	// Header begins everything that is encrypted.
	Header = "$ANSIBLE_VAULT"
	// DefaultID is the name of a password that nobody gave one.
	DefaultID = "default"
	// SaltSize is how many random bytes Encrypt wants.
	SaltSize = 32

	cipherName = "AES256"
	lineLength = 80
	rounds     = 10000
	keySize    = 32
)

// Secret is a password with its name.
type Secret struct {
	ID       string
	Password []byte
}

// String hides the password.
func (s Secret) String() string { return "vault secret " + s.ID }

// GoString hides the password.
func (s Secret) GoString() string { return s.String() }

// FormatError says that something is no vault text, though it begins as one.
type FormatError struct{ What string }

// Error tells what is wrong with the text.
func (e *FormatError) Error() string { return e.What }

// The errors that callers tell apart.
var (
	ErrNotEncrypted = errors.New("Input is not vault encrypted data.")
	ErrEncrypted    = errors.New("input is already encrypted")
	ErrNoSecrets    = errors.New("Attempting to decrypt but no vault secrets found.")
	ErrWrongSecret  = errors.New("Decryption failed (no vault secrets were found that could decrypt).")
)

// IsEncrypted tells whether text is encrypted by a vault: it begins as such, and is ASCII.
func IsEncrypted(text []byte) bool {
	if !bytes.HasPrefix(text, []byte(Header)) {
		return false
	}
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// Envelope is what an encrypted text says about itself.
type Envelope struct {
	Version, Cipher string
	// ID is the vault ID of the header, or "" where there is none.
	ID   string
	body []byte
}

// Open reads the header of an encrypted text.
func Open(text []byte) (Envelope, error) {
	if !IsEncrypted(text) {
		return Envelope{}, ErrNotEncrypted
	}
	lines := bytes.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == '\r' })
	parts := strings.Split(strings.TrimSpace(string(lines[0])), ";")
	if len(parts) < 3 {
		return Envelope{}, &FormatError{"Vault envelope format error."}
	}
	e := Envelope{Version: strings.TrimSpace(parts[1]), Cipher: strings.TrimSpace(parts[2]), body: bytes.Join(lines[1:], nil)}
	if len(parts) >= 4 {
		e.ID = strings.TrimSpace(parts[3])
	}
	if e.Cipher != cipherName {
		return e, fmt.Errorf("Cipher '%s' could not be found.", e.Cipher)
	}
	return e, nil
}

// sealed is the inside of an envelope.
type sealed struct{ salt, mac, text []byte }

func unhex(text []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(out, text); err != nil {
		return nil, &FormatError{"Vault format unhexlify error."}
	}
	return out, nil
}

func (e Envelope) unseal() (sealed, error) {
	inner, err := unhex(e.body)
	if err != nil {
		return sealed{}, err
	}
	parts := bytes.SplitN(inner, []byte("\n"), 3)
	if len(parts) != 3 {
		return sealed{}, &FormatError{"Vault vaulttext format error."}
	}
	var s sealed
	for i, to := range []*[]byte{&s.salt, &s.mac, &s.text} {
		if *to, err = unhex(parts[i]); err != nil {
			return sealed{}, err
		}
	}
	return s, nil
}

// keys are what is made of a password and a salt.
type keys struct {
	cipher cipher.Stream
	mac    []byte
}

func derive(password, salt []byte) (keys, error) {
	k, err := pbkdf2.Key(sha256.New, string(password), salt, rounds, 2*keySize+aes.BlockSize)
	if err != nil {
		return keys{}, fmt.Errorf("the key cannot be derived: %w", err)
	}
	block, err := aes.NewCipher(k[:keySize])
	if err != nil {
		return keys{}, fmt.Errorf("the key cannot be used: %w", err)
	}
	return keys{cipher: cipher.NewCTR(block, k[2*keySize:]), mac: k[keySize : 2*keySize]}, nil
}

func (k keys) sign(text []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(text)
	return h.Sum(nil)
}

// open gives the plain text, or ErrWrongSecret.
func (s sealed) open(password []byte) ([]byte, error) {
	k, err := derive(password, s.salt)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(k.sign(s.text), s.mac) {
		return nil, ErrWrongSecret
	}
	plain := make([]byte, len(s.text))
	k.cipher.XORKeyStream(plain, s.text)
	n := len(plain)
	if n == 0 || n%aes.BlockSize != 0 {
		return nil, &FormatError{"The text in the vault has no whole number of blocks."}
	}
	padding := int(plain[n-1])
	if padding < 1 || padding > aes.BlockSize || bytes.Count(plain[n-padding:], plain[n-1:]) != padding {
		return nil, &FormatError{"Invalid padding bytes."}
	}
	return plain[:n-padding], nil
}

// Encrypt makes an encrypted text. An ID other than "" and DefaultID is written into its
// header. The salt has to be SaltSize random bytes, unless the user asks for a certain one.
func Encrypt(plain []byte, s Secret, id string, salt []byte) ([]byte, error) {
	switch {
	case IsEncrypted(plain):
		return nil, ErrEncrypted
	case len(salt) == 0:
		return nil, errors.New("Empty or invalid salt passed to encrypt()")
	case len(s.Password) == 0:
		return nil, errors.New("Invalid vault password was provided")
	case strings.ContainsAny(id, ";\r\n"):
		return nil, fmt.Errorf("'%s' is not a valid vault id. The character ';' is not allowed in vault ids", id)
	}
	k, err := derive(s.Password, salt)
	if err != nil {
		return nil, err
	}
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	k.cipher.XORKeyStream(text, text)
	inner := hex.EncodeToString(salt) + "\n" + hex.EncodeToString(k.sign(text)) + "\n" + hex.EncodeToString(text)
	return format(hex.EncodeToString([]byte(inner)), id), nil
}

func format(body, id string) []byte {
	header := Header + ";1.1;" + cipherName
	if id != "" && id != DefaultID {
		header = Header + ";1.2;" + cipherName + ";" + id
	}
	var b bytes.Buffer
	b.WriteString(header)
	b.WriteByte('\n')
	for len(body) > 0 {
		n := min(lineLength, len(body))
		b.WriteString(body[:n])
		b.WriteByte('\n')
		body = body[n:]
	}
	return b.Bytes()
}

// Vault decrypts with any of several secrets.
type Vault struct {
	Secrets []Secret
	// IDMatch is DEFAULT_VAULT_ID_MATCH: only secrets of the text's own ID are tried.
	IDMatch bool
}

// Decrypt gives the plain text and the secret that opened it. Secrets of the ID that the text
// names are tried first.
func (v Vault) Decrypt(text []byte) ([]byte, Secret, error) {
	e, err := Open(text)
	if err != nil {
		return nil, Secret{}, err
	}
	if len(v.Secrets) == 0 {
		return nil, Secret{}, ErrNoSecrets
	}
	s, err := e.unseal()
	if err != nil {
		return nil, Secret{}, err
	}
	for _, secret := range v.candidates(e.ID) {
		plain, err := s.open(secret.Password)
		if err == nil || !errors.Is(err, ErrWrongSecret) {
			return plain, secret, err
		}
	}
	return nil, Secret{}, ErrWrongSecret
}

// candidates are the secrets to try for a vault ID, in order.
func (v Vault) candidates(id string) []Secret {
	if id == "" {
		id = DefaultID
	}
	var own, others []Secret
	for _, s := range v.Secrets {
		if s.ID == id {
			own = append(own, s)
		} else {
			others = append(others, s)
		}
	}
	if v.IDMatch {
		return own
	}
	return append(own, others...)
}

// Choose gives the secret to encrypt with: the first of the ID, or of all when it is "".
func (v Vault) Choose(id string) (Secret, error) {
	if len(v.Secrets) == 0 {
		return Secret{}, errors.New("A vault password must be specified to encrypt data")
	}
	if id == "" {
		return v.Secrets[0], nil
	}
	known := make([]string, len(v.Secrets))
	for i, s := range v.Secrets {
		if s.ID == id {
			return s, nil
		}
		known[i] = "'" + s.ID + "'"
	}
	return Secret{}, fmt.Errorf("Did not find a match for --encrypt-vault-id=%s in the known vault-ids [%s]", id, strings.Join(known, ", "))
}

// maxCached bounds how many texts a Cache keeps.
const maxCached = 1000

// Cache decrypts texts that are asked for again and again, such as variables: a text costs
// its time once. It is not safe for use by several goroutines at once.
type Cache struct {
	Vault Vault
	known map[string][]byte
}

// Decrypt gives the plain text of an encrypted one.
func (c *Cache) Decrypt(text string) ([]byte, error) {
	if plain, ok := c.known[text]; ok {
		return plain, nil
	}
	plain, _, err := c.Vault.Decrypt([]byte(text))
	if err != nil {
		return nil, err
	}
	if c.known == nil || len(c.known) >= maxCached {
		c.known = map[string][]byte{}
	}
	c.known[text] = plain
	return plain, nil
}

// YAML writes an encrypted text as the value of a variable, as encrypt_string does; without a
// name it is the value alone.
func YAML(text []byte, name string) string {
	var b strings.Builder
	if name != "" {
		b.WriteString(name + ": ")
	}
	b.WriteString("!vault |")
	for line := range strings.Lines(string(text)) {
		b.WriteString("\n          ")
		b.WriteString(strings.TrimRight(line, "\r\n"))
	}
	return b.String()
}
