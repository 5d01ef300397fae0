package packaging

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func aptSpec() argument.Spec {
	no := func(name string, aliases ...string) argument.Option {
		return argument.Option{Name: name, Type: argument.Bool, Default: false, Aliases: aliases}
	}
	return argument.Spec{
		Options: []argument.Option{
			{Name: "state", Default: "present", Choices: []any{"absent", "build-dep", "fixed", "latest", "present"}},
			{Name: "update_cache", Type: argument.Bool, Aliases: []string{"update-cache"}},
			{Name: "update_cache_retries", Type: argument.Int, Default: int64(5)},
			{Name: "update_cache_retry_max_delay", Type: argument.Int, Default: int64(12)},
			{Name: "cache_valid_time", Type: argument.Int, Default: int64(0)},
			no("purge"),
			{Name: "package", Type: argument.List, Elements: argument.Str, Aliases: []string{"pkg", "name"}},
			{Name: "deb", Type: argument.Path},
			{Name: "default_release", Aliases: []string{"default-release"}},
			{Name: "install_recommends", Type: argument.Bool, Aliases: []string{"install-recommends"}},
			no("force"),
			{Name: "upgrade", Choices: []any{"dist", "full", "no", "safe", "yes"}, Default: "no"},
			{Name: "dpkg_options", Default: "force-confdef,force-confold"},
			no("autoremove"), no("autoclean"), no("fail_on_autoremove"),
			{Name: "policy_rc_d", Type: argument.Int},
			no("only_upgrade"), no("force_apt_get"), no("clean"),
			no("allow_unauthenticated", "allow-unauthenticated"),
			no("allow_downgrade", "allow-downgrade", "allow_downgrades", "allow-downgrades"),
			no("allow_change_held_packages"),
			{Name: "lock_timeout", Type: argument.Int, Default: int64(60)},
			{Name: "auto_install_module_deps", Type: argument.Bool, Default: true},
		},
		MutuallyExclusive: [][]string{{"deb", "package", "upgrade"}},
		RequiredOneOf:     [][]string{{"autoremove", "deb", "package", "update_cache", "upgrade"}},
		Check:             true,
	}
}

// aptCall is one call of the module.
type aptCall struct {
	c *module.Call
	// get is the program apt-get; options are those of every command that may call dpkg.
	get, options string
	state        string
	updated      bool
	updateTime   int64
}

