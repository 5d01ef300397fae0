package constraint

import (
	"testing"

	"pgregory.net/rapid"
)

func mustVersion(t testing.TB, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The wanted texts and choices are what Terraform 1.11.4 writes into its lock
// file when a mirror holds these versions.
func TestNewestAndTextAsTerraform(t *testing.T) {
	var versions []Version
	for _, s := range []string{"1.0.0", "1.2.0", "1.2.3", "2.0.0", "2.1.0-beta1", "2.1.0"} {
		versions = append(versions, mustVersion(t, s))
	}
	tests := []struct{ in, newest, text string }{
		{"", "2.1.0", ""},
		{"~> 1", "1.2.3", "~> 1.0"},
		{"~> 1.2", "1.2.3", "~> 1.2"},
		{"~> 1.2.0", "1.2.3", "~> 1.2.0"},
		{">= 1, ~> 2.0,!=2.0.0, <=2.1.0-beta1", "", ">= 1.0.0, ~> 2.0, != 2.0.0, <= 2.1.0-beta1"},
		{"= 1.0", "1.0.0", "1.0.0"},
		{"2.1.0-beta1", "2.1.0-beta1", "2.1.0-beta1"},
		{">=2.1.0-beta1", "2.1.0", ">= 2.1.0-beta1"},
		{"< 2, > 1.0, >= 1.0, != 1.0.0", "1.2.3", "> 1.0.0, >= 1.0.0, != 1.0.0, < 2.0.0"},
		{"=1.2.3,~>1.2, >=1.2, >=1.2", "1.2.3", ">= 1.2.0, ~> 1.2, 1.2.3"},
		{"~>1.2.3-beta", "1.2.3", "~> 1.2.3-beta"},
		{">1.2.3+foo", "2.1.0", "> 1.2.3+foo"},
		{">= 1.2, >= 1.2.0", "2.1.0", ">= 1.2.0"},
		{">=01.2", "2.1.0", ">= 1.2.0"},
		{">= 2.1.0-beta1, <= 2.1.0-beta1", "", ">= 2.1.0-beta1, <= 2.1.0-beta1"},
		{"<= 1.2.0, ~>1.2, != 1.2.0, < 1.2.0, =1.2.0, ~>1.2.0, >= 1.2.0, > 1.2.0", "",
			"> 1.2.0, >= 1.2.0, 1.2.0, ~> 1.2.0, ~> 1.2, <= 1.2.0, < 1.2.0, != 1.2.0"},
		{"1.2.0-beta, ~> 1.2.0+a, >1.2.0+b, > 1.2.0, < 1.2.0-alpha", "",
			"< 1.2.0-alpha, 1.2.0-beta, > 1.2.0, ~> 1.2.0+a, > 1.2.0+b"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			set, err := Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := set.String(); got != tt.text {
				t.Errorf("text %q, want %q", got, tt.text)
			}
			if got, _ := set.Newest(versions); got.String() != tt.newest {
				t.Errorf("newest %q, want %q", got, tt.newest)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"v1.2.3", "~> 1.2.3.4", "foo", "1.*", " , >1.0", "=>1.0", "> 1 < 2", ">=", "1..2", "1.2.-3", "> -1", "1.0,"} {
		if set, err := Parse(s); err == nil {
			t.Errorf("%q was read as %q", s, set)
		}
	}
	for _, s := range []string{"", "1", "1.2", "v1.2.3", "1.2.3.4", "1.2.x", "1.2.3 ", "../1.2.3", "1.2.3-a/b"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("%q was read as version %q", s, v)
		}
	}
}

// And is the intersection: what both allow, for releases.
func TestAndIsIntersection(t *testing.T) {
	ops := []string{"", "!= ", "> ", ">= ", "< ", "<= ", "~> "}
	genVersion := rapid.Custom(func(t *rapid.T) string {
		n := rapid.SliceOfN(rapid.IntRange(0, 3), 3, 3).Draw(t, "numbers")
		return string(rune('0'+n[0])) + "." + string(rune('0'+n[1])) + "." + string(rune('0'+n[2]))
	})
	genSet := rapid.Custom(func(t *rapid.T) Set {
		text := ""
		for i := range rapid.IntRange(0, 3).Draw(t, "conditions") {
			if i > 0 {
				text += ", "
			}
			text += rapid.SampledFrom(ops).Draw(t, "op") + genVersion.Draw(t, "boundary")
		}
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := genSet.Draw(t, "a"), genSet.Draw(t, "b")
		v, err := ParseVersion(genVersion.Draw(t, "v"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := a.And(b).Allows(v), a.Allows(v) && b.Allows(v); got != want {
			t.Fatalf("(%s) and (%s) allow %s: %t, want %t", a, b, v, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(">= 1.2, < 2")
	f.Add("~> 1.0.0-beta+x")
	f.Fuzz(func(t *testing.T, s string) {
		set, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(set.String())
		if err != nil || again.String() != set.String() {
			t.Fatalf("%q was written as %q, read back as %q (%v)", s, set, again, err)
		}
	})
}
