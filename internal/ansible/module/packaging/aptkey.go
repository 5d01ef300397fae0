package packaging

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

func aptKeySpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "id"}, {Name: "url"}, {Name: "data"},
			{Name: "file", Type: argument.Path},
			{Name: "keyring", Type: argument.Path},
			{Name: "validate_certs", Type: argument.Bool, Default: true},
			{Name: "keyserver"},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		},
		MutuallyExclusive: [][]string{{"data", "file", "keyserver", "url"}},
		Check:             true,
	}
}

// keyCall is one call of the module.
type keyCall struct {
	c            *module.Call
	program, gpg string
	data         string
	short        bool
	result       module.Result
}

// aptKey is the module apt_key: a key that apt trusts.
func aptKey(ctx context.Context, c *module.Call) module.Result {
	k := &keyCall{c: c, data: c.String("data"), result: module.Result{"changed": false}}
	var err error
	if k.program, err = require(ctx, "apt-key"); err != nil {
		return module.Fail(err.Error() + ". Apt-key has been deprecated. See the deb822_repository as an alternative.")
	}
	if k.gpg, err = require(ctx, "gpg"); err != nil {
		return attribute.Result(err)
	}
	if err := k.do(ctx); err != nil {
		return attribute.Result(err)
	}
	return k.result
}

// fail tells a failure with what is known already.
func (k *keyCall) fail(msg string) error {
	var pairs []any
	for name, v := range k.result {
		pairs = append(pairs, name, v)
	}
	return attribute.Failed(msg, pairs...)
}

var hexadecimal = regexp.MustCompile(`^(?:0[xX])?[0-9A-Fa-f]+$`)

func (k *keyCall) do(ctx context.Context) error {
	c := k.c
	id, err := k.id(ctx)
	if err != nil {
		return err
	}
	k.result["id"] = id
	key := strings.TrimPrefix(strings.ToUpper(id), "0X")
	if !hexadecimal.MatchString(id) || len(key) != 8 && len(key) < 16 {
		return k.fail("Invalid key_id")
	}
	short, fingerprint := key[len(key)-8:], key
	if len(key) > 16 {
		fingerprint = key[len(key)-16:]
	}
	k.result["short_id"], k.result["fp"], k.result["key_id"] = short, fingerprint, key
	k.short = len(key) == 8
	before, err := k.all(ctx)
	if err != nil {
		return err
	}
	k.result["before"] = before
	there := slices.Contains(before, fingerprint)
	present := c.String("state") == "present"
	if there == present {
		return nil
	}
	k.result["changed"] = true
	if c.CheckMode {
		return nil
	}
	if present {
		err = k.add(ctx, key)
	} else {
		// The program takes short ids only where it is old.
		err = k.apt(ctx, "Unable to remove a key with id "+short, nil, "del", short)
	}
	if err != nil {
		return err
	}
	after, err := k.all(ctx)
	if err != nil {
		return err
	}
	k.result["after"] = after
	if slices.Contains(after, fingerprint) != present {
		return k.fail("apt-key did not return an error, but " + map[bool]string{true: "failed to add the key", false: "the key was not removed"}[present] +
			" (check that the id is correct and *not* a subkey)")
	}
	return nil
}

// id is the key's id, which may have to be read from the key.
func (k *keyCall) id(ctx context.Context) (string, error) {
	c := k.c
	if id := c.String("id"); id != "" {
		return id, nil
	}
	if c.String("keyserver") != "" {
		return "", attribute.Failed("Missing key_id, required with keyserver.")
	}
	if url := c.String("url"); url != "" {
		var err error
		if k.data, err = k.download(ctx, url); err != nil {
			return "", err
		}
	}
	file, stdin, what := c.String("file"), []byte(nil), c.String("file")
	if file == "" {
		file, stdin, what = "-", []byte(k.data), "inline data"
	}
	o := module.Exec(ctx, module.Command{Argv: []string{k.gpg, "--with-colons", file}, Stdin: stdin})
	if o.Code != 0 {
		return "", attribute.Failed("Unable to extract key from '"+what+"'", "stdout", o.Stdout, "stderr", o.Stderr)
	}
	if keys := keysIn(o.Stdout); len(keys) > 0 {
		return keys[0], nil
	}
	return "", nil
}

