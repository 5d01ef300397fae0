package source

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// sums is a verified SHA256SUMS document.
type sums struct {
	byFile map[string]string // sums in hexadecimal
	hashes []string          // the same as "zh:" hashes, sorted
}

// signedSums gets the list of checksums with its signature, and verifies it. It
// also gives the ID of the key that signed.
func (r *Registry) signedSums(ctx context.Context, at *url.URL, d *download) (*sums, string, error) {
	if len(d.SigningKeys.GPGPublicKeys) == 0 || d.ShasumsURL == "" || d.ShasumsSignatureURL == "" {
		return nil, "", errors.New("the package is not signed: the registry gives no signed checksums or no key for them")
	}
	document, err := r.sidecar(ctx, at, d.ShasumsURL)
	if err != nil {
		return nil, "", fmt.Errorf("list of checksums: %w", err)
	}
	signature, err := r.sidecar(ctx, at, d.ShasumsSignatureURL)
	if err != nil {
		return nil, "", fmt.Errorf("signature of the checksums: %w", err)
	}
	keys := make([]string, len(d.SigningKeys.GPGPublicKeys))
	for i, k := range d.SigningKeys.GPGPublicKeys {
		keys[i] = k.ASCIIArmor
	}
	keyID, err := verify(document, signature, keys)
	if err != nil {
		return nil, "", err
	}
	s, err := parseSums(document)
	return s, keyID, err
}

func (r *Registry) sidecar(ctx context.Context, at *url.URL, text string) ([]byte, error) {
	u, err := webURL(at, text)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Get(ctx, u, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// verify checks a detached OpenPGP signature (RFC 9580) against keys in ASCII
// armor, and gives the ID of the one that made it. A key that has expired since
// is accepted for what it signed in its time: the packages of an old release do
// not become bad.
func verify(document, signature []byte, keys []string) (string, error) {
	signature, err := unarmor(signature)
	if err != nil {
		return "", fmt.Errorf("the signature of the checksums cannot be read: %w", err)
	}
	made, err := signedAt(signature)
	if err != nil {
		return "", fmt.Errorf("the signature of the checksums cannot be read: %w", err)
	}
	for _, text := range keys {
		ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(text))
		if err != nil {
			return "", fmt.Errorf("a signing key of the registry cannot be read: %w", err)
		}
		signer, err := openpgp.CheckDetachedSignature(ring, bytes.NewReader(document), bytes.NewReader(signature), nil)
		if errors.Is(err, pgperrors.ErrKeyExpired) {
			config := &packet.Config{Time: func() time.Time { return made }}
			signer, err = openpgp.CheckDetachedSignature(ring, bytes.NewReader(document), bytes.NewReader(signature), config)
		}
		if errors.Is(err, pgperrors.ErrUnknownIssuer) {
			continue // another of the keys may have signed
		}
		if err != nil {
			return "", fmt.Errorf("the signature of the checksums is wrong: %w", err)
		}
		return signer.PrimaryKey.KeyIdString(), nil
	}
	return "", errors.New("the checksums are not signed by any key that the registry gives for this provider")
}

func unarmor(signature []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(signature), []byte("-----BEGIN")) {
		return signature, nil
	}
	block, err := armor.Decode(bytes.NewReader(signature))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(block.Body); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func signedAt(signature []byte) (time.Time, error) {
	p, err := packet.Read(bytes.NewReader(signature))
	if err != nil {
		return time.Time{}, err
	}
	s, ok := p.(*packet.Signature)
	if !ok {
		return time.Time{}, errors.New("it holds something else than a signature")
	}
	return s.CreationTime, nil
}

// parseSums reads the output of sha256sum: a sum and a file name in each line.
func parseSums(document []byte) (*sums, error) {
	s := &sums{byFile: map[string]string{}}
	for line := range strings.Lines(string(document)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 || len(fields[0]) != 64 {
			return nil, fmt.Errorf("the list of checksums has a line that is none: %q", strings.TrimSpace(line))
		}
		sum := strings.ToLower(fields[0])
		if _, err := hex.DecodeString(sum); err != nil {
			return nil, fmt.Errorf("the list of checksums has a line that is none: %q", strings.TrimSpace(line))
		}
		s.byFile[strings.TrimPrefix(fields[1], "*")] = sum
		s.hashes = append(s.hashes, "zh:"+sum)
	}
	slices.Sort(s.hashes)
	s.hashes = slices.Compact(s.hashes)
	return s, nil
}
