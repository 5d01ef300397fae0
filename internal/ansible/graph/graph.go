// Package graph is the playbook block: a play as an object of a stack, whose hosts and
// variables come from other objects and whose results they can use.
//
//	playbook "web" {
//	  source    = "site.yml"
//	  inventory = { web = aws_instance.web[*].public_ip }
//	  variables = { port = var.port, certificate = tls_self_signed_cert.shop.cert_pem }
//	}
//
// In: a block of a .tutti.hcl file. Out: an object with a driver, which plans when the play
// runs and, in check mode, what it would change on hosts that are there; the run of the plan
// has the play as a child. It owns the block, what of it is stored, and what a play is begun
// with. It must not know runs or stores.
//
// # Arguments
//
//   - source: a playbook's file, or a list of them, relative to the stack's folder.
//   - inventory: an object of groups. A group is a list of hosts, an object of hosts with
//     their variables, or { hosts, vars, children }. Or a text, or a list of them: sources as
//     -i takes them. Without it there is only localhost.
//   - variables: extra variables, which count more than all others.
//   - tags, skip_tags: lists. limit: a pattern. forks: how many hosts at a time.
//   - user, private_key_file, password: how hosts are reached; what the inventory says of a
//     host wins. become, become_user, become_password: whom tasks become.
//   - host_key_checking: false trusts hosts that nobody knows yet, which new machines are.
//   - vault_passwords: texts, or objects { id, password }, that open vaults.
//   - wait: how long is waited until all hosts answer, such as "5m"; not at all without it.
//   - check: whether the plan tries the play in check mode; true unless it is said.
//   - run = "on_change" (default): when it never ran, its last run failed, its files,
//     inventory, variables or triggers changed, or check mode says that it would change
//     something. "always": in every apply. "manual": only when it is asked for.
//   - triggers: any value; when it changes the play runs again.
//   - on_destroy { source, variables, tags, skip_tags, limit }: played on the same hosts when
//     the block is destroyed or gone.
//   - sensitive: whether the results are; by default they are when something sensitive goes in.
//
// And as everywhere: count, for_each, depends_on, lifecycle.
//
// # Outputs
//
// registered and facts (objects by host: what was registered or set, and what was gathered),
// recap (counts by host), stats (of set_stats), ran (which run it was), source_hash.
//
// Files: graph.go the block, spec.go its checked values, hosts.go the inventory, driver.go
// planning and carrying out, check.go check mode, row.go what is stored.
package graph

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// Kinds are the blocks of this language.
func Kinds() []block.Kind {
	return []block.Kind{{Kind: addr.Playbook, Spec: blockSpec(), Check: check}}
}

// Object gives the object of a playbook block. The environment is the root module's.
func Object(b *block.Block, env *expr.Env) object.Object {
	return &playbook{Item: block.Item{Block: b, Env: env}}
}

type playbook struct{ block.Item }

var (
	_ object.Driven  = (*playbook)(nil)
	_ object.Checked = (*playbook)(nil)
)

// Wanted implements object.Object: the arguments, checked.
func (p *playbook) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	v, d := p.Decode(ctx, s, inst)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	_, problems := readSpec(v)
	if d = append(d, p.Report(problems)...); d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// Driver implements object.Driven.
func (p *playbook) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	return &driver{root: block.RootOf(p.Env), block: p.Block}, nil
}

func check(b *block.Block) diag.List {
	var d diag.List
	if b.Body.Attributes["source"] == nil {
		rng := b.Range
		d = append(d, diag.Errorf(&rng, "Nothing to play", "%s must have a playbook: source = \"site.yml\".", b.Name)...)
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "on_destroy" && inner.Body.Attributes["source"] == nil {
			rng := inner.DefRange()
			d = append(d, diag.Errorf(&rng, "Nothing to play", "on_destroy of %s must have a playbook: source = \"FILE.yml\".", b.Name)...)
		}
	}
	return d
}

func attribute(name string, ty cty.Type) *hcldec.AttrSpec {
	return &hcldec.AttrSpec{Name: name, Type: ty}
}

// partSpec is what a playbook and on_destroy have in common.
func partSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"source":    attribute("source", cty.DynamicPseudoType),
		"variables": attribute("variables", cty.DynamicPseudoType),
		"tags":      attribute("tags", cty.List(cty.String)),
		"skip_tags": attribute("skip_tags", cty.List(cty.String)),
		"limit":     attribute("limit", cty.String),
	}
}

func blockSpec() hcldec.ObjectSpec {
	s := partSpec()
	for name, ty := range map[string]cty.Type{
		"inventory": cty.DynamicPseudoType, "forks": cty.Number, "user": cty.String, "private_key_file": cty.String, "password": cty.String,
		"become": cty.Bool, "become_user": cty.String, "become_password": cty.String, "host_key_checking": cty.Bool,
		"vault_passwords": cty.DynamicPseudoType, "wait": cty.String, "check": cty.Bool, "run": cty.String,
		"triggers": cty.DynamicPseudoType, "sensitive": cty.Bool,
	} {
		s[name] = attribute(name, ty)
	}
	s["on_destroy"] = &hcldec.BlockSpec{TypeName: "on_destroy", Nested: partSpec()}
	return s
}
