package session

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/inventory/expression"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/python"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/vault"
)

// Sources completes how a request's inventories are read: vaults are opened, constructed
// groups evaluated, and plugins in Python asked.
func Sources(r Request) source.Options {
	o := r.Reading
	o.Dir, o.Extra = r.Dir, r.Extra
	v := &vault.Vault{}
	for _, s := range r.Secrets {
		v.Secrets = append(v.Secrets, vault.Secret{ID: s.ID, Password: []byte(s.Password)})
	}
	o.Decrypt = func(_ string, text []byte) ([]byte, error) {
		plain, _, err := v.Decrypt(text)
		return plain, err
	}
	o.Evaluator = &lateEvaluator{make: sync.OnceValue(func() source.Evaluator {
		e := builtin.New(jinja.Options{})
		filter.Register(e)
		open := func(x *value.Vaulted) (string, error) {
			plain, _, err := v.Decrypt([]byte(x.Text))
			return string(plain), err
		}
		return &expression.Evaluator{Environment: e, Context: jinja.Context{Now: time.Now(), Seed: uint64(time.Now().UnixNano()), Decrypt: open, Data: &world.Machine{Folder: r.Dir}}}
	})}
	o.Plugin = pythonPlugins{collections: r.Settings.CollectionsPath}
	return o
}

// lateEvaluator makes an environment when something is to be evaluated: few inventories need one.
type lateEvaluator struct{ make func() source.Evaluator }

// Evaluate implements source.Evaluator.
func (l *lateEvaluator) Evaluate(expression any, vars *value.Dict) (any, error) {
	return l.make().Evaluate(expression, vars)
}

// Condition implements source.Evaluator.
func (l *lateEvaluator) Condition(conditional any, vars *value.Dict) (bool, error) {
	return l.make().Condition(conditional, vars)
}

// Template implements source.Evaluator.
func (l *lateEvaluator) Template(v any, vars *value.Dict) (any, error) {
	return l.make().Template(v, vars)
}

// pythonPlugins has Ansible's own inventory plugins read what we have no native form of.
type pythonPlugins struct{ collections []string }

// List implements source.Plugin.
func (p pythonPlugins) List(ctx context.Context, _, path string) ([]byte, error) {
	h := &python.Helper{Core: python.FindCore(""), Collections: p.collections}
	defer h.Close()
	list, err := h.Inventory(ctx, path)
	if err != nil {
		return nil, err
	}
	return json.Marshal(list)
}
