package secret

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestParseKey(t *testing.T) {
	k := NewKey()
	same := []string{
		k.Text(), k.Text() + "\n", "# a remark\n\n  " + k.Text() + "  \n", strings.TrimRight(k.Text(), "="),
		strings.NewReplacer("+", "-", "/", "_").Replace(k.Text()),
	}
	for _, text := range same {
		got, err := ParseKey(text)
		if err != nil || got != k {
			t.Errorf("ParseKey(%q) = %v, %v", text, got, err)
		}
	}
	bad := map[string]string{
		"":                        "there are 0 lines",
		"# only a remark":         "there are 0 lines",
		"a\nb":                    "there are 2 lines",
		"!!":                      "must be base64",
		"c2hvcnQ=":                "base64 of 32 bytes, this is of 5",
		k.Text()[:43] + "A" + "A": "must be base64",
	}
	for text, want := range bad {
		_, err := ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseKey(%q) = %v, want %q", text, err, want)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text[:20]) {
			t.Errorf("the error of a broken key shows the key: %v", err)
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	k := NewKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, k); got != "key "+k.KeyID() {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestRingMakesKeyFileOnFirstNeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", "tutti", "key")
	r := NewRing("", path)
	if _, err := r.Opening(); !errors.Is(err, ErrNoKey) {
		t.Fatalf("opening without a key: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Fatal("asking for a key to open with made the folder")
	}
	k, err := r.Sealing()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, err := NewRing("", path).Opening()
	if err != nil || again != k {
		t.Errorf("read back %v, %v", again, err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRingFromEnvironment(t *testing.T) {
	k := NewKey()
	file := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(file, []byte(k.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{k.Text(), "file:" + file} {
		got, err := NewRing(env, "/nowhere/at/all").Sealing()
		if err != nil || got != k {
			t.Errorf("%v, %v", got, err)
		}
	}
	if _, err := NewRing("file:/nowhere/at/all", "").Sealing(); !errors.Is(err, ErrNoKey) {
		t.Errorf("a named key file that does not exist: %v", err)
	}
	if _, err := NewRing("nonsense", "").Sealing(); err == nil || !strings.Contains(err.Error(), EnvKey) {
		t.Errorf("a broken key in the environment: %v", err)
	}
	if _, err := NewRing("file:"+t.TempDir(), "").Sealing(); err == nil {
		t.Error("a folder was taken for a key file")
	}
}

// TestKeyRace lets goroutines and processes ask for the first key at once.
func TestKeyRace(t *testing.T) {
	if path := os.Getenv("TUTTI_TEST_KEY_RACE"); path != "" {
		k, err := NewRing("", path).Sealing()
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("id", k.KeyID())
		os.Exit(0)
	}
	path := filepath.Join(t.TempDir(), "a", "key")
	const processes, goroutines = 6, 20
	ids := make(chan string, processes+goroutines)
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKeyRace$")
			cmd.Env = append(os.Environ(), "TUTTI_TEST_KEY_RACE="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
				return
			}
			ids <- strings.TrimPrefix(strings.TrimSpace(string(out)), "id ")
		})
	}
	for range goroutines {
		wg.Go(func() {
			k, err := NewRing("", path).Sealing()
			if err != nil {
				t.Error(err)
				return
			}
			ids <- k.KeyID()
		})
	}
	wg.Wait()
	close(ids)
	first := ""
	for id := range ids {
		if first == "" {
			first = id
		}
		if id != first {
			t.Fatalf("two keys: %s and %s", first, id)
		}
	}
}
