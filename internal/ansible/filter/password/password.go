// Package password makes the password hashes of Unix that password_hash and the password
// lookup of Ansible make: a secret, an algorithm and a salt go in, the line of a shadow file
// comes out. Limits and messages are those of passlib, on which Ansible relies.
//
// The package reaches nothing: where no salt is given, the caller's randomness makes one.
package password

import (
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/go-crypt/x/bcrypt"
	"github.com/go-crypt/x/crypt"
)

// Options say how to hash. The zero value takes what Ansible takes by default.
type Options struct {
	// Salt is used as it is. Empty: one is made.
	Salt string
	// SaltSize is how long a salt is to be made; nil or 0 is the algorithm's own length.
	SaltSize *int
	// Rounds is how often to go round; nil or 0 is Ansible's default.
	Rounds *int
	// Ident is the variant of bcrypt: 2, 2a, 2b (the default) or 2y.
	Ident string
}

// Random gives a number from 0 up to, and without, n.
type Random func(n int) int

// letters are what a salt is made of.
const letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// bcryptLetters are the same letters in the order in which bcrypt counts.
const bcryptLetters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// algorithm is what is particular to one way of hashing.
type algorithm struct {
	name                 string
	saltSize             int
	saltExact            bool
	rounds               int
	minRounds, maxRounds int
	// patience is how many rounds are carried out: more would take minutes, or years.
	patience int
	ident    string
	hash     func(secret, salt string, rounds int, ident string) string
}

// The most rounds that are carried out.
const (
	maxSHARounds    = 50_000_000
	maxBcryptRounds = 20
)

// find gives an algorithm by passlib's name.
func find(name string) (algorithm, bool) {
	switch name {
	case "md5_crypt":
		return algorithm{name: name, saltSize: 8, hash: md5}, true
	case "sha256_crypt":
		return algorithm{name: name, saltSize: 16, rounds: 535000, minRounds: 1000, maxRounds: 999_999_999, patience: maxSHARounds,
			hash: sha("5", sha256.New)}, true
	case "sha512_crypt":
		return algorithm{name: name, saltSize: 16, rounds: 656000, minRounds: 1000, maxRounds: 999_999_999, patience: maxSHARounds,
			hash: sha("6", sha512.New)}, true
	case "bcrypt":
		return algorithm{name: name, saltSize: 22, saltExact: true, rounds: 12, minRounds: 4, maxRounds: 31, patience: maxBcryptRounds,
			ident: "2b", hash: blowfish}, true
	}
	return algorithm{}, false
}

// Name gives passlib's name of a short one (md5, blowfish, sha256, sha512), or the name itself.
func Name(short string) string {
	switch short {
	case "md5", "sha256", "sha512":
		return short + "_crypt"
	case "blowfish":
		return "bcrypt"
	}
	return short
}

// Supported reports whether an algorithm of this name (passlib's) is there.
func Supported(name string) bool {
	_, ok := find(name)
	return ok
}

// Ident is the variant that a hash of this algorithm has when nobody asks for another.
func Ident(name string) string {
	a, _ := find(name)
	return a.ident
}

// Salt makes a salt of the length that the algorithm (passlib's name) has by default, or of
// eight letters for one that is not known.
func Salt(name string, random Random) string {
	a, ok := find(name)
	if !ok {
		return Pick(letters, 8, random)
	}
	salt := Pick(letters, a.saltSize, random)
	if a.name == "bcrypt" {
		salt, _ = repair(salt)
	}
	return salt
}

// Pick chooses n letters of an alphabet. An empty alphabet gives an empty text.
func Pick(alphabet string, n int, random Random) string {
	from := []rune(alphabet)
	if len(from) == 0 {
		return ""
	}
	var b strings.Builder
	for range n {
		b.WriteRune(from[random(len(from))])
	}
	return b.String()
}

// errHash begins each message about a secret, a salt or rounds that cannot be used.
var errHash = errors.New("Could not hash the secret") // Ansible's own words

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errHash}, args...)...)
}

// Hash hashes a secret by an algorithm of passlib's name.
func Hash(secret, name string, o Options, random Random) (string, error) {
	a, ok := find(name)
	if !ok {
		return "", fmt.Errorf("Installed passlib version 1.7.4 does not support the '%s' algorithm.", name) // Ansible's own words
	}
	salt, err := a.salt(o, random)
	if err != nil {
		return "", err
	}
	rounds, err := a.rounded(o.Rounds)
	if err != nil {
		return "", err
	}
	ident, err := a.variant(o.Ident)
	if err != nil {
		return "", err
	}
	if strings.ContainsRune(secret, 0) {
		if a.name == "bcrypt" {
			return "", refused("bcrypt does not allow NULL bytes in password")
		}
		return "", refused("null character in secret")
	}
	return a.hash(secret, salt, rounds, ident), nil
}