func (k *keyCall) download(ctx context.Context, url string) (string, error) {
	a := fetch.Do(ctx, fetch.Of(k.c, url))
	if a.Body == nil {
		return "", attribute.Failed("Failed to download key at " + fetch.Mask(url) + ": " + a.Msg)
	}
	defer func() { _ = a.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(a.Body, maxKey))
	if err != nil {
		return "", attribute.Failed("Error getting key id from url: " + fetch.Mask(url))
	}
	return string(data), nil
}

// keysIn finds the ids in gpg's lists, in either of its forms.
func keysIn(out string) []string {
	found := []string{}
	for _, line := range lines(out) {
		if !strings.HasPrefix(line, "pub") && !strings.HasPrefix(line, "sub") || strings.Contains(line, "expired") {
			continue
		}
		if f := strings.Fields(line); len(f) > 1 && strings.Count(f[1], "/") == 1 {
			found = append(found, f[1][strings.IndexByte(f[1], '/')+1:])
		} else if f := strings.Split(line, ":"); len(f) > 4 {
			found = append(found, f[4])
		}
	}
	return found
}

// all are the keys that apt trusts.
func (k *keyCall) all(ctx context.Context) ([]string, error) {
	argv := k.argv("adv", "--list-public-keys", "--keyid-format=long")
	o := run(ctx, argv...)
	if o.Code != 0 {
		return nil, attribute.Failed("Unable to list public keys", "cmd", strings.Join(argv, " "), "rc", o.Code, "stdout", o.Stdout, "stderr", o.Stderr)
	}
	keys := keysIn(o.Stdout)
	for i, key := range keys {
		if k.short {
			keys[i] = key[max(0, len(key)-8):]
		}
	}
	return keys, nil
}

func (k *keyCall) argv(args ...string) []string {
	argv := []string{k.program}
	if ring := k.c.String("keyring"); ring != "" {
		argv = append(argv, "--keyring", ring)
	}
	return append(argv, args...)
}

// apt runs apt-key; msg is what is told when it fails.
func (k *keyCall) apt(ctx context.Context, msg string, stdin []byte, args ...string) error {
	argv := k.argv(args...)
	o := module.Exec(ctx, module.Command{Argv: argv, Stdin: stdin})
	if o.Code != 0 {
		return attribute.Failed(msg, "cmd", strings.Join(argv, " "), "rc", o.Code, "stdout", o.Stdout, "stderr", o.Stderr)
	}
	return nil
}

// serverAttempts is how often a key server is asked.
const serverAttempts = 5

func (k *keyCall) add(ctx context.Context, key string) error {
	c := k.c
	if file := c.String("file"); file != "" {
		return k.apt(ctx, "Unable to add a key from file "+file, nil, "add", file)
	}
	if server := c.String("keyserver"); server != "" {
		args := []string{"adv", "--no-tty", "--keyserver", server}
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			if proxy, _ := module.Getenv(ctx, name); proxy != "" {
				args = append(args, "--keyserver-options", "http-proxy="+proxy)
				break
			}
		}
		var err error
		for range serverAttempts {
			if err = k.apt(ctx, "Error fetching key "+key+" from keyserver: "+server, nil, append(args, "--recv", key)...); err == nil || ctx.Err() != nil {
				break
			}
		}
		return err
	}
	if k.data == "" && c.String("url") != "" {
		var err error
		if k.data, err = k.download(ctx, c.String("url")); err != nil {
			return err
		}
	}
	if k.data == "" {
		return k.fail("No key to add: one of data, file, keyserver and url is needed")
	}
	return k.apt(ctx, "Unable to add a key from binary data", []byte(k.data), "add", "-")
}
