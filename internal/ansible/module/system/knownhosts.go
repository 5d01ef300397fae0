package system

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func knownHostsSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true, Aliases: []string{"host"}},
			{Name: "key"},
			{Name: "path", Type: argument.Path, Default: "~/.ssh/known_hosts"},
			{Name: "hash_host", Type: argument.Bool, Default: false},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		},
		Check: true,
	}
}

// hostKeys is a file of known hosts in which one host's key is looked after.
type hostKeys struct {
	ctx       context.Context
	call      *module.Call
	program   string
	path      string
	host, key string
	present   bool
}

// place is where in the file something about the host stands.
type place struct {
	// found tells that the host is in the file; replace that it has another key than it should.
	found, replace bool
	// line counts from 1; 0 is nowhere.
	line int
}

// knownHosts is the module known_hosts.
func knownHosts(ctx context.Context, c *module.Call) module.Result {
	k := &hostKeys{ctx: ctx, call: c, path: c.String("path"), host: strings.ToLower(c.String("name")), key: c.String("key"),
		present: c.String("state") == "present"}
	var err error
	if k.program, err = require(ctx, "ssh-keygen"); err != nil {
		return attribute.Result(err)
	}
	r := module.Result{}
	told, err := k.enforce(r)
	if err != nil {
		return attribute.Result(err)
	}
	// Ansible tells the arguments, too, except where it stops early in check mode.
	for name, value := range c.Args {
		if told {
			r[name] = value
		}
	}
	return r
}

// enforce puts the key there or takes it away; told is false where it only looked.
func (k *hostKeys) enforce(r module.Result) (told bool, err error) {
	r["changed"] = false
	if k.key == "" && k.present {
		return false, attribute.Failed("No key specified when adding a host")
	}
	if k.key != "" && k.call.Bool("hash_host") {
		hashed, err := hashHost(k.host, k.key)
		if err != nil {
			return false, err
		}
		k.key = hashed
	}
	if k.key != "" && !strings.HasSuffix(k.key, "\n") {
		k.key += "\n"
	}
	if err := k.sane(); err != nil {
		return false, err
	}
	at, err := k.search()
	if err != nil {
		return false, err
	}
	r["diff"] = k.diff(at)
	if !k.present && at.line == 0 && k.key != "" {
		return true, nil
	}
	changes := at.replace || k.present != at.found
	r["changed"] = changes
	if k.call.CheckMode || !changes {
		return !k.call.CheckMode, nil
	}
	if at.found && k.key == "" {
		out := ask(k.ctx, k.program, "-R", k.host, "-f", k.path)
		if out.code != 0 {
			return false, attribute.Failed(strings.TrimSpace(out.stderr), "rc", out.code, "stdout", out.stdout, "stderr", out.stderr)
		}
		return true, nil
	}
	return true, k.rewrite(at)
}

// sane checks by ssh-keygen, which alone can for hashed names, that the key is the host's.
func (k *hostKeys) sane() error {
	if k.key == "" {
		return nil
	}
	if regexp.MustCompile(`\S+(\s+)?,(\s+)?`).MatchString(k.host) {
		return attribute.Failed("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.")
	}
	file, err := attribute.Temporary(k.call, []byte(k.key))
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()
	if ask(k.ctx, k.program, "-F", k.host, "-f", file).stdout == "" {
		return attribute.Failed("Host parameter does not match hashed host field in supplied key")
	}
	return nil
}

// search finds the host in the file.
func (k *hostKeys) search() (place, error) {
	if _, err := os.Stat(k.path); err != nil {
		return place{}, nil
	}
	out := ask(k.ctx, k.program, "-F", k.host, "-f", k.path)
	if out.stdout == "" && out.stderr == "" && (out.code == 0 || out.code == 1) {
		return place{}, nil
	}
	if out.code != 0 {
		return place{}, attribute.Failed(fmt.Sprintf("ssh-keygen failed (rc=%d, stdout='%s',stderr='%s')", out.code, out.stdout, out.stderr))
	}
	if k.key == "" {
		return place{found: true}, nil
	}
	wanted, err := parseHostKey(k.key)
	if err != nil {
		return place{}, err
	}
	line := 0
	for _, l := range strings.Split(out.stdout, "\n") {
		if l == "" {
			continue
		}
		if l[0] == '#' {
			m := regexp.MustCompile(`found: line (\d+)`).FindStringSubmatch(l)
			if m == nil {
				return place{}, attribute.Failed(fmt.Sprintf("failed to parse output of ssh-keygen for line number: '%s'", l))
			}
			line, _ = strconv.Atoi(m[1])
			continue
		}
		have, err := parseHostKey(l)
		if err != nil {
			return place{}, err
		}
		special := strings.HasPrefix(have.options, "@cert-authority") || strings.HasPrefix(have.options, "@revoke")
		if !special && strings.HasPrefix(wanted.host, "|1|") && strings.HasPrefix(have.host, "|1|") {
			// A hashed name is another each time; what it hashes is the same.
			wanted.host = have.host
		}
		if wanted == have {
			return place{found: true, line: line}, nil
		}
		if !special && wanted.kind == have.kind {
			return place{found: true, replace: true, line: line}, nil
		}
	}
	return place{found: true, replace: true}, nil
}

// hostKey is a line of the file without its comment.
type hostKey struct{ options, host, kind, key string }

func parseHostKey(line string) (hostKey, error) {
	f := strings.Fields(line)
	var k hostKey
	if len(f) > 0 && strings.HasPrefix(f[0], "@") {
		k.options, f = f[0], f[1:]
	}
	if len(f) < 3 {
		return k, attribute.Failed(fmt.Sprintf("a host key is a name, a type and a key; this is not one: %s", strings.TrimSpace(line)))
	}
	k.host, k.kind, k.key = f[0], f[1], f[2]
	return k, nil
}

func hashHost(host, key string) (string, error) {
	salt := make([]byte, sha1.Size)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(host))
	parts := strings.Fields(key)
	at := 0
	if len(parts) > 0 && strings.HasPrefix(parts[0], "@") {
		at = 1
	}
	if len(parts) <= at {
		return "", attribute.Failed("the key is empty")
	}
	parts[at] = "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return strings.Join(parts, " "), nil
}

// content gives the file as it is to be.
func (k *hostKeys) content(before string, at place) string {
	all := strings.SplitAfter(before, "\n")
	var b strings.Builder
	for i, line := range all {
		if at.line == i+1 && (at.replace || !k.present) {
			continue
		}
		b.WriteString(line)
	}
	if k.present && (at.replace || at.line == 0) {
		b.WriteString(k.key)
	}
	return b.String()
}

func (k *hostKeys) diff(at place) map[string]any {
	d := map[string]any{"before_header": k.path, "after_header": k.path, "before": ""}
	data, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		d["before_header"] = "/dev/null"
	}
	d["before"] = string(data)
	d["after"] = k.content(string(data), at)
	return d
}

func (k *hostKeys) rewrite(at place) error {
	data, err := os.ReadFile(k.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return attribute.Failed(fmt.Sprintf("Failed to read '%s'.", k.path), "exception", err.Error())
	}
	file, err := os.CreateTemp(filepath.Dir(k.path), "tmp")
	if err != nil {
		return attribute.Failed(fmt.Sprintf("Failed to write to file '%s'.", k.path), "exception", err.Error())
	}
	_, err = file.WriteString(k.content(string(data), at))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return attribute.Failed(fmt.Sprintf("Failed to write to file '%s'.", k.path), "exception", err.Error())
	}
	return attribute.AtomicMove(k.ctx, file.Name(), k.path, attribute.Move{})
}
