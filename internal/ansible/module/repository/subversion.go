package repository

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func subversionSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "dest", Type: argument.Path},
			{Name: "repo", Required: true, Aliases: []string{"name", "repository"}},
			{Name: "revision", Default: "HEAD", Aliases: []string{"rev", "version"}},
			{Name: "force", Type: argument.Bool, Default: false},
			{Name: "username"},
			{Name: "password", NoLog: true},
			{Name: "executable", Type: argument.Path},
			{Name: "export", Type: argument.Bool, Default: false},
			{Name: "checkout", Type: argument.Bool, Default: true},
			{Name: "update", Type: argument.Bool, Default: true},
			{Name: "switch", Type: argument.Bool, Default: true},
			{Name: "in_place", Type: argument.Bool, Default: false},
			{Name: "validate_certs", Type: argument.Bool, Default: false},
		},
		Check: true,
	}
}

// svn is one call of the module.
type svn struct {
	c                             *module.Call
	program, dest, repo, revision string
}

// subversion is the module subversion: a working copy, or an export, at a revision.
func subversion(ctx context.Context, c *module.Call) module.Result {
	s := &svn{c: c, dest: c.String("dest"), repo: c.String("repo"), revision: c.String("revision"), program: c.String("executable")}
	if s.program == "" {
		var err error
		if s.program, err = require(ctx, "svn"); err != nil {
			return attribute.Result(err)
		}
	}
	result, err := s.do(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func (s *svn) do(ctx context.Context) (module.Result, error) {
	c := s.c
	export, checkout, update := c.Bool("export"), c.Bool("checkout"), c.Bool("update")
	if s.dest == "" && (checkout || update || export) {
		return nil, attribute.Failed("the destination directory must be specified unless checkout=no, update=no, and export=no")
	}
	if !export && !update && !checkout {
		out, err := s.must(ctx, "info", s.repo)
		return module.Result{"changed": false, "after": revisionIn(out, "Unable to get remote revision")}, err
	}
	switch {
	case export || !exists(s.dest):
		if c.CheckMode {
			return module.Result{"changed": true}, nil
		}
		if !export && !checkout {
			return module.Result{"changed": false}, nil
		}
		return s.fresh(ctx, export)
	case s.isCopy(ctx):
		if !update {
			return module.Result{"changed": false}, nil
		}
		if c.CheckMode {
			return s.wouldUpdate(ctx)
		}
		return s.update(ctx)
	case c.Bool("in_place"):
		if _, err := s.must(ctx, "checkout", "--force", "-r", s.revision, s.repo, s.dest); err != nil {
			return nil, err
		}
		modified, err := s.modified(ctx)
		if err == nil && modified && c.Bool("force") {
			_, err = s.must(ctx, "revert", "-R", s.dest)
		}
		if err != nil {
			return nil, err
		}
		after, err := s.current(ctx)
		return module.Result{"changed": true, "before": nil, "after": after}, err
	}
	return nil, attribute.Failed("ERROR: " + s.dest + " folder already exists, but its not a subversion repository.")
}

func (s *svn) fresh(ctx context.Context, export bool) (module.Result, error) {
	args := []string{"checkout"}
	if export {
		args = []string{"export"}
		if s.c.Bool("force") {
			args = append(args, "--force")
		}
	}
	if _, err := s.must(ctx, append(args, "-r", s.revision, s.repo, s.dest)...); err != nil || export {
		return module.Result{"changed": true}, err
	}
	after, err := s.current(ctx)
	return module.Result{"changed": true, "before": nil, "after": after}, err
}

func (s *svn) wouldUpdate(ctx context.Context) (module.Result, error) {
	modified, err := s.modified(ctx)
	if err != nil {
		return nil, err
	}
	if modified && !s.c.Bool("force") {
		return nil, attribute.Failed("ERROR: modified files exist in the repository.")
	}
	current, err := s.must(ctx, "info", s.dest)
	if err != nil {
		return nil, err
	}
	head, err := s.must(ctx, "info", "-r", s.revision, s.dest)
	if err != nil {
		return nil, err
	}
	before, after := revisionIn(current, "Unable to get revision"), revisionIn(head, "Unable to get revision")
	return module.Result{"changed": number(before) < number(after), "before": before, "after": after}, nil
}

// touched are lines about files that came or went.
var touched = regexp.MustCompile(`(?m)^[ABDUCGE]\s`)

func (s *svn) update(ctx context.Context) (module.Result, error) {
	before, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	modified, err := s.modified(ctx)
	if err != nil {
		return nil, err
	}
	changed := modified
	if s.c.Bool("switch") {
		out, err := s.must(ctx, "switch", "--revision", s.revision, s.repo, s.dest)
		if err != nil {
			return nil, err
		}
		changed = changed || touched.MatchString(out)
	}
	if modified {
		if !s.c.Bool("force") {
			return nil, attribute.Failed("ERROR: modified files exist in the repository.")
		}
		if _, err := s.must(ctx, "revert", "-R", s.dest); err != nil {
			return nil, err
		}
	}
	out, err := s.must(ctx, "update", "-r", s.revision, s.dest)
	if err != nil {
		return nil, err
	}
	after, err := s.current(ctx)
	return module.Result{"changed": changed || touched.MatchString(out), "before": before, "after": after}, err
}

// modified tells that files under version control differ from their revision.
func (s *svn) modified(ctx context.Context) (bool, error) {
	out, err := s.must(ctx, "status", "--quiet", "--ignore-externals", s.dest)
	for _, line := range strings.Split(out, "\n") {
		if line != "" && line[0] != '?' && line[0] != 'X' {
			return true, err
		}
	}
	return false, err
}

func (s *svn) isCopy(ctx context.Context) bool {
	_, err := s.must(ctx, "info", s.dest)
	return err == nil
}

var (
	revisionLine = regexp.MustCompile(`(?m)^[\pL\pN_]+\s?:\s+\d+$`)
	urlLine      = regexp.MustCompile(`(?m)^URL\s?:.*$`)
)

func revisionIn(info, otherwise string) string {
	if line := revisionLine.FindString(info); line != "" {
		return line
	}
	return otherwise
}

func number(line string) int {
	_, n, _ := strings.Cut(line, ":")
	i, _ := strconv.Atoi(strings.TrimSpace(n))
	return i
}

// current are the revision and URL of the working copy.
func (s *svn) current(ctx context.Context) (any, error) {
	out, err := s.must(ctx, "info", s.dest)
	if err != nil {
		return nil, err
	}
	url := urlLine.FindString(out)
	if url == "" {
		url = "Unable to get URL"
	}
	return []any{revisionIn(out, "Unable to get revision"), url}, nil
}

// must runs svn, which has to succeed. The password goes to it where no other process sees it,
// when it is new enough.
func (s *svn) must(ctx context.Context, args ...string) (string, error) {
	argv := []string{s.program, "--non-interactive", "--no-auth-cache"}
	if !s.c.Bool("validate_certs") {
		argv = append(argv, "--trust-server-cert")
	}
	if user := s.c.String("username"); user != "" {
		argv = append(argv, "--username", user)
	}
	var stdin []byte
	if password := s.c.String("password"); password != "" {
		if s.readsPassword(ctx) {
			argv = append(argv, "--password-from-stdin")
			stdin = []byte(password + "\n")
		} else {
			s.c.Warn("The authentication provided will be used on the svn command line and is not secure. " +
				"To securely pass credentials, upgrade svn to version 1.10.0 or greater.")
			argv = append(argv, "--password", password)
		}
	}
	argv = append(argv, args...)
	o := module.Exec(ctx, module.Command{Argv: argv, Stdin: stdin})
	if o.Code != 0 || o.Err != nil {
		return "", bad(argv, o)
	}
	return o.Stdout, nil
}

// readsPassword tells that svn is 1.10 or later.
func (s *svn) readsPassword(ctx context.Context) bool {
	o := module.Exec(ctx, module.Command{Argv: []string{s.program, "--version", "--quiet"}})
	parts := strings.SplitN(strings.TrimSpace(o.Stdout), ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	return major > 1 || major == 1 && minor >= 10
}
