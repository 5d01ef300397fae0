package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// A sealed value is: version (1 byte), key ID (8), nonce (24), ciphertext with
// its tag (16 more than the plain text). XChaCha20-Poly1305, whose nonces are
// long enough to be random for ever. The header and the caller's binding are
// authenticated with it.
const (
	sealVersion = 1
	headerSize  = 1 + 8
	nonceSize   = chacha20poly1305.NonceSizeX
	// Overhead is how much longer a sealed value is than what is in it.
	Overhead = headerSize + nonceSize + chacha20poly1305.Overhead
)

// Box seals and opens values with the key of a ring. Safe for concurrent use.
type Box struct {
	ring *Ring

	mu   sync.Mutex
	aead cipher.AEAD
	id   [8]byte
}

// NewBox gives a box with the ring's key.
func NewBox(r *Ring) *Box { return &Box{ring: r} }

// Seal encrypts plain. It opens only with the same binding: the name of the
// place where it lies, so that nobody can swap two sealed values.
func (b *Box) Seal(plain, binding []byte) ([]byte, error) {
	aead, id, err := b.cipher(true)
	if err != nil {
		return nil, err
	}
	out := make([]byte, headerSize+nonceSize, len(plain)+Overhead)
	out[0] = sealVersion
	copy(out[1:], id[:])
	nonce := out[headerSize : headerSize+nonceSize]
	_, _ = rand.Read(nonce) // never fails: the runtime ends the process instead
	return aead.Seal(out, nonce, plain, bound(out[:headerSize], binding)), nil
}

// Open decrypts what Seal gave. Errors: ErrNoKey, ErrWrongKey, ErrDamaged.
func (b *Box) Open(sealed, binding []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, fmt.Errorf("%w: only %d bytes long", ErrDamaged, len(sealed))
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w: unknown form %d", ErrDamaged, sealed[0])
	}
	aead, id, err := b.cipher(false)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(sealed[1:headerSize], id[:]) {
		return nil, fmt.Errorf("%w: its ID is %s, the one at hand is %s", ErrWrongKey, hex.EncodeToString(sealed[1:headerSize]),
			hex.EncodeToString(id[:]))
	}
	nonce := sealed[headerSize : headerSize+nonceSize]
	plain, err := aead.Open(nil, nonce, sealed[headerSize+nonceSize:], bound(sealed[:headerSize], binding))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func bound(header, binding []byte) []byte {
	return append(header[:len(header):len(header)], binding...)
}

func (b *Box) cipher(sealing bool) (cipher.AEAD, [8]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.aead != nil {
		return b.aead, b.id, nil
	}
	get := b.ring.Opening
	if sealing {
		get = b.ring.Sealing
	}
	key, err := get()
	if err != nil {
		return nil, b.id, err
	}
	aead, err := chacha20poly1305.NewX(key.raw[:])
	if err != nil {
		panic("secret: invariant broken: a key has 32 bytes: " + err.Error())
	}
	b.aead, b.id = aead, key.id
	return aead, key.id, nil
}
