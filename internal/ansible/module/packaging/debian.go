package packaging

import (
	"context"
	"os"
	"regexp"
	"sort"
	"strings"

	"tutti/internal/ansible/module/attribute"
)

// wish is a package as a task names it: "name", "name=1.2*", "name>=1.2".
type wish struct{ text, name, compare, version string }

var comparison = regexp.MustCompile(`>?=`)

func parseWish(text string) wish {
	if at := comparison.FindStringIndex(text); at != nil {
		return wish{text, text[:at[0]], text[at[0]:at[1]], text[at[1]:]}
	}
	return wish{text: text, name: text}
}

// database is what dpkg and apt know, asked no more often than needed.
type database struct {
	// installed gives the version of each package that is installed.
	installed map[string]string
	policies  map[string]policy
	release   string
}

// policy is what apt-cache tells of a package.
type policy struct {
	candidate string
	// versions are all there are, the newest first.
	versions []string
}

// ask reads which of the packages are installed.
func (d *database) ask(ctx context.Context, names []string) {
	d.installed = map[string]string{}
	if len(names) == 0 {
		return
	}
	native := strings.TrimSpace(run(ctx, "dpkg", "--print-architecture").Stdout)
	argv := append([]string{"dpkg-query", "-W", "-f", "${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\n", "--"}, names...)
	for _, line := range lines(run(ctx, argv...).Stdout) {
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[2] != "installed" {
			continue
		}
		d.installed[f[0]+":"+f[1]] = f[3]
		if f[1] == native || f[1] == "all" {
			d.installed[f[0]] = f[3]
			d.installed[f[0]+":"+native] = f[3]
		}
	}
}

// askPolicies reads what could be installed.
func (d *database) askPolicies(ctx context.Context, names []string) {
	if d.policies == nil {
		d.policies = map[string]policy{}
	}
	var unknown []string
	for _, n := range names {
		if _, ok := d.policies[n]; !ok {
			unknown = append(unknown, n)
			d.policies[n] = policy{}
		}
	}
	if len(unknown) == 0 {
		return
	}
	argv := []string{"apt-cache"}
	if d.release != "" {
		argv = append(argv, "-o", "APT::Default-Release="+d.release)
	}
	out := run(ctx, append(append(argv, "policy", "--"), unknown...)...).Stdout
	for name, p := range parsePolicies(out) {
		d.policies[name] = p
	}
}

var versionLine = regexp.MustCompile(`^ (?:   |\*\*\*) (\S+) -?\d+`)

// parsePolicies reads the output of "apt-cache policy".
func parsePolicies(text string) map[string]policy {
	found := map[string]policy{}
	name := ""
	for _, line := range lines(text) {
		p := found[name]
		switch {
		case line[0] != ' ':
			name = strings.TrimSuffix(line, ":")
			found[name] = policy{}
			continue
		case strings.HasPrefix(line, "  Candidate: "):
			if p.candidate = strings.TrimPrefix(line, "  Candidate: "); p.candidate == "(none)" {
				p.candidate = ""
			}
		default:
			if m := versionLine.FindStringSubmatch(line); m != nil {
				p.versions = append(p.versions, m[1])
			}
		}
		found[name] = p
	}
	return found
}

// best is the version that apt would install; "" when there is none that fits.
func (d *database) best(w wish) string {
	p := d.policies[w.name]
	if w.compare != "=" {
		return p.candidate
	}
	match := glob(w.version)
	for _, v := range p.versions {
		if match.MatchString(v) {
			return v
		}
	}
	return ""
}

// status tells whether a package is there, whether as it is wanted, and which version could be
// installed instead; any stands for "what apt finds for it".
type status struct {
	installed, fits bool
	installable     string
	any             bool
}

