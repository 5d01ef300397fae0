package packaging

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func yumRepositorySpec() argument.Spec {
	options := []argument.Option{
		{Name: "baseurl", Type: argument.List, Elements: argument.Str},
		{Name: "exclude", Type: argument.List, Elements: argument.Str, Aliases: []string{"excludepkgs"}},
		{Name: "failovermethod", Choices: []any{"roundrobin", "priority"}},
		{Name: "gpgkey", Type: argument.List, Elements: argument.Str},
		{Name: "http_caching", Choices: []any{"all", "packages", "none"}},
		{Name: "includepkgs", Type: argument.List, Elements: argument.Str},
		{Name: "ip_resolve", Choices: []any{"4", "6", "IPv4", "IPv6", "whatever"}},
		{Name: "keepcache", Choices: []any{"0", "1"}},
		{Name: "metadata_expire_filter", Choices: []any{"never", "read-only:past", "read-only:present", "read-only:future"}},
		{Name: "name", Required: true},
		{Name: "password", NoLog: true},
		{Name: "proxy_password", NoLog: true},
		{Name: "reposdir", Default: "/etc/yum.repos.d", Type: argument.Path},
		{Name: "sslcacert", Aliases: []string{"ca_cert"}},
		{Name: "sslclientcert", Aliases: []string{"client_cert"}},
		{Name: "sslclientkey", Aliases: []string{"client_key"}},
		{Name: "sslverify", Type: argument.Bool, Aliases: []string{"validate_certs"}},
		{Name: "state", Choices: []any{"present", "absent"}, Default: "present"},
	}
	for _, name := range []string{"bandwidth", "cost", "deltarpm_metadata_percentage", "deltarpm_percentage", "description", "file", "gpgcakey", "include",
		"metadata_expire", "metalink", "mirrorlist", "mirrorlist_expire", "priority", "proxy", "proxy_username", "retries", "throttle", "timeout", "ui_repoid_vars", "username"} {
		options = append(options, argument.Option{Name: name})
	}
	for _, name := range []string{"async", "countme", "enabled", "enablegroups", "gpgcheck", "module_hotfixes", "keepalive", "protect", "repo_gpgcheck", "s3_enabled",
		"skip_if_unavailable", "ssl_check_cert_permissions"} {
		options = append(options, argument.Option{Name: name, Type: argument.Bool})
	}
	return argument.Spec{
		Options: options,
		RequiredIf: []argument.Condition{
			{Option: "state", Value: "present", Then: []string{"baseurl", "mirrorlist", "metalink"}, Any: true},
			{Option: "state", Value: "present", Then: []string{"description"}},
		},
		FileAttributes: true,
		Check:          true,
	}
}

// section is one repository's settings; order is that in which the file has them.
type section struct {
	values map[string]string
	order  []string
}

func newSection() *section { return &section{values: map[string]string{}} }

func (s *section) set(key, value string) {
	if _, ok := s.values[key]; !ok {
		s.order = append(s.order, key)
	}
	s.values[key] = value
}

