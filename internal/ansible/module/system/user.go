package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func userSpec() argument.Spec {
	host, _ := os.Hostname()
	flag := func(name string) argument.Option {
		return argument.Option{Name: name, Type: argument.Bool, Default: false}
	}
	number := func(name string) argument.Option { return argument.Option{Name: name, Type: argument.Int} }
	home := flag("create_home")
	home.Default, home.Aliases = true, []string{"createhome"}
	return argument.Spec{
		Options: []argument.Option{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "name", Required: true, Aliases: []string{"user"}},
			number("uid"), flag("non_unique"),
			{Name: "group"},
			{Name: "groups", Type: argument.List, Elements: argument.Str},
			{Name: "comment"},
			{Name: "home", Type: argument.Path},
			{Name: "shell", Type: argument.Path},
			{Name: "password", NoLog: true},
			{Name: "login_class"},
			number("password_expire_max"), number("password_expire_min"), number("password_expire_warn"),
			{Name: "hidden", Type: argument.Bool},
			{Name: "seuser"},
			flag("force"), flag("remove"), home,
			{Name: "skeleton"},
			flag("system"), flag("move_home"), flag("append"),
			{Name: "generate_ssh_key", Type: argument.Bool},
			{Name: "ssh_key_bits", Type: argument.Int, Default: int64(0)},
			{Name: "ssh_key_type", Default: "rsa"},
			{Name: "ssh_key_file", Type: argument.Path},
			{Name: "ssh_key_comment", Default: "ansible-generated on " + host},
			{Name: "ssh_key_passphrase", NoLog: true},
			{Name: "update_password", Default: "always", Choices: []any{"always", "on_create"}},
			{Name: "expires", Type: argument.Float},
			{Name: "password_lock", Type: argument.Bool},
			{Name: "local", Type: argument.Bool},
			{Name: "profile"}, {Name: "authorization"}, {Name: "role"}, {Name: "umask"},
			number("password_expire_account_disable"), number("uid_min"), number("uid_max"),
		},
		Check: true,
	}
}

// user is one call of the module.
type user struct {
	ctx  context.Context
	call *module.Call
	name string
	// groups are the additional groups; named tells that the task says something of them.
	groups []string
	named  bool
	local  bool
}

// userModule is the module user.
func userModule(ctx context.Context, c *module.Call) module.Result {
	u := &user{ctx: ctx, call: c, name: c.String("name"), local: c.Bool("local"), named: c.Given("groups")}
	if u.local {
		for _, option := range []string{"umask", "uid_min", "uid_max"} {
			if c.Given(option) {
				return module.Fail(fmt.Sprintf("'%s' can not be used with 'local'", option))
			}
		}
	}
	for _, g := range strings.Split(strings.Join(c.Strings("groups"), ","), ",") {
		if g = strings.TrimSpace(g); g != "" {
			u.groups = append(u.groups, g)
		}
	}
	if !u.named && c.Bool("append") {
		c.Warn("%s", "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups."+
			"This will change to an error in Ansible 2.14.")
	}
	if looksPlain(c.String("password")) {
		c.Warn("%s", "The input password appears not to have been hashed. "+
			"The 'password' argument must be encrypted for this module to work properly.")
	}
	r, err := u.run()
	if err != nil {
		return attribute.Result(err)
	}
	return r
}

// looksPlain tells that a password is hardly the hash that it has to be.
func looksPlain(password string) bool {
	switch password {
	case "", "*", "!", "*************":
		return false
	}
	fields := strings.Split(password, "$")
	if strings.ContainsAny(password, ":*!") || len(fields) < 3 {
		return true
	}
	last := fields[len(fields)-1]
	if regexp.MustCompile(`[^a-zA-Z0-9./=]`).MatchString(last) {
		return true
	}
	length, known := map[string]int{"1": 22, "5": 43, "6": 86, "y": 43}[fields[1]]
	return known && len(last) != length
}

func (u *user) run() (module.Result, error) {
	c := u.call
	r := module.Result{"name": u.name, "state": c.String("state")}
	before, exists := findAccount(u.ctx, u.name, u.local)
	absent := c.String("state") == "absent"
	if c.CheckMode && exists == absent {
		return module.Result{"changed": true}, nil
	}
	var done outcome
	var err error
	switch {
	case absent && exists:
		done, err = u.remove()
		r["force"], r["remove"] = c.Bool("force"), c.Bool("remove")
	case absent:
	case exists:
		done, err = u.modify(before)
		r["append"], r["move_home"] = c.Bool("append"), c.Bool("move_home")
	default:
		done, err = u.createWithParents()
		r["system"], r["create_home"] = c.Bool("system"), c.Bool("create_home")
	}
	if err != nil {
		return nil, err
	}
	if done.bad() {
		return nil, attribute.Failed(done.stderr, "name", u.name, "rc", done.code)
	}
	if !absent && c.Given("password") {
		r["password"] = "NOT_LOGGING_PASSWORD"
	}
	done.tell(r)
	if absent {
		return r, nil
	}
	if after, ok := findAccount(u.ctx, u.name, u.local); ok {
		err = u.finish(r, after)
	}
	return r, err
}

