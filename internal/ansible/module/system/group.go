package system

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/facts"
)

func groupSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "name", Required: true},
			{Name: "force", Type: argument.Bool, Default: false},
			{Name: "gid", Type: argument.Int},
			{Name: "system", Type: argument.Bool, Default: false},
			{Name: "local", Type: argument.Bool, Default: false},
			{Name: "non_unique", Type: argument.Bool, Default: false},
			{Name: "gid_min", Type: argument.Int},
			{Name: "gid_max", Type: argument.Int},
		},
		RequiredIf: []argument.Condition{{Option: "non_unique", Value: true, Then: []string{"gid"}}},
		Check:      true,
	}
}

// busyBox tells that this distribution has adduser and addgroup instead of useradd's family.
func busyBox(ctx context.Context) bool {
	id, _ := facts.Identity(ctx)
	return id == "Alpine" || id == "Buildroot"
}

// groupModule is the module group.
func groupModule(ctx context.Context, c *module.Call) module.Result {
	name, local := c.String("name"), c.Bool("local")
	switch {
	case c.Bool("force") && local:
		return module.Fail("force is not a valid option for local, force=True and local=True are mutually exclusive")
	case local && c.Given("gid_min"):
		return module.Fail("'gid_min' can not be used with 'local'")
	case local && c.Given("gid_max"):
		return module.Fail("'gid_max' can not be used with 'local'")
	}
	before, exists := findTeam(ctx, name, local)
	r := module.Result{"name": name, "state": c.String("state")}
	var done outcome
	var err error
	absent := c.String("state") == "absent"
	if c.CheckMode && exists == absent {
		return module.Result{"changed": true}
	}
	switch {
	case absent && exists:
		done, err = removeGroup(ctx, c)
	case absent:
	case exists:
		done, err = changeGroup(ctx, c, before)
	default:
		done, err = addGroup(ctx, c)
	}
	if err != nil {
		return attribute.Result(err)
	}
	if done.bad() {
		return module.Fail(done.stderr, "name", name)
	}
	done.tell(r)
	if after, ok := findTeam(ctx, name, local); ok {
		r["system"], r["gid"] = c.Bool("system"), after.gid
	}
	return r
}

func removeGroup(ctx context.Context, c *module.Call) (outcome, error) {
	name := c.String("name")
	switch {
	case c.Bool("local"):
		return change(ctx, c, "lgroupdel", name)
	case busyBox(ctx):
		return change(ctx, c, "delgroup", name)
	case c.Bool("force"):
		return change(ctx, c, "groupdel", "-f", name)
	default:
		return change(ctx, c, "groupdel", name)
	}
}

// limits are the arguments for the smallest and the largest number.
func limits(c *module.Call, kind string) []string {
	var args []string
	for _, bound := range []string{"min", "max"} {
		if v, ok := c.Int(strings.ToLower(kind) + "_" + bound); ok {
			args = append(args, "-K", fmt.Sprintf("%s_%s=%d", kind, strings.ToUpper(bound), v))
		}
	}
	return args
}

func addGroup(ctx context.Context, c *module.Call) (outcome, error) {
	name := c.String("name")
	var args []string
	gid, given := c.Int("gid")
	busy := !c.Bool("local") && busyBox(ctx)
	if given {
		args = append(args, "-g", strconv.FormatInt(gid, 10))
		if c.Bool("non_unique") && !busy {
			args = append(args, "-o")
		}
	}
	if c.Bool("system") {
		args = append(args, map[bool]string{true: "-S", false: "-r"}[busy])
	}
	args = append(append(args, limits(c, "GID")...), name)
	program := "groupadd"
	switch {
	case c.Bool("local"):
		program = "lgroupadd"
		if err := gidFree(c); err != nil {
			return outcome{}, err
		}
	case busy:
		program = "addgroup"
	}
	return change(ctx, c, program, args...)
}

// gidFree fails when another group has the number, which the local programs do not check.
func gidFree(c *module.Call) error {
	gid, given := c.Int("gid")
	if !given || gid == 0 {
		return nil
	}
	for _, t := range teams() {
		if int64(t.gid) == gid && t.name != c.String("name") {
			return attribute.Failed(fmt.Sprintf("GID '%d' already exists with group '%s'", gid, t.name))
		}
	}
	return nil
}

func changeGroup(ctx context.Context, c *module.Call, before team) (outcome, error) {
	gid, given := c.Int("gid")
	program := "groupmod"
	if c.Bool("local") {
		program = "lgroupmod"
		if err := gidFree(c); err != nil {
			return outcome{}, err
		}
	}
	if !given || gid == int64(before.gid) {
		return outcome{}, nil
	}
	if program == "groupmod" && busyBox(ctx) {
		return renumber(ctx, c, before, gid)
	}
	args := []string{"-g", strconv.FormatInt(gid, 10)}
	if c.Bool("non_unique") {
		args = append(args, "-o")
	}
	return change(ctx, c, program, append(args, before.name)...)
}

// renumber changes a group's number in the file, where no program does.
func renumber(ctx context.Context, c *module.Call, before team, gid int64) (outcome, error) {
	data, err := os.ReadFile(groupFile)
	if err != nil {
		return outcome{}, err
	}
	if strings.Contains(string(data), fmt.Sprintf(":%d:", gid)) {
		return outcome{}, attribute.Failed(fmt.Sprintf("gid '%d' in use", gid))
	}
	if c.CheckMode {
		return outcome{ran: true}, nil
	}
	text := strings.ReplaceAll("\n"+string(data), fmt.Sprintf("\n%s:x:%d:", before.name, before.gid), fmt.Sprintf("\n%s:x:%d:", before.name, gid))
	file, err := attribute.Temporary(c, []byte(text[1:]))
	if err != nil {
		return outcome{}, err
	}
	return outcome{ran: true}, attribute.AtomicMove(ctx, file, groupFile, attribute.Move{})
}