// apt is the module apt: packages of Debian and its like.
func apt(ctx context.Context, c *module.Call) module.Result {
	a := &aptCall{c: c, state: c.String("state")}
	result, err := a.do(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func (a *aptCall) do(ctx context.Context) (module.Result, error) {
	c := a.c
	var err error
	if a.get, err = require(ctx, "apt-get"); err != nil {
		return nil, err
	}
	timeout, _ := c.Int("lock_timeout")
	a.options = fmt.Sprintf("%s -o DPkg::Lock::Timeout=%d", dpkgOptions(c.String("dpkg_options")), timeout)
	upgrade := c.String("upgrade")
	nothing := len(c.Strings("package")) == 0 && upgrade == "no" && c.String("deb") == ""
	if c.Bool("clean") {
		if result, err := a.clean(ctx); err != nil || nothing {
			return result, err
		}
	}
	_, a.updateTime = cacheTime()
	valid, _ := c.Int("cache_valid_time")
	if c.Bool("update_cache") || valid != 0 {
		if err := a.refresh(ctx, time.Duration(valid)*time.Second); err != nil {
			return nil, err
		}
		if nothing {
			return module.Result{"changed": a.updated, "cache_updated": a.updated, "cache_update_time": a.updateTime}, nil
		}
	}
	if upgrade != "no" {
		return a.upgrade(ctx, upgrade)
	}
	if deb := c.String("deb"); deb != "" {
		return a.installFiles(ctx, deb)
	}
	return a.packages(ctx)
}

// packages does what the arguments say about packages by name.
func (a *aptCall) packages(ctx context.Context) (module.Result, error) {
	c := a.c
	all := false
	var names []string
	for _, n := range c.Strings("package") {
		if n == "*" {
			all = true
		} else {
			names = append(names, strings.TrimSpace(n))
		}
	}
	if a.state == "latest" && all {
		if len(names) > 0 {
			return nil, attribute.Failed("unable to install additional packages when upgrading all installed packages")
		}
		return a.upgrade(ctx, "yes")
	}
	for _, n := range names {
		if strings.Count(n, "=") > 1 {
			return nil, attribute.Failed("invalid package spec: " + n)
		}
	}
	if len(names) == 0 {
		for _, operation := range []string{"autoclean", "autoremove"} {
			if c.Bool(operation) {
				return a.cleanup(ctx, operation)
			}
		}
	}
	if a.state == "absent" {
		return a.remove(ctx, names)
	}
	result, err := a.install(ctx, names)
	if err != nil {
		r := attribute.Result(err)
		r["cache_updated"], r["cache_update_time"] = a.updated, a.updateTime
		return r, nil
	}
	result["cache_updated"], result["cache_update_time"] = a.updated, a.updateTime
	return result, nil
}

// dpkgOptions writes options for dpkg as options for apt-get.
func dpkgOptions(list string) string {
	var words []string
	for _, option := range strings.Split(list, ",") {
		words = append(words, `-o "Dpkg::Options::=--`+option+`"`)
	}
	return strings.Join(words, " ")
}

// cacheTime is when the lists of packages were last loaded.
func cacheTime() (time.Time, int64) {
	for _, path := range []string{"/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"} {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime(), info.ModTime().Unix()
		}
	}
	return time.Unix(0, 0), 0
}

// refresh loads the lists of packages when they are too old.
func (a *aptCall) refresh(ctx context.Context, valid time.Duration) error {
	loaded, before := cacheTime()
	if !loaded.Add(valid).Before(time.Now()) {
		return nil
	}
	if !a.c.CheckMode {
		if err := a.load(ctx); err != nil {
			return err
		}
	}
	_, a.updateTime = cacheTime()
	a.updated = a.c.CheckMode || before != a.updateTime
	return nil
}

// load loads the lists, again and again when servers do not answer.
func (a *aptCall) load(ctx context.Context) error {
	c := a.c
	retries, _ := c.Int("update_cache_retries")
	longest, _ := c.Int("update_cache_retry_max_delay")
	timeout, _ := c.Int("lock_timeout")
	deadline := time.Now().Add(time.Duration(timeout) * time.Second)
	noise := rand.Float64() //nolint:gosec // it only spreads hosts over time
	problem := "unknown reason"
	for retry := int64(0); retry < retries && ctx.Err() == nil; {
		o := run(ctx, a.get, "update", "-q", "-o", "APT::Update::Error-Mode=any")
		if o.Code == 0 {
			return nil
		}
		problem = faults(o.Stderr)
		if strings.Contains(o.Stderr, "Could not get lock") {
			if time.Now().After(deadline) {
				return attribute.Failed("Failed to lock apt for exclusive operation: " + problem)
			}
			pause(ctx, time.Second)
			continue
		}
		c.Warn("Failed to update cache after %d retries due to %s, retrying", retry+1, problem)
		delay := noise + float64(min(int64(1)<<min(retry, 30), longest))
		pause(ctx, time.Duration(delay*float64(time.Second)))
		c.Warn("Sleeping for %d seconds, before attempting to refresh the cache again", int(delay+0.5))
		retry++
	}
	return attribute.Failed(fmt.Sprintf("Failed to update apt cache after %d retries: %s", retries, problem))
}

// faults are the lines in which apt tells what is wrong, as its library shows them.
func faults(stderr string) string {
	var list []string
	for _, line := range lines(stderr) {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "W: ") {
			list = append(list, line[:2]+line[3:])
		}
	}
	return strings.Join(list, ", ")
}

// changesHead and changesTail frame what apt-get tells of what it is going to do.
const changesHead = "Reading state information..."

var changesTail = regexp.MustCompile(`^[0-9]+ (packages )?upgraded`)

// diff gives the part of an output that tells what changes.
func diff(out string) map[string]any {
	all := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	begin, end := 0, len(all)
	for i, line := range all {
		if line == "Resolving dependencies..." || line == changesHead {
			begin = i + 1
			break
		}
	}
	for i, line := range all {
		if changesTail.MatchString(line) {
			end = i + 1
			break
		}
	}
	if begin > end {
		begin = end
	}
	return map[string]any{"prepared": strings.Join(all[begin:end], "\n")}
}

