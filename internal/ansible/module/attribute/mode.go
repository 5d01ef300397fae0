package attribute

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// ParseMode reads a mode: a number, octal text ("0644") or symbolic text ("u=rw,go+X"), which
// is about a file whose mode (with its type) is before.
func ParseMode(mode any, before uint32) (uint32, error) {
	switch mode := mode.(type) {
	case int64:
		return uint32(mode), nil
	case int:
		return uint32(mode), nil
	case string:
		text := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(mode)), "0o")
		if n, err := strconv.ParseUint(strings.ReplaceAll(text, "_", ""), 8, 32); err == nil {
			return uint32(n), nil
		}
		return symbolic(mode, before)
	default:
		return 0, fmt.Errorf("'%T' object has no attribute 'split'", mode)
	}
}

func symbolic(text string, before uint32) (uint32, error) {
	mode := before & 0o7777
	isDir := before&syscall.S_IFMT == syscall.S_IFDIR
	for _, clause := range strings.Split(text, ",") {
		bad := fmt.Errorf("bad symbolic permission for mode: %s", clause)
		end := strings.IndexAny(clause, "+=-")
		users := clause
		if end >= 0 {
			users = clause[:end]
		}
		masked := users == ""
		if users == "a" || users == "" {
			users = "ugo"
		}
		if strings.Trim(users, "ugo") != "" {
			return 0, bad
		}
		rest := ""
		if end >= 0 {
			rest = clause[end:]
		}
		for rest != "" {
			operator := rest[0]
			rest = rest[1:]
			perms := rest
			if next := strings.IndexAny(rest, "+=-"); next >= 0 {
				perms = rest[:next]
			}
			rest = rest[len(perms):]
			if strings.Trim(perms, "rwxXstugo") != "" {
				return 0, bad
			}
			for _, user := range users {
				mode = operate(operator, user, bits(user, perms, masked, mode, isDir), mode)
			}
		}
	}
	return mode, nil
}

func operate(operator byte, user rune, bits, mode uint32) uint32 {
	switch operator {
	case '+':
		return mode | bits
	case '-':
		return mode &^ bits
	}
	switch user {
	case 'u':
		return mode&^(0o700|syscall.S_ISUID) | bits
	case 'g':
		return mode&^(0o070|syscall.S_ISGID) | bits
	default:
		return mode&^(0o007|syscall.S_ISVTX) | bits
	}
}

// bits gives what permissions mean for one kind of user; masked says that the umask counts.
func bits(user rune, perms string, masked bool, mode uint32, isDir bool) uint32 {
	shift := map[rune]uint32{'u': 6, 'g': 3, 'o': 0}[user]
	allowed := uint32(0o777)
	if masked {
		allowed &^= Umask()
	}
	var result uint32
	for _, perm := range perms {
		switch perm {
		case 'r':
			result |= 4 << shift & allowed
		case 'w':
			result |= 2 << shift & allowed
		case 'x':
			result |= 1 << shift & allowed
		case 'X':
			if isDir || mode&0o111 != 0 {
				result |= 1 << shift
			}
		case 's':
			result |= map[rune]uint32{'u': syscall.S_ISUID, 'g': syscall.S_ISGID}[user]
		case 't':
			if user == 'o' {
				result |= syscall.S_ISVTX
			}
		case 'u':
			result |= mode >> 6 & 7 << shift
		case 'g':
			result |= mode >> 3 & 7 << shift
		case 'o':
			result |= mode & 7 << shift
		}
	}
	return result
}
