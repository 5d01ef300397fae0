package packaging

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func factsSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "manager", Type: argument.List, Elements: argument.Str, Default: []any{"auto"}},
			{Name: "strategy", Choices: []any{"first", "all"}, Default: "first"},
		},
		Check: true,
	}
}

// lister lists the packages that one manager knows; program is what has to be there.
type lister struct {
	program string
	list    func(ctx context.Context) ([]map[string]any, error)
}

// listers are the managers by name. Those of other systems than Linux are not among them.
func listers() map[string]lister {
	return map[string]lister{
		"apk":    {"apk", listAPK},
		"apt":    {"dpkg-query", listAPT},
		"pacman": {"pacman", listPacman},
		"rpm":    {"rpm", listRPM},
	}
}

// otherName gives the manager that another name stands for.
func otherName(name string) string {
	switch name {
	case "dnf", "dnf5", "yum", "zypper":
		return "rpm"
	}
	return name
}

// packageFacts is the module package_facts: what is installed.
func packageFacts(ctx context.Context, c *module.Call) module.Result {
	all := listers()
	asked := map[string]bool{}
	var names []string
	auto := false
	for _, n := range c.Strings("manager") {
		if n = strings.ToLower(n); n == "auto" {
			auto = true
		} else {
			asked[n] = true
			names = append(names, n)
		}
	}
	for _, n := range names {
		if _, ok := all[otherName(n)]; !ok {
			return module.Fail("Unsupported package managers requested: " + n)
		}
	}
	if auto {
		var more []string
		for n := range all {
			more = append(more, n)
		}
		sort.Strings(more)
		names = append(names, more...)
	}
	packages, seen, found := map[string]any{}, map[string]bool{}, false
	for _, asName := range names {
		name := otherName(asName)
		if seen[name] || found && c.String("strategy") == "first" {
			continue
		}
		seen[name] = true
		if _, err := require(ctx, all[name].program); err != nil {
			if asked[asName] {
				c.Warn("Requested package manager %s was not usable by this module: %s", name, err)
			}
			continue
		}
		list, err := all[name].list(ctx)
		if err != nil {
			c.Warn("Failed to retrieve packages with %s: %s", name, err)
		}
		if len(list) == 0 {
			c.Warn("Found %q but no associated packages", name)
			continue
		}
		found = true
		for _, p := range list {
			p["source"] = name
			key, _ := p["name"].(string)
			before, _ := packages[key].([]any)
			packages[key] = append(before, p)
		}
	}
	if !found {
		return module.Fail("Could not detect a supported package manager from the following list: ['" + strings.Join(names, "', '") +
			"'], or the required Python library is not installed. Check warnings for details.")
	}
	return module.Result{"changed": false, "ansible_facts": map[string]any{"packages": packages}}
}

// output runs a program that lists packages.
func output(ctx context.Context, argv ...string) (string, error) {
	o := run(ctx, argv...)
	if o.Code != 0 {
		return "", attribute.Failed(fmt.Sprintf("Unable to list packages rc=%d : %s", o.Code, o.Stderr))
	}
	return o.Stdout, nil
}

func listAPT(ctx context.Context) ([]map[string]any, error) {
	out, err := output(ctx, "dpkg-query", "-W", "-f", "${db:Status-Status}\t${Package}\t${Architecture}\t${Version}\t${Section}\n")
	if err != nil {
		return nil, err
	}
	native := strings.TrimSpace(run(ctx, "dpkg", "--print-architecture").Stdout)
	var list []map[string]any
	var names []string
	for _, line := range lines(out) {
		f := strings.Split(line, "\t")
		if len(f) != 5 || f[0] != "installed" {
			continue
		}
		name := f[1]
		if f[2] != native && f[2] != "all" {
			name += ":" + f[2]
		}
		names = append(names, name)
		list = append(list, map[string]any{"name": name, "version": f[3], "arch": f[2], "category": f[4]})
	}
	from := origins(ctx, names)
	for _, p := range list {
		p["origin"] = from[p["name"].(string)]
	}
	return list, nil
}

var (
	sourceLine = regexp.MustCompile(`^ +-?\d+ (.+)$`)
	ownerField = regexp.MustCompile(`(?:^|,)o=([^,]*)`)
)

// origins tells for each package who publishes the version that is installed; "" when nobody
// does any more.
func origins(ctx context.Context, names []string) map[string]string {
	owners, source := map[string]string{}, ""
	for _, line := range lines(run(ctx, "apt-cache", "policy").Stdout) {
		if m := sourceLine.FindStringSubmatch(line); m != nil {
			source = m[1]
		} else if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "release "); ok {
			if m := ownerField.FindStringSubmatch(rest); m != nil {
				owners[source] = m[1]
			}
		}
	}
	found, name, mine := map[string]string{}, "", false
	if len(names) == 0 {
		return found
	}
	for _, line := range lines(run(ctx, append([]string{"apt-cache", "policy", "--"}, names...)...).Stdout) {
		switch {
		case line[0] != ' ':
			name, mine = strings.TrimSuffix(line, ":"), false
		case strings.HasPrefix(line, " *** "):
			mine = true
		case versionLine.MatchString(line):
			mine = false
		case mine:
			if m := sourceLine.FindStringSubmatch(line); m != nil {
				found[name], mine = owners[m[1]], false
			}
		}
	}
	return found
}

func listRPM(ctx context.Context) ([]map[string]any, error) {
	out, err := output(ctx, "rpm", "-qa", "--qf", `%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n`)
	if err != nil {
		return nil, err
	}
	var list []map[string]any
	for _, line := range lines(out) {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			continue
		}
		for i := range f {
			if f[i] == "(none)" {
				f[i] = "None"
			}
		}
		list = append(list, map[string]any{"name": f[0], "version": f[1], "release": f[2], "epoch": f[3], "arch": f[4]})
	}
	return list, nil
}

func listAPK(ctx context.Context) ([]map[string]any, error) {
	out, err := output(ctx, "apk", "info", "-v")
	if err != nil {
		return nil, err
	}
	var list []map[string]any
	for _, line := range lines(out) {
		p := map[string]any{"name": line, "version": "", "release": ""}
		if release := strings.LastIndexByte(line, '-'); release > 0 {
			if version := strings.LastIndexByte(line[:release], '-'); version > 0 {
				p = map[string]any{"name": line[:version], "version": line[version+1 : release], "release": line[release+1:]}
			}
		}
		list = append(list, p)
	}
	return list, nil
}

var pacmanField = regexp.MustCompile(`^([\w ]*\w) +: (.*)`)

func listPacman(ctx context.Context) ([]map[string]any, error) {
	out, err := output(ctx, "pacman", "-Qi")
	if err != nil {
		return nil, err
	}
	var list []map[string]any
	for _, text := range strings.Split(strings.TrimSpace(out), "\n\n") {
		fields, last := map[string]string{}, ""
		for _, line := range lines(text) {
			if m := pacmanField.FindStringSubmatch(line); m != nil {
				last = m[1]
				fields[last] = m[2]
			} else {
				fields[last] += "  " + strings.TrimLeft(line, " ")
			}
		}
		var provides any
		if p := fields["Provides"]; p != "None" && p != "" {
			var names []any
			for _, x := range strings.Split(p, "  ") {
				x, _, _ = strings.Cut(x, "=")
				names = append(names, x)
			}
			provides = names
		}
		if fields["Name"] != "" {
			list = append(list, map[string]any{"name": fields["Name"], "version": fields["Version"], "arch": fields["Architecture"], "provides": provides})
		}
	}
	return list, nil
}
