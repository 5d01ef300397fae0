package ansible

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tutti/internal/ansible/callback"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/value"
)

// adHocFlags are those of the command ansible.
type adHocFlags struct {
	playbookFlags
	module, args     string
	background, poll int
	oneLine          bool
	tree             string
	timeout          int
	dir              string
}

const adHocSynopsis = "[options] pattern"

// needArguments are the modules that do nothing without any.
var needArguments = []string{"command", "raw", "script", "shell", "win_command", "win_shell"}

func (p *Program) adHocFlags(o *adHocFlags, s settings) *flags {
	f := newFlags(p.Name, adHocSynopsis, s.Run.Verbosity)
	o.connect.add(f, s)
	o.become.add(f, s)
	o.inventory.add(f, s)
	o.inventory.addList(f)
	o.vault.add(f, s)
	o.run.add(f, s)
	f.StringVarP(&o.module, "module-name", "m", s.Run.ModuleName, "the module to run")
	f.StringVarP(&o.args, "args", "a", s.Run.ModuleArgs, "its arguments: k=v or JSON")
	f.IntVarP(&o.background, "background", "B", 0, "run in the background, for so many seconds at most")
	f.IntVarP(&o.poll, "poll", "P", s.Run.PollInterval, "how often to look for its end, in seconds")
	f.BoolVarP(&o.oneLine, "one-line", "o", false, "one line for each host")
	f.StringVarP(&o.tree, "tree", "t", "", "write results into this folder too")
	f.IntVar(&o.timeout, "task-timeout", s.Run.TaskTimeout, "after how many seconds the task fails")
	f.StringVar(&o.dir, "playbook-dir", s.Paths.PlaybookDir, "the folder that stands for that of a playbook")
	f.BoolVar(&o.output.json, "json", false, "write what happens as one JSON message a line")
	return f
}

// adHoc is the command ansible: one task on the hosts of a pattern.
func (p *Program) adHoc(ctx context.Context, args []string) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	var o adHocFlags
	f := p.adHocFlags(&o, s)
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		_, err := fmt.Fprint(p.Stdout, f.usage("Runs one task on the hosts of a pattern."))
		return err
	case f.version:
		return p.printVersion(s)
	case len(rest) == 0:
		return &usageError{f.synopsis, "the following arguments are required: pattern"}
	case len(rest) > 1:
		return &usageError{f.synopsis, "unrecognized arguments: " + strings.Join(rest[1:], " ")}
	}
	if err := o.check(); err != nil {
		return err
	}
	pattern := rest[0]
	r, err := p.request(ctx, f, &o.playbookFlags, s, o.inventory.listHosts)
	if err != nil {
		return err
	}
	if r.Playbooks, r.Files, err = o.book(pattern); err != nil {
		return err
	}
	open, said, err := session.Open(ctx, r)
	if problem := p.diagnostics(said); problem != nil {
		return problem
	}
	if err != nil {
		return err
	}
	defer open.Close()
	if done, err := p.adHocHosts(open, &o, pattern); done || err != nil {
		return err
	}
	return p.adHocRun(ctx, open, r, f, &o, s)
}

// adHocHosts answers --list-hosts, and says so when no host matches.
func (p *Program) adHocHosts(open *session.Session, o *adHocFlags, pattern string) (done bool, err error) {
	hosts, said, err := open.Inventory.Select(inventory.Selection{Patterns: inventory.SplitPattern(pattern), Limit: open.Input.Options.Limit})
	if err != nil {
		return false, err
	}
	if err := p.diagnostics(said); err != nil {
		return false, err
	}
	if len(hosts) == 0 {
		if o.inventory.limit != "" {
			return false, errors.New("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.") // Ansible's words
		}
		p.warning("No hosts matched, nothing to do")
	}
	if o.inventory.listHosts {
		_, err := fmt.Fprintf(p.Stdout, "  hosts (%d):\n", len(hosts))
		for _, h := range hosts {
			if err == nil {
				_, err = fmt.Fprintf(p.Stdout, "    %s\n", h.Name)
			}
		}
		return true, err
	}
	name := strings.TrimPrefix(strings.TrimPrefix(o.module, "ansible.builtin."), "ansible.legacy.")
	switch {
	case slices.Contains(needArguments, name) && o.args == "":
		text := "No argument passed to " + o.module + " module"
		if strings.HasSuffix(pattern, ".yml") {
			text += " (did you mean to run ansible-playbook?)"
		}
		return false, &optionsError{text}
	case name == "import_playbook":
		return false, &optionsError{"'" + o.module + "' is not a valid action for ad-hoc commands"}
	}
	return len(hosts) == 0, nil
}

func (p *Program) adHocRun(ctx context.Context, open *session.Session, r session.Request, f *flags, o *adHocFlags, s settings) error {
	look := p.look(f, &o.playbookFlags, s)
	name := "minimal"
	if o.oneLine {
		name = "oneline"
	}
	view, err := callback.New(name, look)
	if err != nil {
		return err
	}
	if o.output.json {
		view = callback.Stream(look)
	}
	if o.tree != "" {
		look.Folder = o.tree
		files, err := callback.New("tree", look)
		if err != nil {
			return err
		}
		view = callback.Several(view, files)
	}
	view = unplaced{view, "<adhoc '" + o.module + "' task>"}
	dir, tidy, err := temporary()
	if err != nil {
		return err
	}
	defer tidy()
	return p.carryOut(ctx, open, r, view, dir)
}

// unplaced shows a play that stands in no file.
type unplaced struct {
	callback.View
	place string
}

// Note implements callback.View.
func (u unplaced) Note(n play.Note) {
	if n.Path != "" {
		n.Path = u.place
	}
	u.View.Note(n)
}

// adHocName is the name of the file that an ad hoc play stands in, which nobody reads from
// the disk.
const adHocName = "__adhoc_playbook__"

// book makes a playbook of the one task.
func (o *adHocFlags) book(pattern string) ([]string, map[string]play.Recorded, error) {
	var args any = o.args
	if text := strings.TrimSpace(o.args); strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") && !strings.HasPrefix(text, "{{") {
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			args = v
		}
	}
	if o.args == "" {
		args = nil
	}
	task := value.NewDict(o.module, args)
	if o.timeout > 0 {
		task.Set("timeout", int64(o.timeout))
	}
	if o.background > 0 {
		task.Set("async", int64(o.background))
		task.Set("poll", int64(o.poll))
	}
	text, err := value.JSON(value.NewList(value.NewDict("name", "Ansible Ad-Hoc", "hosts", pattern, "gather_facts", false, "tasks", value.NewList(task))))
	if err != nil {
		return nil, nil, err
	}
	dir := o.dir
	if dir == "" {
		dir = "."
	}
	file, err := filepath.Abs(filepath.Join(dir, adHocName))
	if err != nil {
		return nil, nil, err
	}
	return []string{file}, map[string]play.Recorded{play.AskRead + ":" + file: {Content: text}}, nil
}
