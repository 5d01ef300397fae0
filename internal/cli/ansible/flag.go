package ansible

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// flags are the options of a command, with what argparse does beside pflag: long names may be
// cut short, and count with one dash too.
type flags struct {
	*pflag.FlagSet
	name, synopsis string
	version        bool
	verbosity      int
	help           bool
}

func newFlags(name, synopsis string, verbosity int) *flags {
	f := &flags{FlagSet: pflag.NewFlagSet(name, pflag.ContinueOnError), name: name, synopsis: synopsis}
	f.SortFlags = true
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.verbosity = verbosity
	f.CountVarP(&f.verbosity, "verbose", "v", "tell more; -vvvv tells most")
	f.BoolVar(&f.version, "version", false, "show the version and exit")
	f.BoolVarP(&f.help, "help", "h", false, "show this help and exit")
	return f
}

// parse reads the arguments and gives those that are no options.
func (f *flags) parse(args []string) ([]string, error) {
	full, err := f.expand(args)
	if err != nil {
		return nil, err
	}
	if err := f.Parse(full); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		return nil, &usageError{f.synopsis, argparseWords(err.Error())}
	}
	return f.Args(), nil
}

// argparseWords puts an error of pflag's into the words that people know.
func argparseWords(text string) string {
	for _, prefix := range []string{"unknown flag: ", "unknown shorthand flag: "} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return "unrecognized arguments: " + rest
		}
	}
	if rest, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return "argument " + rest + ": expected one argument"
	}
	return text
}

// expand completes long options that were cut short.
func (f *flags) expand(args []string) ([]string, error) {
	out := slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if i > 0 && f.takesValue(args[i-1]) {
			continue
		}
		name, rest, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case strings.HasPrefix(arg, "--") && f.Lookup(name) == nil:
			full, err := f.complete(name)
			if err != nil {
				return nil, err
			}
			name = full
		case strings.HasPrefix(arg, "--"), !strings.HasPrefix(arg, "-"), len(name) < 3, f.Lookup(name) == nil:
			continue
		}
		if out[i] = "--" + name; hasValue {
			out[i] += "=" + rest
		}
	}
	return out, nil
}

// takesValue reports whether the argument behind an option is its value.
func (f *flags) takesValue(arg string) bool {
	if !strings.HasPrefix(arg, "-") || arg == "-" || strings.Contains(arg, "=") {
		return false
	}
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		flag := f.Lookup(name)
		if full, err := f.complete(name); flag == nil && err == nil {
			flag = f.Lookup(full)
		}
		return flag != nil && flag.NoOptDefVal == ""
	}
	for i, c := range arg[1:] {
		flag := f.ShorthandLookup(string(c))
		if flag == nil {
			return false
		}
		if flag.NoOptDefVal == "" {
			return i == len(arg)-2
		}
	}
	return false
}

// complete gives the one option that begins so.
func (f *flags) complete(name string) (string, error) {
	var found []string
	f.VisitAll(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, name) {
			found = append(found, flag.Name)
		}
	})
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return name, nil
	}
	slices.Sort(found)
	return "", &usageError{f.synopsis, fmt.Sprintf("ambiguous option: --%s could match --%s", name, strings.Join(found, ", --"))}
}

// usage is the text of --help.
func (f *flags) usage(about string) string {
	return fmt.Sprintf("usage: %s [-h] %s\n\n%s\n\noptions:\n%s", f.name, f.synopsis, about, f.FlagUsages())
}

// connectFlags say how hosts are reached.
type connectFlags struct {
	privateKey, user, connection             string
	timeout                                  int
	sshCommon, sftpExtra, scpExtra, sshExtra string
	askPass                                  bool
	passFile                                 string
}

