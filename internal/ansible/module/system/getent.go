package system

import (
	"context"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func getentSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "database", Required: true},
			{Name: "key"},
			{Name: "service"},
			{Name: "split"},
			{Name: "fail_key", Type: argument.Bool, Default: true},
		},
		Check: true,
	}
}

// getent is the module getent: entries of a database as facts.
func getent(ctx context.Context, c *module.Call) module.Result {
	program, err := require(ctx, "getent")
	if err != nil {
		return attribute.Result(err)
	}
	database, key := c.String("database"), c.String("key")
	argv := []string{program, database}
	if c.Given("key") {
		argv = append(argv, key)
	}
	if c.Given("service") {
		argv = append(argv, "-s", c.String("service"))
	}
	split := c.String("split")
	if !c.Given("split") {
		switch database {
		case "passwd", "shadow", "group", "gshadow":
			split = ":"
		}
	}
	out := ask(ctx, argv...)
	msg := "Unexpected failure!"
	switch out.code {
	case 0:
		return module.Result{"ansible_facts": map[string]any{"getent_" + database: entries(out.stdout, split)}}
	case 1:
		msg = "Missing arguments, or database unknown."
	case 2:
		msg = "One or more supplied key could not be found in the database."
		if !c.Bool("fail_key") {
			return module.Result{"msg": msg, "ansible_facts": map[string]any{"getent_" + database: map[string]any{key: nil}}}
		}
	case 3:
		msg = "Enumeration not supported on this database."
	}
	return module.Fail(msg)
}

// entries gives for each first field the others; a list of lists where a key comes again.
func entries(text, split string) map[string]any {
	found := map[string]any{}
	seen := map[string]int{}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var fields []string
		if split == "" {
			fields = strings.Fields(line)
		} else {
			fields = strings.Split(line, split)
		}
		if len(fields) == 0 {
			continue
		}
		rest := make([]any, len(fields)-1)
		for i, f := range fields[1:] {
			rest[i] = f
		}
		key := fields[0]
		switch seen[key]++; seen[key] {
		case 1:
			found[key] = rest
		case 2:
			found[key] = []any{found[key], rest}
		default:
			found[key] = append(found[key].([]any), rest)
		}
	}
	return found
}
