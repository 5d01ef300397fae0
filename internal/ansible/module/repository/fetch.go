package repository

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/module/attribute"
)

// clone makes the clone.
func (g *git) clone(ctx context.Context) error {
	c := g.c
	parent := filepath.Dir(g.dest)
	_ = os.MkdirAll(parent, 0o777)
	args := []string{"clone"}
	if c.Bool("bare") {
		args = append(args, "--bare")
	} else {
		args = append(args, "--origin", g.remote)
	}
	named, err := g.named(ctx, g.repo)
	if err != nil {
		return err
	}
	depth := fmt.Sprint(g.depth)
	switch {
	case g.depth == 0:
	case g.version == "HEAD" || c.String("refspec") != "":
		args = append(args, "--depth", depth)
	case named:
		args = append(args, "--depth", depth, "--branch", g.version)
	default:
		c.Warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.")
	}
	if reference := c.String("reference"); reference != "" {
		args = append(args, "--reference", reference)
	}
	if c.Bool("single_branch") {
		args = append(args, "--single-branch")
		if named {
			args = append(args, "--branch", g.version)
		}
	}
	if g.separate != "" {
		args = append(args, "--separate-git-dir="+g.separate)
	}
	args = append(args, g.repo, g.dest)
	if o := g.in(ctx, parent, args...); o.Code != 0 || o.Err != nil {
		return bad(append([]string{g.program}, args...), o)
	}
	if c.Bool("bare") && g.remote != "origin" {
		if _, err := g.must(ctx, "remote", "add", g.remote, g.repo); err != nil {
			return err
		}
	}
	if refspec := c.String("refspec"); refspec != "" {
		args := []string{"fetch"}
		if g.depth != 0 {
			args = append(args, "--depth", depth)
		}
		if _, err := g.must(ctx, append(args, g.remote, refspec)...); err != nil {
			return err
		}
	}
	return g.verify(ctx)
}

// named tells that the revision is the name of a branch or tag over there.
func (g *git) named(ctx context.Context, remote string) (bool, error) {
	branch, err := g.remoteBranch(ctx, remote)
	if branch || err != nil {
		return branch, err
	}
	return g.remoteTag(ctx, remote, g.version)
}

func (g *git) remoteBranch(ctx context.Context, remote string) (bool, error) {
	return g.isRemoteBranch(ctx, remote, g.version)
}

func (g *git) isRemoteBranch(ctx context.Context, remote, version string) (bool, error) {
	out, err := g.must(ctx, "ls-remote", remote, "-h", "refs/heads/"+version)
	return err == nil && strings.Contains(out, version), err
}

func (g *git) remoteTag(ctx context.Context, remote, version string) (bool, error) {
	out, err := g.must(ctx, "ls-remote", remote, "-t", "refs/tags/"+version)
	return err == nil && strings.Contains(out, version), err
}

// remoteHead is the revision that a clone or update would lead to.
func (g *git) remoteHead(ctx context.Context, remote string) (string, error) {
	args := []string{"ls-remote", remote, "-h"}
	tag := false
	if g.version == "HEAD" {
		if remote == g.repo {
			args = append(args, "HEAD")
		} else {
			branch, err := g.headBranch(ctx)
			if err != nil {
				return "", err
			}
			args = append(args, "refs/heads/"+branch)
		}
	} else {
		branch, err := g.remoteBranch(ctx, remote)
		if err != nil {
			return "", err
		}
		if branch {
			args = append(args, "refs/heads/"+g.version)
		} else if tag, err = g.remoteTag(ctx, remote, g.version); err != nil {
			return "", err
		} else if tag {
			args = []string{"ls-remote", remote, "-t", "refs/tags/" + g.version + "*"}
		} else {
			// No server tells whether it has a revision; it is taken as it is.
			return g.version, nil
		}
	}
	out, err := g.must(ctx, args...)
	if err != nil {
		return "", err
	}
	if out == "" {
		return "", attribute.Failed("Could not determine remote revision for "+g.version, "stdout", out, "stderr", "", "rc", 0)
	}
	if tag {
		out = dereferenced(out, g.version)
	}
	words := strings.Fields(out)
	if len(words) == 0 {
		return "", attribute.Failed("Could not determine remote revision for "+g.version, "stdout", out, "stderr", "", "rc", 0)
	}
	return words[0], nil
}

