package config

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFormat holds our style against recorded output of `terraform fmt`, and
// against the tool itself where it is installed. Formatting twice changes nothing.
func TestFormat(t *testing.T) {
	names, _ := filepath.Glob("testdata/format/*.in")
	if len(names) == 0 {
		t.Fatal("no inputs found")
	}
	_, missing := exec.LookPath("terraform")
	if missing != nil {
		t.Log("terraform is not installed: only its recorded output is compared")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".in") + ".want"
			if missing == nil {
				copied := filepath.Join(t.TempDir(), "main.tf")
				write(t, copied, src)
				if out, err := exec.Command("terraform", "fmt", copied).CombinedOutput(); err != nil {
					t.Fatalf("terraform fmt: %v\n%s", err, out)
				}
				out, err := os.ReadFile(copied)
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					write(t, golden, out)
				}
				if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(want, out) {
					t.Errorf("terraform fmt now gives\n%s\nand gave (%v)\n%s", out, err, want)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			got, diags := Format(src, name)
			if diags.HasErrors() {
				t.Fatal(text(diags))
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again, _ := Format(got, name)
			if !bytes.Equal(again, got) {
				t.Errorf("formatted again it is\n%s\nwas\n%s", again, got)
			}
		})
	}
}

// TestFormatBroken gives a broken file back untouched.
func TestFormatBroken(t *testing.T) {
	src := []byte("a = \n")
	got, diags := Format(src, "x.tf")
	if !diags.HasErrors() || !bytes.Equal(got, src) {
		t.Errorf("got %q and %s", got, text(diags))
	}
}

// TestFormatParens differs from terraform 1.11, whose result does not parse: both
// ends are parentheses, but not of one pair.
func TestFormatParens(t *testing.T) {
	got, diags := Format([]byte("a = \"${(x) +\n(y)}\"\n"), "x.tf")
	if want := "a = ((x) +\n(y))\n"; diags.HasErrors() || string(got) != want {
		t.Errorf("got %q %s, want %q", got, text(diags), want)
	}
}
