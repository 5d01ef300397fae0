package function_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// This file asks the consoles of OpenTofu and Terraform, and keeps what they say.

// batch is how many expressions one console run evaluates: the console reads one
// line of at most 64 KiB.
const batch = 150

// patience is for a console that does not come back from an expression.
const patience = time.Minute

// failed is what an expression gives to the console instead of an error, which
// would end the console. As it is not JSON, no result can be taken for it.
const failed = "error!"

// The templates that expressions refer to, as local values.
const (
	greeting = "${name}, good morning"
	value    = "${x}"
)

// workspace is a folder with the files that the expressions read, and with the
// configuration in which the consoles evaluate.
func workspace(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "files"), os.DirFS("testdata/files")); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("files/binary.bin", "a\xff\xfeb")
	write("main.tf", fmt.Sprintf("resource \"terraform_data\" \"u\" {}\nlocals {\n  greeting = %q\n  value = %q\n}\n",
		"$"+greeting, "$"+value))
	return dir
}

// askTool evaluates all expressions with a tool's console.
func askTool(t *testing.T, tl tool, dir string, expressions []expression) []string {
	t.Helper()
	mustRun(t, tl, dir, "", "init", "-input=false")
	out := make([]string, len(expressions))
	var known, unknown []int
	for i, e := range expressions {
		if e.isUnknown {
			unknown = append(unknown, i)
		} else {
			known = append(known, i)
		}
	}
	for indexes := range slices.Chunk(known, batch) {
		for i, result := range askBatch(t, tl, dir, pick(expressions, indexes)) {
			out[indexes[i]] = result
		}
	}
	for i, result := range askUnknown(t, tl, dir, pick(expressions, unknown)) {
		out[unknown[i]] = result
	}
	return out
}

func pick(from []expression, indexes []int) []expression {
	out := make([]expression, len(indexes))
	for i, at := range indexes {
		out[i] = from[at]
	}
	return out
}

// askUnknown evaluates expressions outside of try, in which what is not wholly
// known would lose its type. There an error ends the console, so the half with
// the error is found by halving.
func askUnknown(t *testing.T, tl tool, dir string, expressions []expression) []string {
	t.Helper()
	var parts, encoded []string
	for _, e := range expressions {
		parts = append(parts, e.source())
		encoded = append(encoded, "jsonencode("+e.source()+")")
	}
	values, err := run(t, tl, dir, "["+strings.Join(encoded, ", ")+"]", "console")
	if err == nil {
		types := elements(mustRun(t, tl, dir, "type(["+strings.Join(parts, ", ")+"])", "console"))
		out := make([]string, len(expressions))
		for i, value := range elements(values) {
			out[i] = outcome(t, value, types[i], "")
		}
		return out
	}
	if len(expressions) == 1 {
		return []string{"error"}
	}
	half := len(expressions) / 2
	return append(askUnknown(t, tl, dir, expressions[:half]), askUnknown(t, tl, dir, expressions[half:])...)
}

func askBatch(t *testing.T, tl tool, dir string, expressions []expression) []string {
	t.Helper()
	values := ask(t, tl, dir, "["+wrapped(expressions, "nonsensitive(jsonencode(%s))", failed)+"]", len(expressions))
	types := ask(t, tl, dir, "type(["+wrapped(expressions, "%s", failed)+"])", len(expressions))
	marks := ask(t, tl, dir, "["+wrapped(expressions, "issensitive(%s)", "no")+"]", len(expressions))
	out := make([]string, len(expressions))
	for i := range out {
		out[i] = outcome(t, values[i], types[i], marks[i])
	}
	return out
}

// attempts is how often a console is asked that ends well and prints nothing, as
// that of OpenTofu was once seen to do on a busy machine.
const attempts = 3

// ask gives the elements of a tuple that a console prints.
func ask(t *testing.T, tl tool, dir, input string, want int) []string {
	t.Helper()
	for range attempts {
		printed := mustRun(t, tl, dir, input, "console")
		if out := elements(printed); len(out) == want {
			return out
		}
		t.Logf("%s printed for %.100s:\n%.500s", tl.name, input, printed)
	}
	t.Fatalf("%s does not print %d elements", tl.name, want)
	return nil
}

