package packaging

import (
	"context"
	"io"
	"os"
	"regexp"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

// field reads one field of a package file.
func field(ctx context.Context, file, name string) (string, error) {
	o := run(ctx, "dpkg", "--field", file, name)
	if o.Code != 0 {
		return "", attribute.Failed("Unable to install package: "+strings.TrimSpace(o.Stderr), "stdout", o.Stdout, "stderr", o.Stderr)
	}
	return strings.Trim(o.Stdout, "\n"), nil
}

// load fetches a file to this host. The name keeps its end, which programs look at.
func load(ctx context.Context, c *module.Call, source, end string) (string, error) {
	a := fetch.Do(ctx, fetch.Of(c, source))
	if a.Body == nil {
		return "", attribute.Failed("Failure downloading " + fetch.Mask(source) + ", " + a.Msg)
	}
	defer func() { _ = a.Body.Close() }()
	file, err := os.CreateTemp(c.TempDir, "ansible-tmp-*"+end)
	if err != nil {
		return "", attribute.Failed(attribute.OSError(err, c.TempDir))
	}
	_, err = io.Copy(file, a.Body)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", attribute.Failed("Failure downloading " + fetch.Mask(source) + ", " + err.Error())
	}
	return file.Name(), nil
}

// installFiles installs package files, and before them what they depend on.
func (a *aptCall) installFiles(ctx context.Context, files string) (module.Result, error) {
	if a.state != "present" {
		return nil, attribute.Failed("deb only supports state=present")
	}
	if strings.Contains(files, "://") {
		file, err := load(ctx, a.c, files, ".deb")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.Remove(file) }()
		files = file
	}
	var needed, wanted []string
	for _, file := range strings.Split(files, ",") {
		more, skip, err := a.lookAt(ctx, file)
		if err != nil {
			return nil, err
		}
		if !skip {
			needed, wanted = append(needed, more...), append(wanted, file)
		}
	}
	first := module.Result{"changed": false, "stdout": "", "stderr": "", "diff": ""}
	if len(needed) > 0 {
		var err error
		if first, err = a.install(ctx, needed); err != nil {
			return nil, err
		}
	}
	if len(wanted) == 0 {
		return first, nil
	}
	return a.unpack(ctx, wanted, first)
}

var (
	instLine  = regexp.MustCompile(`(?m)^Inst (\S+) `)
	unmetLine = regexp.MustCompile(`(?m)Depends: (.+?) but `)
)

// lookAt tells what a package file needs, or that it is installed already.
func (a *aptCall) lookAt(ctx context.Context, file string) (needed []string, skip bool, err error) {
	if f, err := os.Open(file); err != nil {
		return nil, false, attribute.Failed("Unable to install package: E:Could not open file " + file + " - open (2: No such file or directory)")
	} else {
		_ = f.Close()
	}
	name, err := field(ctx, file, "Package")
	if err != nil {
		return nil, false, err
	}
	version, err := field(ctx, file, "Version")
	if err != nil {
		return nil, false, err
	}
	d := &database{}
	d.ask(ctx, []string{name})
	force := a.c.Bool("force")
	if installed, ok := d.installed[name]; ok {
		if newer(ctx, version, "eq", installed) {
			return nil, true, nil
		}
		if newer(ctx, version, "lt", installed) && !force && !a.c.Bool("allow_downgrade") {
			return nil, false, attribute.Failed("A later version is already installed")
		}
	}
	o := run(ctx, a.get, "-y", "--simulate", "--allow-downgrades", "--no-install-recommends", "install", attribute.RealPath(file))
	if o.Code != 0 && !force {
		if m := unmetLine.FindStringSubmatch(o.Stdout + o.Stderr); m != nil {
			return nil, false, attribute.Failed("Dependency is not satisfiable: " + m[1] + "\n")
		}
		return nil, false, attribute.Failed("Unable to install package: " + faults(o.Stderr))
	}
	for _, m := range instLine.FindAllStringSubmatch(o.Stdout, -1) {
		if m[1] != name {
			needed = append(needed, m[1])
		}
	}
	if a.c.Bool("install_recommends") {
		recommends, err := field(ctx, file, "Recommends")
		if err != nil {
			return nil, false, err
		}
		needed = append(needed, strings.FieldsFunc(recommends, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	return needed, false, nil
}

// unpack runs dpkg; first is what the installation of dependencies gave.
func (a *aptCall) unpack(ctx context.Context, files []string, first module.Result) (module.Result, error) {
	var options []string
	for _, o := range strings.Split(a.c.String("dpkg_options"), ",") {
		options = append(options, "--"+o)
	}
	if a.c.CheckMode {
		options = append(options, "--simulate")
	}
	if a.c.Bool("force") {
		options = append(options, "--force-all")
	}
	line := "dpkg " + strings.Join(options, " ") + " -i " + strings.Join(files, " ")
	o, err := a.guarded(ctx, line)
	if err != nil {
		return nil, err
	}
	before, _ := first["stdout"].(string)
	beforeErr, _ := first["stderr"].(string)
	changes, ok := first["diff"].(map[string]any)
	if !ok {
		changes = diff(o.Stdout)
	} else if text, ok := changes["prepared"].(string); ok {
		changes["prepared"] = text + "\n\n" + o.Stdout
	}
	if o.Code != 0 {
		return nil, attribute.Failed(line+" failed", "stdout", before+o.Stdout, "stderr", beforeErr+o.Stderr)
	}
	return module.Result{"changed": true, "stdout": before + o.Stdout, "stderr": beforeErr + o.Stderr, "diff": changes}, nil
}
