package file

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/vault"
)

var secret = vault.Secret{ID: "default", Password: []byte("secret")}

func tool(s ...vault.Secret) *Tool { return &Tool{Vault: vault.Vault{Secrets: s}} }

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

func content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestInPlace(t *testing.T) {
	name := write(t, "f.yml", "a: b\n")
	link := filepath.Join(t.TempDir(), "link")
	ok(t, os.Symlink(name, link))
	tl := tool(secret)
	ok(t, tl.Encrypt(link, "", secret, "dev"))
	if got := content(t, name); !strings.HasPrefix(got, "$ANSIBLE_VAULT;1.2;AES256;dev\n") {
		t.Fatalf("got %s", got)
	}
	if err := tl.Encrypt(name, "", secret, ""); err == nil || !strings.Contains(err.Error(), "already encrypted") {
		t.Errorf("got %v", err)
	}
	if plain, err := tl.View(name); err != nil || string(plain) != "a: b\n" {
		t.Errorf("got %q, %v", plain, err)
	}
	other := vault.Secret{ID: "new", Password: []byte("other")}
	ok(t, tl.Rekey(name, other, "new"))
	if err := tl.Decrypt(name, ""); err == nil || !strings.Contains(err.Error(), "Decryption failed") || !strings.HasSuffix(err.Error(), " for "+name) {
		t.Errorf("the old password: %v", err)
	}
	ok(t, tool(other).Decrypt(name, ""))
	if got := content(t, name); got != "a: b\n" {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(name)
	ok(t, err)
	if info.Mode().Perm() != 0o640 {
		t.Errorf("permissions are %o", info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(name))
	ok(t, err)
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStreams(t *testing.T) {
	var out bytes.Buffer
	tl := tool(secret)
	tl.Stdin, tl.Stdout, tl.Salt = strings.NewReader("plain"), &out, "fixed"
	ok(t, tl.Encrypt(Stdio, "", secret, ""))
	first := out.String()
	out.Reset()
	tl.Stdin = strings.NewReader(first)
	ok(t, tl.Decrypt(Stdio, Stdio))
	if out.String() != "plain" {
		t.Errorf("got %q", out.String())
	}
	if err := tl.Decrypt(filepath.Join(t.TempDir(), "none"), ""); err == nil || !strings.Contains(err.Error(), "Unable to read source file") {
		t.Errorf("got %v", err)
	}
}

func TestEdit(t *testing.T) {
	temp := t.TempDir()
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "new.yml")
	tl := tool(secret)
	tl.Temp, tl.Editor = temp, "ed 'with args'"
	typed := "first\n"
	var argv []string
	tl.Edit = func(_ context.Context, a []string) error {
		argv = a
		return os.WriteFile(a[len(a)-1], []byte(typed), 0o600)
	}
	made, err := tl.Create(context.Background(), name, secret, "")
	ok(t, err)
	if !made || argv[0] != "ed" || argv[1] != "with args" || filepath.Ext(argv[2]) != ".yml" {
		t.Errorf("made %t, ran %q", made, argv)
	}
	if _, err := tl.Create(context.Background(), name, secret, ""); err == nil || !strings.Contains(err.Error(), "exists, please use 'edit' instead") {
		t.Errorf("got %v", err)
	}
	before := content(t, name)
	ok(t, tl.Change(context.Background(), name))
	if content(t, name) != before {
		t.Error("an unchanged file is written again")
	}
	typed = "second\n"
	ok(t, tl.Change(context.Background(), name))
	if plain, err := tl.View(name); err != nil || string(plain) != "second\n" {
		t.Errorf("got %q, %v", plain, err)
	}
	tl.Edit = func(context.Context, []string) error { return os.ErrPermission }
	if err := tl.Change(context.Background(), name); err == nil {
		t.Error("an editor that does not start is no error")
	}
	left, err := os.ReadDir(temp)
	ok(t, err)
	if len(left) != 0 {
		t.Errorf("plain text is left behind: %v", left)
	}
}

func TestEncryptStrings(t *testing.T) {
	tl := tool(secret)
	out, notes, err := tl.EncryptStrings([]Plain{{[]byte("a"), "stdin", "x"}, {[]byte("b"), "the command line args", ""}}, secret, "")
	ok(t, err)
	if !strings.HasPrefix(out, "x: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n") || !strings.Contains(out, "\n!vault |\n") || !strings.HasSuffix(out, "\n") {
		t.Errorf("got %s", out)
	}
	want := "# The encrypted version of variable (\"x\", the string #1 from stdin).\n# The encrypted version of the string #2 from the command line args.)\n"
	if notes != want {
		t.Errorf("got %s", notes)
	}
	if _, _, err := tl.EncryptStrings([]Plain{{nil, "stdin", ""}}, secret, ""); err == nil {
		t.Error("an empty text is encrypted")
	}
}

// TestAgainstAnsible has each side open what the other has closed.
func TestAgainstAnsible(t *testing.T) {
	program := filepath.Join(os.Getenv("TUTTI_ANSIBLE"), "bin", "ansible-vault")
	if _, err := os.Stat(program); err != nil {
		t.Skipf("there is no ansible-vault to compare with: set TUTTI_ANSIBLE to a virtual environment that has ansible-core (%v)", err)
	}
	passwords := write(t, "pw", "secret\n")
	ok(t, os.Chmod(passwords, 0o600))
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, text := range []string{"a: b\n", strings.Repeat("x", 1000), "\x00\xff binary"} {
		name := write(t, "f", text)
		ok(t, tool(secret).Encrypt(name, "", secret, ""))
		run("decrypt", "--vault-password-file", passwords, name)
		if got := content(t, name); got != text {
			t.Errorf("Ansible reads %q as %q", text, got)
		}
		run("encrypt", "--vault-id", "dev@"+passwords, name)
		ok(t, tool(secret).Decrypt(name, ""))
		if got := content(t, name); got != text {
			t.Errorf("we read %q as %q", text, got)
		}
	}
}
