package module

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/terraform/install/address"
)

// Kind is where a module call's source points.
type Kind uint8

// The kinds. The zero value is invalid.
const (
	Local    Kind = iota + 1 // a folder, relative to the calling module's
	Registry                 // a module registry, by address and version
	Remote                   // a package to fetch: git, https, s3, ...
)

// Source is a module call's source address.
type Source struct {
	Kind Kind
	// Path is a Local source, cleaned, with "./" or "../" before it.
	Path string
	// Module is a Registry source. Its host was written out unless HostImplied.
	Module      tfaddr.Module
	HostImplied bool
	// Package is a Remote source in full ("git::https://..."), without the folder
	// within it, which is Subdir.
	Package string
	Subdir  string
}

// ParseSource reads a source address. With a version beside it, it can only be a
// registry's.
func ParseSource(raw string, versioned bool) (Source, error) {
	if p, ok := localPath(raw); ok {
		if versioned {
			return Source{}, fmt.Errorf("%q is a folder on this machine, which has no versions: remove the version, or name a module in a registry", raw)
		}
		return Source{Kind: Local, Path: p}, nil
	}
	if raw != strings.TrimSpace(raw) || raw == "" {
		return Source{}, fmt.Errorf("%q is not a module's source: it is empty or has spaces around it", raw)
	}
	module, hostImplied, err := address.Module(raw)
	if err == nil {
		return Source{Kind: Registry, Module: module, HostImplied: hostImplied}, nil
	}
	if versioned {
		return Source{}, fmt.Errorf("%q is not the address of a module in a registry (%w); only those have a version", raw, err)
	}
	return parseRemote(raw)
}

func localPath(raw string) (string, bool) {
	slashed := raw
	if runtime.GOOS == "windows" {
		slashed = filepath.ToSlash(raw)
	}
	if slashed != "." && slashed != ".." && !strings.HasPrefix(slashed, "./") && !strings.HasPrefix(slashed, "../") {
		return "", false
	}
	clean := path.Clean(slashed)
	if clean != ".." && !strings.HasPrefix(clean, "../") {
		clean = "./" + clean
	}
	if clean == "./." {
		clean = "./"
	}
	return clean, true
}

// String gives the form that modules.json holds.
func (s Source) String() string {
	switch s.Kind {
	case Local:
		return s.Path
	case Registry:
		return s.Module.String()
	case Remote:
		if s.Subdir == "" {
			return s.Package
		}
		base, query, has := strings.Cut(s.Package, "?")
		if has {
			query = "?" + query
		}
		return base + "//" + s.Subdir + query
	default:
		panic(fmt.Sprintf("module: invalid kind of source %d", s.Kind))
	}
}

// withHost puts a host in the place of the implied one.
func (s Source) withHost(host svchost.Hostname) Source {
	if s.Kind == Registry && s.HostImplied && host != "" {
		s.Module.Package.Host = host
	}
	return s
}

// forcedGetter is what stands before "::", the way to fetch.
var forcedGetter = regexp.MustCompile(`^([A-Za-z0-9]+)::(.+)$`)

// scpLike is git's short form of an SSH address, user@host:path.
var scpLike = regexp.MustCompile(`^([^@:/?]+)@([^:/?]+):/?([^:].*)$`)

// parseLong reads an address that is written out.
func parseLong(s string) (Source, error) {
	if s != strings.TrimSpace(s) || !strings.Contains(s, "://") {
		return Source{}, fmt.Errorf("%q is not written out", s)
	}
	way, rest := cutWay(s)
	rest, subdir, err := splitSubdir(rest)
	if way != "" {
		rest = way + "::" + rest
	}
	return Source{Kind: Remote, Package: rest, Subdir: subdir}, err
}

func cutWay(s string) (way, rest string) {
	if m := forcedGetter.FindStringSubmatch(s); m != nil {
		return m[1], m[2]
	}
	return "", s
}