func (a algorithm) salt(o Options, random Random) (string, error) {
	if o.Salt == "" {
		size, err := a.size(o.SaltSize)
		if err != nil {
			return "", err
		}
		salt := Pick(letters, size, random)
		if a.name == "bcrypt" {
			return repair(salt)
		}
		return salt, nil
	}
	salt := o.Salt
	if a.name == "bcrypt" {
		var err error
		if salt, err = repair(salt); err != nil {
			return "", err
		}
	}
	for _, r := range salt {
		if !strings.ContainsRune(letters, r) {
			return "", refused("invalid characters in %s salt", a.name)
		}
	}
	switch {
	case a.saltExact && len(salt) < a.saltSize:
		return "", refused("salt too small (%s requires exactly %d chars)", a.name, a.saltSize)
	case a.saltExact && len(salt) > a.saltSize:
		return "", refused("salt too large (%s requires exactly %d chars)", a.name, a.saltSize)
	case len(salt) > a.saltSize:
		return "", refused("salt too large (%s requires <= %d chars)", a.name, a.saltSize)
	}
	return salt, nil
}

func (a algorithm) size(asked *int) (int, error) {
	if asked == nil || *asked == 0 {
		return a.saltSize, nil
	}
	switch n := *asked; {
	case a.saltExact && n != a.saltSize:
		return 0, refused("%s: salt_size (%d) must be exactly %d", a.name, n, a.saltSize)
	case n < 0:
		return 0, refused("%s: salt_size (%d) below min_salt_size (0)", a.name, n)
	case n > a.saltSize:
		return 0, refused("%s: salt_size (%d) above max_salt_size (%d)", a.name, n, a.saltSize)
	default:
		return n, nil
	}
}

func (a algorithm) rounded(asked *int) (int, error) {
	if asked == nil || *asked == 0 {
		return a.rounds, nil
	}
	switch n := *asked; {
	case a.rounds == 0:
		return 0, errors.New("MinimalHandler.using() got an unexpected keyword argument 'rounds'")
	case n < a.minRounds:
		return 0, refused("%s: min_desired_rounds (%d) is too low, must be at least %d", a.name, n, a.minRounds)
	case n > a.maxRounds:
		return 0, refused("%s: min_desired_rounds (%d) is too large, cannot be more than %d", a.name, n, a.maxRounds)
	case n > a.patience:
		return 0, refused("%s: %d rounds take longer than anybody waits, take at most %d", a.name, n, a.patience)
	default:
		return n, nil
	}
}

// variant gives the ident to use. Only bcrypt has several; the others do not mind being asked.
func (a algorithm) variant(asked string) (string, error) {
	if asked == "" || a.ident == "" {
		return a.ident, nil
	}
	switch asked {
	case "2", "2a", "2b", "2y":
		return asked, nil
	}
	return "", refused("invalid ident: '%s'", asked)
}

// repair clears the bits of a bcrypt salt's last letter that no salt byte stands behind.
func repair(salt string) (string, error) {
	var unused int
	switch len(salt) % 4 {
	case 0:
		return salt, nil
	case 1:
		return "", errors.New("source length must != 1 mod 4")
	case 2:
		unused = 0x0f
	case 3:
		unused = 0x03
	}
	last := strings.IndexByte(bcryptLetters, salt[len(salt)-1])
	if last < 0 {
		return salt, nil // what is wrong with it is told with all the other letters
	}
	return salt[:len(salt)-1] + string(bcryptLetters[last&^unused]), nil
}

func md5(secret, salt string, _ int, _ string) string {
	return "$1$" + salt + "$" + string(crypt.KeyMD5Crypt([]byte(secret), []byte(salt)))
}

// impliedRounds are what the hash of a SHA algorithm does not say.
const impliedRounds = 5000

func sha(id string, sum func() hash.Hash) func(string, string, int, string) string {
	return func(secret, salt string, rounds int, _ string) string {
		said := ""
		if rounds != impliedRounds {
			said = fmt.Sprintf("rounds=%d$", rounds)
		}
		return "$" + id + "$" + said + salt + "$" + string(crypt.KeySHACrypt(sum, []byte(secret), []byte(salt), rounds))
	}
}

// longestSecret is how much of a secret bcrypt looks at.
const longestSecret = 72

func blowfish(secret, salt string, rounds int, ident string) string {
	if ident == "2" && secret != "" {
		// The oldest variant does not count the byte that ends a text in C.
		secret = strings.Repeat(secret, longestSecret/len(secret)+1)
	}
	if len(secret) > longestSecret {
		secret = secret[:longestSecret]
	}
	raw, err := bcrypt.Base64Decode([]byte(salt))
	if err != nil {
		panic("password: a salt that was checked does not decode: " + err.Error())
	}
	key, err := bcrypt.Key([]byte(secret), raw, rounds)
	if err != nil {
		panic("password: bcrypt refuses what was checked: " + err.Error())
	}
	return fmt.Sprintf("$%s$%02d$%s%s", ident, rounds, salt, key)
}
