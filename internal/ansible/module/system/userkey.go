package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// key makes the user's SSH key and tells about it.
func (u *user) key(r module.Result, now account) error {
	file, err := u.keyFile(now)
	if err != nil {
		return attribute.Failed(err.Error(), "name", u.name, "rc", 1)
	}
	done, err := u.makeKey(file, now)
	if err != nil {
		return err
	}
	if done.bad() {
		return attribute.Failed(done.stderr, "name", u.name, "rc", done.code)
	}
	if done.ran {
		r["changed"] = true
	}
	fingerprint := outcome{code: 1, stderr: ""}
	if _, err := os.Stat(file); err == nil {
		program, err := require(u.ctx, "ssh-keygen")
		if err != nil {
			return err
		}
		fingerprint = ask(u.ctx, program, "-l", "-f", file)
	}
	r["ssh_fingerprint"] = strings.TrimSpace(fingerprint.stdout)
	if fingerprint.code != 0 {
		r["ssh_fingerprint"] = strings.TrimSpace(fingerprint.stderr)
	}
	r["ssh_key_file"], r["ssh_public_key"] = file, nil
	if text, err := os.ReadFile(file + ".pub"); err == nil {
		r["ssh_public_key"] = strings.TrimSpace(string(text))
	}
	return nil
}

func (u *user) keyFile(now account) (string, error) {
	name := u.call.String("ssh_key_file")
	if name == "" {
		name = filepath.Join(".ssh", "id_"+u.call.String("ssh_key_type"))
	}
	if filepath.IsAbs(name) {
		return name, nil
	}
	if _, err := os.Stat(now.home); err != nil && !u.call.CheckMode {
		return "", fmt.Errorf("User %s home directory does not exist", u.name) // Ansible's own words
	}
	return filepath.Join(now.home, name), nil
}

func (u *user) makeKey(file string, now account) (outcome, error) {
	c := u.call
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); err != nil {
		if c.CheckMode {
			return outcome{ran: true}, nil
		}
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, now.uid, now.gid)); err != nil {
			return outcome{true, 1, "", fmt.Sprintf("Failed to create %s: %s", dir, err)}, nil
		}
	}
	for _, part := range []struct{ file, kind, told string }{{file, "private", "Key"}, {file + ".pub", "public", "Public key"}} {
		if _, err := os.Stat(part.file); err != nil {
			continue
		}
		if !c.Bool("force") {
			c.Warn(`Found existing ssh key %s file "%s", no force, so skipping ssh-keygen generation`, part.kind, part.file)
			return outcome{}, nil
		}
		c.Warn(`Overwriting existing ssh key %s file "%s"`, part.kind, part.file)
		if part.kind == "public" && !c.CheckMode {
			if err := os.Remove(part.file); err != nil {
				return outcome{}, err
			}
		}
	}
	program, err := require(u.ctx, "ssh-keygen")
	if err != nil || c.CheckMode {
		return outcome{ran: true}, err
	}
	argv := []string{program, "-t", c.String("ssh_key_type")}
	if bits, _ := c.Int("ssh_key_bits"); bits > 0 {
		argv = append(argv, "-b", strconv.FormatInt(bits, 10))
	}
	argv = append(argv, "-C", c.String("ssh_key_comment"), "-f", file)
	var done outcome
	if c.Given("ssh_key_passphrase") {
		done = u.keyWithPassphrase(argv)
	} else {
		done = execute(u.ctx, module.Command{Argv: append(argv, "-N", ""), Stdin: []byte("y\n")})
	}
	if done.code == 0 {
		if err := errors.Join(os.Chown(file, now.uid, now.gid), os.Chown(file+".pub", now.uid, now.gid)); err != nil {
			return done, err
		}
	}
	return done, nil
}

// keyWithPassphrase gives ssh-keygen the passphrase without it standing in the list of
// processes: an answer for its questions comes from a program that only this user can read.
func (u *user) keyWithPassphrase(argv []string) outcome {
	script, err := os.CreateTemp(u.call.TempDir, "ansible-askpass-*")
	if err != nil {
		return outcome{true, 1, "", err.Error()}
	}
	defer func() { _ = os.Remove(script.Name()) }()
	quoted := "'" + strings.ReplaceAll(u.call.String("ssh_key_passphrase"), "'", `'\''`) + "'"
	_, err = fmt.Fprintf(script, "#!/bin/sh\nprintf '%%s\\n' %s\n", quoted)
	if err = errors.Join(err, script.Chmod(0o700), script.Close()); err != nil {
		return outcome{true, 1, "", err.Error()}
	}
	// With no terminal and a display, ssh-keygen asks the program; newer versions do when told.
	return execute(u.ctx, module.Command{Argv: argv,
		Env: []string{"SSH_ASKPASS=" + script.Name(), "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"}})
}