// dereferenced finds the line of what an annotated tag points to, or of the tag itself.
func dereferenced(lines, version string) string {
	found := lines
	for _, line := range strings.Split(lines, "\n") {
		if strings.HasSuffix(line, version+"^{}") {
			return line
		}
		if strings.HasSuffix(line, version) {
			found = line
		}
	}
	return found
}

// branches are the lines of "git branch -a".
func (g *git) branches(ctx context.Context) ([]string, error) {
	o := g.try(ctx, "branch", "--no-color", "-a")
	if o.Code != 0 {
		return nil, attribute.Failed("Could not determine branch data - received "+o.Stdout, "stdout", o.Stdout, "stderr", o.Stderr)
	}
	var list []string
	for _, line := range strings.Split(o.Stdout, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list, nil
}

func (g *git) localBranch(ctx context.Context, name string) (bool, error) {
	list, err := g.branches(ctx)
	for _, b := range list {
		if b == name || b == "* "+name {
			return true, nil
		}
	}
	return false, err
}

// headBranch is the branch that HEAD is on, or that the remote's HEAD is on when it is on none.
func (g *git) headBranch(ctx context.Context) (string, error) {
	folder, err := g.folder()
	if err != nil {
		return "", err
	}
	list, err := g.branches(ctx)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "HEAD")
	for _, b := range list {
		if strings.HasPrefix(b, "* ") && (strings.Contains(b, "no branch") || strings.Contains(b, "detached from") || strings.Contains(b, "detached at")) {
			file = filepath.Join(folder, "refs", "remotes", g.remote, "HEAD")
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		// What Python prints of a branch that it did not find.
		return "None", nil
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.Replace(line, "refs/remotes/"+g.remote, "", 1)
	words := strings.Split(line, " ")
	parts := strings.SplitN(words[len(words)-1], "/", 3)
	return parts[len(parts)-1], nil
}

func (g *git) remoteURL(ctx context.Context) (string, bool) {
	o := g.try(ctx, "ls-remote", "--get-url", g.remote)
	return strings.TrimRight(o.Stdout, "\n"), o.Code == 0
}

// setRemote points the remote to the repository and tells whether it did not before.
func (g *git) setRemote(ctx context.Context) (bool, error) {
	now, known := g.remoteURL(ctx)
	if known && (now == g.repo || clean(ctx, now) == clean(ctx, g.repo)) {
		return false, nil
	}
	if o := g.try(ctx, "remote", "set-url", g.remote, g.repo); o.Code != 0 {
		return false, attribute.Failed(fmt.Sprintf("Failed to set a new url %s for %s: %s %s", g.repo, g.remote, o.Stdout, o.Stderr))
	}
	return known, nil
}

// fetch loads what a revision needs.
func (g *git) fetch(ctx context.Context, version, refspec string, force bool) error {
	if _, err := g.setRemote(ctx); err != nil {
		return err
	}
	args := []string{"fetch"}
	var refspecs []string
	if g.depth != 0 {
		var err error
		if refspecs, err = g.few(ctx, version, refspec); err != nil {
			return err
		}
		if len(refspecs) > 0 {
			args = append(args, "--depth", fmt.Sprint(g.depth))
		}
	}
	if len(refspecs) == 0 {
		if g.c.Bool("bare") {
			refspecs = []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
		} else {
			args = append(args, "--tags")
		}
		if refspec != "" {
			refspecs = append(refspecs, refspec)
		}
	}
	if force {
		args = append(args, "--force")
	}
	args = append(append(args, g.remote), refspecs...)
	if o := g.try(ctx, args...); o.Code != 0 {
		return attribute.Failed("Failed to download remote objects and refs: "+o.Stdout+" "+o.Stderr, "cmd", append([]string{g.program}, args...))
	}
	return nil
}

// few are the references that a shallow clone needs for a revision; none when it is a hash.
func (g *git) few(ctx context.Context, version, refspec string) ([]string, error) {
	head, err := g.headBranch(ctx)
	if err != nil {
		return nil, err
	}
	if refspec != "" {
		return []string{refspec}, nil
	}
	if version == "HEAD" {
		return []string{head}, nil
	}
	branch, err := g.isRemoteBranch(ctx, g.repo, version)
	if err != nil {
		return nil, err
	}
	if branch {
		var list []string
		if head != version {
			list = append(list, "+refs/heads/"+version+":refs/heads/"+version)
		}
		return append(list, "+refs/heads/"+version+":refs/remotes/"+g.remote+"/"+version), nil
	}
	tag, err := g.remoteTag(ctx, g.repo, version)
	if tag && err == nil {
		return []string{"+refs/tags/" + version + ":refs/tags/" + version}, nil
	}
	return nil, err
}

// checkout switches the working tree to the revision.
func (g *git) checkout(ctx context.Context) error {
	args, what, err := g.switchTo(ctx)
	if err != nil {
		return err
	}
	if o := g.try(ctx, args...); o.Code != 0 {
		return attribute.Failed("Failed to checkout "+what, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code,
			"cmd", strings.Join(append([]string{g.program}, args...), " "))
	}
	return g.verify(ctx)
}

// switchTo does what comes before the last command, and gives that.
func (g *git) switchTo(ctx context.Context) (args []string, what string, err error) {
	force := func(branch string) error {
		if o := g.try(ctx, "checkout", "--force", branch); o.Code != 0 {
			return attribute.Failed("Failed to checkout branch "+branch, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
		}
		return nil
	}
	if g.version == "HEAD" {
		branch, err := g.headBranch(ctx)
		if err != nil {
			return nil, "", err
		}
		return []string{"reset", "--hard", g.remote + "/" + branch, "--"}, "branch " + branch, force(branch)
	}
	remote, err := g.remoteBranch(ctx, g.remote)
	if err != nil {
		return nil, "", err
	}
	if !remote {
		return []string{"checkout", "--force", g.version}, g.version, nil
	}
	local, err := g.localBranch(ctx, g.version)
	if err != nil {
		return nil, "", err
	}
	if g.depth != 0 && !local {
		// A shallow clone has one branch only; the other has to be loaded first.
		o := g.try(ctx, "fetch", fmt.Sprintf("--depth=%d", g.depth), g.remote, "+refs/heads/"+g.version+":refs/heads/"+g.version,
			"+refs/heads/"+g.version+":refs/remotes/"+g.remote+"/"+g.version)
		if o.Code != 0 {
			return nil, "", attribute.Failed("Failed to fetch branch from remote: "+g.version, "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
		}
		local = true
	}
	if !local {
		return []string{"checkout", "--track", "-b", g.version, g.remote + "/" + g.version}, g.version, nil
	}
	return []string{"reset", "--hard", g.remote + "/" + g.version}, g.version, force(g.version)
}

// submoduleVersions are the revisions of all submodules.
func (g *git) submoduleVersions(ctx context.Context, version string) (map[string]string, error) {
	o := g.try(ctx, "submodule", "foreach", g.program, "rev-parse", version)
	if o.Code != 0 {
		return nil, attribute.Failed("Unable to determine hashes of submodules", "stdout", o.Stdout, "stderr", o.Stderr, "rc", o.Code)
	}
	found, name := map[string]string{}, ""
	for _, line := range strings.Split(strings.TrimSuffix(o.Stdout, "\n"), "\n") {
		if n, ok := strings.CutPrefix(line, "Entering '"); ok {
			name = strings.TrimSuffix(n, "'")
		} else if hash := strings.TrimSpace(line); len(hash) >= 40 && name != "" {
			found[name], name = hash, ""
		} else if hash != "" {
			return nil, attribute.Failed("Unable to parse submodule hash line: " + hash)
		}
	}
	if name != "" {
		return nil, attribute.Failed("Unable to find hash for submodule: " + name)
	}
	return found, nil
}

// staleSubmodules tells that submodules are not there or not where they should be.
func (g *git) staleSubmodules(ctx context.Context) (bool, error) {
	data, err := os.ReadFile(filepath.Join(g.dest, ".gitmodules"))
	if err != nil {
		return false, nil
	}
	for _, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "path") {
			_, path, _ := strings.Cut(line, "=")
			if !exists(filepath.Join(g.dest, strings.TrimSpace(path), ".git")) {
				return true, nil
			}
		}
	}
	before, err := g.submoduleVersions(ctx, "HEAD")
	if err != nil {
		return false, err
	}
	if _, err := g.must(ctx, "submodule", "foreach", g.program, "fetch"); err != nil {
		return false, err
	}
	if g.c.Bool("track_submodules") {
		after, err := g.submoduleVersions(ctx, g.remote+"/master")
		if err != nil {
			return false, err
		}
		for name, hash := range after {
			if before[name] != hash {
				return true, nil
			}
		}
		return len(before) != len(after), nil
	}
	out, err := g.must(ctx, "submodule", "status")
	if err != nil {
		return false, err
	}
	for _, line := range strings.Split(out, "\n") {
		if line != "" && line[0] != ' ' {
			return true, nil
		}
	}
	return false, nil
}

func (g *git) updateSubmodules(ctx context.Context) error {
	if _, err := g.must(ctx, "submodule", "sync"); err != nil {
		return err
	}
	args := []string{"submodule", "update", "--init", "--recursive"}
	if g.c.Bool("track_submodules") {
		args = append(args, "--remote")
	}
	if g.c.Bool("force") {
		args = append(args, "--force")
	}
	if o := g.try(ctx, args...); o.Code != 0 {
		return attribute.Failed("Failed to init/update submodules: " + o.Stdout + o.Stderr)
	}
	return nil
}

// archive writes the revision into an archive, when one is wanted and it is another than that
// which is there.
func (g *git) archive(ctx context.Context) error {
	archive := g.c.String("archive")
	if archive == "" {
		return nil
	}
	if g.c.CheckMode {
		g.result["changed"] = true
		return nil
	}
	format := map[string]string{".zip": "zip", ".gz": "tar.gz", ".tar": "tar", ".tgz": "tgz"}[filepath.Ext(archive)]
	if format == "" {
		return attribute.Failed("Unable to get file extension from archive file name : "+archive,
			"details", "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']")
	}
	if !exists(archive) {
		g.result["changed"] = true
		return g.pack(ctx, archive, format)
	}
	dir, err := os.MkdirTemp(g.c.TempDir, "ansible-tmp-*")
	if err != nil {
		return attribute.Failed(attribute.OSError(err, g.c.TempDir))
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fresh := filepath.Join(dir, "archive."+format)
	if err := g.pack(ctx, fresh, format); err != nil {
		return err
	}
	if same(fresh, archive) {
		g.result["changed"] = false
		return nil
	}
	if err := attribute.AtomicMove(ctx, fresh, archive, attribute.Move{}); err != nil {
		return attribute.Failed("Failed to move "+fresh+" to "+archive, "details", "Error occurred while moving : "+err.Error())
	}
	g.result["changed"] = true
	return nil
}

func (g *git) pack(ctx context.Context, archive, format string) error {
	args := []string{"archive", "--format", format, "--output", archive}
	if g.c.Given("archive_prefix") {
		args = append(args, "--prefix", g.c.String("archive_prefix"))
	}
	if o := g.try(ctx, append(args, g.version)...); o.Code != 0 {
		return attribute.Failed("Failed to perform archive operation",
			"details", "Git archive command failed to create archive "+archive+" using "+g.dest+" directory.Error: "+o.Stderr)
	}
	return nil
}

// same tells that two files have the same content.
func same(a, b string) bool {
	x, err := os.ReadFile(a)
	if err != nil {
		return false
	}
	y, err := os.ReadFile(b)
	return err == nil && bytes.Equal(x, y)
}
