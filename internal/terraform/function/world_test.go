package function_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tutti/internal/object"
	"tutti/internal/terraform/function"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/bcrypt"
)

// noon is a moment with an offset, to see that results are in UTC.
func noon() time.Time {
	return time.Date(2026, 2, 28, 12, 0, 0, 0, time.FixedZone("", 3600))
}

// TestImpure looks at the functions whose results are decided during apply.
func TestImpure(t *testing.T) {
	known := function.Table(function.Options{
		Now: noon, PlanTimestamp: noon, UUID: func() string { return "fixed" },
	})
	for src, want := range map[string]string{
		"timestamp()": "2026-02-28T11:00:00Z", "plantimestamp()": "2026-02-28T11:00:00Z", "core::uuid()": "fixed",
	} {
		if got := mustEval(t, known, src); got.AsString() != want {
			t.Errorf("%s gives %#v; want %q", src, got, want)
		}
	}
	hash := mustEval(t, known, `bcrypt("pw", 4)`).AsString()
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("pw")); err != nil {
		t.Error(err)
	}
	planning := function.Table(function.Options{PureOnly: true, PlanTimestamp: noon})
	for _, src := range []string{"timestamp()", "uuid()", `bcrypt("x")`, `"a-${uuid()}"`} {
		if got := mustEval(t, planning, src); !isUnknownString(got) {
			t.Errorf("while planning, %s gives %#v", src, got)
		}
	}
	if got := mustEval(t, planning, "plantimestamp()"); !got.IsKnown() {
		t.Error("plantimestamp() is not known while planning")
	}
	if _, err := eval(planning, `bcrypt("x", "y")`); err == nil {
		t.Error("an unknown result hides a wrong argument")
	}
	if got := mustEval(t, function.Table(function.Options{}), "plantimestamp()"); !isUnknownString(got) {
		t.Errorf("without a plan, plantimestamp() gives %#v", got)
	}
	if a, b := mustEval(t, known, "bcrypt(\"x\", 4)"), mustEval(t, known, "bcrypt(\"x\", 4)"); a.RawEquals(b) {
		t.Error("two hashes have the same salt")
	}
}

