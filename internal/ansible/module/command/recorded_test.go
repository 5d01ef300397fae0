package command_test

import (
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// TestRecorded holds the modules to ansible-core.
func TestRecorded(t *testing.T) { moduletest.Run(t, "testdata/*.yml") }
