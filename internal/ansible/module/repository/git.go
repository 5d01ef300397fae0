package repository

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func gitSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "dest", Type: argument.Path},
			{Name: "repo", Required: true, Aliases: []string{"name"}},
			{Name: "version", Default: "HEAD"},
			{Name: "remote", Default: "origin"},
			{Name: "refspec"},
			{Name: "reference"},
			{Name: "force", Type: argument.Bool, Default: false},
			{Name: "depth", Type: argument.Int},
			{Name: "clone", Type: argument.Bool, Default: true},
			{Name: "update", Type: argument.Bool, Default: true},
			{Name: "verify_commit", Type: argument.Bool, Default: false},
			{Name: "gpg_allowlist", Type: argument.List, Elements: argument.Str, Default: []any{}, Aliases: []string{"gpg_whitelist"},
				DeprecatedAliases: map[string]string{"gpg_whitelist": "2.21"}},
			{Name: "accept_hostkey", Type: argument.Bool, Default: false},
			{Name: "accept_newhostkey", Type: argument.Bool, Default: false},
			{Name: "key_file", Type: argument.Path},
			{Name: "ssh_opts"},
			{Name: "executable", Type: argument.Path},
			{Name: "bare", Type: argument.Bool, Default: false},
			{Name: "recursive", Type: argument.Bool, Default: true},
			{Name: "single_branch", Type: argument.Bool, Default: false},
			{Name: "track_submodules", Type: argument.Bool, Default: false},
			{Name: "umask", Type: argument.Raw},
			{Name: "archive", Type: argument.Path},
			{Name: "archive_prefix"},
			{Name: "separate_git_dir", Type: argument.Path},
		},
		MutuallyExclusive: [][]string{{"separate_git_dir", "bare"}, {"accept_hostkey", "accept_newhostkey"}},
		RequiredBy:        map[string][]string{"archive_prefix": {"archive"}},
		Check:             true,
	}
}

// git is one call of the module.
type git struct {
	c                           *module.Call
	program                     string
	dest, repo, version, remote string
	separate                    string
	depth                       int64
	// env and umask are what its commands run under.
	env    []string
	umask  string
	result module.Result
}

// gitModule is the module git: a clone at a revision.
func gitModule(ctx context.Context, c *module.Call) module.Result {
	g := &git{c: c, repo: c.String("repo"), version: c.String("version"), remote: c.String("remote"), result: module.Result{"changed": false}}
	g.depth, _ = c.Int("depth")
	if err := g.prepare(ctx); err != nil {
		return attribute.Result(err)
	}
	if err := g.do(ctx); err != nil {
		return attribute.Result(err)
	}
	return g.result
}

// prepare reads what does not change anything, and moves the git folder where it is wanted.
func (g *git) prepare(ctx context.Context) error {
	c := g.c
	var err error
	if g.program = c.String("executable"); g.program == "" {
		if g.program, err = require(ctx, "git"); err != nil {
			return err
		}
	}
	if err := g.readUmask(); err != nil {
		return err
	}
	if path := module.Expand(ctx, g.repo); strings.HasPrefix(path, "/") {
		g.repo = "file://" + path
	}
	if err := g.ssh(ctx); err != nil {
		return err
	}
	if s := c.String("separate_git_dir"); s != "" {
		g.separate = attribute.RealPath(s)
	}
	dest := c.String("dest")
	if dest == "" {
		if c.Bool("clone") {
			return attribute.Failed("the destination directory must be specified unless clone=no")
		}
		return nil
	}
	if g.dest, err = filepath.Abs(dest); err != nil {
		return attribute.Failed(err.Error())
	}
	folder, err := g.folder()
	if err != nil {
		return err
	}
	if g.separate != "" && exists(folder) && g.separate != folder {
		g.result["changed"] = true
		if !c.CheckMode {
			return g.relocate(folder)
		}
	}
	return nil
}

func (g *git) readUmask() error {
	v := g.c.Args["umask"]
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		return attribute.Failed("umask must be defined as a quoted octal integer")
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "0o"), "0O"), 8, 12)
	if err != nil {
		return attribute.Failed("umask must be an octal integer", "details", "invalid literal for int() with base 8: '"+s+"'")
	}
	g.umask = fmt.Sprintf("%03o", n)
	return nil
}

