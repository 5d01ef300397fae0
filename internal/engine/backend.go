package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/store"
	"tutti/internal/terraform/backend"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/tfstate"
)

// The state of a stack with a backend lies there and in the store: each command takes over
// what others changed there, and a run, which holds the backend's lock, writes back what it
// changed. What only tutti knows (tasks, workflows, runs) lies in the store alone.

// documentBackend is the kind of document that tells how far store and backend agree.
const documentBackend = "backend"

// agreement is when store and backend were last the same: the SHA-256 of what lay in the
// backend, and of what the store would have written. Lock is the lock that a run holds.
type agreement struct {
	Remote string      `json:"remote,omitempty"`
	Local  string      `json:"local,omitempty"`
	Lock   string      `json:"lock,omitempty"`
	Run    store.RunID `json:"run,omitempty"`
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// openBackend opens the declared backend; nil when the state lies in the folder.
func (e *Engine) openBackend() (backend.Backend, diag.List) {
	b, ok := e.backend()
	if !ok || b == nil || b.Type == "local" {
		return nil, nil
	}
	if !backend.Known(b.Type) {
		return nil, diag.Errorf(&b.DeclRange, "Backend not available", "The state of this stack lies in the backend %q, and this version of tutti has the backends local and http only. Take it over once with \"%s\", and remove the block (or replace it by backend \"local\" {}).",
			b.Type, "terraform state pull > terraform.tfstate")
	}
	if e.o.Workspace != "default" {
		return nil, diag.Errorf(&b.DeclRange, "Backend has no workspaces", "The backend %q keeps one state, and this is the workspace %q. Select \"default\".", b.Type, e.o.Workspace)
	}
	settings, d := e.backendSettings(b)
	if d.HasErrors() {
		return nil, d
	}
	opened, err := backend.Open(b.Type, settings, os.Getenv)
	if err != nil {
		return nil, diag.Errorf(&b.DeclRange, "Invalid backend configuration", "%s.", upper(err.Error()))
	}
	return opened, nil
}

// backendSettings are those of the block, and those that "init -backend-config" gave.
func (e *Engine) backendSettings(b *config.Backend) (map[string]string, diag.List) {
	settings := map[string]string{}
	attrs, hd := b.Body.JustAttributes()
	d := diag.FromHCL(hd)
	for name, a := range attrs {
		v, hd := a.Expr.Value(nil)
		text, ok := textOf(v)
		switch rng := a.Expr.Range(); {
		case hd.HasErrors():
			d = append(d, diag.Errorf(&rng, "Invalid backend configuration", "The setting %q must be known before anything is read, as a literal value. Give it to \"init -backend-config=%s=...\" or by the environment instead.", name, name)...)
		case !ok:
			d = append(d, diag.Errorf(&rng, "Invalid backend configuration", "The setting %q must be a text, a number or a bool.", name)...)
		case text != "":
			settings[name] = text
		}
	}
	kept, err := backend.Initialized(e.dataDir(), b.Type)
	if err != nil {
		return nil, append(d, diag.FromError("Initialized backend cannot be read", err)...)
	}
	for name, text := range kept {
		if text != "" {
			settings[name] = text
		}
	}
	return settings, d
}

// InitBackend notes settings that are given besides those of the block.
func (e *Engine) InitBackend(settings map[string]string) diag.List {
	b, ok := e.backend()
	switch {
	case !ok || len(settings) == 0:
		return nil
	case b == nil || !backend.Known(b.Type):
		return diag.Errorf(nil, "No backend to configure", "-backend-config belongs to a backend block of the type http, and this stack has none.")
	}
	kept, err := backend.Initialized(e.dataDir(), b.Type)
	if err != nil {
		return diag.FromError("Initialized backend cannot be read", err)
	}
	if kept == nil {
		kept = map[string]string{}
	}
	maps.Copy(kept, settings)
	if err := backend.Initialize(e.dataDir(), b.Type, kept); err != nil {
		return diag.FromError("Backend settings cannot be kept", err)
	}
	_, d := e.openBackend()
	return d
}

// dataDir is Terraform's folder for what it notes of a checkout.
func (e *Engine) dataDir() string {
	dir := os.Getenv("TF_DATA_DIR")
	if dir == "" {
		dir = ".terraform"
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(e.o.Dir, dir)
}

func textOf(v cty.Value) (string, bool) {
	if v == cty.NilVal || !v.IsWhollyKnown() {
		return "", false
	}
	if v.IsNull() {
		return "", true
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", false
	}
	return s.AsString(), true
}

func (e *Engine) agreed(ctx context.Context) (agreement, error) {
	var a agreement
	doc, err := e.store.Document(ctx, documentBackend, "state")
	if errors.Is(err, store.ErrNotFound) {
		return a, nil
	}
	if err == nil {
		err = json.Unmarshal(doc.Value, &a)
	}
	return a, err
}

func (e *Engine) agree(ctx context.Context, a agreement) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return e.store.PutDocuments(ctx, []store.DocumentWrite{{Kind: documentBackend, Key: "state", Value: text}})
}

// fetch takes over what lies in the backend when somebody else has changed it.
func (e *Engine) fetch(ctx context.Context) diag.List {
	if e.remote == nil {
		return nil
	}
	text, err := e.remote.Read(ctx)
	if err != nil {
		return diag.FromError("Backend cannot be read", err)
	}
	was, err := e.agreed(ctx)
	if err != nil {
		return storeDiag(err)
	}
	now := agreement{Remote: sumOf(text), Lock: was.Lock, Run: was.Run}
	if text == nil || now.Remote == was.Remote {
		return nil
	}
	f, d := tfstate.Read(text, "the state in the backend")
	if d.HasErrors() {
		return d
	}
	snap, sd := e.Snapshot(ctx)
	if sd.HasErrors() {
		return append(d, sd...)
	}
	own, sd := e.ExportText(ctx)
	if sd.HasErrors() {
		return append(d, sd...)
	}
	follows := was.Remote == "" && f.Lineage == snap.Lineage && f.Serial >= snap.Serial
	if holdsTerraform(snap) && sumOf(own) != was.Local && !follows {
		return append(d, diag.Errorf(nil, "State changed here and in the backend", "The state in the backend (lineage %s, serial %d) was changed by somebody else, and the one in .tutti (lineage %s, serial %d) has changes that were never written there.\n\n\"tutti state pull\" writes the one in .tutti: keep it in a file. \"tutti state push -force FILE\" then replaces both by a file.",
			f.Lineage, f.Serial, snap.Lineage, snap.Serial)...)
	}
	if err := e.store.Write(ctx, "read the backend", replacement(snap, f)); err != nil {
		return append(d, storeDiag(err)...)
	}
	if own, sd = e.ExportText(ctx); sd.HasErrors() {
		return append(d, sd...)
	}
	now.Local = sumOf(own)
	return append(d, storeDiag(e.agree(ctx, now))...)
}

func holdsTerraform(snap *store.Snapshot) bool {
	for _, r := range snap.Rows {
		if r.Addr.Kind == addr.Resource {
			return true
		}
	}
	return len(snap.Outputs) > 0
}

// publish writes the state to the backend when it has changed.
func (e *Engine) publish(ctx context.Context, lock string) diag.List {
	was, err := e.agreed(ctx)
	if err != nil {
		return storeDiag(err)
	}
	own, d := e.ExportText(ctx)
	if d.HasErrors() || sumOf(own) == was.Local {
		return d
	}
	if err := e.remote.Write(ctx, own, lock); err != nil {
		return diag.Errorf(nil, "Backend cannot be written", "%s.\n\nThe state is whole in .tutti. The next command that changes it writes it there, and so does \"tutti apply\" with nothing to change.", upper(err.Error()))
	}
	was.Remote, was.Local = sumOf(own), sumOf(own)
	return storeDiag(e.agree(ctx, was))
}

// lockBackend takes the backend's lock for a run, or for an edit (0), waiting for it as long
// as it may. A lock that a process left which died in the same run is taken over: whoever
// carries a run out holds its lease.
func (e *Engine) lockBackend(ctx context.Context, run store.RunID, what string, wait time.Duration) (id string, d diag.List) {
	if e.remote == nil {
		return "", nil
	}
	was, err := e.agreed(ctx)
	if err != nil {
		return "", storeDiag(err)
	}
	person, host := holder()
	l := backend.Lock{ID: uuid.NewString(), Operation: what, Who: person + "@" + host, Version: e.o.Version, Created: e.o.Now().UTC()}
	deadline := e.o.Now().Add(wait)
	for {
		err := e.remote.Lock(ctx, l)
		var held *backend.HeldError
		switch {
		case err == nil:
			was.Lock, was.Run = l.ID, run
			return l.ID, storeDiag(e.agree(ctx, was))
		case !errors.As(err, &held):
			return "", diag.FromError("Backend cannot be locked", err)
		case run != 0 && held.Lock.ID == was.Lock && was.Run == run:
			return was.Lock, nil
		case !e.o.Now().Before(deadline):
			return "", diag.Errorf(nil, "State is locked", "%s.\n\nWait until it is free (-lock-timeout=5m waits for you), or, when it is certain that nobody works with it any more, free it with \"tutti force-unlock %s\".", upper(held.Error()), held.Lock.ID)
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return "", diag.FromError("Backend cannot be locked", ctx.Err())
		}
	}
}

// unlockBackend gives the lock back, after writing what was changed under it.
func (e *Engine) unlockBackend(ctx context.Context, id string) diag.List {
	if e.remote == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	d := e.publish(ctx, id)
	if err := e.remote.Unlock(ctx, id); err != nil {
		return append(d, diag.FromError("Backend cannot be unlocked", err)...)
	}
	was, err := e.agreed(ctx)
	if err == nil {
		was.Lock, was.Run = "", 0
		err = e.agree(ctx, was)
	}
	return append(d, storeDiag(err)...)
}

// FreeBackend gives a lock of the backend back by its ID, by force.
func (e *Engine) FreeBackend(ctx context.Context, id string) diag.List {
	if e.remote == nil {
		return diag.Errorf(nil, "No such lock", "%q is not the number of a run, as \"tutti runs\" lists them, and this stack has no backend with locks.", id)
	}
	return diag.FromError("Backend cannot be unlocked", e.remote.Unlock(ctx, id))
}

// editing makes a change of the state under the backend's lock.
func (e *Engine) editing(ctx context.Context, what string, edit func() diag.List) diag.List {
	if e.remote == nil {
		return edit()
	}
	id, d := e.lockBackend(ctx, 0, what, 0)
	if d.HasErrors() {
		return d
	}
	if d = e.fetch(ctx); !d.HasErrors() {
		d = append(d, edit()...)
	}
	return append(d, e.unlockBackend(ctx, id)...)
}
