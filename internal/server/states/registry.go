package states

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tutti/internal/store"
)

// The kinds of document that the API keeps.
const (
	documentStateMachine = "statemachine" // by ARN
	documentActivity     = "activity"     // by ARN
	documentRedrives     = "redrives"     // by number of the run
)

// stateMachine is a state machine with its versions and aliases. A value that has
// been put into the registry is never changed: changes are made on a copy.
type stateMachine struct {
	ARN  string `json:"arn"`
	Name string `json:"name"`
	Type string `json:"type"`
	settings
	Created time.Time `json:"created"`
	// Publish and VersionDescription are those of its creation, which its idempotency
	// looks at.
	Publish            bool   `json:"publish,omitempty"`
	VersionDescription string `json:"versionDescription,omitempty"`
	// Deleting means that it goes away when the last of its executions has ended.
	Deleting    bool              `json:"deleting,omitempty"`
	Versions    []version         `json:"versions,omitempty"` // in their order
	LastVersion int64             `json:"lastVersion,omitempty"`
	Aliases     []alias           `json:"aliases,omitempty"` // in the order of creation
	Tags        map[string]string `json:"tags,omitempty"`
}

// settings are what an update changes and a version keeps.
type settings struct {
	// Definition is the SHA-256 of the text (package executor keeps definitions).
	Definition string          `json:"definition"`
	RoleARN    string          `json:"roleArn"`
	Logging    json.RawMessage `json:"logging,omitempty"`
	Tracing    json.RawMessage `json:"tracing,omitempty"`
	Encryption json.RawMessage `json:"encryption,omitempty"`
	// Revision is "" for the first.
	Revision string    `json:"revision,omitempty"`
	Updated  time.Time `json:"updated"`
}

type version struct {
	settings
	Number      int64     `json:"number"`
	Description string    `json:"description,omitempty"`
	Published   time.Time `json:"published"`
}

type alias struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Routes      []route   `json:"routes"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
}

// route sends a share of an alias's executions to a version.
type route struct {
	VersionARN string `json:"stateMachineVersionArn"`
	Weight     int    `json:"weight"` // percent
}

type activity struct {
	ARN        string            `json:"arn"`
	Name       string            `json:"name"`
	Created    time.Time         `json:"created"`
	Encryption json.RawMessage   `json:"encryption,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

func (m *stateMachine) version(number int64) (version, bool) {
	i := slices.IndexFunc(m.Versions, func(v version) bool { return v.Number == number })
	if i < 0 {
		return version{}, false
	}
	return m.Versions[i], true
}

func (m *stateMachine) alias(name string) (alias, bool) {
	i := slices.IndexFunc(m.Aliases, func(x alias) bool { return x.Name == name })
	if i < 0 {
		return alias{}, false
	}
	return m.Aliases[i], true
}

func (m *stateMachine) versionARN(number int64) string { return fmt.Sprintf("%s:%d", m.ARN, number) }

func (m *stateMachine) aliasARN(name string) string { return m.ARN + ":" + name }

// clone gives a copy that may be changed.
func (m *stateMachine) clone() *stateMachine {
	c := *m
	c.Versions, c.Aliases, c.Tags = slices.Clone(m.Versions), slices.Clone(m.Aliases), maps.Clone(m.Tags)
	return &c
}

// registry holds all state machines and activities, in memory as in the store.
type registry struct {
	documents store.Documents
	// writing is held while a change is made, from the question to the store.
	writing sync.Mutex
	mu      sync.RWMutex
	byARN   map[string]*stateMachine
	acts    map[string]*activity
}

func openRegistry(ctx context.Context, d store.Documents) (*registry, error) {
	r := &registry{documents: d, byARN: map[string]*stateMachine{}, acts: map[string]*activity{}}
	machines, err := d.ListDocuments(ctx, store.DocumentFilter{Kind: documentStateMachine})
	if err != nil {
		return nil, err
	}
	for _, doc := range machines {
		m := &stateMachine{}
		if err := json.Unmarshal(doc.Value, m); err != nil {
			return nil, fmt.Errorf("%w: state machine %s: %w", store.ErrCorrupt, doc.Key, err)
		}
		r.byARN[m.ARN] = m
	}
	activities, err := d.ListDocuments(ctx, store.DocumentFilter{Kind: documentActivity})
	if err != nil {
		return nil, err
	}
	for _, doc := range activities {
		x := &activity{}
		if err := json.Unmarshal(doc.Value, x); err != nil {
			return nil, fmt.Errorf("%w: activity %s: %w", store.ErrCorrupt, doc.Key, err)
		}
		r.acts[x.ARN] = x
	}
	return r, nil
}

// stateMachine gives the one of an unqualified ARN; nil when there is none.
func (r *registry) stateMachine(arn string) *stateMachine {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byARN[arn]
}

func (r *registry) activity(arn string) *activity {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.acts[arn]
}

// stateMachines gives all, in the order of their names and then ARNs.
func (r *registry) stateMachines() []*stateMachine {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.byARN), func(x, y *stateMachine) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ARN, y.ARN)) })
}

func (r *registry) activities() []*activity {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.acts), func(x, y *activity) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ARN, y.ARN)) })
}

// change makes a new state machine of what is there (nil when there is none). What
// it gives is stored, and then seen by everybody; nil deletes. One change is made at
// a time.
func (r *registry) change(ctx context.Context, arn string, f func(*stateMachine) (*stateMachine, error)) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	was := r.stateMachine(arn)
	now, err := f(was)
	if err != nil || now == was {
		return err
	}
	if err := r.store(ctx, documentStateMachine, arn, now, now == nil); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now == nil {
		delete(r.byARN, arn)
		return nil
	}
	r.byARN[arn] = now
	return nil
}

// changeActivity is change for an activity.
func (r *registry) changeActivity(ctx context.Context, arn string, f func(*activity) (*activity, error)) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	was := r.activity(arn)
	now, err := f(was)
	if err != nil || now == was {
		return err
	}
	if err := r.store(ctx, documentActivity, arn, now, now == nil); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now == nil {
		delete(r.acts, arn)
		return nil
	}
	r.acts[arn] = now
	return nil
}

func (r *registry) store(ctx context.Context, kind, key string, value any, gone bool) error {
	w := store.DocumentWrite{Kind: kind, Key: key, Delete: gone}
	if !gone {
		text, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("states: invariant broken: a %s is no JSON: %v", kind, err))
		}
		w.Value = text
	}
	if err := r.documents.PutDocuments(ctx, []store.DocumentWrite{w}); err != nil {
		return fmt.Errorf("store the %s %s: %w", kind, key, err)
	}
	return nil
}
