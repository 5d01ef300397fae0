package tfstate

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"tutti/internal/diag"
)

var update = flag.Bool("update", false, "rewrite the expected texts in testdata")

func mustRead(t testing.TB, src []byte, name string) *File {
	t.Helper()
	f, diags := Read(src, name)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return f
}

func text(t testing.TB, f *File) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRoundTrip reads states as Terraform and OpenTofu write them and writes them
// again: byte for byte the same.
func TestRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/*.tfstate")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			expectSame(t, src, text(t, mustRead(t, src, name)))
		})
	}
}

// expectSame compares a state with the peer's own text. OpenTofu ends it with one
// more line break than Terraform does, whose way is ours.
func expectSame(t *testing.T, want []byte, got string) {
	t.Helper()
	if w := strings.TrimRight(string(want), "\n") + "\n"; got != w {
		t.Errorf("it came back changed:\n%s", firstDifference(w, got))
	}
}

func firstDifference(want, got string) string {
	ws, gs := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range ws {
		if i >= len(gs) || ws[i] != gs[i] {
			return fmt.Sprintf("line %d: want %q, got %q", i+1, ws[i], append(gs, "")[min(i, len(gs))])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(ws), len(gs))
}

// summary shows what was read, one row a line.
func summary(f *File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "terraform %s serial %d lineage %s\n", f.TerraformVersion, f.Serial, f.Lineage)
	for _, o := range f.Outputs {
		fmt.Fprintf(&b, "output %s = %s (%s) sensitive=%t\n", o.Name, o.Value, o.Type, o.Sensitive)
	}
	for _, r := range f.Rows {
		fmt.Fprintf(&b, "%s deposed=%q driver=%s schema=%d tainted=%t cbd=%t forget=%t\n", r.Addr, r.Deposed, r.Driver, r.SchemaVersion,
			r.Tainted, r.CreateBeforeDestroy, r.Forget)
		fmt.Fprintf(&b, "  attributes %s flat %v private %q identity %s v%d\n", r.Attributes, r.Flatmap, r.Private, r.Identity, r.IdentityVersion)
		for _, p := range r.Sensitive {
			fmt.Fprintf(&b, "  sensitive %s\n", strings.ReplaceAll(fmt.Sprintf("%#v", p), "cty.", ""))
		}
		for _, n := range r.Needs {
			fmt.Fprintf(&b, "  needs %s\n", n)
		}
	}
	if f.Checks != nil {
		fmt.Fprintf(&b, "checks %s\n", f.Checks)
	}
	return b.String()
}

func problems(diags diag.List) string {
	var b strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&b, "%d:%d %s\n    %s\n", d.Subject.Start.Line, d.Subject.Start.Column, d.Headline, d.Detail)
	}
	return b.String()
}

// TestRead reads each state in testdata/read and compares what is in it, or what
// is wrong with it, with the text beside it.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/read/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	sort.Strings(files)
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, diags := Read(src, name)
			got := problems(diags)
			if f != nil {
				got += summary(f)
			}
			if (f == nil) != diags.HasErrors() {
				t.Errorf("a file and errors: %v", diags)
			}
			golden := strings.TrimSuffix(name, ".json") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s\ngot:\n%swant:\n%s", firstDifference(string(want), got), got, want)
			}
		})
	}
}

func TestReadEmpty(t *testing.T) {
	for _, src := range []string{"", " \n"} {
		f, diags := Read([]byte(src), "x")
		if len(diags) != 0 || f == nil || len(f.Rows) != 0 {
			t.Errorf("%q: %+v, %v", src, f, diags)
		}
	}
}

// TestReadCutShort cuts a state at every 97th byte: always one error, in the file.
func TestReadCutShort(t *testing.T) {
	src, err := os.ReadFile("testdata/terraform.tfstate")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(src)-2; n += 97 {
		f, diags := Read(src[:n], "x.tfstate")
		if f != nil || len(diags) != 1 || diags[0].Headline != headlineJSON || diags[0].Subject.Filename != "x.tfstate" {
			t.Fatalf("cut to %d bytes: %v", n, diags)
		}
	}
}

func TestReadBoundsProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"version":4,"resources":[`)
	for i := range 500 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"mode":"oops","type":"a","name":"n%d"}`, i)
	}
	b.WriteString(`]}`)
	_, diags := Read([]byte(b.String()), "x")
	if len(diags) != maxProblems {
		t.Errorf("%d problems", len(diags))
	}
}

func TestProviderAddress(t *testing.T) {
	for in, want := range map[string]string{
		`provider["registry.terraform.io/hashicorp/local"]`:          "",
		`provider["registry.provider.io/x/y"].alias`:                 "",
		`module.a.module.b.provider["registry.opentofu.org/x/y"].eu`: "",
		`module.a["k"].provider["x/y/z"].each["a.provider"]`:         "",
		`provider.local`:              `provider["registry.terraform.io/hashicorp/local"]`,
		`provider.aws.eu`:             `provider["registry.terraform.io/hashicorp/aws"].eu`,
		`module.m.provider.terraform`: `module.m.provider["terraform.io/builtin/terraform"]`,
		`local`:                       "error",
		`oops.provider["x/y/z"]`:      "error",
		`oops.provider.x`:             "error",
	} {
		if want == "" {
			want = in
		}
		got, err := providerAddress(in)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s (%v)", in, got, want, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*.tfstate", "testdata/read/*.json"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, diags := Read(src, "fuzz")
		if (file == nil) != diags.HasErrors() {
			t.Fatalf("a file and errors: %v", diags)
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Start.Line < 1 || d.Subject.Start.Byte > len(src) {
				t.Fatalf("a problem without a place: %+v", d)
			}
		}
		if file == nil {
			return
		}
		// What was read can be written, and what is written is read as the same.
		one := text(t, file)
		again := mustRead(t, []byte(one), "again")
		if two := text(t, again); one != two || len(file.Rows) != len(again.Rows) {
			t.Fatalf("%s", firstDifference(one, two))
		}
	})
}
