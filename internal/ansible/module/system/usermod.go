package system

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// modify makes an account what the task says.
func (u *user) modify(before account) (outcome, error) {
	if len(before.password) <= 1 {
		if s, ok := findShadow(u.name); ok {
			before.password = s.password
		} else {
			before.password = ""
		}
	}
	if !u.local && busyBox(u.ctx) {
		return u.modifyBusyBox(before)
	}
	args, err := u.changes(before)
	if err != nil {
		return outcome{}, err
	}
	wanted, add, drop, err := u.groupChanges()
	if err != nil {
		return outcome{}, err
	}
	if !u.local && (len(add) > 0 || len(drop) > 0) {
		if u.call.Bool("append") {
			args = append(args, "-a")
		}
		args = append(args, "-G", strings.Join(wanted, ","))
	}
	args = u.passwordChanges(args, before)
	program := "usermod"
	if u.local {
		program = "lusermod"
	}
	var done outcome
	if len(args) > 0 {
		if done, err = change(u.ctx, u.call, program, append(args, u.name)...); err != nil {
			return done, err
		}
	} else if _, err := require(u.ctx, program); err != nil {
		return done, err
	}
	if !u.local || done.bad() {
		return done, nil
	}
	return u.modifyLocal(done, add, drop)
}

// changes are the arguments of usermod for what differs, but for groups and password.
func (u *user) changes(before account) ([]string, error) {
	c := u.call
	var args []string
	if uid, ok := c.Int("uid"); ok && uid != int64(before.uid) {
		args = append(args, "-u", strconv.FormatInt(uid, 10))
		if c.Bool("non_unique") {
			args = append(args, "-o")
		}
	}
	if c.Given("group") {
		t, ok := findTeamAny(u.ctx, c.String("group"))
		if !ok {
			return nil, noGroup(c.String("group"))
		}
		if t.gid != before.gid {
			args = append(args, "-g", strconv.Itoa(t.gid))
		}
	}
	if c.Given("comment") && c.String("comment") != before.comment {
		args = u.option(args, "-c", "comment")
	}
	if c.Given("home") && c.String("home") != before.home {
		args = u.option(args, "-d", "home")
		if c.Bool("move_home") {
			args = append(args, "-m")
		}
	}
	if c.Given("shell") && c.String("shell") != before.shell {
		args = u.option(args, "-s", "shell")
	}
	if date, ok := u.newExpiry(); ok && !u.local {
		args = append(args, "-e", date)
	}
	return u.option(args, "-f", "password_expire_account_disable"), nil
}

// newExpiry gives the day on which the account is to end when that is another than now; ""
// stands for never.
func (u *user) newExpiry() (date string, differs bool) {
	day, never, given := u.expires()
	if !given {
		return "", false
	}
	current := 0
	if s, ok := findShadow(u.name); ok {
		current = s.expires
	}
	if never {
		return "", current >= 0
	}
	date = day.Format("2006-01-02")
	return date, current < 0 || time.Unix(int64(current)*86400, 0).UTC().Format("2006-01-02") != date
}

// groupChanges gives the groups to be in, and those to join and to leave.
func (u *user) groupChanges() (wanted, add, drop []string, err error) {
	if !u.named {
		return nil, nil, nil, nil
	}
	if wanted, err = named(u.ctx, u.groups); err != nil {
		return nil, nil, nil, err
	}
	var current []string
	for _, t := range memberships(u.name) {
		current = append(current, t.name)
	}
	for _, g := range wanted {
		if !slices.Contains(current, g) {
			add = append(add, g)
		}
	}
	if u.call.Bool("append") {
		return wanted, add, nil, nil
	}
	for _, g := range current {
		if !slices.Contains(wanted, g) {
			drop = append(drop, g)
		}
	}
	return wanted, add, drop, nil
}

// passwordChanges adds what locks, unlocks or sets the password.
func (u *user) passwordChanges(args []string, before account) []string {
	c := u.call
	locked := strings.HasPrefix(before.password, "!")
	if c.Given("password") && c.String("update_password") == "always" &&
		strings.TrimLeft(before.password, "!") != strings.TrimLeft(c.String("password"), "!") {
		return append(args, "-p", u.lockedPassword())
	}
	switch {
	case !c.Given("password_lock"):
	case c.Bool("password_lock") && !locked:
		return append(args, "-L")
	case !c.Bool("password_lock") && locked:
		return append(args, "-U")
	}
	return args
}

// modifyLocal does what lusermod cannot.
func (u *user) modifyLocal(done outcome, add, drop []string) (outcome, error) {
	if date, ok := u.newExpiry(); ok {
		days := int64(-1)
		if day, err := time.Parse("2006-01-02", date); err == nil {
			days = day.Unix() / 86400
		}
		next, err := change(u.ctx, u.call, "lchage", "-E", strconv.FormatInt(days, 10), u.name)
		if done = done.add(next); err != nil || done.bad() {
			return done, err
		}
	}
	done, err := u.localGroups(done, "-M", add)
	if err != nil || done.bad() {
		return done, err
	}
	return u.localGroups(done, "-m", drop)
}

// modifyBusyBox changes what BusyBox's programs can: groups and password.
func (u *user) modifyBusyBox(before account) (outcome, error) {
	var done outcome
	if len(u.groups) > 0 {
		wanted, err := named(u.ctx, u.groups)
		if err != nil {
			return done, err
		}
		var current []string
		for _, t := range memberships(u.name) {
			if t.gid != before.gid {
				current = append(current, t.name)
			}
		}
		for _, g := range wanted {
			if slices.Contains(current, g) {
				continue
			}
			if done, err = change(u.ctx, u.call, "adduser", u.name, g); err != nil || done.bad() {
				return done, err
			}
		}
		for _, g := range current {
			if slices.Contains(wanted, g) || u.call.Bool("append") {
				continue
			}
			if done, err = change(u.ctx, u.call, "delgroup", u.name, g); err != nil || done.bad() {
				return done, err
			}
		}
	}
	if u.call.Given("password") && u.call.String("update_password") == "always" && before.password != u.call.String("password") {
		return u.chpasswd()
	}
	return done, nil
}
