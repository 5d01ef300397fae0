package vault

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// sealedByAnsible are "hello wörld" as ansible-vault 2.19.14 encrypts it with the password
// "secret" and this salt, without and with a vault ID.
const (
	fixedSalt = "fixedsaltfixedsaltfixedsaltfixed"
	body      = `36363639373836353634373336313663373436363639373836353634373336313663373436363639
3738363536343733363136633734363636393738363536340a383439313161623764343035316566
34623264353265373063316165303161356564353736383039383738626262393262346164346137
3061363163653966310a396430353664663336616563636234626631366131316335383965633736
6661
`
	plainHeader = "$ANSIBLE_VAULT;1.1;AES256\n"
	devHeader   = "$ANSIBLE_VAULT;1.2;AES256;dev\n"
)

var (
	right = Secret{ID: "dev", Password: []byte("secret")}
	wrong = Secret{ID: "prod", Password: []byte("other")}
)

func TestSameAsAnsible(t *testing.T) {
	for id, header := range map[string]string{"": plainHeader, DefaultID: plainHeader, "dev": devHeader} {
		got, err := Encrypt([]byte("hello wörld"), right, id, []byte(fixedSalt))
		if err != nil || string(got) != header+body {
			t.Errorf("ID %q: got %s, %v", id, got, err)
		}
		plain, used, err := Vault{Secrets: []Secret{wrong, right}}.Decrypt([]byte(header + body))
		if err != nil || string(plain) != "hello wörld" || used.ID != "dev" {
			t.Errorf("ID %q: got %q by %s, %v", id, plain, used, err)
		}
	}
	if got := YAML([]byte(plainHeader+"61\n62\n"), "x"); got != "x: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          61\n          62" {
		t.Errorf("as YAML: %s", got)
	}
}

func TestRoundTrip(t *testing.T) {
	for n := range 50 {
		plain := bytes.Repeat([]byte{byte(n), 0xff, '\n'}, n)
		text, err := Encrypt(plain, right, "", []byte(fixedSalt))
		if err != nil {
			t.Fatal(err)
		}
		for _, changed := range []string{string(text), strings.ReplaceAll(string(text), "\n", "\r\n"), strings.ToUpper(string(text[:0])) + string(text)} {
			got, _, err := Vault{Secrets: []Secret{right}}.Decrypt([]byte(changed))
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%d bytes: got %q, %v", len(plain), got, err)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	text := []byte(devHeader + body)
	sameName := Secret{ID: "dev", Password: []byte("no")}
	for _, c := range []struct {
		name    string
		vault   Vault
		wantErr error
	}{
		{"no secrets", Vault{}, ErrNoSecrets},
		{"wrong one", Vault{Secrets: []Secret{wrong}}, ErrWrongSecret},
		{"two of one name", Vault{Secrets: []Secret{sameName, right}}, nil},
		{"another name", Vault{Secrets: []Secret{{ID: "x", Password: right.Password}}}, nil},
		{"another name, match wanted", Vault{Secrets: []Secret{{ID: "x", Password: right.Password}}, IDMatch: true}, ErrWrongSecret},
		{"the name, match wanted", Vault{Secrets: []Secret{wrong, right}, IDMatch: true}, nil},
	} {
		if _, _, err := c.vault.Decrypt(text); !errors.Is(err, c.wantErr) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.wantErr)
		}
	}
	v := Vault{Secrets: []Secret{wrong, right}}
	if s, err := v.Choose(""); err != nil || s.ID != "prod" {
		t.Errorf("chosen: %s, %v", s, err)
	}
	if s, err := v.Choose("dev"); err != nil || s.ID != "dev" {
		t.Errorf("chosen: %s, %v", s, err)
	}
	if _, err := v.Choose("qa"); err == nil || err.Error() != "Did not find a match for --encrypt-vault-id=qa in the known vault-ids ['prod', 'dev']" {
		t.Errorf("got %v", err)
	}
}

func TestRefused(t *testing.T) {
	v := Vault{Secrets: []Secret{right}}
	for text, want := range map[string]string{
		"hello":                               "Input is not vault encrypted data.",
		"$ANSIBLE_VAULT;1.1;AES256\n\xff":     "Input is not vault encrypted data.",
		"$ANSIBLE_VAULT":                      "Vault envelope format error.",
		"$ANSIBLE_VAULT;1.1":                  "Vault envelope format error.",
		"$ANSIBLE_VAULT;1.0;AES\n00":          "Cipher 'AES' could not be found.",
		"$ANSIBLE_VAULT;1.1;AES256":           "Vault vaulttext format error.",
		"$ANSIBLE_VAULT;1.1;AES256\nzz":       "Vault format unhexlify error.",
		"$ANSIBLE_VAULT;1.1;AES256\n6162":     "Vault vaulttext format error.",
		"$ANSIBLE_VAULT;1.1;AES256\n610a620a": "Vault format unhexlify error.",
		plainHeader + body[:len(body)-4]:      "Vault format unhexlify error.",
	} {
		if _, _, err := v.Decrypt([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := Encrypt([]byte(plainHeader), right, "", []byte(fixedSalt)); !errors.Is(err, ErrEncrypted) {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"a;b", "a\nb"} {
		if _, err := Encrypt(nil, right, id, []byte(fixedSalt)); err == nil {
			t.Errorf("the ID %q is taken", id)
		}
	}
	if _, err := Encrypt(nil, Secret{}, "", []byte(fixedSalt)); err == nil {
		t.Error("an empty password is taken")
	}
	if _, err := Encrypt(nil, right, "", nil); err == nil {
		t.Error("an empty salt is taken")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for _, text := range []string{fmt.Sprint(right), fmt.Sprintf("%+v", right), fmt.Sprintf("%#v", right), fmt.Sprintf("%v", Vault{Secrets: []Secret{right}})} {
		if strings.Contains(text, "secret ") && !strings.Contains(text, "vault secret dev") || strings.Contains(text, "[115 101") {
			t.Errorf("a password is shown: %s", text)
		}
	}
}

func TestCache(t *testing.T) {
	c := Cache{Vault: Vault{Secrets: []Secret{right}}}
	for range 2 {
		if plain, err := c.Decrypt(plainHeader + body); err != nil || string(plain) != "hello wörld" {
			t.Fatalf("got %q, %v", plain, err)
		}
		c.Vault.Secrets = nil // the second time it is known already
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte(plainHeader + body))
	f.Add([]byte(devHeader + "6162"))
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n3030\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Open(text)
		if err != nil {
			return
		}
		if s, err := e.unseal(); err == nil && len(text) < 1000 {
			if _, err := s.open([]byte("x")); err == nil {
				t.Fatal("opened by a wrong password")
			}
		}
	})
}
