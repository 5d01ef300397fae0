package graph

import (
	"math"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/value"
	"tutti/internal/block"
)

// The values of run.
const (
	onChange = "on_change"
	always   = "always"
	manual   = "manual"
)

// spec is what a playbook block says, as far as it is known.
type spec struct {
	part
	inventory cty.Value
	forks     int
	wait      time.Duration
	run       string
	// check is whether the plan tries the play; trust is that unknown hosts are trusted.
	check, trust   bool
	user, key      string
	password       string
	become         bool
	becomeUser     string
	becomePassword string
	vault          []action.Secret
	sensitive      *bool
	onDestroy      *part
	secret         bool
	secrets        []string
}

// part is one thing to play.
type part struct {
	sources        []string
	variables      cty.Value
	tags, skipTags []string
	limit          string
	// known tells that all of it is.
	known bool
}

func readSpec(wanted cty.Value) (spec, []block.Problem) {
	bare, marks := wanted.UnmarkDeepWithPaths()
	r := block.NewReader(bare)
	s := spec{part: readPart(r), inventory: r.Get("inventory"), run: r.Choice("run", onChange, always, manual), wait: r.Duration("wait"),
		user: r.Text("user"), key: r.Text("private_key_file"), password: r.Text("password"), becomeUser: r.Text("become_user"),
		becomePassword: r.Text("become_password"), become: truth(r, "become", false), check: truth(r, "check", true), trust: !truth(r, "host_key_checking", true),
		secrets: block.SecretTexts(bare, marks, block.Storable)}
	if n := r.Numbers("forks", block.Range{From: 1, To: math.MaxInt16}); len(n) == 1 {
		s.forks = n[0]
	}
	if v := r.Get("sensitive"); v.IsKnown() && !v.IsNull() {
		b := v.True()
		s.sensitive = &b
	}
	s.vault = readSecrets(r)
	if _, _, err := groupsOf(s.inventory); err != nil {
		r.Problem("inventory", "%s.", err)
	}
	if b, ok := r.Block("on_destroy"); ok {
		p := readPart(b)
		s.onDestroy = &p
	}
	for _, m := range marks {
		switch name := block.FirstName(m.Path); {
		case name == block.Secrets:
		case block.Ephemeral(m):
			r.Problem(name, "The value is ephemeral, so it cannot be stored, and a play must outlive the process that began it.")
		case block.Secret(m) && (name == "variables" || name == "inventory"):
			s.secret = true
		}
	}
	return s, r.Problems()
}

func truth(r *block.Reader, name string, otherwise bool) bool {
	if v := r.Get(name); v.IsKnown() && !v.IsNull() {
		return v.True()
	}
	return otherwise
}

// hidden reports whether the results are sensitive.
func (s spec) hidden() bool {
	if s.sensitive != nil {
		return *s.sensitive
	}
	return s.secret
}

func readPart(r *block.Reader) part {
	p := part{variables: r.Get("variables"), tags: r.Texts("tags"), skipTags: r.Texts("skip_tags"), limit: r.Text("limit"), known: true}
	for _, name := range []string{"source", "variables", "tags", "skip_tags", "limit"} {
		p.known = p.known && r.Get(name).IsWhollyKnown()
	}
	src := r.Get("source")
	switch {
	case src.IsNull() || !src.IsWhollyKnown():
	case src.Type() == cty.String:
		p.sources = []string{src.AsString()}
	case src.CanIterateElements() && !src.Type().IsMapType() && !src.Type().IsObjectType():
		for it := src.ElementIterator(); it.Next(); {
			_, v := it.Element()
			if v.IsNull() || v.Type() != cty.String {
				r.Problem("source", "Each element must be the path of a playbook.")
				continue
			}
			p.sources = append(p.sources, v.AsString())
		}
	default:
		r.Problem("source", "It must be the path of a playbook, or a list of them.")
	}
	if v := p.variables; !v.IsNull() && v.IsKnown() && !v.Type().IsObjectType() && !v.Type().IsMapType() {
		r.Problem("variables", "It must be an object of variables by their names.")
	}
	return p
}

func readSecrets(r *block.Reader) []action.Secret {
	v := r.Get("vault_passwords")
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil
	}
	if !v.CanIterateElements() {
		r.Problem("vault_passwords", "It must be a list of passwords.")
		return nil
	}
	var out []action.Secret
	for it := v.ElementIterator(); it.Next(); {
		_, x := it.Element()
		switch t := plain(x).(type) {
		case string:
			out = append(out, action.Secret{ID: "default", Password: t})
		case *value.Dict:
			id, _ := t.Get("id")
			password, _ := t.Get("password")
			out = append(out, action.Secret{ID: value.String(id), Password: value.String(password)})
		default:
			r.Problem("vault_passwords", "Each element must be a text, or { id, password }.")
		}
	}
	return out
}
