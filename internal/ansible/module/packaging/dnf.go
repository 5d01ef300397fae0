package packaging

import (
	"context"
	"regexp"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func dnfSpec() argument.Spec {
	flag := func(name string, value any) argument.Option {
		return argument.Option{Name: name, Type: argument.Bool, Default: value}
	}
	list := func(name string, aliases ...string) argument.Option {
		return argument.Option{Name: name, Type: argument.List, Elements: argument.Str, Default: []any{}, Aliases: aliases}
	}
	return argument.Spec{
		Options: []argument.Option{
			flag("allow_downgrade", false), flag("allowerasing", false), flag("autoremove", false), {Name: "best", Type: argument.Bool}, flag("bugfix", false),
			flag("cacheonly", false), {Name: "conf_file"}, {Name: "disable_excludes"}, flag("disable_gpg_check", false), list("disable_plugin"), list("disablerepo"),
			flag("download_only", false), {Name: "download_dir"}, list("enable_plugin"), list("enablerepo"), list("exclude"), {Name: "installroot", Default: "/"},
			flag("install_weak_deps", true), {Name: "list"}, list("name", "pkg"), {Name: "nobest", Type: argument.Bool}, {Name: "releasever"}, flag("security", false),
			flag("skip_broken", false), flag("sslverify", true), {Name: "state", Choices: []any{"absent", "installed", "latest", "present", "removed"}},
			{Name: "update_cache", Type: argument.Bool, Default: false, Aliases: []string{"expire-cache"}}, flag("update_only", false), flag("validate_certs", true),
			{Name: "lock_timeout", Type: argument.Int, Default: int64(30)},
			{Name: "use_backend", Default: "auto", Choices: []any{"auto", "dnf", "yum", "yum4", "dnf4", "dnf5"}},
			{Name: "auto_install_module_deps", Type: argument.Bool, Default: true},
		},
		MutuallyExclusive: [][]string{{"name", "list"}, {"best", "nobest"}},
		RequiredOneOf:     [][]string{{"name", "list", "update_cache"}},
		Check:             true,
	}
}

// dnfCall is one call of the modules dnf and dnf5.
type dnfCall struct {
	c       *module.Call
	program string
	options []string
}

// dnf runs the module of either version; program is the name of the command.
func dnf(program string) func(context.Context, *module.Call) module.Result {
	return func(ctx context.Context, c *module.Call) module.Result {
		d := &dnfCall{c: c}
		var err error
		if d.program, err = require(ctx, program); err != nil {
			return attribute.Result(err)
		}
		d.readOptions()
		result, err := d.do(ctx)
		if err != nil {
			return attribute.Result(err)
		}
		return result
	}
}

// readOptions makes options for the command of the arguments.
func (d *dnfCall) readOptions() {
	c := d.c
	add := func(yes bool, option string) {
		if yes {
			d.options = append(d.options, option)
		}
	}
	d.options = []string{"-y"}
	add(c.Bool("allowerasing"), "--allowerasing")
	add(c.Bool("best"), "--best")
	add(c.Bool("nobest") || c.Args["best"] == false, "--nobest")
	add(c.Bool("cacheonly"), "--cacheonly")
	add(c.Bool("disable_gpg_check"), "--nogpgcheck")
	add(c.Bool("download_only"), "--downloadonly")
	add(c.Bool("skip_broken"), "--skip-broken")
	add(!c.Bool("install_weak_deps"), "--setopt=install_weak_deps=False")
	add(!c.Bool("sslverify") || !c.Bool("validate_certs"), "--setopt=sslverify=False")
	for _, pair := range [][2]string{{"conf_file", "--config="}, {"disable_excludes", "--disableexcludes="}, {"download_dir", "--destdir="}, {"releasever", "--releasever="}} {
		add(c.String(pair[0]) != "", pair[1]+c.String(pair[0]))
	}
	if root := c.String("installroot"); root != "/" {
		d.options = append(d.options, "--installroot="+root)
	}
	for _, pair := range [][2]string{{"disable_plugin", "--disableplugin="}, {"enable_plugin", "--enableplugin="}, {"disablerepo", "--disablerepo="},
		{"enablerepo", "--enablerepo="}, {"exclude", "--exclude="}} {
		for _, v := range c.Strings(pair[0]) {
			d.options = append(d.options, pair[1]+v)
		}
	}
}

func (d *dnfCall) do(ctx context.Context) (module.Result, error) {
	c := d.c
	names := c.Strings("name")
	if c.Bool("update_cache") {
		o := run(ctx, append([]string{d.program}, append(d.options, "makecache")...)...)
		if o.Code != 0 {
			return nil, attribute.Failed("Failed to refresh the cache: "+strings.TrimSpace(o.Stderr), "results", []any{}, "rc", o.Code)
		}
		if len(names) == 0 && !c.Given("list") {
			return module.Result{"changed": false, "msg": "Cache updated", "results": []any{}, "rc": 0}, nil
		}
	}
	if c.Given("list") {
		return d.list(ctx)
	}
	state := c.String("state")
	if state == "" {
		state = "present"
		if c.Bool("autoremove") {
			state = "absent"
		}
	}
	if c.Bool("autoremove") && state != "absent" && state != "removed" {
		return nil, attribute.Failed("Autoremove should be used alone or with state=absent", "results", []any{})
	}
	argv := d.command(ctx, state, names)
	if argv == nil {
		return module.Result{"changed": false, "msg": "Nothing to do", "results": []any{}, "rc": 0}, nil
	}
	return d.carryOut(ctx, argv)
}

// command is what has to be run; nil when all is as it should be.
func (d *dnfCall) command(ctx context.Context, state string, names []string) []string {
	c := d.c
	switch state {
	case "absent", "removed":
		if len(names) == 0 && c.Bool("autoremove") {
			return []string{"autoremove"}
		}
		var there []string
		for _, n := range names {
			if !packageName(n) || d.has(ctx, n) {
				there = append(there, n)
			}
		}
		if len(there) == 0 {
			return nil
		}
		command := "remove"
		if c.Bool("autoremove") {
			command = "autoremove"
		}
		return append([]string{command, "--"}, there...)
	case "latest":
		command := []string{"install"}
		if c.Bool("update_only") || len(names) == 1 && names[0] == "*" {
			command = []string{"upgrade"}
		}
		if c.Bool("security") {
			command = append(command, "--security")
		}
		if c.Bool("bugfix") {
			command = append(command, "--bugfix")
		}
		if len(names) == 1 && names[0] == "*" {
			return command
		}
		return append(append(command, "--"), names...)
	}
	var missing []string
	for _, n := range names {
		there := packageName(n) && d.has(ctx, n)
		if !there && !c.Bool("update_only") {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return append([]string{"install", "--"}, missing...)
}

// packageName tells that a name is one that rpm can look up: no group, module, file or pattern.
func packageName(name string) bool {
	return !strings.HasPrefix(name, "@") && !strings.Contains(name, "://") && !strings.HasSuffix(name, ".rpm") && !strings.ContainsAny(name, "*?[<>=")
}

// has tells that a package, or something that provides it, is installed.
func (d *dnfCall) has(ctx context.Context, name string) bool {
	argv := []string{"rpm", "--root", d.c.String("installroot")}
	return run(ctx, append(argv, "-q", "--", name)...).Code == 0 || run(ctx, append(argv, "-q", "--whatprovides", "--", name)...).Code == 0
}

// noChange is how the command says that there was nothing to do.
var noChange = regexp.MustCompile(`(?m)^(Nothing to do|Dependencies resolved\.\s*\nNothing to do)\.?$`)

func (d *dnfCall) carryOut(ctx context.Context, argv []string) (module.Result, error) {
	options := d.options
	if d.c.CheckMode {
		options = append([]string{"--assumeno"}, d.options[1:]...)
	}
	o := run(ctx, append(append([]string{d.program}, options...), argv...)...)
	text := o.Stdout + o.Stderr
	unavailable := missing(text)
	switch {
	case len(unavailable) > 0 && !d.c.Bool("skip_broken"):
		return nil, attribute.Failed("Failed to install some of the specified packages", "failures", unavailable, "results", []any{}, "rc", 1)
	case noChange.MatchString(text):
		return module.Result{"changed": false, "msg": "Nothing to do", "results": []any{}, "rc": 0}, nil
	case d.c.CheckMode && (o.Code == 0 || strings.Contains(text, "Operation aborted")):
		return module.Result{"changed": true, "msg": "Check mode: No changes made, but would have if not in check mode", "results": transaction(o.Stdout), "rc": 0}, nil
	case o.Code != 0:
		return nil, attribute.Failed("Unknown Error occurred in transaction: "+strings.TrimSpace(o.Stderr), "results", []any{}, "rc", o.Code)
	}
	return module.Result{"changed": true, "msg": "", "results": transaction(o.Stdout), "rc": 0}, nil
}

var unmatched = regexp.MustCompile(`(?m)^(?:No match for argument: |No package )(\S+?)(?: available\.?)?$`)

// missing are the packages that no repository has.
func missing(text string) []any {
	var list []any
	for _, m := range unmatched.FindAllStringSubmatch(text, -1) {
		list = append(list, "No package "+m[1]+" available.")
	}
	return list
}

var transactionHead = regexp.MustCompile(`^(Installed|Upgraded|Removed|Downgraded|Reinstalled):$`)

// transaction reads from the end of an output which packages were changed.
func transaction(out string) []any {
	list, head := []any{}, ""
	for _, line := range strings.Split(out, "\n") {
		m := transactionHead.FindStringSubmatch(line)
		switch {
		case m != nil:
			head = m[1]
		case head != "" && strings.HasPrefix(line, "  "):
			for _, f := range strings.Fields(line) {
				list = append(list, head+": "+f)
			}
		default:
			head = ""
		}
	}
	return list
}

// list tells which packages there are.
func (d *dnfCall) list(ctx context.Context) (module.Result, error) {
	what := d.c.String("list")
	argv := append([]string{d.program}, d.options...)
	argv = append(argv, "--quiet", "repoquery", "--queryformat", `%{name}\t%{arch}\t%{epoch}\t%{version}\t%{release}\t%{reponame}\n`)
	switch what {
	case "installed", "available":
		argv = append(argv, "--"+what)
	case "updates", "upgrades":
		argv = append(argv, "--upgrades")
	default:
		argv = append(argv, "--", what)
	}
	o := run(ctx, argv...)
	if o.Code != 0 {
		return nil, attribute.Failed(strings.TrimSpace(o.Stderr), "results", []any{}, "rc", o.Code)
	}
	results := []any{}
	for _, line := range lines(strings.ReplaceAll(o.Stdout, `\t`, "\t")) {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			continue
		}
		yumState := "available"
		if f[5] == "@System" || what == "installed" {
			yumState = "installed"
		}
		nevra := f[0] + "-" + f[2] + ":" + f[3] + "-" + f[4] + "." + f[1]
		results = append(results, map[string]any{"name": f[0], "arch": f[1], "epoch": f[2], "version": f[3], "release": f[4], "repo": f[5],
			"nevra": nevra, "envra": f[2] + ":" + f[0] + "-" + f[3] + "-" + f[4] + "." + f[1], "yumstate": yumState})
	}
	return module.Result{"changed": false, "msg": "", "results": results}, nil
}
