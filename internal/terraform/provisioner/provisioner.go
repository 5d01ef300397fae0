// Package provisioner carries out provisioner blocks: a configuration value goes
// in, output lines and a verdict come out. It has local-exec.
//
// It owns what provisioners there are and the schemas of their blocks. It must not
// know resources, when a provisioner runs (when) or what its failure means
// (on_failure): that is for the resource's driver and its caller.
//
// Source: the language documentation of Terraform 1.11 and OpenTofu 1.12.
package provisioner

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// localExec is the provisioner that runs a command on this machine.
const localExec = "local-exec"

// later are those that Terraform has and tutti does not have yet; gone are those
// that Terraform had once.
var (
	later = [...]string{"remote-exec", "file"}
	gone  = [...]string{"chef", "habitat", "puppet", "salt-masterless"}
)

// Schema gives the schema of a provisioner's block, without what all provisioners
// have (when, on_failure, connection).
func Schema(typeName string) (*schema.Block, diag.List) {
	switch {
	case typeName == localExec:
		return schema.New(localExecBlock()), nil
	case slices.Contains(later[:], typeName):
		return nil, diag.Errorf(nil, "Provisioner is not available yet",
			"tutti does not have the provisioner %q yet. Run what it does with a local-exec provisioner, or with a task block that depends on the resource.", typeName)
	case slices.Contains(gone[:], typeName):
		return nil, diag.Errorf(nil, "Provisioner no longer exists",
			"Terraform removed the provisioner %q in version 0.15. Run its command with a local-exec provisioner or a task block.", typeName)
	default:
		return nil, diag.Errorf(nil, "Unknown provisioner", "There is no provisioner %q.%s", typeName,
			diag.DidYouMean(typeName, append([]string{localExec}, later[:]...)))
	}
}

func localExecBlock() *provider.Block {
	return &provider.Block{Attributes: map[string]*provider.Attribute{
		"command":     {Type: cty.String, Required: true},
		"interpreter": {Type: cty.List(cty.String), Optional: true},
		"working_dir": {Type: cty.String, Optional: true},
		"environment": {Type: cty.Map(cty.String), Optional: true},
		"quiet":       {Type: cty.Bool, Optional: true},
	}}
}

// Run carries a provisioner out in the current folder, with this process's
// environment and the block's own on top. Config is a value as Schema's block
// decodes it, marks included: when any are there, no output is handed on. Log
// takes output lines and may be nil. When ctx ends, so does what was started.
func Run(ctx context.Context, typeName string, config cty.Value, log func(line string)) diag.List {
	if typeName != localExec {
		_, d := Schema(typeName)
		return d
	}
	if log == nil {
		log = func(string) {}
	}
	plain, secret := reveal(config)
	if !plain.IsWhollyKnown() {
		return diag.Errorf(nil, "Provisioner's configuration is not known",
			"Something that the provisioner uses is still unknown although the resource is done.")
	}
	return runLocal(ctx, plain, secret, log)
}

// reveal takes the marks off and names what must keep the output hidden.
func reveal(v cty.Value) (cty.Value, object.Mark) {
	if !v.ContainsMarked() {
		return v, ""
	}
	var secret object.Mark
	for _, m := range []object.Mark{object.Ephemeral, object.Sensitive} {
		if object.HasMark(v, m) {
			secret = m
		}
	}
	plain, _ := v.UnmarkDeep()
	return plain, secret
}
