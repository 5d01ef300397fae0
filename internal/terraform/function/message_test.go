package function_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tutti/internal/terraform/function"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// TestMessages compares, for every expression that fails, what the user reads.
// The file is to be reviewed like prose: each message names what is wrong.
func TestMessages(t *testing.T) {
	dir := workspace(t)
	table := function.Table(function.Options{BaseDir: dir})
	var b strings.Builder
	for _, e := range readExpressions(t) {
		if _, err := eval(table, e.source()); err != nil {
			b.WriteString(e.text + "\n" + indented(strings.ReplaceAll(messages(err), dir, "DIR")) + "\n")
		}
	}
	const path = "testdata/messages.txt"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the messages are others than in %s; look at what -update changes there", path)
	}
}

func indented(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") + "\n" }

// messages gives headline and detail of each diagnostic.
func messages(err error) string {
	var diags hcl.Diagnostics
	if !errors.As(err, &diags) {
		return err.Error()
	}
	var out []string
	for _, d := range diags {
		out = append(out, d.Summary+": "+d.Detail)
	}
	return strings.Join(out, "\n")
}

// TestSecretsStayOutOfMessages calls every function with secret arguments of all
// sorts and looks for the secret in whatever error comes back.
func TestSecretsStayOutOfMessages(t *testing.T) {
	const secret = "tOpSeCrEt"
	arguments := map[string]string{
		"text":   `sensitive("` + secret + `")`,
		"list":   `[sensitive("` + secret + `"), 2]`,
		"object": `{x = sensitive("` + secret + `")}`,
		"map":    `tomap({x = sensitive("` + secret + `")})`,
		"inner":  `sensitive({` + secret + ` = "x"})`,
		"regexp": `sensitive("/(` + secret + `/")`,
		"format": `sensitive("%d` + secret + `%z")`,
	}
	others := []string{"", `, "x"`, `, 1`, `, "x", "y"`, `, 1, 2`, `, ["a"]`, `, {}`}
	// Hundreds of bcrypt hashes would take their time.
	table := function.Table(function.Options{BaseDir: workspace(t), PureOnly: true})
	failures := 0
	for name := range table {
		if strings.HasPrefix(name, function.Namespace) {
			continue // the same function again
		}
		for kind, argument := range arguments {
			for _, other := range others {
				calls := []string{
					name + "(" + argument + other + ")",
					name + "(" + strings.TrimPrefix(other+", "+argument, ", ") + ")",
				}
				for _, call := range calls {
					_, err := eval(table, call)
					if err == nil || kind == "inner" && strings.HasSuffix(name, "transpose") {
						// HCL converts to the map that transpose takes, and names the
						// attribute where that fails, before the function is asked.
						continue
					}
					failures++
					if got := messages(err); strings.Contains(got, secret) {
						t.Errorf("%s of a secret %s tells it: %s", call, kind, got)
					}
				}
			}
		}
	}
	if failures < 1000 {
		t.Errorf("only %d calls failed: the test does not try what it should", failures)
	}
}

// TestSecretMessages shows what is said instead.
func TestSecretMessages(t *testing.T) {
	table := function.Table(function.Options{BaseDir: workspace(t)})
	for src, want := range map[string]string{
		`tonumber(sensitive("x"))`:                    "cannot convert this sensitive string to number",
		`parseint(sensitive("x"), 10)`:                `the value of "number" is sensitive`,
		`file(sensitive("nope"))`:                     `the value of "path" is sensitive`,
		`format("%d", sensitive("x"))`:                `the value of "args" is sensitive`,
		`lookup({a = 1}, sensitive("b"))`:             `the value of "key" is sensitive`,
		`bcrypt(sensitive("x"), 99)`:                  `the value of "str" is sensitive`,
		`list(sensitive("x"))`:                        `the function "list" is no longer part of the language`,
		`jsondecode(ephemeralasnull(sensitive("{")))`: `the value of "str" is sensitive`,
	} {
		if _, err := eval(table, src); err == nil || !strings.Contains(messages(err), want) {
			t.Errorf("%s\n  got:  %v\n  want: %s", src, err, want)
		}
	}
}

func isUnknownString(v cty.Value) bool { return !v.IsKnown() && v.Type() == cty.String }
