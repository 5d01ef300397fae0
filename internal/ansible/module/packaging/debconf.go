package packaging

import (
	"context"
	"fmt"
	"maps"
	"sort"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func debconfSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true, Aliases: []string{"pkg"}},
			{Name: "question", Aliases: []string{"selection", "setting"}},
			{Name: "vtype", Choices: []any{"boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"}},
			{Name: "value", Type: argument.Raw, Aliases: []string{"answer"}},
			{Name: "unseen", Type: argument.Bool, Default: false},
		},
		RequiredTogether: [][]string{{"question", "vtype", "value"}},
		Check:            true,
	}
}

// debconf is the module debconf: an answer to a package's question.
func debconf(ctx context.Context, c *module.Call) module.Result {
	result, err := setAnswer(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func setAnswer(ctx context.Context, c *module.Call) (module.Result, error) {
	name, question, kind := c.String("name"), c.String("question"), c.String("vtype")
	answers, err := answersOf(ctx, name)
	if err != nil {
		return nil, err
	}
	if !c.Given("question") {
		return module.Result{"changed": false, "msg": "", "current": answers}, nil
	}
	if !c.Given("vtype") || !c.Given("value") {
		return nil, attribute.Failed("when supplying a question you must supply a valid vtype and value")
	}
	existing, known := answers[question].(string)
	value, same, err := wantedAnswer(ctx, c, existing)
	if err != nil {
		return nil, err
	}
	if known && same {
		return module.Result{"changed": false, "msg": "", "current": answers}, nil
	}
	msg := ""
	if !c.CheckMode {
		if msg, err = tellAnswer(ctx, c, strings.Join([]string{name, question, kind, plain(value)}, " ")); err != nil {
			return nil, err
		}
	}
	previous := answers
	if known {
		previous = map[string]any{question: existing}
	} else {
		previous[question] = ""
	}
	difference := map[string]any{}
	if c.Diff {
		after := maps.Clone(previous)
		after[question] = value
		difference = map[string]any{"before": previous, "after": after}
	}
	return module.Result{"changed": true, "msg": msg, "current": map[string]any{question: value}, "previous": previous, "diff": difference}, nil
}

// wantedAnswer is the value as debconf knows it, and whether that is what it has.
func wantedAnswer(ctx context.Context, c *module.Call, existing string) (value any, same bool, err error) {
	value = c.Args["value"]
	switch c.String("vtype") {
	case "boolean":
		value = strings.ToLower(plain(value))
		existing = strings.ToLower(existing)
	case "password":
		if existing, err = password(ctx, c); err != nil {
			return nil, false, err
		}
	case "multiselect":
		list, ok := value.([]any)
		if !ok {
			break
		}
		have := strings.Split(existing, ",")
		for i := range have {
			have[i] = strings.TrimSpace(have[i])
		}
		want := make([]string, len(list))
		for i, x := range list {
			s, ok := x.(string)
			if !ok {
				return nil, false, attribute.Failed(fmt.Sprintf("Invalid value provided for 'multiselect': sequence item %d: expected str instance, %T found", i, x))
			}
			want[i] = s
		}
		sort.Strings(have)
		sort.Strings(want)
		text := strings.Join(want, ", ")
		if c.CheckMode {
			sorted := make([]any, len(want))
			for i, s := range want {
				sorted[i] = s
			}
			return sorted, text == strings.Join(have, ", "), nil
		}
		return text, text == strings.Join(have, ", "), nil
	}
	s, ok := value.(string)
	return value, ok && s == existing, nil
}

// answersOf reads what debconf shows of a package.
func answersOf(ctx context.Context, name string) (map[string]any, error) {
	program, err := require(ctx, "debconf-show")
	if err != nil {
		return nil, err
	}
	o := run(ctx, program, name)
	if o.Code != 0 {
		return nil, attribute.Failed(o.Stderr)
	}
	answers := map[string]any{}
	for _, line := range lines(o.Stdout) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			answers[strings.TrimSpace(strings.Trim(key, "*"))] = strings.TrimSpace(value)
		}
	}
	return answers, nil
}

// password reads an answer that debconf-show hides.
func password(ctx context.Context, c *module.Call) (string, error) {
	program, err := require(ctx, "debconf-get-selections")
	if err != nil {
		return "", err
	}
	o := run(ctx, program)
	if o.Code != 0 {
		return "", attribute.Failed(fmt.Sprintf("Failed to get the value '%s' from '%s': %s", c.String("question"), c.String("name"), o.Stderr))
	}
	for _, line := range lines(o.Stdout) {
		f := strings.Split(line, "\t")
		if !strings.HasPrefix(line, c.String("name")) {
			continue
		}
		if len(f) <= 3 {
			return "", nil
		}
		if f[1] == c.String("question") && f[2] == c.String("vtype") {
			return f[3], nil
		}
	}
	return "", nil
}

func tellAnswer(ctx context.Context, c *module.Call, line string) (string, error) {
	program, err := require(ctx, "debconf-set-selections")
	if err != nil {
		return "", err
	}
	argv := []string{program}
	if c.Bool("unseen") {
		argv = append(argv, "-u")
	}
	o := module.Exec(ctx, module.Command{Argv: argv, Stdin: []byte(line + "\n"), Env: []string{"DEBIAN_FRONTEND=noninteractive"}})
	if o.Code != 0 || o.Err != nil {
		return "", attribute.Failed(o.Stderr)
	}
	return o.Stdout, nil
}

// plain is a value as Python's str shows it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case nil:
		return "None"
	}
	return fmt.Sprint(v)
}

func selectionsSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true},
			{Name: "selection", Required: true, Choices: []any{"install", "hold", "deinstall", "purge"}},
		},
		Check: true,
	}
}

// dpkgSelections is the module dpkg_selections: whether a package is held.
func dpkgSelections(ctx context.Context, c *module.Call) module.Result {
	dpkg, err := require(ctx, "dpkg")
	if err != nil {
		return attribute.Result(err)
	}
	name, selection := c.String("name"), c.String("selection")
	argv := []string{dpkg, "--get-selections", name}
	o := run(ctx, argv...)
	current := "not present"
	switch f := strings.Fields(o.Stdout); {
	case o.Code != 0:
		return attribute.Result(bad(argv, o))
	case strings.Contains(o.Stderr, "no packages found matching"):
		return module.Fail("Failed to find package '" + name + "' to perform selection '" + selection + "'.")
	case len(f) > 1:
		current = f[1]
	}
	result := module.Result{"changed": current != selection, "before": current, "after": selection}
	if c.CheckMode || current == selection {
		return result
	}
	argv = []string{dpkg, "--set-selections"}
	if o := module.Exec(ctx, module.Command{Argv: argv, Stdin: []byte(name + " " + selection + "\n")}); o.Code != 0 {
		return attribute.Result(bad(argv, o))
	}
	return result
}

// bad is the error of a program that did not do what it had to.
func bad(argv []string, o module.Output) error {
	return attribute.Failed(strings.TrimRight(o.Stderr, " \t\r\n"), "cmd", strings.Join(argv, " "), "rc", o.Code, "stdout", o.Stdout, "stderr", o.Stderr)
}
