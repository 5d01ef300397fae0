package module

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// commitID looks like (the beginning of) a commit's ID, which git can check out
// but not clone by.
var commitID = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

// git runs git in one repository.
type git struct {
	dir  string
	env  []string
	hide []string // secrets, kept out of messages
}

// gitClone clones a repository. Parameters of the URL that are for us: ref (a
// branch, tag or commit), depth (of history) and sshkey (in base64).
func gitClone(ctx context.Context, u *url.URL, dst, scratch string) error {
	plain := *u
	q := plain.Query()
	ref, key, depth := q.Get("ref"), q.Get("sshkey"), q.Get("depth")
	q.Del("ref")
	q.Del("sshkey")
	q.Del("depth")
	plain.RawQuery = q.Encode()

	g := &git{dir: filepath.Dir(dst), env: append(os.Environ(), "GIT_TERMINAL_PROMPT=0")}
	if password, ok := u.User.Password(); ok && password != "" {
		g.hide = append(g.hide, password, url.QueryEscape(password))
	}
	if key != "" {
		if err := g.useKey(key, scratch); err != nil {
			return err
		}
	}
	if strings.HasPrefix(ref, "-") {
		return fmt.Errorf("the ref %q begins with a hyphen", ref)
	}
	if _, err := strconv.Atoi(depth); depth != "" && err != nil {
		return fmt.Errorf("the depth %q is not a number", depth)
	}
	if err := g.clone(ctx, plain.String(), ref, depth, dst); err != nil {
		return err
	}
	g.dir = dst
	if _, err := os.Stat(filepath.Join(dst, ".gitmodules")); err != nil {
		return nil
	}
	return g.run(ctx, "submodule", "update", "--init", "--recursive")
}

// clone gets the ref with no more history than is needed. A commit can be
// anywhere in the history, so for one, all of it is cloned.
func (g *git) clone(ctx context.Context, from, ref, depth, dst string) error {
	if depth == "" {
		depth = "1"
	}
	if !commitID.MatchString(ref) {
		args := []string{"clone", "--quiet", "--depth", depth}
		if ref != "" {
			args = append(args, "--branch", ref)
		}
		err := g.run(ctx, append(args, "--", from, dst)...)
		if err == nil || ref == "" || ctx.Err() != nil {
			return err
		}
		// Some servers cannot do that, and a ref may be neither branch nor tag.
		if err := os.RemoveAll(dst); err != nil {
			return err
		}
	}
	if err := g.run(ctx, "clone", "--quiet", "--", from, dst); err != nil {
		return err
	}
	inside := *g
	inside.dir = dst
	for _, name := range []string{ref, "refs/remotes/origin/" + ref, "refs/tags/" + ref} {
		commit, err := inside.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		if err == nil {
			return inside.run(ctx, "checkout", "--quiet", "--detach", strings.TrimSpace(commit))
		}
	}
	return fmt.Errorf("the repository has no branch, tag or commit %q", ref)
}

func (g *git) useKey(key, scratch string) error {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return errors.New("the parameter sshkey is not a key in base64")
	}
	file := filepath.Join(scratch, "key")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return err
	}
	ssh := os.Getenv("GIT_SSH_COMMAND")
	if ssh == "" {
		ssh = "ssh"
	}
	g.env = append(g.env, "GIT_SSH_COMMAND="+ssh+" -i '"+strings.ReplaceAll(file, "'", `'\''`)+"'")
	return nil
}

func (g *git) run(ctx context.Context, args ...string) error {
	_, err := g.output(ctx, args...)
	return err
}

func (g *git) output(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "git", g.dir, g.env, g.hide, args...)
}

// command runs a program and gives what it printed. What it complained about is
// in the error, without secrets.
func command(ctx context.Context, program, dir string, env, hide []string, args ...string) (string, error) {
	if _, err := exec.LookPath(program); err != nil {
		return "", fmt.Errorf("%s must be installed and on the PATH: %w", program, err)
	}
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &complaint
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	text := strings.TrimSpace(complaint.String())
	for _, secret := range hide {
		text = strings.ReplaceAll(text, secret, "hidden")
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return "", fmt.Errorf("%s %s: %w: %s", program, args[0], err, text)
}

// hgClone clones a Mercurial repository at the revision in the parameter rev.
func hgClone(ctx context.Context, u *url.URL, dst string) error {
	plain := *u
	q := plain.Query()
	rev := q.Get("rev")
	q.Del("rev")
	plain.RawQuery = q.Encode()
	args := []string{"clone", "--quiet"}
	if rev != "" {
		args = append(args, "--updaterev="+rev)
	}
	_, err := command(ctx, "hg", filepath.Dir(dst), os.Environ(), nil, append(args, "--", plain.String(), dst)...)
	return err
}
