package file_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"tutti/internal/ansible/action"
	actions "tutti/internal/ansible/action/builtin"
	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/moduletest"
)

// BenchmarkCopy copies a content that is new, BenchmarkCopyAgain one that is there.
func BenchmarkCopy(b *testing.B)      { benchmarkCopy(b, func(i int) string { return strconv.Itoa(i) }) }
func BenchmarkCopyAgain(b *testing.B) { benchmarkCopy(b, func(int) string { return "content" }) }

func benchmarkCopy(b *testing.B, content func(int) string) {
	dest := filepath.Join(b.TempDir(), "x")
	target := &moduletest.Local{Modules: builtin.Modules()}
	run := actions.Actions()["copy"]
	for i := 0; b.Loop(); i++ {
		if r, err := run(b.Context(), target, action.Task{Args: map[string]any{"content": content(i), "dest": dest}}); err != nil || r.Failed() {
			b.Fatal(r, err)
		}
	}
}

func BenchmarkStat(b *testing.B) {
	target := &moduletest.Local{Modules: builtin.Modules()}
	for b.Loop() {
		if r, err := target.Run(b.Context(), module.Request{Module: "stat", Args: map[string]any{"path": "/etc/hosts"}}); err != nil || r.Failed() {
			b.Fatal(r, err)
		}
	}
}