// yumRepository is the module yum_repository: a section in a file of repositories.
func yumRepository(ctx context.Context, c *module.Call) module.Result {
	result, err := setRepository(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func setRepository(ctx context.Context, c *module.Call) (module.Result, error) {
	dir, name, state := c.String("reposdir"), c.String("name"), c.String("state")
	if !isDir(dir) {
		return nil, attribute.Failed("Repo directory '" + dir + "' does not exist.")
	}
	file := name
	if c.Given("file") {
		file = c.String("file")
	}
	dest := filepath.Join(dir, file+".repo")
	all, order, err := readSections(dest)
	if err != nil {
		return nil, err
	}
	before := dump(all)
	delete(all, name)
	if state == "present" {
		all[name] = settings(c)
		if i := position(order, name); i >= 0 {
			order = append(order[:i], order[i+1:]...)
		}
		order = append(order, name)
	}
	after := dump(all)
	changed := before != after
	if changed && !c.CheckMode {
		if err := save(ctx, c, dest, all, order); err != nil {
			return nil, err
		}
	}
	if exists(dest) && !isDir(dest) {
		if changed, err = attribute.Of(c, dest).Apply(ctx, c, changed, nil); err != nil {
			return nil, err
		}
	}
	return module.Result{"changed": changed, "repo": name, "state": state,
		"diff": map[string]any{"before_header": dest, "before": before, "after_header": dest, "after": after}}, nil
}

func position(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// settings are the arguments as the section has them.
func settings(c *module.Call) *section {
	s := newSection()
	file := argument.Spec{FileAttributes: true}
	var names []string
	for _, o := range yumRepositorySpec().Options {
		names = append(names, o.Name)
	}
	sort.Strings(names)
	for _, option := range names {
		if file.Accepts(option) || !c.Given(option) || option == "state" || option == "reposdir" || option == "file" || option == "name" {
			continue
		}
		notice(c, option)
		key := option
		if option == "description" {
			key = "name"
		}
		switch v := c.Args[option].(type) {
		case bool:
			s.set(key, map[bool]string{true: "1", false: "0"}[v])
		case []any:
			separator := " "
			if option == "baseurl" || option == "gpgkey" {
				separator = "\n"
			}
			s.set(key, strings.Join(c.Strings(option), separator))
		default:
			s.set(key, c.String(option))
		}
	}
	sort.Strings(s.order)
	return s
}

// notice tells that an option goes.
func notice(c *module.Call, option string) {
	switch option {
	case "keepcache":
		c.Deprecate("'keepcache' parameter is deprecated as it is only valid in the main configuration.", "2.20")
	case "async":
		c.Deprecate("'async' parameter is deprecated as it has been removed on systems supported by ansible-core", "2.22")
	case "deltarpm_metadata_percentage", "gpgcakey", "http_caching", "keepalive", "metadata_expire_filter", "mirrorlist_expire", "protect",
		"ssl_check_cert_permissions", "ui_repoid_vars":
		c.Deprecate("'"+option+"' parameter is deprecated as it has no effect with dnf as an underlying package manager.", "2.22")
	}
}

// readSections reads a file of repositories; one that is not there is empty.
func readSections(file string) (map[string]*section, []string, error) {
	all, order := map[string]*section{}, []string{}
	f, err := os.Open(file)
	if err != nil {
		return all, order, nil
	}
	defer func() { _ = f.Close() }()
	var now *section
	last := ""
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, maxKey)
	for scan.Scan() {
		line := strings.TrimRight(scan.Text(), " \t\r")
		text := strings.TrimSpace(line)
		key, value, isSetting := cutSetting(text)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				now.set(last, now.values[last]+"\n"+text)
			}
		case text[0] == '[' && strings.HasSuffix(text, "]"):
			name := text[1 : len(text)-1]
			now, last = newSection(), ""
			all[name] = now
			order = append(order, name)
		case now != nil && isSetting:
			last = strings.ToLower(key)
			now.set(last, value)
		default:
			return nil, nil, attribute.Failed("Problems handling file '" + file + "'.: expected [section] or key = value, found: " + text)
		}
	}
	return all, order, scan.Err()
}

func cutSetting(text string) (key, value string, ok bool) {
	at := strings.IndexAny(text, "=:")
	if at <= 0 {
		return "", "", false
	}
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:]), true
}

// dump shows all sections in the order of their names.
func dump(all map[string]*section) string {
	var names []string
	for n := range all {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		b.WriteString("[" + n + "]\n")
		for _, k := range all[n].keys() {
			b.WriteString(k + " = " + all[n].values[k] + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s *section) keys() []string {
	list := append([]string(nil), s.order...)
	sort.Strings(list)
	return list
}

// save writes the file, or removes it when no section is left.
func save(ctx context.Context, c *module.Call, dest string, all map[string]*section, order []string) error {
	if len(all) == 0 {
		if err := os.Remove(dest); err != nil {
			return attribute.Failed("Cannot remove empty repo file "+dest+".", "details", attribute.OSError(err, dest))
		}
		return nil
	}
	var b strings.Builder
	for _, n := range order {
		if _, ok := all[n]; !ok {
			continue
		}
		b.WriteString("[" + n + "]\n")
		for _, k := range all[n].order {
			b.WriteString(k + " = " + strings.ReplaceAll(all[n].values[k], "\n", "\n\t") + "\n")
		}
		b.WriteString("\n")
	}
	temporary, err := attribute.Temporary(c, []byte(b.String()))
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	return attribute.AtomicMove(ctx, temporary, dest, attribute.Move{Unsafe: c.Bool("unsafe_writes")})
}
