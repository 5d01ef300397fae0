// Statesmodel makes the table that the Step Functions API checks its inputs by, from the model of the service that
// botocore ships (PyPI, botocore/data/stepfunctions/2016-11-23/service-2.json.gz).
//
// In goes that file; out comes internal/server/states/model.json: for every action the shape of its input and the
// errors that it may answer, and the shapes that those inputs are made of, without any of the model's prose.
package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"tutti/internal/aws/awstest"
)

func main() {
	out := flag.String("out", "internal/server/states/model.json", "`file` to write")
	model := flag.String("model", "", "service-2.json.gz; the one in the Python environment when not given")
	flag.Parse()
	if err := run(*model, *out); err != nil {
		fmt.Fprintln(os.Stderr, "statesmodel:", err)
		os.Exit(1)
	}
}

// source is the part of botocore's model that is read.
type source struct {
	Operations map[string]struct {
		Input  struct{ Shape string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]shape
}

// shape has the same form in both files.
type shape struct {
	Type      string            `json:"type"`
	Required  []string          `json:"required,omitempty"`
	Members   map[string]member `json:"members,omitempty"`
	Member    *member           `json:"member,omitempty"`
	Min       *float64          `json:"min,omitempty"`
	Max       *float64          `json:"max,omitempty"`
	Pattern   string            `json:"pattern,omitempty"`
	Enum      []string          `json:"enum,omitempty"`
	Sensitive bool              `json:"sensitive,omitempty"`
}

type member struct {
	Shape string `json:"shape"`
}

type operation struct {
	Input  string   `json:"input"`
	Errors []string `json:"errors"`
}

type table struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
}

func run(model, out string) error {
	if model == "" {
		found, err := filepath.Glob(filepath.Join(awstest.Venv(), "lib", "python3*", "site-packages", "botocore", "data", "stepfunctions", "2016-11-23", "service-2.json.gz"))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errors.New("botocore is not installed: run `make moto`")
		}
		model = found[0]
	}
	from, err := read(model)
	if err != nil {
		return fmt.Errorf("read %s: %w", model, err)
	}
	text, err := json.MarshalIndent(reduce(from), "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

func read(path string) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	var s source
	return &s, json.Unmarshal(text, &s)
}

func reduce(from *source) table {
	t := table{Operations: map[string]operation{}, Shapes: map[string]shape{}}
	for name, o := range from.Operations {
		op := operation{Input: o.Input.Shape}
		for _, e := range o.Errors {
			op.Errors = append(op.Errors, e.Shape)
		}
		slices.Sort(op.Errors)
		t.Operations[name] = op
		t.take(from, op.Input)
	}
	return t
}

// take adds a shape and all that it is made of.
func (t table) take(from *source, name string) {
	if _, have := t.Shapes[name]; have {
		return
	}
	s := from.Shapes[name]
	t.Shapes[name] = s
	for _, m := range s.Members {
		t.take(from, m.Shape)
	}
	if s.Member != nil {
		t.take(from, s.Member.Shape)
	}
}
