package function

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/crypto/ssh"
)

// sum is a hash of a text and how its bytes are written.
type sum struct {
	hash  func() hash.Hash
	write func([]byte) string
}

// sums are the hash functions by name; each also exists for files, with "file"
// before the name. base64sha1 and the like never existed.
func sums() map[string]sum {
	inBase64 := base64.StdEncoding.EncodeToString
	return map[string]sum{
		"md5":          {md5.New, hex.EncodeToString},
		"sha1":         {sha1.New, hex.EncodeToString},
		"sha256":       {sha256.New, hex.EncodeToString},
		"sha512":       {sha512.New, hex.EncodeToString},
		"base64sha256": {sha256.New, inBase64},
		"base64sha512": {sha512.New, inBase64},
	}
}

// addHashes adds the functions that hash, and what else belongs to cryptography.
func addHashes(t map[string]function.Function) {
	for name, s := range sums() {
		t[name] = textToText([]function.Parameter{text("str")}, func(a []string) (string, error) {
			h := s.hash()
			h.Write([]byte(a[0]))
			return s.write(h.Sum(nil)), nil
		})
	}
	t["rsadecrypt"] = textToText([]function.Parameter{text("ciphertext"), text("privatekey")}, rsaDecrypt)
	t["uuidv5"] = textToText([]function.Parameter{text("namespace"), text("name")}, uuidV5)
}

// rsaDecrypt reads what was encrypted for a key by PKCS #1 v1.5 (RFC 8017
// section 7.2). Neither text nor key ever enters an error: both are secrets,
// marked or not.
func rsaDecrypt(args []string) (string, error) {
	cipher, err := fromBase64(args[0])
	if err != nil {
		return "", err
	}
	parsed, err := ssh.ParseRawPrivateKey([]byte(args[1]))
	if err != nil {
		return "", function.NewArgErrorf(1, "must be a private key in PEM or OpenSSH format without a password: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", function.NewArgErrorf(1, "must be an RSA key, not %T", parsed)
	}
	//lint:ignore SA1019 the language defines the function by this scheme, which AWS uses for Windows passwords
	plain, err := rsa.DecryptPKCS1v15(nil, key, cipher)
	if err != nil {
		return "", function.NewArgErrorf(0, "cannot be decrypted with this key: %w", err)
	}
	return validText(plain, "the decrypted bytes are")
}

// uuidV5 derives a UUID from a name (RFC 9562 section 5.5).
func uuidV5(args []string) (string, error) {
	known := map[string]uuid.UUID{
		"dns": uuid.NameSpaceDNS, "url": uuid.NameSpaceURL, "oid": uuid.NameSpaceOID, "x500": uuid.NameSpaceX500,
	}
	space, ok := known[args[0]]
	if !ok {
		var err error
		if space, err = uuid.Parse(args[0]); err != nil {
			return "", function.NewArgErrorf(0, `must be "dns", "url", "oid", "x500" or a UUID, not %q`, args[0])
		}
	}
	return uuid.NewSHA1(space, []byte(args[1])).String(), nil
}
