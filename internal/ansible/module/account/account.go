// Package account looks users and groups of this machine up, by name and by number.
//
// In: names or numbers. Out: the other. It reads /etc/passwd and /etc/group and, where those
// do not know somebody, asks getent, because a static program cannot load what a machine's
// name services need.
package account

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// UserName gives the name of a user; ok is false when there is none.
func UserName(uid int) (name string, ok bool) {
	return find("passwd", strconv.Itoa(uid), 2, 0)
}

// GroupName gives the name of a group; ok is false when there is none.
func GroupName(gid int) (name string, ok bool) {
	return find("group", strconv.Itoa(gid), 2, 0)
}

// UserID gives the number of the user with that name.
func UserID(name string) (uid int, ok bool) { return number(find("passwd", name, 0, 2)) }

// GroupID gives the number of the group with that name.
func GroupID(name string) (gid int, ok bool) { return number(find("group", name, 0, 2)) }

// Home gives the home folder of the user with that name.
func Home(name string) (path string, ok bool) { return find("passwd", name, 0, 5) }

func number(text string, ok bool) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// find looks in a database for the entry whose field is key, and gives its wanted field.
func find(database, key string, field, wanted int) (string, bool) {
	file, err := os.Open("/etc/" + database)
	if err == nil {
		defer func() { _ = file.Close() }()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			if v, ok := pick(lines.Text(), key, field, wanted); ok {
				return v, true
			}
		}
	}
	// The key must not be taken for an option.
	if key == "" || strings.HasPrefix(key, "-") {
		return "", false
	}
	program, err := exec.LookPath("getent")
	if err != nil {
		return "", false
	}
	out, err := exec.Command(program, database, key).Output()
	if err != nil {
		return "", false
	}
	return pick(strings.TrimSpace(string(out)), key, field, wanted)
}

func pick(line, key string, field, wanted int) (string, bool) {
	// Most lines are of somebody else; they are not split.
	if !strings.Contains(line, key) {
		return "", false
	}
	fields := strings.Split(line, ":")
	if len(fields) <= max(field, wanted) || fields[field] != key {
		return "", false
	}
	return fields[wanted], true
}
