package packaging

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

func rpmKeySpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "key", Required: true},
			{Name: "fingerprint", Type: argument.List, Elements: argument.Str},
			{Name: "validate_certs", Type: argument.Bool, Default: true},
		},
		Check: true,
	}
}

// rpmKey is the module rpm_key: a key in rpm's database.
func rpmKey(ctx context.Context, c *module.Call) module.Result {
	changed, err := setRPMKey(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return module.Result{"changed": changed}
}

var keyID = regexp.MustCompile(`^(?i:(0x)?[0-9a-f]{8})`)

func setRPMKey(ctx context.Context, c *module.Call) (bool, error) {
	rpm, err := require(ctx, "rpm")
	if err != nil {
		return false, err
	}
	gpg, err := require(ctx, "gpg")
	if err != nil {
		if gpg, err = require(ctx, "gpg2"); err != nil {
			return false, err
		}
	}
	key, file := c.String("key"), ""
	switch {
	case strings.Contains(key, "://"):
		if file, err = load(ctx, c, key, ".asc"); err != nil {
			return false, attribute.Failed(strings.Replace(err.Error(), "Failure downloading "+fetch.Mask(key)+", ", "failed to fetch key at "+fetch.Mask(key)+" , error was: ", 1))
		}
		defer func() { _ = os.Remove(file) }()
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), armor) {
			return false, attribute.Failed("Not a public key: " + fetch.Mask(key))
		}
	case keyID.MatchString(key):
	case exists(key) && !isDir(key):
		file = key
	default:
		return false, attribute.Failed("Not a valid key " + key)
	}
	id := key
	if file != "" {
		if id, err = idOf(ctx, gpg, file); err != nil {
			return false, err
		}
	}
	id = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(id)), "0X")
	imported := isImported(ctx, rpm, gpg, id)
	if (c.String("state") == "present") == imported {
		return false, nil
	}
	argv := []string{rpm, "--erase", "--allmatches", "gpg-pubkey-" + strings.ToLower(id[max(0, len(id)-8):])}
	if !imported {
		if file == "" {
			return false, attribute.Failed("When importing a key, a valid file must be given")
		}
		if err := knownFingerprints(ctx, c, gpg, file); err != nil {
			return false, err
		}
		argv = []string{rpm, "--import", file}
	}
	if c.CheckMode {
		return true, nil
	}
	if o := run(ctx, argv...); o.Code != 0 {
		return false, attribute.Failed(o.Stderr)
	}
	return true, nil
}

// idOf reads the id of the first key in a file.
func idOf(ctx context.Context, gpg, file string) (string, error) {
	o := run(ctx, gpg, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode", file)
	if o.Code != 0 {
		return "", attribute.Failed(o.Stderr)
	}
	for _, line := range lines(o.Stdout) {
		if f := strings.Split(strings.TrimSpace(line), ":"); f[0] == "pub" && len(f) > 4 {
			return f[4], nil
		}
	}
	return "", attribute.Failed("Unexpected gpg output")
}

// knownFingerprints holds a file's keys to the fingerprints that the task names.
func knownFingerprints(ctx context.Context, c *module.Call, gpg, file string) error {
	wanted := c.Strings("fingerprint")
	if len(wanted) == 0 {
		return nil
	}
	o := run(ctx, gpg, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode", "--import", "--import-options", "show-only", "--dry-run", file)
	if o.Code != 0 {
		return attribute.Failed(o.Stderr)
	}
	found := map[string]bool{}
	var list []string
	for _, line := range lines(o.Stdout) {
		if f := strings.Split(strings.TrimSpace(line), ":"); f[0] == "fpr" && len(f) > 9 {
			found[f[9]] = true
			list = append(list, f[9])
		}
	}
	for _, w := range wanted {
		if !found[strings.ToUpper(strings.ReplaceAll(w, " ", ""))] {
			return attribute.Failed(fmt.Sprintf("The specified fingerprint, '%s', does not match any key fingerprints in '%s'", strings.Join(wanted, ", "), strings.Join(list, ", ")))
		}
	}
	return nil
}

// isImported tells that rpm has a key.
func isImported(ctx context.Context, rpm, gpg, id string) bool {
	o := run(ctx, rpm, "-q", "gpg-pubkey", "--qf", "%{description}")
	if o.Code != 0 {
		return false
	}
	keys := module.Exec(ctx, module.Command{Argv: []string{gpg, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode", "-"}, Stdin: []byte(o.Stdout)})
	for _, line := range lines(keys.Stdout) {
		if f := strings.Split(line, ":"); len(f) > 4 && strings.Contains(f[4], id) {
			return true
		}
	}
	return false
}
