package ansible

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/shlex"

	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/vault/password"
)

// playbookFlags are those of ansible-playbook.
type playbookFlags struct {
	connect   connectFlags
	become    becomeFlags
	inventory inventoryFlags
	vault     vaultFlags
	run       runFlags
	list      listFlags
	choice    choiceFlags
	output    outputFlags
}

// listFlags have something told instead of anything done.
type listFlags struct{ syntax, tasks, tags bool }

// choiceFlags choose among tasks.
type choiceFlags struct {
	tags, skip []string
	startAt    string
	step       bool
}

// outputFlags are tutti's own.
type outputFlags struct {
	json  bool
	junit string
	guess bool
}

const playbookSynopsis = "[options] playbook [playbook ...]"

func (p *Program) playbookFlags(o *playbookFlags, s settings) *flags {
	f := newFlags(p.Name, playbookSynopsis, s.Run.Verbosity)
	o.connect.add(f, s)
	o.become.add(f, s)
	o.inventory.add(f, s)
	o.inventory.addList(f)
	o.vault.add(f, s)
	o.run.add(f, s)
	f.BoolVar(&o.run.forceHandlers, "force-handlers", s.Run.ForceHandlers, "run handlers although a task failed")
	f.BoolVar(&o.list.syntax, "syntax-check", false, "read the playbooks and do nothing else")
	f.BoolVar(&o.list.tasks, "list-tasks", false, "list the tasks that would be carried out")
	f.BoolVar(&o.list.tags, "list-tags", false, "list all tags")
	f.StringArrayVarP(&o.choice.tags, "tags", "t", nil, "only what has one of these tags")
	f.StringArrayVar(&o.choice.skip, "skip-tags", nil, "only what has none of these tags")
	f.StringVar(&o.choice.startAt, "start-at-task", "", "begin at the task of this name")
	f.BoolVar(&o.choice.step, "step", false, "ask before each task")
	f.BoolVar(&o.output.json, "json", false, "write what happens as one JSON message a line")
	f.StringVar(&o.output.junit, "junit", "", "write a JUnit report into this folder too")
	f.BoolVar(&o.output.guess, "guess", false, "in check mode, take what was not run for skipped, as Ansible does, instead of unknown")
	return f
}

// playbook is ansible-playbook, and tutti playbook.
func (p *Program) playbook(ctx context.Context, args []string) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	var o playbookFlags
	f := p.playbookFlags(&o, s)
	books, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		_, err := fmt.Fprint(p.Stdout, f.usage("Runs playbooks on hosts."))
		return err
	case f.version:
		return p.printVersion(s)
	case len(books) == 0:
		return &usageError{f.synopsis, "the following arguments are required: playbook"}
	}
	if err := o.check(); err != nil {
		return err
	}
	for _, name := range books {
		info, err := os.Stat(name)
		if err != nil && !strings.Contains(name, "/") && strings.Count(name, ".") >= 2 { // one of a collection
			continue
		}
		if err != nil {
			return fmt.Errorf("the playbook: %s could not be found", name)
		}
		if info.IsDir() {
			return fmt.Errorf("the playbook: %s does not appear to be a file", name)
		}
	}
	listing := o.list.tasks || o.list.tags || o.list.syntax || o.inventory.listHosts
	r, err := p.request(ctx, f, &o, s, listing)
	if err != nil {
		return err
	}
	r.Playbooks = books
	open, said, err := session.Open(ctx, r)
	if problem := p.diagnostics(said); problem != nil {
		return problem
	}
	if err != nil {
		return err
	}
	defer open.Close()
	if s.Inventory.LocalhostWarning && len(open.Inventory.HostNames()) == 0 {
		p.warning("provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'")
	}
	if listing {
		return p.list(open, &o)
	}
	if f.verbosity > 0 {
		_, _ = fmt.Fprintln(p.Stdout, s.configured())
	}
	views, finish, err := p.views(f, &o, s)
	if err != nil {
		return err
	}
	defer finish()
	return p.carryOut(ctx, open, r, views, "")
}

// check refuses options that contradict each other.
func (o *playbookFlags) check() error {
	switch {
	case o.run.forks < 1:
		return &usageError{playbookSynopsis, "The number of processes (--forks) must be >= 1"}
	case o.connect.askPass && o.connect.passFile != "":
		return &usageError{playbookSynopsis, "argument --connection-password-file/--conn-pass-file: not allowed with argument -k/--ask-pass"}
	case o.become.ask && o.become.passFile != "":
		return &usageError{playbookSynopsis, "argument --become-password-file/--become-pass-file: not allowed with argument -K/--ask-become-pass"}
	case o.vault.ask && len(o.vault.files) > 0:
		return &usageError{playbookSynopsis, "argument --vault-password-file/--vault-pass-file: not allowed with argument -J/--ask-vault-password/--ask-vault-pass"}
	}
	return nil
}

