package packaging

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/shlex"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func pipSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest", "forcereinstall"}},
			{Name: "name", Type: argument.List, Elements: argument.Str},
			{Name: "version"},
			{Name: "requirements"},
			{Name: "virtualenv", Type: argument.Path},
			{Name: "virtualenv_site_packages", Type: argument.Bool, Default: false},
			{Name: "virtualenv_command", Type: argument.Path, Default: "virtualenv"},
			{Name: "virtualenv_python"},
			{Name: "extra_args"},
			{Name: "editable", Type: argument.Bool, Default: false},
			{Name: "chdir", Type: argument.Path},
			{Name: "executable", Type: argument.Path},
			{Name: "umask"},
			{Name: "break_system_packages", Type: argument.Bool, Default: false},
		},
		RequiredOneOf:     [][]string{{"name", "requirements"}},
		MutuallyExclusive: [][]string{{"name", "requirements"}, {"executable", "virtualenv"}},
		Check:             true,
	}
}

// pipCall is one call of the module.
type pipCall struct {
	c                *module.Call
	env, dir, umask  string
	pip              []string
	packages         []requirement
	stdout, stderr   string
	created, fromVCS bool
}

// pip is the module pip: packages of Python.
func pip(ctx context.Context, c *module.Call) module.Result {
	p := &pipCall{c: c, env: c.String("virtualenv"), dir: c.String("chdir")}
	result, err := p.do(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func (p *pipCall) do(ctx context.Context) (module.Result, error) {
	c := p.c
	if p.env != "" && p.dir != "" && !filepath.IsAbs(p.env) {
		p.env = filepath.Join(p.dir, p.env)
	}
	if s := c.String("umask"); s != "" {
		if _, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 12); err != nil {
			return nil, attribute.Failed("umask must be an octal integer", "details", "invalid literal for int() with base 8: '"+s+"'")
		}
		p.umask = strings.TrimPrefix(s, "0o")
	}
	if c.String("state") == "latest" && c.Given("version") {
		return nil, attribute.Failed("version is incompatible with state=latest")
	}
	if p.dir == "" {
		p.dir = os.TempDir()
	}
	if p.env != "" && !exists(filepath.Join(p.env, "bin", "activate")) {
		p.created = true
		if c.CheckMode {
			return module.Result{"changed": true}, nil
		}
		if err := p.makeEnvironment(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if p.pip, err = p.findPip(ctx); err != nil {
		return nil, err
	}
	argv, extra, err := p.command()
	if err != nil {
		return nil, err
	}
	if c.CheckMode {
		return p.wouldRun(ctx, extra)
	}
	return p.carryOut(ctx, argv)
}

// command gives pip's command line, and whether arguments were added to it.
func (p *pipCall) command() (argv []string, extra bool, err error) {
	c := p.c
	argv = append(append(argv, p.pip...), map[string][]string{"present": {"install"}, "absent": {"uninstall", "-y"}, "latest": {"install", "-U"},
		"forcereinstall": {"install", "-U", "--force-reinstall"}}[c.String("state")]...)
	names := c.Strings("name")
	for _, n := range names {
		p.fromVCS = p.fromVCS || vcs.MatchString(n)
	}
	if c.Given("name") {
		if err := p.readNames(names); err != nil {
			return nil, false, err
		}
	}
	arguments := c.String("extra_args")
	if c.Bool("editable") && !strings.Contains(" "+arguments+" ", " -e ") {
		arguments = strings.TrimSpace(arguments + " -e")
	}
	if arguments != "" {
		words, err := shlex.Split(arguments)
		if err != nil {
			return nil, false, attribute.Failed("extra_args cannot be split into words: " + arguments)
		}
		argv = append(argv, words...)
	}
	for _, r := range p.packages {
		argv = append(argv, r.String())
	}
	if !c.Given("name") && c.Given("requirements") {
		argv = append(argv, "-r", c.String("requirements"))
	}
	return argv, arguments != "", nil
}

func (p *pipCall) readNames(names []string) error {
	for _, text := range joined(names) {
		p.packages = append(p.packages, parseRequirement(text))
	}
	if !p.c.Given("version") {
		return nil
	}
	if len(p.packages) > 1 {
		return attribute.Failed("'version' argument is ambiguous when installing multiple package distributions. " +
			"Please specify version restrictions next to each package in 'name' argument.")
	}
	if len(p.packages[0].specifiers) > 0 {
		return attribute.Failed("The 'version' argument conflicts with any version specifier provided along with a package name. " +
			"Please keep the version specifier, but remove the 'version' argument.")
	}
	version := strings.TrimLeft(p.c.String("version"), " ")
	separator := " "
	if version != "" && version[0] >= '0' && version[0] <= '9' {
		separator = "=="
	}
	p.packages[0] = parseRequirement(p.packages[0].String() + separator + version)
	return nil
}

// execute runs a program in the folder, and with the umask, that the task says.
func (p *pipCall) execute(ctx context.Context, argv ...string) module.Output {
	if p.umask != "" {
		argv = append([]string{"/bin/sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", p.umask}, argv...)
	}
	dir := p.dir
	if !isDir(dir) {
		dir = ""
	}
	var env []string
	if p.c.Bool("break_system_packages") {
		env = append(env, "PIP_BREAK_SYSTEM_PACKAGES=1")
	}
	if p.env != "" {
		path, _ := module.Getenv(ctx, "PATH")
		env = append(env, "PATH="+filepath.Join(p.env, "bin")+":"+path)
	}
	return module.Exec(ctx, module.Command{Argv: argv, Dir: dir, Env: env})
}

// failed is the error of a command that did not work.
func (p *pipCall) failed(argv any) error {
	msg := ""
	if p.stdout != "" {
		msg = "stdout: " + p.stdout
	}
	if p.stderr != "" {
		msg += "\n:stderr: " + p.stderr
	}
	return attribute.Failed(msg, "cmd", argv)
}

// makeEnvironment makes the virtual environment.
func (p *pipCall) makeEnvironment(ctx context.Context) error {
	c := p.c
	argv, err := shlex.Split(c.String("virtualenv_command"))
	if err != nil || len(argv) == 0 {
		return attribute.Failed("virtualenv_command cannot be split into words: " + c.String("virtualenv_command"))
	}
	if filepath.Base(argv[0]) == argv[0] {
		if argv[0], err = require(ctx, argv[0]); err != nil {
			return err
		}
	}
	venv := argv[0] == "pyvenv"
	for i, w := range argv {
		venv = venv || w == "-mvenv" || w == "-m" && i+1 < len(argv) && argv[i+1] == "venv"
	}
	if c.Bool("virtualenv_site_packages") {
		argv = append(argv, "--system-site-packages")
	} else {
		o := run(ctx, argv[0], "--help")
		if o.Code != 0 {
			return attribute.Failed("Could not get output from " + argv[0] + " --help: " + o.Stdout + o.Stderr)
		}
		if strings.Contains(o.Stdout, "--no-site-packages") {
			argv = append(argv, "--no-site-packages")
		}
	}
	python := c.String("virtualenv_python")
	switch {
	case !venv && python != "":
		argv = append(argv, "-p"+python)
	case !venv:
		interpreter, err := require(ctx, "python3")
		if err != nil {
			return err
		}
		argv = append(argv, "-p"+interpreter)
	case python != "":
		return attribute.Failed("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command")
	}
	argv = append(argv, p.env)
	o := p.execute(ctx, argv...)
	p.stdout, p.stderr = p.stdout+o.Stdout, p.stderr+o.Stderr
	if o.Code != 0 {
		return p.failed(argv)
	}
	return nil
}

// findPip gives the words by which pip is called: of the environment, of the executable that the
// task names, or of the host's python3.
func (p *pipCall) findPip(ctx context.Context) ([]string, error) {
	executable := p.c.String("executable")
	if p.env != "" {
		for _, name := range []string{"pip3", "pip"} {
			if file := filepath.Join(p.env, "bin", name); exists(file) {
				return []string{file}, nil
			}
		}
		return nil, attribute.Failed("Unable to find pip in the virtualenv, " + p.env + ", under any of these names: pip3, pip. Make sure pip is present in the virtualenv.")
	}
	if filepath.IsAbs(executable) {
		return []string{executable}, nil
	}
	if executable == "" {
		const look = `import sys, importlib.util; sys.exit(importlib.util.find_spec("pip") is None)`
		if python := module.LookPath(ctx, "python3"); python != "" && run(ctx, python, "-c", look).Code == 0 {
			return []string{python, "-m", "pip"}, nil
		}
		executable = "pip3"
	}
	if file := module.LookPath(ctx, executable); file != "" {
		return []string{file}, nil
	}
	return nil, attribute.Failed("Unable to find any of " + executable + " to use.  pip needs to be installed.")
}

// list asks pip what is there.
func (p *pipCall) list(ctx context.Context) (command, out, stderr string, err error) {
	argv := append(p.pip[:len(p.pip):len(p.pip)], "list", "--format=freeze")
	o := p.execute(ctx, argv...)
	if o.Code != 0 {
		argv = append(p.pip[:len(p.pip):len(p.pip)], "freeze")
		if o = p.execute(ctx, argv...); o.Code != 0 {
			p.stdout, p.stderr = o.Stdout, o.Stderr
			return "", "", "", p.failed(argv)
		}
	}
	return strings.Join(argv, " "), o.Stdout, o.Stderr, nil
}

func (p *pipCall) wouldRun(ctx context.Context, extra bool) (module.Result, error) {
	state := p.c.String("state")
	if extra || p.c.Given("requirements") || state == "latest" || !p.c.Given("name") {
		return module.Result{"changed": true}, nil
	}
	command, out, stderr, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	installed := map[string]string{}
	for _, line := range lines(out) {
		if name, version, ok := strings.Cut(line, "=="); ok {
			installed[canonical(name)] = version
		}
	}
	changed := false
	for _, r := range p.packages {
		version, there := installed[r.name]
		present := there && r.accepts(version)
		changed = changed || state == "present" && !present || state == "absent" && present
	}
	return module.Result{"changed": changed, "cmd": command, "stdout": p.stdout + out, "stderr": p.stderr + stderr}, nil
}

func (p *pipCall) carryOut(ctx context.Context, argv []string) (module.Result, error) {
	c := p.c
	compare := c.Given("requirements") || p.fromVCS
	before, after := "", ""
	var err error
	if compare {
		if _, before, _, err = p.list(ctx); err != nil {
			return nil, err
		}
	}
	o := p.execute(ctx, argv...)
	p.stdout, p.stderr = p.stdout+o.Stdout, p.stderr+o.Stderr
	absent := c.String("state") == "absent"
	if o.Code != 0 && !(o.Code == 1 && absent && strings.Contains(o.Stdout+o.Stderr, "not installed")) {
		if o.Err != nil {
			p.stderr += attribute.OSError(o.Err, argv[0])
		}
		return nil, p.failed(argv)
	}
	changed := strings.Contains(o.Stdout, "Successfully installed")
	switch {
	case absent:
		changed = strings.Contains(o.Stdout, "Successfully uninstalled")
	case compare:
		if _, after, _, err = p.list(ctx); err != nil {
			return nil, err
		}
		changed = before != after
	}
	var env any
	if p.env != "" {
		env = p.env
	}
	return module.Result{"changed": changed || p.created, "cmd": argv, "name": c.Args["name"], "version": c.Args["version"], "state": c.String("state"),
		"requirements": c.Args["requirements"], "virtualenv": env, "stdout": p.stdout, "stderr": p.stderr}, nil
}