func (c *connectFlags) add(f *flags, s settings) {
	f.StringVar(&c.privateKey, "private-key", s.Connection.PrivateKeyFile, "use this file to authenticate the connection")
	f.StringVar(&c.privateKey, "key-file", s.Connection.PrivateKeyFile, "the same as --private-key")
	f.StringVarP(&c.user, "user", "u", s.Connection.RemoteUser, "connect as this user")
	f.StringVarP(&c.connection, "connection", "c", s.Connection.Transport, "how to connect: ssh or local")
	f.IntVarP(&c.timeout, "timeout", "T", 0, "how many seconds connecting may take")
	f.StringVar(&c.sshCommon, "ssh-common-args", s.Connection.SSHCommonArgs, "options of ssh for every connection, such as -o ProxyJump=…")
	f.StringVar(&c.sftpExtra, "sftp-extra-args", "", "accepted for Ansible's sake: files go through the one connection")
	f.StringVar(&c.scpExtra, "scp-extra-args", "", "accepted for Ansible's sake: files go through the one connection")
	f.StringVar(&c.sshExtra, "ssh-extra-args", s.Connection.SSHExtraArgs, "more options of ssh")
	f.BoolVarP(&c.askPass, "ask-pass", "k", s.Connection.AskPass, "ask for the connection's password")
	f.StringVar(&c.passFile, "connection-password-file", s.Connection.PasswordFile, "read the connection's password from a file")
	f.StringVar(&c.passFile, "conn-pass-file", s.Connection.PasswordFile, "the same as --connection-password-file")
}

// becomeFlags say who to become.
type becomeFlags struct {
	become       bool
	method, user string
	ask          bool
	passFile     string
}

func (b *becomeFlags) add(f *flags, s settings) {
	f.BoolVarP(&b.become, "become", "b", s.Become.Become, "become another user on the hosts")
	f.StringVar(&b.method, "become-method", s.Become.Method, "how: sudo, su or doas")
	f.StringVar(&b.user, "become-user", s.Become.User, "become this user")
	f.BoolVarP(&b.ask, "ask-become-pass", "K", s.Become.AskPass, "ask for the password of becoming")
	f.StringVar(&b.passFile, "become-password-file", s.Become.PasswordFile, "read the password of becoming from a file")
	f.StringVar(&b.passFile, "become-pass-file", s.Become.PasswordFile, "the same as --become-password-file")
}

// inventoryFlags say which hosts there are, and which of them are meant.
type inventoryFlags struct {
	sources    []string
	listHosts  bool
	limit      string
	flushCache bool
}

func (i *inventoryFlags) add(f *flags, _ settings) {
	f.StringArrayVarP(&i.sources, "inventory", "i", nil, "an inventory's file or folder, or hosts with commas between; may be repeated")
	f.StringArrayVar(&i.sources, "inventory-file", nil, "the same as --inventory")
	f.StringVarP(&i.limit, "limit", "l", "", "only hosts that match this pattern too")
}

func (i *inventoryFlags) addList(f *flags) {
	f.BoolVar(&i.listHosts, "list-hosts", false, "list the hosts that match and do nothing else")
	f.BoolVar(&i.flushCache, "flush-cache", false, "forget the cached facts of all hosts")
}

// vaultFlags say where the passwords of vaults come from.
type vaultFlags struct {
	ids, files []string
	ask        bool
}

func (v *vaultFlags) add(f *flags, _ settings) {
	f.StringArrayVar(&v.ids, "vault-id", nil, "a vault's identity: label@file, label@prompt; may be repeated")
	f.BoolVarP(&v.ask, "ask-vault-pass", "J", false, "ask for the vault's password")
	f.BoolVar(&v.ask, "ask-vault-password", false, "the same as --ask-vault-pass")
	f.StringArrayVar(&v.files, "vault-password-file", nil, "a file with the vault's password, or a program that prints it; may be repeated")
	f.StringArrayVar(&v.files, "vault-pass-file", nil, "the same as --vault-password-file")
}

// runFlags say how tasks are run.
type runFlags struct {
	check, diff   bool
	forks         int
	extra         []string
	modulePath    string
	forceHandlers bool
}

func (r *runFlags) add(f *flags, s settings) {
	f.BoolVarP(&r.check, "check", "C", false, "change nothing; tell what would change")
	f.BoolVarP(&r.diff, "diff", "D", s.Diff.Always, "show what changes in files")
	f.IntVarP(&r.forks, "forks", "f", s.Run.Forks, "how many hosts are worked on at once")
	f.StringArrayVarP(&r.extra, "extra-vars", "e", nil, "variables: k=v, YAML or JSON, or @file; may be repeated")
	f.StringVarP(&r.modulePath, "module-path", "M", "", "folders with modules, with colons between")
}
