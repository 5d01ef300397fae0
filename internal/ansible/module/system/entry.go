package system

import (
	"context"
	"os"
	"strconv"
	"strings"

	"tutti/internal/ansible/module"
)

// The files of accounts.
const (
	passwdFile = "/etc/passwd"
	shadowFile = "/etc/shadow"
	groupFile  = "/etc/group"
)

// account is a line of the user database.
type account struct {
	name, password, comment, home, shell string
	uid, gid                             int
}

// team is a line of the group database.
type team struct {
	name    string
	gid     int
	members []string
}

func parseAccount(line string) (account, bool) {
	f := strings.Split(line, ":")
	if len(f) < 7 {
		return account{}, false
	}
	uid, err1 := strconv.Atoi(f[2])
	gid, err2 := strconv.Atoi(f[3])
	return account{name: f[0], password: f[1], uid: uid, gid: gid, comment: f[4], home: f[5], shell: f[6]}, err1 == nil && err2 == nil
}

func parseTeam(line string) (team, bool) {
	f := strings.Split(line, ":")
	if len(f) < 4 {
		return team{}, false
	}
	gid, err := strconv.Atoi(f[2])
	t := team{name: f[0], gid: gid}
	for _, m := range strings.Split(f[3], ",") {
		if m = strings.TrimSpace(m); m != "" {
			t.members = append(t.members, m)
		}
	}
	return t, err == nil
}

// find looks for the first entry that fits: in the file, and then, unless only local entries
// count, where the machine's name services look, which getent asks by the key.
func find[T any](ctx context.Context, file, database, key string, parse func(string) (T, bool), fits func(T) bool) (T, bool) {
	data, _ := os.ReadFile(file)
	for _, line := range strings.Split(string(data), "\n") {
		if e, ok := parse(line); ok && fits(e) {
			return e, true
		}
	}
	var none T
	if database == "" || key == "" || strings.HasPrefix(key, "-") {
		return none, false
	}
	program := module.LookPath(ctx, "getent")
	if program == "" {
		return none, false
	}
	for _, line := range strings.Split(ask(ctx, program, database, key).stdout, "\n") {
		if e, ok := parse(line); ok && fits(e) {
			return e, true
		}
	}
	return none, false
}

// findAccount gives a user by its name.
func findAccount(ctx context.Context, name string, local bool) (account, bool) {
	database := "passwd"
	if local {
		database = ""
	}
	return find(ctx, passwdFile, database, name, parseAccount, func(a account) bool { return a.name == name })
}

// findTeam gives a group by its name.
func findTeam(ctx context.Context, name string, local bool) (team, bool) {
	database := "group"
	if local {
		database = ""
	}
	return find(ctx, groupFile, database, name, parseTeam, func(t team) bool { return t.name == name })
}

// findTeamAny gives a group by its number or else its name.
func findTeamAny(ctx context.Context, key string) (team, bool) {
	if gid, err := strconv.Atoi(key); err == nil {
		if t, ok := find(ctx, groupFile, "group", key, parseTeam, func(t team) bool { return t.gid == gid }); ok {
			return t, true
		}
	}
	return findTeam(ctx, key, false)
}

// teams are all groups of this machine's own file.
func teams() []team {
	var list []team
	data, _ := os.ReadFile(groupFile)
	for _, line := range strings.Split(string(data), "\n") {
		if t, ok := parseTeam(line); ok {
			list = append(list, t)
		}
	}
	return list
}

// shadow is what the shadow file says of a user; numbers that are not set are -1.
type shadow struct {
	password                   string
	minimum, maximum, warnings int
	expires                    int
}

// findShadow gives the shadow entry of a user; ok is false for those who may not read it.
func findShadow(name string) (shadow, bool) {
	data, _ := os.ReadFile(shadowFile)
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, ":")
		if len(f) < 8 || f[0] != name {
			continue
		}
		n := func(i int) int {
			if v, err := strconv.Atoi(f[i]); err == nil {
				return v
			}
			return -1
		}
		return shadow{password: f[1], minimum: n(3), maximum: n(4), warnings: n(5), expires: n(7)}, true
	}
	return shadow{}, false
}