func (a *aptCall) diff(out string) map[string]any {
	if a.c.Diff {
		return diff(out)
	}
	return map[string]any{}
}

// install brings packages in, or to their newest version.
func (a *aptCall) install(ctx context.Context, names []string) (module.Result, error) {
	c := a.c
	wishes, err := expand(ctx, names)
	if err != nil {
		return nil, err
	}
	list, err := a.choose(ctx, wishes)
	if err != nil {
		return nil, err
	}
	result := module.Result{"changed": false}
	if len(list) > 0 {
		if result, err = a.runInstall(ctx, strings.Join(list, " ")); err != nil {
			return nil, err
		}
	}
	if a.state != "build-dep" && !c.CheckMode {
		var plain []string
		for _, w := range wishes {
			plain = append(plain, w.name)
		}
		if err := markManual(ctx, c, plain); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// choose gives what apt-get has to install, each in quotes.
func (a *aptCall) choose(ctx context.Context, wishes []wish) ([]string, error) {
	var list, names, open []string
	if a.state == "build-dep" {
		for _, w := range wishes {
			list = append(list, "'"+w.text+"'")
		}
		return list, nil
	}
	for _, w := range wishes {
		names = append(names, w.name)
	}
	d := &database{release: a.c.String("default_release")}
	d.ask(ctx, names)
	upgrade := a.state == "latest"
	for _, w := range wishes {
		if _, there := d.installed[w.name]; !there || upgrade || w.compare != "" {
			open = append(open, w.name)
		}
	}
	d.askPolicies(ctx, open)
	only := a.c.Bool("only_upgrade")
	for _, w := range wishes {
		if _, there := d.installed[w.name]; there && !upgrade && w.compare == "" {
			continue
		}
		s, err := d.status(ctx, w)
		if err != nil {
			return nil, err
		}
		if !s.installed && only {
			continue
		}
		available := s.installable != "" || s.any
		if !s.fits && !available {
			return nil, attribute.Failed("no available installation candidate for " + w.text)
		}
		switch {
		case available && (!s.installed || upgrade || !s.fits):
			version := s.installable
			if s.any {
				version = w.version
			}
			if version != "" {
				version = "=" + version
			}
			list = append(list, "'"+w.name+version+"'")
		case s.fits && available && w.compare == "=":
			list = append(list, "'"+w.name+"="+w.version+"'")
		}
	}
	return list, nil
}

func (a *aptCall) runInstall(ctx context.Context, packages string) (module.Result, error) {
	c := a.c
	check, force := word(c.CheckMode, "--simulate"), word(c.Bool("force"), "--force-yes")
	keep, only, fix := word(c.Bool("fail_on_autoremove"), "--no-remove"), word(c.Bool("only_upgrade"), "--only-upgrade"), word(a.state == "fixed", "--fix-broken")
	line := ""
	if a.state == "build-dep" {
		line = fmt.Sprintf("%s -y %s %s %s %s %s %s build-dep %s", a.get, a.options, only, fix, force, keep, check, packages)
	} else {
		line = fmt.Sprintf("%s -y %s %s %s %s %s %s %s install %s", a.get, a.options, only, fix, force, word(c.Bool("autoremove"), "--auto-remove"), keep, check, packages)
	}
	if r := c.String("default_release"); r != "" {
		line += " -t '" + r + "'"
	}
	if c.Given("install_recommends") {
		line += " -o APT::Install-Recommends=" + map[bool]string{true: "yes", false: "no"}[c.Bool("install_recommends")]
	}
	for _, flag := range [][2]string{{"allow_unauthenticated", " --allow-unauthenticated"}, {"allow_downgrade", " --allow-downgrades"},
		{"allow_change_held_packages", " --allow-change-held-packages"}} {
		line += word(c.Bool(flag[0]), flag[1])
	}
	o, err := a.guarded(ctx, line)
	if err != nil {
		return nil, err
	}
	if o.Code != 0 {
		return nil, attribute.Failed("'"+line+"' failed: "+o.Stderr, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	changed := a.state != "build-dep" || !strings.Contains(o.Stdout, nothingByGet)
	return module.Result{"changed": changed, "stdout": o.Stdout, "stderr": o.Stderr, "diff": a.diff(o.Stdout)}, nil
}

// What the programs say when there was nothing to do.
const (
	nothingByGet      = "\n0 upgraded, 0 newly installed, 0 to remove"
	nothingByAptitude = "\n0 packages upgraded, 0 newly installed, 0 to remove"
)

// markManual marks packages as wanted for themselves. The program is only called for those that
// are marked otherwise.
func markManual(ctx context.Context, c *module.Call, names []string) error {
	if len(names) == 0 {
		return nil
	}
	program := module.LookPath(ctx, "apt-mark")
	if program == "" {
		c.Warn("Could not find apt-mark binary, not marking package(s) as manually installed.")
		return nil
	}
	if names = automatic(names); len(names) == 0 {
		return nil
	}
	argv := append([]string{program, "manual"}, names...)
	if o := run(ctx, argv...); o.Code != 0 {
		return attribute.Failed("'"+strings.Join(argv, " ")+"' failed: "+o.Stderr, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	return nil
}

// remove takes packages away.
func (a *aptCall) remove(ctx context.Context, names []string) (module.Result, error) {
	c := a.c
	wishes, err := expand(ctx, names)
	if err != nil {
		return nil, err
	}
	plain := make([]string, len(wishes))
	for i, w := range wishes {
		plain[i] = w.name
	}
	d := &database{}
	d.ask(ctx, plain)
	var list []string
	for _, w := range wishes {
		version, there := d.installed[w.name]
		if there && fits(ctx, w, version) || c.Bool("purge") && hasFiles(w.name) {
			list = append(list, "'"+w.text+"'")
		}
	}
	if len(list) == 0 {
		return module.Result{"changed": false}, nil
	}
	packages := strings.Join(list, " ")
	o, err := a.guarded(ctx, fmt.Sprintf("%s -q -y %s %s %s %s %s %s remove %s", a.get, a.options, word(c.Bool("purge"), "--purge"), word(c.Bool("force"), "--force-yes"),
		word(c.Bool("autoremove"), "--auto-remove"), word(c.CheckMode, "--simulate"), word(c.Bool("allow_change_held_packages"), "--allow-change-held-packages"), packages))
	if err != nil {
		return nil, err
	}
	if o.Code != 0 {
		return nil, attribute.Failed("'apt-get remove "+packages+"' failed: "+o.Stderr, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	return module.Result{"changed": true, "stdout": o.Stdout, "stderr": o.Stderr, "diff": a.diff(o.Stdout)}, nil
}

// cleanup does autoremove or autoclean.
func (a *aptCall) cleanup(ctx context.Context, operation string) (module.Result, error) {
	c := a.c
	o, err := a.guarded(ctx, fmt.Sprintf("%s -y %s %s %s %s %s", a.get, a.options, word(c.Bool("purge"), "--purge"), word(c.Bool("force"), "--force-yes"), operation,
		word(c.CheckMode, "--simulate")))
	if err != nil {
		return nil, err
	}
	if o.Code != 0 {
		return nil, attribute.Failed("'apt-get "+operation+"' failed: "+o.Stderr, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	sign := "The following packages will be REMOVED"
	if operation == "autoclean" {
		sign = "Del "
	}
	return module.Result{"changed": strings.Contains(o.Stdout, sign), "stdout": o.Stdout, "stderr": o.Stderr, "diff": a.diff(o.Stdout)}, nil
}

// clean removes package files that were loaded. Check mode does not keep Ansible from it; here
// it does.
func (a *aptCall) clean(ctx context.Context) (module.Result, error) {
	argv := []string{a.get, "clean"}
	if a.c.CheckMode {
		argv = append(argv, "--simulate")
	}
	o := run(ctx, argv...)
	if o.Code != 0 {
		return nil, attribute.Failed("apt-get clean failed", "stdout", o.Stdout, "rc", o.Code)
	}
	if o.Stderr != "" {
		return nil, attribute.Failed("apt-get clean failed: "+o.Stderr, "stdout", o.Stdout, "rc", o.Code)
	}
	if a.c.CheckMode {
		o.Stdout = ""
	}
	return module.Result{"changed": true, "msg": o.Stdout, "stdout": o.Stdout, "stderr": o.Stderr, "diff": a.diff(o.Stdout)}, nil
}

// upgrade brings all packages to their newest version.
func (a *aptCall) upgrade(ctx context.Context, mode string) (module.Result, error) {
	c := a.c
	aptitude := module.LookPath(ctx, "aptitude")
	byGet := c.Bool("force_apt_get") || aptitude == ""
	program, command := a.get, ""
	remove := word(c.Bool("autoremove"), "--auto-remove")
	switch {
	case mode == "dist" || mode == "full" && byGet:
		byGet, command = true, "dist-upgrade "+remove
	case mode == "full":
		command = "full-upgrade"
	case byGet:
		command = "upgrade --with-new-pkgs " + remove
	default:
		command = "safe-upgrade"
	}
	force, keep, downgrade := word(c.Bool("force"), "--force-yes"), word(c.Bool("fail_on_autoremove"), "--no-remove"), word(c.Bool("allow_downgrade"), "--allow-downgrades")
	if !byGet {
		program = aptitude
		force = word(c.Bool("force"), "--assume-yes --allow-untrusted")
		if keep != "" {
			c.Warn("APTITUDE does not support '--no-remove', ignoring the 'fail_on_autoremove' parameter.")
		}
		if downgrade != "" {
			c.Warn("APTITUDE does not support '--allow-downgrades', ignoring the 'allow_downgrade' parameter.")
		}
		keep, downgrade = "", ""
	}
	line := fmt.Sprintf("%s -y %s %s %s %s %s %s %s", program, a.options, force, keep, word(c.Bool("allow_unauthenticated"), "--allow-unauthenticated"), downgrade,
		word(c.CheckMode, "--simulate"), command)
	if r := c.String("default_release"); r != "" {
		line += " -t '" + r + "'"
	}
	o, err := a.guarded(ctx, line)
	if err != nil {
		return nil, err
	}
	if o.Code != 0 {
		return nil, attribute.Failed("'"+program+" "+command+"' failed: "+o.Stderr, "stdout", o.Stdout, "rc", o.Code)
	}
	result := module.Result{"changed": false, "msg": o.Stdout, "stdout": o.Stdout, "stderr": o.Stderr}
	if sign := map[bool]string{true: nothingByGet, false: nothingByAptitude}[byGet]; !strings.Contains(o.Stdout, sign) {
		result["changed"], result["diff"] = true, a.diff(o.Stdout)
	}
	return result, nil
}

// policyFile is asked by packages whether they may start their services.
const policyFile = "/usr/sbin/policy-rc.d"

// guarded runs a command line while services may not start, when the task says so.
func (a *aptCall) guarded(ctx context.Context, line string) (module.Output, error) {
	code, wanted := a.c.Int("policy_rc_d")
	if !wanted {
		return runLine(ctx, line)
	}
	backup := ""
	if exists(policyFile) {
		dir, err := os.MkdirTemp(filepath.Dir(policyFile), ".ansible-policy-*")
		if err != nil {
			return module.Output{}, attribute.Failed("Fail to move " + policyFile + ": " + attribute.OSError(err, ""))
		}
		defer func() { _ = os.Remove(dir) }()
		backup = filepath.Join(dir, "policy-rc.d")
		if err := os.Rename(policyFile, backup); err != nil {
			return module.Output{}, attribute.Failed("Fail to move " + policyFile + " to " + dir)
		}
	}
	err := os.WriteFile(policyFile, fmt.Appendf(nil, "#!/bin/sh\nexit %d\n", code), 0o755)
	var o module.Output
	if err == nil {
		o, err = runLine(ctx, line)
	} else {
		err = attribute.Failed("Failed to create or chmod " + policyFile)
	}
	if backup != "" {
		if os.Rename(backup, policyFile) != nil && err == nil {
			err = attribute.Failed("Fail to move back " + backup + " to " + policyFile)
		}
	} else if os.Remove(policyFile) != nil && err == nil {
		err = attribute.Failed("Fail to remove " + policyFile + " (after package manipulation)")
	}
	return o, err
}