// ssh sets how git calls ssh.
func (g *git) ssh(ctx context.Context) error {
	c := g.c
	options := c.String("ssh_opts")
	given := c.Given("ssh_opts")
	accept := ""
	if c.Bool("accept_hostkey") {
		accept = "-o StrictHostKeyChecking=no"
	}
	if c.Bool("accept_newhostkey") {
		ssh := module.LookPath(ctx, "ssh")
		if ssh == "" {
			return attribute.Failed("Remote host is missing ssh command, so you cannot use acceptnewhostkey option.",
				"details", `Failed to find required executable "ssh"`)
		}
		if o := module.Exec(ctx, module.Command{Argv: []string{ssh, "-o", "StrictHostKeyChecking=accept-new", "-V"}}); o.Code != 0 {
			c.Warn("Your ssh client does not support accept_newhostkey option, therefore it cannot be used.")
		} else {
			accept = "-o StrictHostKeyChecking=accept-new"
		}
	}
	if accept != "" && !strings.Contains(options, "-o StrictHostKeyChecking=no") && !strings.Contains(options, "-o StrictHostKeyChecking=accept-new") {
		options, given = strings.TrimSpace(options+" "+accept), true
	}
	before, _ := module.Getenv(ctx, "GIT_SSH_OPTS")
	if given {
		options = before + " " + options
	} else {
		options = before
	}
	add := func(word, text string) {
		if !strings.Contains(options, word) {
			options += text
		}
	}
	if c.Bool("accept_hostkey") {
		add("StrictHostKeyChecking=no", " -o StrictHostKeyChecking=no")
	}
	add("BatchMode=yes", " -o BatchMode=yes")
	if key := c.String("key_file"); key != "" {
		add("-i "+key, "  -i "+key)
		add("IdentitiesOnly=yes", " -o IdentitiesOnly=yes")
	}
	command, ok := module.Getenv(ctx, "GIT_SSH")
	if !ok {
		if command, ok = module.Getenv(ctx, "GIT_SSH_COMMAND"); !ok {
			command = "ssh"
		}
	}
	g.env = []string{"GIT_SSH_COMMAND=" + command + " " + options, "LANGUAGE=C.UTF-8"}
	return nil
}

// try runs git in dest, or where we are when that is not there.
func (g *git) try(ctx context.Context, args ...string) module.Output {
	return g.in(ctx, g.dest, args...)
}

func (g *git) in(ctx context.Context, dir string, args ...string) module.Output {
	if !isDir(dir) {
		dir = ""
	}
	argv := append([]string{g.program}, args...)
	if g.umask != "" {
		argv = append([]string{"/bin/sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", g.umask}, argv...)
	}
	return module.Exec(ctx, module.Command{Argv: argv, Dir: dir, Env: g.env})
}

// must runs git, which has to succeed.
func (g *git) must(ctx context.Context, args ...string) (string, error) {
	o := g.try(ctx, args...)
	if o.Code != 0 || o.Err != nil {
		return "", bad(append([]string{g.program}, args...), o)
	}
	return o.Stdout, nil
}

// folder is where git keeps its own files of the clone: dest, dest/.git or what that file says.
func (g *git) folder() (string, error) {
	if g.c.Bool("bare") {
		return g.dest, nil
	}
	path := filepath.Join(g.dest, ".git")
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return path, nil
	}
	wrong := func(details string) error {
		return attribute.Failed("Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path", "details", details)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", wrong(attribute.OSError(err, path))
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\n\r\t "), "gitdir: ")
	if !ok {
		return "", wrong(".git file has invalid git dir reference format")
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(g.dest, target)
	}
	if !isDir(target) {
		return "", wrong(target + " is not a directory")
	}
	return target, nil
}

// relocate moves the git folder out of the working tree.
func (g *git) relocate(folder string) error {
	if exists(g.separate) {
		return attribute.Failed("Separate-git-dir path " + g.separate + " already exists.")
	}
	if err := os.Rename(folder, g.separate); err != nil {
		return attribute.Failed("Unable to move git dir.", "details", attribute.OSError(err, folder))
	}
	if err := os.WriteFile(filepath.Join(g.dest, ".git"), []byte("gitdir: "+g.separate), 0o644); err != nil {
		_ = os.Rename(g.separate, folder)
		return attribute.Failed("Unable to move git dir.", "details", attribute.OSError(err, g.dest))
	}
	g.result["git_dir_before"], g.result["git_dir_now"] = folder, g.separate
	return nil
}

func (g *git) do(ctx context.Context) error {
	c := g.c
	g.result["before"] = nil
	config := ""
	if g.dest != "" {
		folder, err := g.folder()
		if err != nil {
			return err
		}
		config = filepath.Join(folder, "config")
	}
	switch {
	case g.dest == "" || !exists(config):
		if c.CheckMode || !c.Bool("clone") {
			return g.wouldClone(ctx)
		}
		if err := g.clone(ctx); err != nil {
			return err
		}
		return g.settle(ctx, false, false)
	case !c.Bool("update"):
		g.result["before"] = g.head(ctx)
		g.result["after"] = g.result["before"]
		return g.archive(ctx)
	}
	return g.update(ctx)
}

// head is the revision that is checked out.
func (g *git) head(ctx context.Context) string {
	return strings.TrimRight(g.try(ctx, "rev-parse", "HEAD").Stdout, "\n")
}

func (g *git) wouldClone(ctx context.Context) error {
	after, err := g.remoteHead(ctx, g.repo)
	if err != nil {
		return err
	}
	g.result["changed"], g.result["after"] = true, after
	g.diff(ctx, "", after)
	return nil
}