// parseRemote reads the address of a package, and writes short forms out.
func parseRemote(raw string) (Source, error) {
	way, rest := cutWay(raw)
	rest, subdir, err := splitSubdir(rest)
	if err != nil {
		return Source{}, fmt.Errorf("%q is not a module's source: %w", raw, err)
	}
	longWay, long, within, err := writeOut(way, rest)
	if err != nil {
		return Source{}, err
	}
	if way == "" {
		way = longWay
	}
	if _, err := url.Parse(long); err != nil {
		return Source{}, fmt.Errorf("%q is not a module's source: %w", redactSource(raw), unwrapURL(err))
	}
	if way != "" {
		long = way + "::" + long
	}
	out := Source{Kind: Remote, Package: long, Subdir: path.Join(within, subdir)}
	// Odd input that would mean something else when read again (an empty host, a
	// space at the end) is no address.
	if again, err := parseLong(out.String()); err != nil || again != out {
		return Source{}, fmt.Errorf("%q is not a module's source", redactSource(raw))
	}
	return out, nil
}

// splitSubdir cuts a folder within a package off its address. It stands behind a
// double slash, but before the query.
func splitSubdir(s string) (pkg, subdir string, err error) {
	base, query, has := strings.Cut(s, "?")
	if has {
		query = "?" + query
	}
	start := 0
	if i := strings.Index(base, "://"); i >= 0 {
		start = i + len("://")
	}
	i := strings.Index(base[start:], "//")
	if i < 0 {
		return s, "", nil
	}
	subdir = path.Clean(base[start+i+2:])
	switch {
	case subdir == ".":
		subdir = ""
	case subdir == ".." || strings.HasPrefix(subdir, "../") || strings.HasPrefix(subdir, "/"):
		return "", "", fmt.Errorf("the folder %q lies outside the package", subdir)
	}
	return base[:start+i] + query, subdir, nil
}

// writeOut makes a URL of what may be short for one, and says by which way it is
// then fetched and which folder of it was meant.
func writeOut(way, s string) (newWay, long, subdir string, err error) {
	base, query, has := strings.Cut(s, "?")
	if has {
		query = "?" + query
	}
	if m := scpLike.FindStringSubmatch(base); m != nil && (m[1] == "git" || way == "git") {
		return "git", "ssh://" + m[1] + "@" + m[2] + "/" + m[3] + query, "", nil
	}
	if strings.Contains(base, "://") {
		return "", s, "", nil
	}
	for _, host := range []string{"github.com", "gitlab.com", "bitbucket.org"} {
		if rest, ok := strings.CutPrefix(base, host+"/"); ok {
			parts := strings.SplitN(rest, "/", 3)
			if len(parts) < 2 || parts[1] == "" {
				return "", "", "", fmt.Errorf("%q names no repository: write %s/OWNER/REPOSITORY", s, host)
			}
			repo := "https://" + host + "/" + parts[0] + "/" + strings.TrimSuffix(parts[1], ".git") + ".git" + query
			if len(parts) == 3 {
				subdir = parts[2]
			}
			return "git", repo, subdir, nil
		}
	}
	host, _, _ := strings.Cut(base, "/")
	switch {
	case strings.HasSuffix(host, ".amazonaws.com") && strings.Contains(base, "/"):
		return "s3", "https://" + s, "", nil
	case host == "www.googleapis.com":
		return "gcs", "https://" + s, "", nil
	case filepath.IsAbs(base):
		return "", "file://" + filepath.ToSlash(s), "", nil
	}
	return "", "", "", fmt.Errorf("how to fetch %q is not clear: for a folder beside this module write \"./%s\", for a registry's module NAMESPACE/NAME/SYSTEM, otherwise a URL such as \"git::https://example.com/repository.git\"",
		s, strings.TrimPrefix(s, "/"))
}

// redactSource gives an address for messages, without passwords and keys.
func redactSource(s string) string {
	way, rest, has := strings.Cut(s, "::")
	if !has {
		way, rest = "", s
	} else {
		way += "::"
	}
	u, err := url.Parse(rest)
	if err != nil {
		base, _, _ := strings.Cut(rest, "?")
		if i := strings.LastIndex(base, "@"); i >= 0 {
			base = base[i+1:]
		}
		return way + base
	}
	q := u.Query()
	secret := false
	for name := range q {
		if name == "sshkey" || strings.HasPrefix(name, "aws_access_") {
			q.Set(name, "hidden")
			secret = true
		}
	}
	if secret {
		u.RawQuery = q.Encode()
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	return way + u.String()
}

// unwrapURL takes the URL itself, with whatever secrets, out of the error.
func unwrapURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // url.Parse gives exactly this
		return e.Err
	}
	return err
}