// TestVaries goes through all functions: a new one that looks at the world must be
// named here.
func TestVaries(t *testing.T) {
	var got []string
	for name := range function.Table(function.Options{}) {
		plain, core := strings.CutPrefix(name, function.Namespace)
		if function.Varies(name) != function.Varies(plain) {
			t.Errorf("%s and %s are told apart", name, plain)
		}
		if function.Varies(name) && !core {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := strings.Fields("bcrypt file filebase64 filebase64sha256 filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 templatefile templatestring timestamp uuid")
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUUIDsDiffer(t *testing.T) {
	got := mustEval(t, function.Table(function.Options{}), "distinct([uuid(), uuid(), uuid()])")
	if got.LengthInt() != 3 || len(got.Index(cty.Zero).AsString()) != 36 {
		t.Errorf("got %#v", got)
	}
}

// shelf is a world of files in memory.
type shelf struct {
	files map[string]string
	asked []string
}

func (s *shelf) Open(path string) (io.ReadCloser, error) {
	s.asked = append(s.asked, path)
	content, ok := s.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	if content == "broken" {
		return nil, errors.New("input/output error")
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

func (s *shelf) Stat(path string) (fs.FileMode, error) {
	s.asked = append(s.asked, path)
	if _, ok := s.files[path]; !ok {
		return 0, fs.ErrNotExist
	}
	return 0, nil
}

func (s *shelf) Glob(dir, _ string) ([]string, error) {
	var out []string
	for path := range s.files {
		if strings.HasPrefix(path, dir+"/") {
			out = append(out, path)
		}
	}
	return out, nil
}

// TestFilesHook shows that all file functions go through the hook, with paths
// from the base directory.
func TestFilesHook(t *testing.T) {
	base := filepath.FromSlash("/base")
	world := &shelf{files: map[string]string{"/base/a.txt": "A ${x}", "/base/d/b": "B", "/elsewhere": "E", "/base/bad": "broken"}}
	table := function.Table(function.Options{BaseDir: base, Files: world})
	for src, want := range map[string]string{
		`file("a.txt")`:                      "A ${x}",
		`file("./d/../d/b")`:                 "B",
		`file("/elsewhere")`:                 "E",
		`filebase64("d/b")`:                  "Qg==",
		`templatefile("a.txt", {x = 1})`:     "A 1",
		`filemd5("d/b")`:                     "9d5ed678fe57bcca610140957afab571",
		`tostring(fileexists("d/b"))`:        "true",
		`tostring(fileexists("d/c"))`:        "false",
		`join(",", sort(fileset("d", "*")))`: "b",
		`abspath("x/../y")`:                  "/base/y",
	} {
		if got := mustEval(t, table, src); got.AsString() != want {
			t.Errorf("%s gives %#v; want %q", src, got, want)
		}
	}
	for _, path := range []string{"/base/a.txt", "/base/d/b", "/elsewhere", "/base/d/c"} {
		if !slices.Contains(world.asked, path) {
			t.Errorf("the hook was not asked for %s, but for %v", path, world.asked)
		}
	}
	if _, err := eval(table, `file("bad")`); err == nil || !strings.Contains(messages(err), "input/output error") {
		t.Errorf("a file that cannot be read gives %v", err)
	}
}

// TestTooLong reaches the limits on what becomes a value.
func TestTooLong(t *testing.T) {
	world := &endless{}
	const limit = 1000
	table := function.Table(function.Options{Files: world, MaxText: limit})
	if _, err := eval(table, `file("x")`); err == nil || !strings.Contains(messages(err), "too long for a value") {
		t.Errorf("an endless file gives %v", err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(make([]byte, limit+1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	bomb := base64.StdEncoding.EncodeToString(b.Bytes())
	if _, err := eval(table, fmt.Sprintf("base64gunzip(%q)", bomb)); err == nil || !strings.Contains(messages(err), "is longer than") {
		t.Errorf("what becomes too long gives %.100v", err)
	}
	for _, pattern := range []string{"%65536d", "%.99999999999f", "%%%[99999999]s", "%-+#0999999q", "a%999999999"} {
		for _, name := range []string{"format", "formatlist"} {
			_, err := eval(table, fmt.Sprintf("%s(%q, 1)", name, pattern))
			if err == nil || !strings.Contains(messages(err), "must not be greater than 65535") {
				t.Errorf("%s(%q) gives %.100v", name, pattern, err)
			}
		}
	}
	if got := mustEval(t, table, `length(format("%65535s|%%99999999", "é"))`); !got.RawEquals(cty.NumberIntVal(65535 + 10)) {
		t.Errorf("the greatest width gives %#v characters", got)
	}
	if _, err := eval(table, `indent(10001, "x")`); err == nil || !strings.Contains(messages(err), "from 0 to 10000") {
		t.Errorf("a too wide indent gives %v", err)
	}
}

// endless is a file without an end, as a device may be.
type endless struct{ shelf }

func (*endless) Open(string) (io.ReadCloser, error) { return io.NopCloser(zeroReader{}), nil }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { return len(p), nil }

func TestRSADecrypt(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 what the function decrypts is encrypted by this scheme
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte("grüße"))
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(cipher)
	table := function.Table(function.Options{})
	for kind, raw := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8} {
		block := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
		got, err := table["rsadecrypt"].Call([]cty.Value{cty.StringVal(text), cty.StringVal(block)})
		if err != nil || got.AsString() != "grüße" {
			t.Errorf("with a %s: %#v, %v", kind, got, err)
		}
		wrong := cty.StringVal(base64.StdEncoding.EncodeToString(cipher[1:]))
		if _, err := table["rsadecrypt"].Call([]cty.Value{wrong, cty.StringVal(block)}); err == nil {
			t.Error("a damaged text is decrypted")
		}
	}
}

// TestEphemeral looks at the mark that the consoles cannot set.
func TestEphemeral(t *testing.T) {
	table := function.Table(function.Options{})
	secret := cty.StringVal("x").Mark(object.Ephemeral)
	call := func(v cty.Value) cty.Value {
		t.Helper()
		out, err := table["ephemeralasnull"].Call([]cty.Value{v})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cases := []struct{ in, want cty.Value }{
		{secret, cty.NullVal(cty.String)},
		{secret.Mark(object.Sensitive), cty.NullVal(cty.String).Mark(object.Sensitive)},
		{cty.ListVal([]cty.Value{secret, cty.StringVal("y")}), cty.ListVal([]cty.Value{cty.NullVal(cty.String), cty.StringVal("y")})},
		{cty.EmptyObjectVal.Mark(object.Ephemeral), cty.NullVal(cty.EmptyObject)},
		{cty.UnknownVal(cty.String).Mark(object.Ephemeral), cty.UnknownVal(cty.String)},
		{cty.NullVal(cty.String).Mark(object.Ephemeral), cty.NullVal(cty.String)},
	}
	for _, c := range cases {
		if got := call(c.in); !got.RawEquals(c.want) {
			t.Errorf("%#v gives %#v; want %#v", c.in, got, c.want)
		}
	}
	if _, err := table["tonumber"].Call([]cty.Value{secret}); err == nil || !strings.Contains(err.Error(), "this ephemeral string") {
		t.Errorf("got %v", err)
	}
}

// TestConcurrentUse runs under the race detector.
func TestConcurrentUse(t *testing.T) {
	table := function.Table(function.Options{BaseDir: workspace(t)})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			src := fmt.Sprintf(`templatefile("files/letter.tftpl", {name = upper("n%d"), items = [for x in range(20) : format("%%d", x)]})`, i)
			for range 20 {
				if v, err := eval(table, src); err != nil || !strings.HasPrefix(v.AsString(), fmt.Sprintf("Dear N%d,", i)) {
					t.Errorf("%#v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}
