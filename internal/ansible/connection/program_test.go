package connection_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/sshdtest"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

// maxTarget is how large the program for hosts may become, packed.
const maxTarget = 8 << 20

// TestRealProgram puts the program that make builds onto a host, and runs a real module there.
func TestRealProgram(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	dir := t.TempDir()
	plain := filepath.Join(dir, "target")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", plain, "tutti/cmd/tutti-target")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := []byte(read(t, plain))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %d KB, packed %d KB", len(text)>>10, packed.Len()>>10)
	if packed.Len() > maxTarget {
		t.Errorf("the program has %d bytes packed, more than %d", packed.Len(), maxTarget)
	}
	hash := sha256.Sum256(text)
	write(t, filepath.Join(dir, fmt.Sprintf("target_linux_%s_%s.gz", runtime.GOARCH, hex.EncodeToString(hash[:]))), packed.String())
	t.Setenv(program.DirVariable, dir)
	p := connection.NewPool(connection.Options{Modules: target.Table(builtin.Modules()), Home: server.Home})
	t.Cleanup(func() {
		if err := p.Clean(context.Background()); err != nil {
			t.Error(err)
		}
		p.Close()
	})
	for _, b := range []connection.Become{{}, {Method: "sudo", User: "root"}} {
		s := spec(server, 1)
		s.Become = b
		result, err := open(t, p, s).Run(t.Context(), module.Request{Module: "ansible.builtin.ping", Args: map[string]any{"data": "pong!"}})
		if err != nil || result["ping"] != "pong!" {
			t.Errorf("ping gives %v, %v", result, err)
		}
	}
}

func TestProgramsOfFolder(t *testing.T) {
	t.Setenv(program.DirVariable, t.TempDir())
	if _, err := program.Find(); err == nil {
		t.Error("an empty folder is no error")
	}
}
