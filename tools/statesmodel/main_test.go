package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tutti/internal/aws/awstest"
)

// TestCurrent holds the table in the repository to the model that is installed.
func TestCurrent(t *testing.T) {
	t.Parallel()
	awstest.Program(t, "python")
	out := filepath.Join(t.TempDir(), "model.json")
	if err := run("", out); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../internal/server/states/model.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("internal/server/states/model.json is not made from this model: run go generate ./internal/server/states")
	}
}
