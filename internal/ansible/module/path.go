package module

import (
	"context"
	"os"
	"os/user"
	"strings"

	"tutti/internal/ansible/argument"
)

// hostOf is what the check of arguments asks of this machine, in the environment of the call.
func hostOf(ctx context.Context) argument.Host {
	return argument.Host{
		Expand: func(path string) string { return Expand(ctx, path) },
		Getenv: func(name string) (string, bool) { return Getenv(ctx, name) },
	}
}

// Getenv looks a variable up in the environment of the call.
func Getenv(ctx context.Context, name string) (string, bool) {
	own, _ := ctx.Value(environmentKey{}).(map[string]string)
	if v, ok := own[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}

// Expand replaces $NAME, ${NAME} and a leading ~ or ~user in a path, as Python's
// expandvars and expanduser do: what is not known stays as it is.
func Expand(ctx context.Context, path string) string {
	if strings.Contains(path, "$") {
		path = expandVariables(path, func(name string) (string, bool) { return Getenv(ctx, name) })
	}
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	if strings.Contains(path, "/") {
		rest = "/" + rest
	}
	home := homeOf(ctx, name)
	if home == "" {
		return path
	}
	if home = strings.TrimRight(home, "/") + rest; home == "" {
		return "/"
	}
	return home
}

func homeOf(ctx context.Context, name string) string {
	if name != "" {
		if u, err := user.Lookup(name); err == nil {
			return u.HomeDir
		}
		return ""
	}
	if home, ok := Getenv(ctx, "HOME"); ok {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

func expandVariables(s string, lookup func(string) (string, bool)) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '$' {
			b.WriteByte(s[i])
			i++
			continue
		}
		name, length := variableAt(s[i:])
		if v, ok := lookup(name); ok && name != "" {
			b.WriteString(v)
		} else {
			b.WriteString(s[i : i+length])
		}
		i += length
	}
	return b.String()
}

// variableAt reads $NAME or ${NAME} at the beginning of s and tells how long that is.
func variableAt(s string) (name string, length int) {
	if strings.HasPrefix(s, "${") {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[2:end], end + 1
		}
		return "", 1
	}
	end := 1
	for end < len(s) && (s[end] == '_' || s[end] >= '0' && s[end] <= '9' || s[end] >= 'A' && s[end] <= 'Z' || s[end] >= 'a' && s[end] <= 'z') {
		end++
	}
	return s[1:end], end
}
