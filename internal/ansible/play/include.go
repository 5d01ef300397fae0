package play

import (
	"errors"
	"fmt"
	"io/fs"
	gostrings "strings"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// inclusion is a file or role that an include task asked for.
type inclusion struct {
	task *playbook.Task
	// name is the file as it was asked for, file where it is; args are those of include_role.
	name, file string
	args       *value.Dict
	// vars are those of the task's loop.
	vars *value.Dict
	// hosts asked for the very same.
	hosts []*host
	// label is the loop item's, for people.
	label any
}

// includeTasks implements ansible.builtin.include_tasks: what it brings in is put behind the
// task when all hosts of the round are through.
func (it *item) includeTasks(args *value.Dict) error {
	name := dictItem(args, "_raw_params")
	if name == "" {
		name = dictItem(args, "file")
	}
	if name == "" {
		return errors.New("No include file was specified to the include") // Ansible's words
	}
	file, err := it.t.m.loader(&it.desk, true).FindTasks(it.t.task, name)
	if err != nil {
		return err
	}
	it.include = &inclusion{task: it.t.task, name: name, file: file, args: args, vars: it.includeVariables()}
	it.done(value.NewDict("include", file, "include_args", args, "changed", false, "failed", false))
	return nil
}

// includeRole implements ansible.builtin.include_role.
func (it *item) includeRole(args *value.Dict) error {
	if dictItem(args, "name") == "" && dictItem(args, "role") == "" {
		return errors.New("'name' is a required field for include_role.") // Ansible's words
	}
	it.include = &inclusion{task: it.t.task, args: args, vars: it.includeVariables()}
	it.done(value.NewDict("include_args", args, "changed", false, "failed", false))
	return nil
}

// includeVariables are the loop's, which what is included sees.
func (it *item) includeVariables() *value.Dict {
	vars := &value.Dict{}
	if !it.t.looping {
		return vars
	}
	c := it.t.control
	for _, name := range []string{c.name, c.index, "ansible_loop_var", "ansible_index_var", "ansible_loop"} {
		if v, ok := it.scope.own.Get(name); ok && name != "" {
			vars.Set(name, v)
		}
	}
	return vars
}

// inclusions are those that the turn's items asked for and that were not skipped.
func (t *turn) inclusions() []*inclusion {
	var list []*inclusion
	for _, it := range t.states {
		if it != nil && it.include != nil && !truth(it.result, "failed") && !truth(it.result, "skipped") {
			it.include.hosts = []*host{t.host}
			list = append(list, it.include)
		}
	}
	return list
}

// include reads what the turns of a round asked for, the same thing once for all of its hosts,
// and puts it behind the include. insert is told the tasks in order.
func (m *Machine) include(turns []*turn, insert func([]*playbook.Task), then func()) {
	var wanted []*inclusion
	for _, t := range turns {
		if t.failed || t.unreachable {
			continue
		}
		for _, inc := range t.inclusions() {
			if t.once {
				inc.hosts = t.forHosts()
			}
			wanted = together(wanted, inc)
		}
	}
	if len(wanted) == 0 {
		then()
		return
	}
	g := &including{m: m, wanted: wanted, insert: insert, then: then, blocks: map[*host][]*playbook.Block{}}
	g.next()
}

// together adds an inclusion to those of other hosts that ask for the same.
func together(list []*inclusion, inc *inclusion) []*inclusion {
	for _, have := range list {
		if have.task == inc.task && have.file == inc.file && value.Equal(have.args, inc.args) && value.Equal(have.vars, inc.vars) &&
			!contains(have.hosts, inc.hosts[0]) {
			have.hosts = append(have.hosts, inc.hosts...)
			return list
		}
	}
	return append(list, inc)
}

func contains(hosts []*host, h *host) bool {
	for _, x := range hosts {
		if x == h {
			return true
		}
	}
	return false
}

// including reads inclusions one after the other.
type including struct {
	m      *Machine
	wanted []*inclusion
	insert func([]*playbook.Task)
	then   func()
	tasks  []*playbook.Task
	blocks map[*host][]*playbook.Block
	desk   desk
}

func (g *including) next() {
	for len(g.wanted) > 0 {
		inc := g.wanted[0]
		blocks, err := g.read(inc)
		if err != nil && g.m.await(err, g.next) {
			return
		}
		g.wanted = g.wanted[1:]
		g.desk.clear()
		if err != nil {
			g.failed(inc, err)
			continue
		}
		g.add(inc, blocks)
	}
	for _, h := range g.m.play.batch {
		if blocks := g.blocks[h]; len(blocks) > 0 && !h.cursor.done {
			h.cursor.insert(blocks)
		}
	}
	g.insert(g.tasks)
	g.then()
}

func (g *including) read(inc *inclusion) (blocks []*playbook.Block, err error) {
	err = g.m.sure(&g.desk, func() (err error) {
		blocks, err = g.readOnce(inc)
		return err
	})
	return blocks, err
}

func (g *including) readOnce(inc *inclusion) ([]*playbook.Block, error) {
	l := g.m.loader(&g.desk, true)
	if inc.file == "" {
		role, diags, err := l.Role(inc.task, inc.args, inc.vars)
		if err != nil {
			return nil, err
		}
		if diags.HasErrors() {
			return nil, diags.Err()
		}
		for _, b := range role.AllHandlers() {
			g.m.play.handlers = flatten(b, g.m.play.handlers)
		}
		if role.Public {
			g.m.play.roles = append(g.m.play.roles, role)
		}
		return role.AllBlocks(), nil
	}
	blocks, diags, err := l.Tasks(inc.task, inc.name, inc.file, inc.vars)
	switch {
	case err != nil:
		return nil, err
	case diags.HasErrors():
		return nil, diags.Err()
	}
	return blocks, nil
}

// add puts blocks where the inclusion's hosts will find them.
func (g *including) add(inc *inclusion, blocks []*playbook.Block) {
	s := g.m.newScope(nil, inc.task, &g.desk)
	for _, b := range blocks {
		if inc.task.Handler {
			for _, t := range flatten(b, nil) {
				for _, h := range inc.hosts {
					g.m.notifyHost(t, h)
				}
			}
		} else if b = g.m.tagged(b, s); b == nil {
			continue
		}
		g.tasks = flatten(b, g.tasks)
		for _, h := range inc.hosts {
			g.blocks[h] = append(g.blocks[h], b)
		}
	}
	for _, h := range inc.hosts {
		g.m.stats.of(h.name).OK++
	}
	file := inc.file
	if file == "" {
		file = dictItem(inc.args, "name")
	}
	name, err := g.m.taskName(s, inc.task)
	if err != nil {
		name = inc.task.Action
	}
	g.m.note(Note{Kind: NoteIncluded, Text: file, Task: name, Hosts: names(inc.hosts), Number: inc.task.Number, Item: known(inc.label), Label: inc.label != nil})
}

// failed fails the hosts of an inclusion that could not be read.
func (g *including) failed(inc *inclusion, err error) {
	reason := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		reason = fmt.Sprintf("Could not find or access '%s' on the Ansible Controller.", inc.file)
	}
	for _, h := range inc.hosts {
		t := &turn{m: g.m, host: h, task: inc.task, failed: true, began: g.m.now}
		t.result = value.NewDict("failed", true, "changed", false, "include", inc.name, "reason", reason)
		t.fail(g.m.stats.of(h.name))
		g.m.note(Note{Kind: NoteResult, Host: h.name, Number: inc.task.Number, Task: t.name(), Action: inc.task.Action, Path: inc.task.Origin.String(), Status: "failed", Result: t.result})
	}
}

