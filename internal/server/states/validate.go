package states

import (
	"context"
	"fmt"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/integration"
)

type validateInput struct {
	Definition string `json:"definition"`
	Type       string `json:"type"`
	Severity   string `json:"severity"`
	MaxResults int    `json:"maxResults"`
}

// maxFindings is how many diagnostics are given at most, and by default (API reference).
const maxFindings = 100

type validationFinding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

func (a *API) validateDefinition(_ context.Context, _ call, in *validateInput) (any, error) {
	m, findings := definition.Check("definition.asl.json", []byte(in.Definition), definition.Options{Express: in.Type == typeExpress, Recognise: integration.Recognise()})
	if m != nil && a.o.Strict {
		findings = append(findings, m.Strict(definition.Use{Size: len(in.Definition), Express: in.Type == typeExpress})...)
	}
	out := struct {
		Result      string              `json:"result"`
		Diagnostics []validationFinding `json:"diagnostics"`
		Truncated   bool                `json:"truncated"`
	}{Result: "OK", Diagnostics: []validationFinding{}}
	limit := in.MaxResults
	if limit == 0 {
		limit = maxFindings
	}
	for _, f := range findings {
		severity := "ERROR"
		if f.Diagnostic.Severity != diag.Error {
			severity = "WARNING"
		} else {
			out.Result = "FAIL"
		}
		switch {
		case severity == "WARNING" && in.Severity != "WARNING":
		case len(out.Diagnostics) == limit:
			out.Truncated = true
		default:
			out.Diagnostics = append(out.Diagnostics, validationFinding{severity, f.Code, f.Message, f.Location})
		}
	}
	return out, nil
}

// summary puts the errors of a definition into one line, as InvalidDefinition has it.
func summary(findings []definition.Finding) string {
	var all []string
	for _, f := range findings {
		if f.Diagnostic.Severity != diag.Error {
			continue
		}
		text := fmt.Sprintf("%s: %s", f.Code, f.Message)
		if f.Location != "" {
			text += " at " + f.Location
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
