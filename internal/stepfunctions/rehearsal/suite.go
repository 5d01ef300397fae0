package rehearsal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
)

// Suite is a file of cases with the definition that they are about.
type Suite struct {
	// File is the file of cases, Path the definition's, Machine the state machine's name:
	// that of the file without its endings.
	File, Path, Machine string
	Definition          *definition.StateMachine
	Cases               *Cases
	Mocks               *mock.Config
	// Sources are the texts of the files that were read, by their names.
	Sources map[string][]byte
	// Limits are those of the executions.
	Limits execution.Limits
}

// NoDefinitionError says that a file of cases lies beside no definition.
type NoDefinitionError struct{ File string }

func (e *NoDefinitionError) Error() string {
	return fmt.Sprintf("%s lies beside no definition: it needs one of the same name (%s), or names it with \"definition\"", e.File, strings.Join(candidates(stem(e.File)), ", "))
}

// Find gives the files of cases that paths mean: themselves, the one beside a
// definition, all of a folder and those below it. Hidden folders and those that tools
// fill (node_modules, vendor) are left out.
func Find(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			found, err := below(p)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		case isCases(p):
			files = append(files, p)
		default:
			beside, ok := casesOf(p)
			if !ok {
				return nil, fmt.Errorf("%s has no cases beside it: there is no %s.test.yaml nor %[2]s.test.json", p, trimDefinition(p))
			}
			files = append(files, beside)
		}
	}
	return files, nil
}

func below(folder string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != folder && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "vendor"):
			return fs.SkipDir
		case !d.IsDir() && isCases(path):
			// Other tools have files of such names too; ours lie beside a definition.
			if _, err := beside(path); err == nil {
				files = append(files, path)
			}
		}
		return nil
	})
	return files, err
}

func isCases(path string) bool { return stem(path) != "" }

// stem is the name of a file of cases without its endings; "" for what is none.
func stem(path string) string {
	for _, ending := range []string{".test.json", ".test.yaml", ".test.yml"} {
		if s, ok := strings.CutSuffix(path, ending); ok && filepath.Base(path) != ending {
			return s
		}
	}
	return ""
}

var definitionEndings = [...]string{".asl.json", ".asl.yaml", ".asl.yml", ".asl", ".json", ".yaml", ".yml"}

func candidates(stem string) []string {
	var names []string
	for _, ending := range definitionEndings {
		names = append(names, filepath.Base(stem)+ending)
	}
	return names
}

func trimDefinition(path string) string {
	for _, ending := range definitionEndings {
		if s, ok := strings.CutSuffix(path, ending); ok {
			return s
		}
	}
	return path
}

func casesOf(definition string) (string, bool) {
	for _, ending := range []string{".test.yaml", ".test.yml", ".test.json"} {
		name := trimDefinition(definition) + ending
		if _, err := os.Stat(name); err == nil {
			return name, true
		}
	}
	return "", false
}

// beside gives the definition that a file of cases lies beside.
func beside(file string) (string, error) {
	for _, name := range candidates(stem(file)) {
		path := filepath.Join(filepath.Dir(file), name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", &NoDefinitionError{file}
}

// Load reads a file of cases, its definition and its mocks. Substitutions stand before
// those of the file; mocks is the file of mocks where the cases name none. The suite is
// there even beside diagnostics, for its Sources.
func Load(file string, substitutions map[string]string, mocks string) (*Suite, diag.List, error) {
	s := &Suite{File: file, Machine: filepath.Base(stem(file)), Sources: map[string][]byte{}}
	text, err := s.read(file)
	if err != nil {
		return s, nil, err
	}
	cases, diags := ReadCases(file, text)
	if cases == nil {
		return s, diags, nil
	}
	s.Cases = cases
	if cases.Definition != "" {
		s.Path = filepath.Join(filepath.Dir(file), cases.Definition)
		s.Machine = filepath.Base(trimDefinition(s.Path))
	} else if s.Path, err = beside(file); err != nil {
		return s, diags, err
	}
	if text, err = s.read(s.Path); err != nil {
		return s, diags, err
	}
	given := cases.Substitutions
	for name, value := range substitutions {
		if given == nil {
			given = map[string]string{}
		}
		given[name] = value
	}
	def, findings := definition.Check(s.Path, text, definition.Options{Substitutions: given})
	s.Definition = def
	diags = append(diags, definition.Diagnostics(findings)...)
	more, err := s.loadMocks(mocks)
	return s, append(diags, more...), err
}

func (s *Suite) loadMocks(otherwise string) (diag.List, error) {
	name := otherwise
	if s.Cases.MockConfig != "" {
		name = filepath.Join(filepath.Dir(s.File), s.Cases.MockConfig)
	}
	if name == "" {
		return nil, nil
	}
	text, err := s.read(name)
	if err != nil {
		return nil, fmt.Errorf("the file of mocks: %w", err)
	}
	var diags diag.List
	s.Mocks, diags = mock.Read(name, text)
	return diags, nil
}

func (s *Suite) read(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err == nil {
		s.Sources[name] = text
	}
	return text, err
}

// Play carries out the suite's cases in their order.
func (s *Suite) Play() ([]Outcome, Coverage) {
	return Play(s.Machine, s.Definition, s.Cases, s.Mocks, s.Limits)
}
