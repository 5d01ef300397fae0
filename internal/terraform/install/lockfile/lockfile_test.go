package lockfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"
)

const sample = `# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/acme/rocket" {
  version     = "1.2.0"
  constraints = ">= 1.0.0, ~> 1.2"
  hashes = [
    "h1:aaaa",
    "zh:bbbb",
  ]
}

provider "registry.terraform.io/hashicorp/null" {
  version = "3.0.0"
}
`

func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTextSurvivesReadingAndWriting(t *testing.T) {
	for name, text := range map[string]string{
		"terraform": sample,
		"tofu":      strings.Replace(sample, "terraform init", "tofu init", 1),
	} {
		t.Run(name, func(t *testing.T) {
			f, list := Load(write(t, text))
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			if got := string(f.Bytes()); got != text {
				t.Errorf("got\n%s\nwant\n%s", got, text)
			}
		})
	}
}

// A file whose entries did not change keeps its bytes, comments of people's too.
func TestUnchangedFileIsNotRewritten(t *testing.T) {
	edited := strings.Replace(sample, "  version = \"3.0.0\"", "  version=\"3.0.0\" # pinned for now", 1)
	dir := write(t, edited)
	f, list := Load(dir)
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	e := *f.Get(tfaddr.MustParseProviderSource("acme/rocket"))
	e.Hashes = []string{"zh:bbbb", "h1:aaaa", "zh:bbbb"}
	f.Set(e)
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.Path()); string(got) != edited {
		t.Errorf("the file was rewritten:\n%s", got)
	}
	e.Hashes = append(e.Hashes, "h1:0000")
	f.Set(e)
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(sample, "    \"h1:aaaa\",", "    \"h1:0000\",\n    \"h1:aaaa\",", 1)
	if got, _ := os.ReadFile(f.Path()); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

func TestMissingFileIsEmptyAndNotCreatedForNothing(t *testing.T) {
	dir := t.TempDir()
	f, list := Load(dir)
	if len(list) != 0 || len(f.All()) != 0 {
		t.Fatalf("%v, %v", list, f.All())
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.Path()); !os.IsNotExist(err) {
		t.Errorf("stat: %v", err)
	}
}

func TestMistakesAreNamedAtTheirPlace(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		says       string
	}{
		{"merge", "provider \"registry.terraform.io/a/b\" {\n<<<<<<< HEAD\n  version = \"1.0.0\"\n=======\n", 2, "merge"},
		{"short address", "provider \"a/b\" {\n  version = \"1.0.0\"\n}\n", 1, "full source address"},
		{"version", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0\"\n}\n", 2, "three numbers"},
		{"no version", "provider \"registry.terraform.io/a/b\" {\n}\n", 1, "no version"},
		{"constraint", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n  constraints = \"=> 1\"\n}\n", 3, "not a version condition"},
		{"hash", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n  hashes = [\n    \"abc\",\n  ]\n}\n", 4, "not a checksum"},
		{"hashes", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n  hashes = \"h1:x\"\n}\n", 3, "list of strings"},
		{"typing error", "provider \"registry.terraform.io/a/b\" {\n  versoin = \"1.0.0\"\n}\n", 2, "Did you mean \"version\"?"},
		{"block", "providers \"registry.terraform.io/a/b\" {\n}\n", 1, "Did you mean \"provider\"?"},
		{"number", "provider \"registry.terraform.io/a/b\" {\n  version = 1\n}\n", 2, "string in quotes"},
		{"twice", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\nprovider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\n", 4, "twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, list := Load(write(t, tt.text))
			if !list.HasErrors() {
				t.Fatal("no error")
			}
			d := list[0]
			if d.Subject == nil || d.Subject.Start.Line != tt.line || !strings.Contains(d.Detail, tt.says) {
				t.Errorf("%v: %s; want line %d and %q", d.Subject, d.Detail, tt.line, tt.says)
			}
		})
	}
}

func TestHostOfSourcesWithoutOne(t *testing.T) {
	block := func(address string) string {
		return "provider \"" + address + "\" {\n  version = \"1.0.0\"\n}\n"
	}
	const tf, tofu = "registry.terraform.io", "registry.opentofu.org"
	tests := []struct{ name, text, want string }{
		{"no file", "", tf},
		{"locked by tofu", block(tofu + "/hashicorp/random"), tofu},
		{"locked by both", block(tofu+"/hashicorp/random") + block(tf+"/hashicorp/random"), tf},
		{"new beside tofu's", block(tofu + "/hashicorp/local"), tofu},
		{"new beside mixed", block(tofu+"/hashicorp/local") + block(tf+"/hashicorp/tls"), tf},
		{"another registry", block("example.com/hashicorp/random"), tf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, list := Load(write(t, tt.text))
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			if got := f.Host("hashicorp", "random"); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("provider \"registry.terraform.io/a/b\" {\n  hashes = [1, null, \"h1:x\"]\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := &File{path: "f", tool: "terraform", entries: map[tfaddr.Provider]*Entry{}}
		if file.parse([]byte(text)).HasErrors() {
			return
		}
		again := &File{path: "f", tool: "terraform", entries: map[tfaddr.Provider]*Entry{}}
		if list := again.parse(file.Bytes()); list.HasErrors() || string(again.Bytes()) != string(file.Bytes()) {
			t.Fatalf("written as\n%s\nread back as\n%s\n%v", file.Bytes(), again.Bytes(), list.Err())
		}
	})
}

func TestRetain(t *testing.T) {
	f, _ := Load(write(t, sample))
	f.Retain(func(p tfaddr.Provider) bool { return p.Type == "null" })
	if all := f.All(); len(all) != 1 || all[0].Version.String() != "3.0.0" || !f.Changed() {
		t.Errorf("kept %v, changed: %t", all, f.Changed())
	}
}
