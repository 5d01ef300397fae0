// Package packaging holds the modules that install software and say where it comes from: apt
// and what belongs to it, dnf and what belongs to it, package, package_facts and pip.
//
// In: a checked call. Out: what the real module returns. The package managers' own programs
// (apt-get, dpkg, apt-cache, dnf, rpm, pip, ...) are asked and told; Ansible's modules use
// libraries of the system's Python for some of that, which need not be there for these. The
// package must not know playbooks or connections.
package packaging

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/shlex"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "apt", Spec: aptSpec(), Run: apt},
		{Name: "apt_key", Spec: aptKeySpec(), Run: aptKey},
		{Name: "apt_repository", Spec: aptRepositorySpec(), Run: aptRepository},
		{Name: "deb822_repository", Spec: deb822Spec(), Run: deb822Repository},
		{Name: "debconf", Spec: debconfSpec(), Run: debconf},
		{Name: "dnf", Spec: dnfSpec(), Run: dnf("dnf")},
		{Name: "dnf5", Spec: dnfSpec(), Run: dnf("dnf5")},
		{Name: "dpkg_selections", Spec: selectionsSpec(), Run: dpkgSelections},
		{Name: "rpm_key", Spec: rpmKeySpec(), Run: rpmKey},
		{Name: "yum_repository", Spec: yumRepositorySpec(), Run: yumRepository},
		{Name: "package_facts", Spec: factsSpec(), Run: packageFacts},
		{Name: "pip", Spec: pipSpec(), Run: pip},
	}
}

// require finds a program that the module cannot do without.
func require(ctx context.Context, name string) (string, error) {
	if file := module.LookPath(ctx, name); file != "" {
		return file, nil
	}
	path, _ := module.Getenv(ctx, "PATH")
	return "", attribute.Failed(fmt.Sprintf("Failed to find required executable %q in paths: %s", name, path))
}

// run runs a program with the environment in which package managers ask no questions.
func run(ctx context.Context, argv ...string) module.Output {
	o := module.Exec(ctx, module.Command{Argv: argv, Env: []string{"DEBIAN_FRONTEND=noninteractive", "DEBIAN_PRIORITY=critical", "LC_CTYPE=C.UTF-8", "LANGUAGE=C.UTF-8"}})
	if o.Err != nil {
		o.Stderr = attribute.OSError(o.Err, argv[0])
	}
	return o
}

// runLine runs a command line as a shell would split it; no shell sees it.
func runLine(ctx context.Context, line string) (module.Output, error) {
	argv, err := shlex.Split(line)
	if err != nil || len(argv) == 0 {
		return module.Output{}, attribute.Failed("this command cannot be split into words: " + line)
	}
	return run(ctx, argv...), nil
}

// word puts a flag into a command line, or nothing.
func word(yes bool, flag string) string {
	if yes {
		return flag
	}
	return ""
}

// pause waits, but not longer than the call lasts.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// lines are those of a text that are not empty.
func lines(text string) []string {
	var list []string
	for _, line := range strings.Split(text, "\n") {
		if line != "" {
			list = append(list, line)
		}
	}
	return list
}

// glob makes a regular expression of a pattern with *, ? and [], which stand for "/" too, as
// in Python's fnmatch.
func glob(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A(?s:`)
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			set, length := set(pattern[i:])
			b.WriteString(set)
			i += length - 1
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString(`)\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		// A set such as [z-a] matches nothing.
		return regexp.MustCompile(`\A\b\B`)
	}
	return re
}

// set translates [...] at the beginning of a pattern and tells how long it is.
func set(pattern string) (string, int) {
	end := 1
	if end < len(pattern) && pattern[end] == '!' {
		end++
	}
	if end < len(pattern) && pattern[end] == ']' {
		end++
	}
	for end < len(pattern) && pattern[end] != ']' {
		end++
	}
	if end >= len(pattern) {
		return `\[`, 1
	}
	inner := strings.ReplaceAll(pattern[1:end], `\`, `\\`)
	inner = strings.ReplaceAll(inner, `[`, `\[`)
	switch {
	case strings.HasPrefix(inner, "!"):
		inner = "^" + inner[1:]
	case strings.HasPrefix(inner, "^"):
		inner = `\` + inner
	}
	return "[" + inner + "]", end + 1
}
