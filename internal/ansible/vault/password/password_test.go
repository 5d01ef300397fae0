package password

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/vault"
)

func put(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "plain", "secret\n", 0o600)
	put(t, dir, "empty", "\n", 0o600)
	put(t, dir, "script", "#!/bin/sh\necho by-script\n", 0o700)
	put(t, dir, "my-client.sh", "#!/bin/sh\n[ \"$2\" = known ] || { echo 'who?' >&2; exit 2; }\necho for-$2\n", 0o700)
	put(t, dir, "fails", "#!/bin/sh\necho broken >&2\nexit 1\n", 0o700)
	put(t, dir, "noscript", "not a program", 0o700)
	sealed, err := vault.Encrypt([]byte("inner"), vault.Secret{Password: []byte("secret")}, "", []byte("salt"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "sealed", string(sealed), 0o600)
	answers := func(all ...string) Prompt {
		return func(_ context.Context, question string) (string, error) {
			if len(all) == 0 {
				return "", errors.New("asked too often: " + question)
			}
			want, answer, _ := strings.Cut(all[0], "=")
			if all = all[1:]; question != want {
				return "", errors.New("asked " + question)
			}
			return answer, nil
		}
	}
	for _, c := range []struct {
		name           string
		request        Request
		ask            Prompt
		want, warn, no string
	}{
		{"file", Request{Identities: []string{"plain"}}, nil, "default=secret", "", ""},
		{"label", Request{Identities: []string{"dev@plain", "qa@script"}}, nil, "dev=secret qa=by-script", "", ""},
		{"files come last", Request{Identities: []string{"dev@script"}, Files: []string{"plain"}}, nil, "dev=by-script default=secret", "", ""},
		{"client", Request{Identities: []string{"known@my-client.sh"}}, nil, "known=for-known", "", ""},
		{"client without it", Request{Identities: []string{"other@my-client.sh"}}, nil, "", "did not find a secret for vault-id=other: who?", "did not find"},
		{"sealed file", Request{Identities: []string{"plain", "b@sealed"}}, nil, "default=secret b=inner", "", ""},
		{"missing", Request{Files: []string{"nothing"}}, nil, "", "was not found", "was not found"},
		{"missing beside another", Request{Identities: []string{"plain"}, Files: []string{"nothing"}}, nil, "default=secret", "was not found", ""},
		{"empty", Request{Files: []string{"empty"}}, nil, "", "Invalid vault password was provided from file", "Invalid"},
		{"failing script", Request{Files: []string{"fails"}}, nil, "", "returned non-zero (1): broken", "non-zero"},
		{"no script", Request{Files: []string{"noscript"}}, nil, "", "remove the executable bit", "remove"},
		{"folder", Request{Files: []string{"."}}, nil, "", "can not be a directory", "directory"},
		{"ask", Request{Ask: true}, answers("Vault password: = typed "), "default=typed", "", ""},
		{"prompt", Request{Identities: []string{"dev@prompt"}}, answers("Vault password (dev): =typed"), "dev=typed", "", ""},
		{"new", Request{AutoAsk: true, New: true}, answers("New Vault password: =a", "Confirm New Vault password: =a"), "default=a", "", ""},
		{"new prompt", Request{Identities: []string{"x@prompt"}, New: true}, answers("New vault password (x): =a", "Confirm new vault password (x): =a"), "x=a", "", ""},
		{"differ", Request{Ask: true, New: true}, answers("New Vault password: =a", "Confirm New Vault password: =b"), "", "do not match", "Passwords do not match"},
		{"nothing typed", Request{Ask: true}, answers("Vault password: = "), "", "Invalid", "Invalid vault password was provided"},
		{"nobody there", Request{Ask: true}, nil, "", "nobody to ask", "nobody to ask"},
		{"bad label", Request{Identities: []string{"a;b@plain"}}, nil, "", "", "not a valid vault id"},
		{"none", Request{}, nil, "", "", ""},
	} {
		c.request.Dir = dir
		secrets, warnings, err := Find(context.Background(), c.request, c.ask)
		var got []string
		for _, s := range secrets {
			got = append(got, s.ID+"="+string(s.Password))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v (%v, %v), want %s", c.name, got, warnings, err, c.want)
		}
		if (err != nil) != (c.no != "") || err != nil && !strings.Contains(err.Error(), c.no) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.no)
		}
		if all := strings.Join(warnings, "\n"); !strings.Contains(all, c.warn) || c.warn == "" && all != "" {
			t.Errorf("%s: warnings %q, want %q", c.name, all, c.warn)
		}
	}
}
