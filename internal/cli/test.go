package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/stepfunctions/rehearsal"
)

type testFlags struct {
	run, junit, mocks string
	substitutions     []string
	json, strict      bool
}

func (a *app) testCommand() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use: "test [PATH...]", Short: "Rehearse state machines with mocks",
		Long: `Test carries out the cases that lie beside definitions of state machines: those of
order.asl.json are in order.test.yaml or order.test.json. Nothing is called and
nothing waits: what states call is answered by mocks, and time is virtual. PATH is
such a file, a definition, or a folder with everything below it; without one it is
this folder.

  coverage: 100                  # of all states, or the test fails
  mocks:                         # for all cases
    Ship: {return: {sent: true}}
  cases:
    a card that is busy first:
      input: {total: 5}
      mocks:
        Charge:                  # one reply a call; a single one is repeated
          - throw: {error: Card.Busy, cause: later}
          - {return: {paid: 5}, after: 90s}
        Ask: {never: true}       # times out
      expect:
        status: SUCCEEDED        # or FAILED, TIMED_OUT
        output: {sent: true}     # all of it; contains: a part of it
        path: [Charge, Ship]
        calls: {Ship: [{total: 5}]}
    a card that is refused:
      mocks: {Charge: {throw: {error: Card.Refused}}}
      expect: {error: Card.Refused}

A case may also have at (when it begins), from (the first state), variables, and
testCase: a test case of mockConfig, a file as Step Functions Local takes it (or
that SFN_MOCK_CONFIG names). substitutions stand for ${name} in the definition.

Exit codes: 0 all cases passed, 1 one failed or could not be read.`,
		Example: "  tutti test\n  tutti test -run refused order.asl.json\n  tutti test -junit report.xml workflows/",
		RunE:    func(_ *cobra.Command, args []string) error { return a.test(args, &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.run, "run", "", "only the cases whose names match this regular expression")
	fl.StringArrayVar(&f.substitutions, "substitute", nil, "NAME=TEXT for ${NAME} in definitions; may be repeated")
	fl.StringVar(&f.mocks, "mock-config", "", "the file of mocks for cases that name none (default: SFN_MOCK_CONFIG)")
	fl.BoolVar(&f.json, "json", false, "print the outcome as JSON")
	fl.StringVar(&f.junit, "junit", "", "also write the outcome to this file, as JUnit XML")
	fl.BoolVar(&f.strict, "strict-aws", false, "hold executions to the service's 256 KiB for inputs and outputs")
	return c
}

func (a *app) test(paths []string, f *testFlags) error {
	only, err := regexp.Compile(f.run)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	given := map[string]string{}
	for _, s := range f.substitutions {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("-substitute %s: expected NAME=TEXT", s)
		}
		given[name] = text
	}
	if len(given) == 0 {
		given = nil
	}
	if f.mocks == "" {
		f.mocks = a.env("SFN_MOCK_CONFIG")
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	found, err := rehearsal.Find(paths)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return noCases(paths)
	}
	report, unread := a.rehearse(found, given, f, only)
	if f.junit != "" {
		if err := writeJUnit(f.junit, report); err != nil {
			return fmt.Errorf("-junit: %w", err)
		}
	}
	switch {
	case f.json:
		err = view.TestJSON(a.stdout, report)
	case len(report.Files) > 0 || !unread:
		a.style().Tests(a.stdout, report)
	}
	if err == nil && (unread || report.Failed() > 0) {
		err = exitCode(exitError)
	}
	return err
}

// rehearse carries out the cases of files. unread tells that some could not be read,
// which has been said.
func (a *app) rehearse(found []string, given map[string]string, f *testFlags, only *regexp.Regexp) (report view.Tests, unread bool) {
	for _, file := range found {
		s, diags, err := rehearsal.Load(file, given, f.mocks)
		a.diagnostics(diags, s.Sources)
		if err != nil {
			a.diagnostics(diag.FromError("The cases cannot be read", err), nil)
		}
		if err != nil || diags.HasErrors() {
			unread = true
			continue
		}
		if f.strict {
			s.Limits = strictLimits
		}
		s.Cases.Filter(only.MatchString)
		if len(s.Cases.Cases) == 0 {
			continue
		}
		outcomes, coverage := s.Play()
		// Of chosen cases nobody expects that they cover everything.
		least := s.Cases.Coverage
		if f.run != "" {
			least = 0
		}
		report.Files = append(report.Files, view.TestFile{Name: s.File, Definition: s.Path, Outcomes: outcomes, Coverage: coverage, Least: least})
	}
	return report, unread
}

func writeJUnit(name string, report view.Tests) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	err = view.JUnit(file, report)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// noCases tells what a file of cases is, and of Terraform's own tests where there are.
func noCases(paths []string) error {
	for _, p := range paths {
		for _, pattern := range []string{"*.tftest.hcl", "*.tofutest.hcl", "tests/*.tftest.hcl", "tests/*.tofutest.hcl"} {
			if found, err := filepath.Glob(filepath.Join(p, pattern)); err == nil && len(found) > 0 {
				return fmt.Errorf("%s is a test of Terraform, which this version does not carry out. Run it with \"tofu test\" or \"terraform test\" in the same folder: they read the same configuration", found[0])
			}
		}
	}
	return fmt.Errorf("there are no cases in %s: those of order.asl.json lie beside it in order.test.yaml. \"tutti test -help\" shows one", strings.Join(paths, ", "))
}
