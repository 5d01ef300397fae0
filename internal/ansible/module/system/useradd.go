package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// createWithParents makes the user, and gives it its home folder also where that is made
// deeper than useradd can.
func (u *user) createWithParents() (outcome, error) {
	c := u.call
	home := c.String("home")
	deep := false
	if home != "" && c.Bool("create_home") {
		info, err := os.Stat(filepath.Dir(home))
		deep = err != nil || !info.IsDir()
	}
	done, err := u.create(deep)
	if err != nil || !deep {
		return done, err
	}
	if now, ok := findAccount(u.ctx, u.name, u.local); ok {
		if err := giveAway(home, now.uid, now.gid); err != nil {
			return done, attribute.Failed(err.Error())
		}
	}
	return done, nil
}

func (u *user) create(deep bool) (outcome, error) {
	if deep {
		if err := u.makeHome(u.call.String("home")); err != nil {
			return outcome{}, err
		}
	}
	if !u.local && busyBox(u.ctx) {
		return u.adduser()
	}
	args, err := u.addArguments()
	if err != nil {
		return outcome{}, err
	}
	program := "useradd"
	if u.local {
		program = "luseradd"
	}
	done, err := change(u.ctx, u.call, program, args...)
	if err != nil || done.bad() || !u.local {
		return done, err
	}
	return u.createLocal(done)
}

// addArguments are those of useradd.
func (u *user) addArguments() ([]string, error) {
	c := u.call
	args := u.option(nil, "-u", "uid")
	if len(args) > 0 && c.Bool("non_unique") {
		args = append(args, "-o")
	}
	args = u.option(args, "-Z", "seuser")
	if c.Given("group") {
		if _, ok := findTeamAny(u.ctx, c.String("group")); !ok {
			return nil, noGroup(c.String("group"))
		}
		args = u.option(args, "-g", "group")
	} else if _, ok := findTeamAny(u.ctx, u.name); ok {
		// The group of the user's name is there already: useradd must not make it.
		args = append(args, map[bool]string{true: "-n", false: "-N"}[u.local])
	}
	for _, g := range u.groups {
		if _, ok := findTeamAny(u.ctx, g); !ok {
			return nil, noGroup(g)
		}
	}
	if len(u.groups) > 0 && !u.local {
		args = append(args, "-G", strings.Join(u.groups, ","))
	}
	args = u.option(args, "-c", "comment")
	args = u.option(args, "-d", "home")
	args = u.option(args, "-s", "shell")
	if day, never, given := u.expires(); given && !u.local {
		date := day.Format("2006-01-02")
		if never {
			date = ""
		}
		args = append(args, "-e", date)
	}
	args = u.option(args, "-f", "password_expire_account_disable")
	if c.Given("password") {
		args = append(args, "-p", u.lockedPassword())
	}
	if c.Bool("create_home") {
		if !u.local {
			args = append(args, "-m")
		}
		args = u.option(args, "-k", "skeleton")
		if c.Given("umask") {
			args = append(args, "-K", "UMASK="+c.String("umask"))
		}
	} else {
		args = append(args, "-M")
	}
	if c.Bool("system") {
		args = append(args, "-r")
	}
	return append(append(args, limits(c, "UID")...), u.name), nil
}

func noGroup(name string) error {
	return attribute.Failed(fmt.Sprintf("Group %s does not exist", name))
}

// option appends a flag with the argument's value when it has one.
func (u *user) option(args []string, flag, name string) []string {
	switch v := u.call.Args[name].(type) {
	case nil:
		return args
	case int64:
		return append(args, flag, strconv.FormatInt(v, 10))
	default:
		return append(args, flag, u.call.String(name))
	}
}

func (u *user) lockedPassword() string {
	if u.call.Bool("password_lock") {
		return "!" + u.call.String("password")
	}
	return u.call.String("password")
}

// createLocal does what luseradd cannot.
func (u *user) createLocal(done outcome) (outcome, error) {
	if day, never, given := u.expires(); given {
		days := day.Unix() / 86400
		if never {
			days = -1
		}
		next, err := change(u.ctx, u.call, "lchage", "-E", strconv.FormatInt(days, 10), u.name)
		if done = done.add(next); err != nil || done.bad() {
			return done, err
		}
	}
	return u.localGroups(done, "-M", u.groups)
}

func (u *user) localGroups(done outcome, flag string, groups []string) (outcome, error) {
	for _, g := range groups {
		next, err := change(u.ctx, u.call, "lgroupmod", flag, u.name, g)
		if done = done.add(next); err != nil || done.bad() {
			return done, err
		}
	}
	return done, nil
}

// adduser makes the user with BusyBox's program.
func (u *user) adduser() (outcome, error) {
	c := u.call
	args := u.option([]string{"-D"}, "-u", "uid")
	if c.Given("group") {
		if _, ok := findTeamAny(u.ctx, c.String("group")); !ok {
			return outcome{}, noGroup(c.String("group"))
		}
	}
	for _, o := range [][2]string{{"-G", "group"}, {"-g", "comment"}, {"-h", "home"}, {"-s", "shell"}} {
		args = u.option(args, o[0], o[1])
	}
	if !c.Bool("create_home") {
		args = append(args, "-H")
	}
	args = u.option(args, "-k", "skeleton")
	if c.Given("umask") {
		args = append(args, "-K", "UMASK="+c.String("umask"))
	}
	if c.Bool("system") {
		args = append(args, "-S")
	}
	done, err := change(u.ctx, c, "adduser", append(append(args, limits(c, "UID")...), u.name)...)
	if err != nil || done.bad() {
		return done, err
	}
	if c.Given("password") {
		if next, err := u.chpasswd(); err != nil || next.bad() {
			return next, err
		}
	}
	for _, g := range u.groups {
		if _, ok := findTeamAny(u.ctx, g); !ok {
			return done, noGroup(g)
		}
		if next, err := change(u.ctx, c, "adduser", u.name, g); err != nil || next.bad() {
			return next, err
		}
	}
	return done, nil
}

// chpasswd sets the password. It goes by standard input, where nobody else can see it.
func (u *user) chpasswd() (outcome, error) {
	program, err := require(u.ctx, "chpasswd")
	if err != nil || u.call.CheckMode {
		return outcome{ran: true}, err
	}
	return execute(u.ctx, module.Command{Argv: []string{program, "--encrypted"},
		Stdin: []byte(u.name + ":" + u.call.String("password") + "\n")}), nil
}

// memberships are the groups whose lists name the user.
func memberships(name string) []team {
	var list []team
	for _, t := range teams() {
		if slices.Contains(t.members, name) {
			list = append(list, t)
		}
	}
	return list
}

// named gives the names of groups that are given by name or number.
func named(ctx context.Context, groups []string) ([]string, error) {
	var names []string
	for _, g := range groups {
		t, ok := findTeamAny(ctx, g)
		if !ok {
			return nil, noGroup(g)
		}
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names, nil
}