// wrapped joins the expressions, each in a form and with what stands for an
// error.
func wrapped(expressions []expression, form, otherwise string) string {
	parts := make([]string, len(expressions))
	for i, e := range expressions {
		parts[i] = fmt.Sprintf("try(%s, %q)", fmt.Sprintf(form, e.source()), otherwise)
	}
	return strings.Join(parts, ", ")
}

// elements splits what the console prints for a tuple, or for a tuple type: one
// element ends where a line with the first level of indentation has a comma.
func elements(printed string) []string {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	if len(lines) < 3 {
		return nil
	}
	lines = lines[1 : len(lines)-1]
	indent := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	var out, current []string
	for _, line := range lines {
		current = append(current, line)
		depth := len(line) - len(strings.TrimLeft(line, " "))
		if depth == indent && strings.HasSuffix(line, ",") {
			out = append(out, strings.TrimSuffix(strings.TrimSpace(strings.Join(current, "\n")), ","))
			current = nil
		}
	}
	return out
}

// outcome writes one result in the notation of the expected results.
func outcome(t *testing.T, value, ty, mark string) string {
	t.Helper()
	ty = oneLine(ty)
	if strings.HasPrefix(value, "(known after apply") {
		value = "unknown"
	} else {
		unquoted, err := strconv.Unquote(value)
		if err != nil {
			t.Fatalf("the console prints %s, which is not a quoted string: %v", value, err)
		}
		if unquoted == failed {
			return "error"
		}
		value = strings.NewReplacer("$${", "${", "%%{", "%{").Replace(unquoted)
	}
	if mark == "true" {
		return ty + " " + value + " sensitive"
	}
	return ty + " " + value
}

func mustRun(t *testing.T, tl tool, dir, input string, args ...string) string {
	t.Helper()
	out, err := run(t, tl, dir, input, args...)
	if err != nil {
		t.Fatalf("%v\n%.300s", err, input)
	}
	return out
}

func run(t *testing.T, tl tool, dir, input string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, tl.path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+os.DevNull, "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	cmd.Stdin = strings.NewReader(input + "\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", tl.path, args[0], err, stderr.String())
	}
	return string(out), nil
}

func readExpressions(t testing.TB) []expression {
	t.Helper()
	var out []expression
	for _, line := range dataLines(t, "testdata/expressions.txt") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		text, isUnknown := strings.CutPrefix(line, "? ")
		out = append(out, expression{text: text, isUnknown: isUnknown})
	}
	return out
}

func dataLines(t testing.TB, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// arrow is between an expression and its expected result.
const arrow = "  =>  "

func record(t *testing.T, path string, expressions []expression, results []string) {
	t.Helper()
	var b strings.Builder
	for i, e := range expressions {
		b.WriteString(e.text + arrow + results[i] + "\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func recorded(t *testing.T, path string, expressions []expression) []string {
	t.Helper()
	lines := dataLines(t, path)
	if len(lines) != len(expressions) {
		t.Fatalf("%s has %d results for %d expressions; record again with -update where the tool is installed", path, len(lines), len(expressions))
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		text, result, ok := strings.Cut(line, arrow)
		if !ok || text != expressions[i].text {
			t.Fatalf("%s:%d is not about %s; record again with -update where the tool is installed", path, i+1, expressions[i].text)
		}
		out[i] = result
	}
	return out
}

// readDifferences gives the expressions for which a tool is known to differ from
// ours, with the reason.
func readDifferences(t *testing.T, toolName string) map[string]string {
	t.Helper()
	out := map[string]string{}
	mine, reason := false, ""
	for _, line := range dataLines(t, "testdata/differences.txt") {
		if header, ok := strings.CutPrefix(line, "# "); ok {
			name, why, ok := strings.Cut(header, ": ")
			if !ok {
				t.Fatalf("differences.txt: the line %q is not of the form # TOOL: REASON", line)
			}
			mine, reason = name == toolName, why
		} else if mine {
			out[line] = reason
		}
	}
	return out
}