// request makes of flags what a session is opened with.
func (p *Program) request(ctx context.Context, f *flags, o *playbookFlags, s settings, listing bool) (session.Request, error) {
	var words passwords
	var err error
	if !listing { // nothing is connected to
		if words, err = p.passwords(ctx, o.connect, o.become); err != nil {
			return session.Request{}, err
		}
	}
	secrets, err := p.secrets(ctx, o.vault, s, password.Request{})
	if err != nil {
		return session.Request{}, err
	}
	extra, said := extraVars(o.run.extra, secrets)
	if err := p.diagnostics(said); err != nil {
		return session.Request{}, err
	}
	spec, err := o.connect.spec(s, words.connection)
	if err != nil {
		return session.Request{}, err
	}
	if o.become.become || o.become.method != "" {
		spec.Become = connection.Become{Method: o.become.method, User: o.become.user, Password: words.become, Exe: s.Become.Exe, Flags: s.Become.Flags}
	}
	r := session.Request{
		Inventory: o.inventory.sources, Extra: extra, LimitText: o.inventory.limit, Secrets: forPlay(secrets), Settings: s.play(),
		Reading:    reading(s),
		Connection: spec, Person: p.person, HostKey: p.hostKey, Warn: p.warning,
		Options: play.Options{
			Tags: orDefault(commas(o.choice.tags), s.Run.TagsRun), SkipTags: orDefault(commas(o.choice.skip), s.Run.TagsSkip),
			Check: o.run.check, Diff: o.run.diff, Forks: o.run.forks, Verbosity: f.verbosity, StartAtTask: o.choice.startAt,
			Step: o.choice.step, ForceHandlers: o.run.forceHandlers, Guess: o.output.guess, Become: o.become.become,
		},
	}
	switch strings.TrimPrefix(s.Facts.Cache, "ansible.builtin.") {
	case "", "memory":
	default:
		p.warning(fmt.Sprintf("fact_caching = %s is not followed: facts are kept for this run only, as with memory", s.Facts.Cache))
	}
	if o.run.modulePath != "" {
		r.Settings.Library = append(folders(o.run.modulePath), r.Settings.Library...)
	}
	if len(r.Inventory) == 0 {
		r.Inventory = s.Inventory.Sources
	}
	return r, nil
}

// spec is how hosts are reached by what the command line says.
func (c *connectFlags) spec(s settings, word string) (connection.Spec, error) {
	spec := connection.Spec{Kind: c.connection, User: c.user, Port: s.Connection.RemotePort, Password: word, PrivateKeyFile: c.privateKey,
		HostKeyChecking: s.Connection.HostKeyChecking, Timeout: c.timeout, RemoteTmp: s.Connection.RemoteTemp, Shell: s.Connection.Executable,
		Python: s.Connection.Interpreter}
	if spec.Timeout == 0 {
		spec.Timeout = s.Connection.Timeout
	}
	for _, text := range []string{s.Connection.SSHArgs, c.sshCommon, c.sshExtra} {
		parts, err := shlex.Split(text)
		if err != nil {
			return spec, fmt.Errorf("the options of ssh %q: %w", text, err)
		}
		spec.Arguments = append(spec.Arguments, parts...)
	}
	return spec, nil
}

// folders are those of a list with colons, as the user's folder has them.
func folders(list string) []string {
	var out []string
	for _, dir := range filepath.SplitList(list) {
		if full, err := filepath.Abs(dir); err == nil && dir != "" {
			out = append(out, full)
		}
	}
	return out
}

// commas splits texts with commas.
func commas(all []string) []string {
	var out []string
	for _, text := range all {
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

func orDefault(given, def []string) []string {
	if len(given) > 0 {
		return given
	}
	return def
}

// hostKey asks whether an unknown host is to be trusted.
func (p *Program) hostKey(question string) bool {
	if !p.interactive() {
		return false
	}
	_, _ = fmt.Fprint(p.Stderr, question)
	answer, err := p.line()
	return err == nil && strings.EqualFold(strings.TrimSpace(answer), "yes")
}

// now is the clock of views.
func now() time.Time { return time.Now() }
