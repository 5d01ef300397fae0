package executor

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/integration"
	"tutti/internal/store"
)

// documentDefinition is the kind of document that holds a definition's text, by its
// SHA-256.
const documentDefinition = "definition"

// maxParsed is how many definitions are kept in parsed form. The ones that machines
// of this process use are held by those machines anyway.
const maxParsed = 1000

// DefinitionError says that a definition is refused.
type DefinitionError struct{ Findings []definition.Finding }

// Error implements error.
func (e *DefinitionError) Error() string { return "the definition has errors" }

// definitions keeps texts in the store, each once, and their parsed forms at hand.
type definitions struct {
	documents store.Documents
	mu        sync.Mutex
	byHash    map[string]*list.Element
	recent    *list.List // of *parsed, the latest used first
}

type parsed struct {
	hash string
	def  *definition.StateMachine
	// stored: the text is in the store.
	stored bool
}

func newDefinitions(d store.Documents) *definitions {
	return &definitions{documents: d, byHash: map[string]*list.Element{}, recent: list.New()}
}

// Hash is the key of a definition's document.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// filename is what findings about a definition that came without a file name.
const filename = "definition.asl.json"

// keptName is that of what was kept, which may be JSON or YAML.
const keptName = "definition.asl"

// KeepDefinition checks a definition, which is durable when it returns, and gives its
// key. One with errors is a *DefinitionError and not kept.
func (x *Executor) KeepDefinition(ctx context.Context, text string, express bool) (hash string, err error) {
	def, findings := definition.Check(filename, []byte(text), definition.Options{Express: express, Recognise: integration.Recognise()})
	if def == nil {
		return "", &DefinitionError{Findings: findings}
	}
	return x.definitions.keep(ctx, text, def)
}

// Keep is KeepDefinition for one that was read and checked already, of whatever form
// its text is in.
func (x *Executor) Keep(ctx context.Context, text string, def *definition.StateMachine) (hash string, err error) {
	return x.definitions.keep(ctx, text, def)
}

// DefinitionText gives a definition as it was written.
func (x *Executor) DefinitionText(ctx context.Context, hash string) (string, error) {
	doc, err := x.o.Store.Document(ctx, documentDefinition, hash)
	if err != nil {
		return "", fmt.Errorf("read the definition %.12s: %w", hash, err)
	}
	return string(doc.Value), nil
}

// Kept gives a definition that is kept, read and checked.
func (x *Executor) Kept(ctx context.Context, hash string) (*definition.StateMachine, error) {
	return x.definitions.get(ctx, hash)
}

func (d *definitions) keep(ctx context.Context, text string, def *definition.StateMachine) (string, error) {
	hash := Hash(text)
	if p := d.find(hash); p != nil && p.stored {
		return hash, nil
	}
	w := store.DocumentWrite{Kind: documentDefinition, Key: hash, Value: []byte(text), If: store.Condition{Absent: true}}
	err := d.documents.PutDocuments(ctx, []store.DocumentWrite{w})
	if there := (*store.ConflictError)(nil); err != nil && !errors.As(err, &there) {
		return "", fmt.Errorf("store the definition: %w", err)
	}
	d.add(hash, def)
	return hash, nil
}

func (d *definitions) get(ctx context.Context, hash string) (*definition.StateMachine, error) {
	if p := d.find(hash); p != nil {
		return p.def, nil
	}
	doc, err := d.documents.Document(ctx, documentDefinition, hash)
	if err != nil {
		return nil, fmt.Errorf("read the definition %.12s: %w", hash, err)
	}
	def, findings := definition.Check(keptName, doc.Value, definition.Options{})
	if def == nil {
		return nil, fmt.Errorf("%w: the definition %.12s: %w", store.ErrCorrupt, hash, diagnosed(findings))
	}
	d.add(hash, def)
	return def, nil
}

// diagnosed gives the findings as one error.
func diagnosed(findings []definition.Finding) error {
	var all []error
	for _, f := range findings {
		if f.Diagnostic.Severity == diag.Error {
			all = append(all, errors.New(f.Message))
		}
	}
	return errors.Join(all...)
}

func (d *definitions) find(hash string) *parsed {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byHash[hash]
	if !ok {
		return nil
	}
	d.recent.MoveToFront(e)
	return e.Value.(*parsed)
}

func (d *definitions) add(hash string, def *definition.StateMachine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.byHash[hash]; there {
		return
	}
	d.byHash[hash] = d.recent.PushFront(&parsed{hash: hash, def: def, stored: true})
	for d.recent.Len() > maxParsed {
		last := d.recent.Back()
		delete(d.byHash, d.recent.Remove(last).(*parsed).hash)
	}
}
