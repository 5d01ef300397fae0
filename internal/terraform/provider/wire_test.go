package provider

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tutti/internal/terraform/provider/tfplugin5"
	"tutti/internal/terraform/provider/tfplugin6"
)

// TestWireCompatible holds what the client relies on: that version 6's Go types
// read and write version 5's messages, except those that it treats apart.
func TestWireCompatible(t *testing.T) {
	five := tfplugin5.File_tfplugin5_proto.Services().ByName("Provider").Methods()
	six := tfplugin6.File_tfplugin6_proto.Services().ByName("Provider").Methods()
	seen := map[protoreflect.FullName]bool{}
	for c, names := range methods {
		a, b := five.ByName(protoreflect.Name(names.five)), six.ByName(protoreflect.Name(names.six))
		if a == nil || b == nil {
			t.Errorf("call %d: %q or %q is no procedure", c, names.five, names.six)
			continue
		}
		compareMessages(t, a.Input(), b.Input(), seen)
		compareMessages(t, a.Output(), b.Output(), seen)
	}
}

func compareMessages(t *testing.T, a, b protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[a.FullName()] {
		return
	}
	seen[a.FullName()] = true
	if a.FullName() == "tfplugin5.Schema.Attribute" {
		return // decodeSchema
	}
	for i := range a.Fields().Len() {
		f := a.Fields().Get(i)
		g := b.Fields().ByNumber(f.Number())
		if g == nil {
			if f.FullName() != "tfplugin5.PrepareProviderConfig.Response.prepared_config" { // prepared
				t.Errorf("%s has no counterpart", f.FullName())
			}
			continue
		}
		if f.Name() != g.Name() || f.Kind() != g.Kind() || f.Cardinality() != g.Cardinality() || f.HasPresence() != g.HasPresence() {
			t.Errorf("%s differs from %s", f.FullName(), g.FullName())
		}
		if f.Message() != nil && g.Message() != nil {
			compareMessages(t, f.Message(), g.Message(), seen)
		}
	}
	for i := range b.Fields().Len() {
		if g := b.Fields().Get(i); a.Fields().ByNumber(g.Number()) == nil {
			t.Errorf("%s has no counterpart in version 5", g.FullName())
		}
	}
}

func TestTailKeepsPanicAndBounds(t *testing.T) {
	var log tail
	for range 100 {
		_, _ = log.Write(bytes.Repeat([]byte("x"), maxLogLine+100))
		_, _ = log.Write([]byte("\n"))
	}
	if len(log.lines) > maxLogLines || log.size > maxLogBytes || len(log.lines[0]) != maxLogLine {
		t.Errorf("kept %d lines, %d bytes", len(log.lines), log.size)
	}
	_, _ = log.Write([]byte("panic: oh\n\ngoroutine 1 [running]:\n"))
	for range 1000 {
		_, _ = log.Write([]byte("\t/some/where.go:12\n"))
	}
	want := "  panic: oh\n  \n  goroutine 1 [running]:\n"
	if text := log.text(); !log.panicked() || len(text) < len(want) || text[:len(want)] != want {
		t.Errorf("the panic is lost:\n%s", text)
	}
}

func TestQuietUnlessAsked(t *testing.T) {
	opts := LaunchOptions{Path: "/x/terraform-provider-google-beta_v1.2.3_x5"}
	if got := opts.quiet(nil); len(got) != 4 || got[3] != "TF_LOG_PROVIDER_GOOGLE_BETA=WARN" {
		t.Errorf("by file: %v", got)
	}
	opts.Name = "registry.terraform.io/hashicorp/google"
	if got := opts.quiet([]string{"HOME=/", "TF_LOG="}); len(got) != 4 || got[3] != "TF_LOG_PROVIDER_GOOGLE=WARN" {
		t.Errorf("by address: %v", got)
	}
	if got := opts.quiet([]string{"TF_LOG_PROVIDER=TRACE"}); got != nil {
		t.Errorf("though the user asks for logs: %v", got)
	}
	opts.Log = &tail{}
	if got := opts.quiet(nil); got != nil {
		t.Errorf("though the caller asks for logs: %v", got)
	}
}

// TestCollector makes executables of several sizes.
func TestCollector(t *testing.T) {
	for _, tc := range []struct {
		size int64
		env  []string
		want int
	}{
		{smallProvider, []string{"HOME=/"}, 1},
		{smallProvider + 1, nil, 0},
		{1, []string{"GOGC=50"}, 0},
		{1, []string{"GOMEMLIMIT=1GiB"}, 0},
	} {
		path := filepath.Join(t.TempDir(), "terraform-provider-x")
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, tc.size); err != nil {
			t.Fatal(err)
		}
		o := LaunchOptions{Path: path}
		if got := o.collector(tc.env); len(got) != tc.want {
			t.Errorf("%d bytes with %v: got %v", tc.size, tc.env, got)
		}
	}
	if got := (&LaunchOptions{Path: filepath.Join(t.TempDir(), "none")}).collector(nil); got != nil {
		t.Errorf("for no executable: got %v", got)
	}
}