// status looks one package up; its policy must have been asked for.
func (d *database) status(ctx context.Context, w wish) (status, error) {
	version, installed := d.installed[w.name]
	if len(d.policies[w.name].versions) == 0 && !installed {
		return d.virtual(ctx, w)
	}
	best := d.best(w)
	if !installed {
		return status{installable: best}, nil
	}
	s := status{installed: true, fits: fits(ctx, w, version)}
	if best != "" && best != version && (w.compare == "" || w.compare == "=" || newer(ctx, best, "ge", w.version)) {
		s.installable = best
	}
	return s, nil
}

// fits tells whether an installed version is one that is wanted.
func fits(ctx context.Context, w wish, version string) bool {
	switch w.compare {
	case "=":
		return glob(w.version).MatchString(version)
	case ">=":
		return newer(ctx, version, "ge", w.version)
	}
	return true
}

// newer compares versions by dpkg's rules.
func newer(ctx context.Context, a, operator, b string) bool {
	return run(ctx, "dpkg", "--compare-versions", a, operator, b).Code == 0
}

// virtual looks at what provides a package that does not exist itself.
func (d *database) virtual(ctx context.Context, w wish) (status, error) {
	providers := map[string]bool{}
	_, section, _ := strings.Cut(run(ctx, "apt-cache", "showpkg", "--", w.name).Stdout, "Reverse Provides:")
	for _, line := range lines(section) {
		if f := strings.Fields(line); len(f) > 0 && line[0] != ' ' {
			providers[f[0]] = true
		}
	}
	if len(providers) == 0 {
		return status{}, attribute.Failed("No package matching '" + w.name + "' is available")
	}
	if len(providers) == 1 {
		for name := range providers {
			other := database{release: d.release}
			other.ask(ctx, []string{name})
			other.askPolicies(ctx, []string{name})
			s, err := other.status(ctx, wish{name: name, compare: w.compare, version: w.version})
			if s.installed || err != nil {
				return s, err
			}
		}
	}
	return status{any: true}, nil
}

// expand replaces patterns by the names of all packages that match.
func expand(ctx context.Context, wishes []string) ([]wish, error) {
	var list []wish
	var names []string
	for _, text := range wishes {
		w := parseWish(text)
		if !strings.ContainsAny(w.name, "*?[]!") {
			list = append(list, w)
			continue
		}
		if names == nil {
			names = lines(run(ctx, "apt-cache", "pkgnames").Stdout)
			sort.Strings(names)
		}
		pattern, architecture, qualified := strings.Cut(w.name, ":")
		match, before := glob(pattern), len(list)
		for _, n := range names {
			if match.MatchString(n) {
				if qualified {
					n += ":" + architecture
				}
				list = append(list, wish{text: n, name: n})
			}
		}
		if len(list) == before {
			return nil, attribute.Failed("No package(s) matching '" + w.name + "' available")
		}
	}
	return list, nil
}

// hasFiles tells that dpkg knows of files of a package, which may be removed but not purged.
func hasFiles(name string) bool {
	plain, _, _ := strings.Cut(name, ":")
	for _, file := range []string{name, plain, plain + ":amd64", plain + ":arm64"} {
		if strings.ContainsRune(file, '/') {
			return false
		}
		if info, err := os.Stat("/var/lib/dpkg/info/" + file + ".list"); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

// automatic gives those of the packages that are marked as installed for others.
func automatic(names []string) []string {
	data, err := os.ReadFile("/var/lib/apt/extended_states")
	if err != nil {
		return nil
	}
	marked := map[string]bool{}
	for _, stanza := range strings.Split(string(data), "\n\n") {
		if !strings.Contains(stanza, "Auto-Installed: 1") {
			continue
		}
		for _, line := range lines(stanza) {
			if name, ok := strings.CutPrefix(line, "Package: "); ok {
				marked[name] = true
			}
		}
	}
	var list []string
	for _, n := range names {
		if plain, _, _ := strings.Cut(n, ":"); marked[plain] {
			list = append(list, n)
		}
	}
	return list
}
