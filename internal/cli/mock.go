package cli

import (
	"fmt"
	"os"

	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/stepfunctions/mock"
)

// mocks reads a mock file as Step Functions Local takes it.
func mocks(path string) (*mock.Config, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("SFN_MOCK_CONFIG: %w", err)
	}
	config, d := mock.Read(path, text)
	if d.HasErrors() {
		return nil, fmt.Errorf("SFN_MOCK_CONFIG: %w", d.Err())
	}
	return config, nil
}

// mocked has the mock file of the environment answer for executions with a test case.
func (a *app) mocked(e *engine.Engine) (*mock.Config, error) {
	config, err := mocks(a.env("SFN_MOCK_CONFIG"))
	if config != nil {
		e.Mock(config)
	}
	return config, err
}

// knownCase refuses a test case that is not there.
func knownCase(config *mock.Config, machine, name string) error {
	if config == nil {
		return fmt.Errorf("%q is a test case of a mock file, and SFN_MOCK_CONFIG names no such file", name)
	}
	if _, ok := config.Case(machine, name); !ok {
		return fmt.Errorf("the mock file has no test case %q of the state machine %s.%s", name, machine, diag.DidYouMean(name, config.Cases(machine)))
	}
	return nil
}