// finish tells what the user is now, and sees to home folder, key and password ages.
func (u *user) finish(r module.Result, now account) error {
	c := u.call
	r["uid"], r["group"], r["comment"], r["home"], r["shell"] = now.uid, now.gid, now.comment, now.home, now.shell
	if u.named {
		r["groups"] = strings.Join(c.Strings("groups"), ",")
	}
	home := c.String("home")
	if home == "" {
		home = now.home
	}
	if _, err := os.Stat(home); err != nil && c.Bool("create_home") {
		if !c.CheckMode {
			if err := u.makeHome(home); err != nil {
				return err
			}
			if err := giveAway(home, now.uid, now.gid); err != nil {
				return attribute.Failed(err.Error())
			}
		}
		r["changed"] = true
	}
	if c.Bool("generate_ssh_key") {
		if err := u.key(r, now); err != nil {
			return err
		}
	}
	done, err := u.ages()
	if err != nil {
		return err
	}
	if done.bad() {
		return attribute.Failed(done.stderr, "name", u.name, "rc", done.code)
	}
	if done.ran {
		r["changed"] = true
	}
	return nil
}

// ages sets how long the password may and must be kept.
func (u *user) ages() (outcome, error) {
	now, ok := findShadow(u.name)
	var args []string
	for _, age := range []struct {
		option, flag string
		now          int
	}{{"password_expire_min", "-m", now.minimum}, {"password_expire_max", "-M", now.maximum}, {"password_expire_warn", "-W", now.warnings}} {
		if v, given := u.call.Int(age.option); given && v != int64(age.now) {
			args = append(args, age.flag, strconv.FormatInt(v, 10))
		}
	}
	if !ok || len(args) == 0 {
		return outcome{}, nil
	}
	return change(u.ctx, u.call, "chage", append(args, u.name)...)
}

func (u *user) remove() (outcome, error) {
	c := u.call
	if !u.local && busyBox(u.ctx) {
		args := []string{u.name}
		if c.Bool("remove") {
			args = append(args, "--remove-home")
		}
		return change(u.ctx, c, "deluser", args...)
	}
	program := "userdel"
	var args []string
	if u.local {
		program = "luserdel"
	} else if c.Bool("force") {
		args = append(args, "-f")
	}
	if c.Bool("remove") {
		args = append(args, "-r")
	}
	return change(u.ctx, c, program, append(args, u.name)...)
}

// makeHome makes a home folder out of the skeleton, with the mode that login.defs gives new
// ones.
func (u *user) makeHome(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	skeleton := u.call.String("skeleton")
	if skeleton == "" {
		skeleton = "/etc/skel"
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return attribute.Failed(err.Error())
	}
	if _, err := os.Stat(skeleton); err == nil && skeleton != os.DevNull {
		if err := copyTree(skeleton, path); err != nil {
			return attribute.Failed(err.Error())
		}
	}
	if mode, ok := homeMode(); ok {
		if err := os.Chmod(path, mode); err != nil {
			return attribute.Failed(err.Error())
		}
	}
	return nil
}

func homeMode() (os.FileMode, bool) {
	data, err := os.ReadFile("/etc/login.defs")
	if err != nil {
		return 0, false
	}
	mode := os.FileMode(0o755)
	setting := regexp.MustCompile(`^(HOME_MODE|UMASK)\s+(\d+)$`)
	for _, line := range strings.Split(string(data), "\n") {
		m := setting.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v, err := strconv.ParseUint(m[2], 8, 12)
		if err != nil {
			continue
		}
		if m[1] == "HOME_MODE" {
			return os.FileMode(v), true
		}
		mode = 0o777 &^ os.FileMode(v)
	}
	return mode, true
}

// copyTree copies a folder's content: files with their modes, and links as links.
func copyTree(from, to string) error {
	return filepath.Walk(from, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case info.Mode()&os.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case info.IsDir():
			if relative != "." {
				err = os.Mkdir(target, 0o700)
			}
		case info.Mode().IsRegular():
			data, readErr := os.ReadFile(path)
			if err = readErr; err == nil {
				err = os.WriteFile(target, data, 0o600)
			}
		default:
			return nil
		}
		if err != nil {
			return err
		}
		return os.Chmod(target, info.Mode().Perm())
	})
}

// giveAway makes a user the owner of a folder and all that is in it.
func giveAway(path string, uid, gid int) error {
	return filepath.Walk(path, func(name string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode()&os.ModeSymlink != 0 && name != path {
			return nil
		}
		return os.Chown(name, uid, gid)
	})
}

// expires gives the day on which the account ends, and whether it never does.
func (u *user) expires() (day time.Time, never, given bool) {
	seconds, ok := u.call.Args["expires"].(float64)
	if !ok {
		return time.Time{}, false, false
	}
	return time.Unix(int64(seconds), 0).UTC(), seconds < 0, true
}