// includeVars implements ansible.builtin.include_vars.
func (it *item) includeVars(args *value.Dict) error {
	v := variableFiles{it: it, l: it.t.m.loader(&it.desk, true)}
	facts, files, err := v.read(args)
	if err != nil {
		return err
	}
	if name := dictItem(args, "name"); name != "" {
		facts = value.NewDict(name, facts)
	}
	it.done(value.NewDict("changed", false, "failed", false, "ansible_facts", facts, "ansible_included_var_files", texts(files)))
	return nil
}

// variableFiles finds and reads the files of include_vars.
type variableFiles struct {
	it *item
	l  *playbook.Loader
}

func (v variableFiles) read(args *value.Dict) (*value.Dict, []string, error) {
	file := dictItem(args, "_raw_params")
	if file == "" {
		file = dictItem(args, "file")
	}
	if dir := dictItem(args, "dir"); dir != "" {
		if file != "" {
			return nil, nil, errors.New("You are mixing file only and dir only arguments, these are incompatible") // Ansible's words
		}
		return v.folder(dir, args)
	}
	if file == "" {
		return nil, nil, errors.New("A file or a directory is required")
	}
	for _, candidate := range v.candidates(file) {
		d, err := v.file(candidate)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return d, []string{candidate}, err
	}
	return nil, nil, fmt.Errorf("Could not find or access '%s' on the Ansible Controller.", file) // Ansible's words
}

func (v variableFiles) file(path string) (*value.Dict, error) {
	if _, err := (files{m: v.it.t.m, desk: &v.it.desk, fresh: true}).Read(path); err != nil {
		return nil, err
	}
	d, diags, err := v.l.Vars(path)
	switch {
	case err != nil:
		return nil, err
	case diags.HasErrors():
		return nil, diags.Err()
	}
	return d, nil
}

// candidates are where a file of variables may lie: below vars/ of the role, beside the
// including file, below the playbook's folder.
func (v variableFiles) candidates(file string) []string {
	if gostrings.HasPrefix(file, "/") {
		return []string{file}
	}
	var out []string
	for _, dir := range v.it.scope.searchPath() {
		out = append(out, dir+"/vars/"+file, dir+"/"+file)
	}
	return out
}

// folder reads the files of a folder, in the order of their names, down to depth.
func (v variableFiles) folder(dir string, args *value.Dict) (*value.Dict, []string, error) {
	for _, root := range v.candidates(dir) {
		fs_ := files{m: v.it.t.m, desk: &v.it.desk, fresh: true}
		if _, err := fs_.List(root); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		w := folderWalk{v: v, fs: fs_, all: &value.Dict{}}
		if err := w.options(args); err != nil {
			return nil, nil, err
		}
		err := w.walk(gostrings.TrimSuffix(root, "/"), 1)
		return w.all, w.read, err
	}
	return nil, nil, fmt.Errorf("%s directory does not exist", dir)
}