// update brings a clone that is there to the revision.
func (g *git) update(ctx context.Context) error {
	c := g.c
	modified := g.modified(ctx)
	before := g.head(ctx)
	g.result["before"] = before
	if modified {
		if !c.Bool("force") {
			return attribute.Failed("Local modifications exist in the destination: "+g.dest+" (force=no).", "before", before)
		}
		if !c.CheckMode {
			if _, err := g.must(ctx, "reset", "--hard", "HEAD"); err != nil {
				return err
			}
			g.result["changed"], g.result["msg"] = true, "Local modifications exist in the destination: "+g.dest
		}
	}
	if c.CheckMode {
		return g.wouldUpdate(ctx, before)
	}
	moved, err := g.setRemote(ctx)
	if err != nil {
		return err
	}
	g.result["remote_url_changed"] = moved
	if err := g.fetch(ctx, g.version, c.String("refspec"), c.Bool("force")); err != nil {
		return err
	}
	return g.settle(ctx, modified, moved)
}

func (g *git) wouldUpdate(ctx context.Context, before string) error {
	now, known := g.remoteURL(ctx)
	moved := known && now != "" && now != g.repo && clean(ctx, now) != clean(ctx, g.repo)
	g.result["remote_url_changed"] = moved
	after, err := g.remoteHead(ctx, g.remote)
	if err != nil {
		return err
	}
	g.result["changed"], g.result["after"] = before != after || moved, after
	g.diff(ctx, before, after)
	return nil
}

// settle checks the revision out and tells what changed.
func (g *git) settle(ctx context.Context, modified, moved bool) error {
	c := g.c
	bare, submodules := c.Bool("bare"), false
	if !bare {
		if err := g.checkout(ctx); err != nil {
			return err
		}
	}
	if c.Bool("recursive") && !bare {
		var err error
		if submodules, err = g.staleSubmodules(ctx); err != nil {
			return err
		}
		if submodules {
			g.result["submodules_changed"] = true
			if err := g.updateSubmodules(ctx); err != nil {
				return err
			}
		}
	}
	after := g.head(ctx)
	g.result["after"] = after
	if g.result["before"] != any(after) || modified || submodules || moved {
		g.result["changed"] = true
		before, _ := g.result["before"].(string)
		g.diff(ctx, before, after)
	}
	return g.archive(ctx)
}

// modified tells that files under version control differ from their revision.
func (g *git) modified(ctx context.Context) bool {
	if g.c.Bool("bare") {
		return false
	}
	for _, line := range strings.Split(g.try(ctx, "status", "--porcelain").Stdout, "\n") {
		if line != "" && !strings.HasPrefix(line, "??") {
			return true
		}
	}
	return false
}

// diff adds what lies between two revisions, when that is asked for.
func (g *git) diff(ctx context.Context, before, after string) {
	if !g.c.Diff || before == after {
		return
	}
	prepared := ">> Newly checked out " + after
	if before != "" {
		_ = g.fetch(ctx, after, "", false)
		o := g.try(ctx, "diff", before, after)
		failed := ">> Failed to get proper diff between " + before + " and " + after
		switch {
		case o.Code == 0 && o.Stdout != "":
			prepared = o.Stdout
		case o.Code == 0:
			prepared = ">> No visual differences between " + before + " and " + after
		case o.Stderr != "":
			prepared = failed + ":\n>> " + o.Stderr
		default:
			prepared = failed
		}
	}
	g.result["diff"] = map[string]any{"prepared": prepared}
}

var validSignature = regexp.MustCompile(`(?m)^\S+ VALIDSIG .*$`)

// verify holds the revision's signature to the keys that are allowed.
func (g *git) verify(ctx context.Context) error {
	if !g.c.Bool("verify_commit") {
		return nil
	}
	o := g.try(ctx, "for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)")
	if o.Code != 0 {
		return attribute.Failed("Could not determine tag data - received "+o.Stdout, "stdout", o.Stdout, "stderr", o.Stderr)
	}
	args := []string{"verify-commit", g.version}
	for _, line := range strings.Split(o.Stdout, "\n") {
		if strings.TrimSpace(line) == "tag:"+g.version {
			args[0] = "verify-tag"
		}
	}
	allowed := g.c.Strings("gpg_allowlist")
	if len(allowed) > 0 {
		args = append(args, "--raw")
	}
	o = g.try(ctx, args...)
	if o.Code != 0 {
		return attribute.Failed(fmt.Sprintf("Failed to verify GPG signature of commit/tag %q", g.version), "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	if len(allowed) == 0 {
		return nil
	}
	fingerprint := "None"
	if words := strings.Fields(validSignature.FindString(o.Stderr)); len(words) > 2 {
		// A subkey's signature names its primary key last.
		fingerprint = words[2]
		if len(words) > 11 {
			fingerprint = words[11]
		}
	}
	for _, a := range allowed {
		if a == fingerprint {
			return nil
		}
	}
	return attribute.Failed(fmt.Sprintf("The gpg_allowlist does not include the public key %q for this commit", fingerprint), "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
}
