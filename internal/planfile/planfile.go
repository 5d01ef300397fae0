// Package planfile is the written form of a plan: what `plan -out` writes, what a
// run keeps so that it can go on without the files it was planned from, and what
// another process carries out tomorrow.
//
// In: an object.Plan and the texts of the files it was made from. Out: bytes, and
// back. It owns the format. It must not know languages, stores or views.
//
// The format is one line of magic and version, then a zstd stream of JSON. When
// the plan holds anything sensitive, the stream is sealed with the user's key.
package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/secret"
)

// File is a plan with all that carrying it out takes.
type File struct {
	Plan *object.Plan
	// Sources are the files of the stack, by the name that messages show.
	Sources map[string][]byte
	// Workspace, Dir and DataDir say where it was made.
	Workspace string
	Dir       string
	DataDir   string
	Lineage   string
	// Tutti is the version that made it.
	Tutti string
	// Command is what the user typed.
	Command string
}

// Version is the format's. A file of a newer one is refused.
const Version = 1

const (
	magicOpen   = "tutti plan 1\n"
	magicSealed = "tutti plan 1 sealed\n"
	magicAny    = "tutti plan "
)

// Errors that callers branch on.
var (
	// ErrNotPlan means that the file is something else.
	ErrNotPlan = errors.New("this is not a plan file of tutti")
	// ErrNewer means that a newer tutti wrote it.
	ErrNewer = errors.New("the plan was written by a newer version of tutti")
)

// binding ties a sealed plan to being one.
var binding = []byte("tutti plan")

// MaxSize bounds a plan file that is read, in bytes after decompression.
const MaxSize = 4 << 30

// Is reports whether the bytes begin as a plan file does.
func Is(b []byte) bool { return bytes.HasPrefix(b, []byte(magicAny)) }

// Encode writes the file. The box seals it when it holds anything sensitive.
func Encode(f *File, box *secret.Box) ([]byte, error) {
	w := &writer{types: map[string]int{}}
	p := f.Plan
	out := fileJSON{
		Workspace: f.Workspace, Dir: f.Dir, DataDir: f.DataDir, Lineage: f.Lineage, Tutti: f.Tutti, Command: f.Command, Sources: f.Sources,
		Mode: p.Mode, Serial: p.Serial, Targeted: p.Targeted, Time: p.Time, Objects: p.Objects, Notes: p.Notes, Actions: object.Print(p.Actions),
	}
	for _, a := range p.Reads {
		out.Reads = append(out.Reads, a.String())
	}
	for i := range p.Changes {
		out.Changes = append(out.Changes, w.change(&p.Changes[i]))
	}
	for i := range p.Drift {
		out.Drift = append(out.Drift, w.change(&p.Drift[i]))
	}
	for _, d := range p.Deferred {
		out.Deferred = append(out.Deferred, deferredJSON{d.Addr.Instance(d.Key).String(), d.Reason, texts(d.On)})
	}
	for _, o := range p.Outputs {
		out.Outputs = append(out.Outputs, outputJSON{o.Name, w.value(o.Before), w.value(o.After), o.Sensitive, o.Verb.String()})
	}
	for _, d := range p.Data {
		out.Data = append(out.Data, dataJSON{d.Addr.String(), w.value(d.Value)})
	}
	for name, v := range p.Variables {
		if out.Variables == nil {
			out.Variables = map[string]*valueJSON{}
		}
		out.Variables[name] = w.value(v)
	}
	if w.err != nil {
		return nil, fmt.Errorf("write plan: %w", w.err)
	}
	out.Types = w.list
	return seal(out, w.sensitive, box)
}

func seal(out fileJSON, sensitive bool, box *secret.Box) ([]byte, error) {
	body, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	packed := enc.EncodeAll(body, nil)
	if !sensitive {
		return append([]byte(magicOpen), packed...), nil
	}
	sealed, err := box.Seal(packed, binding)
	if err != nil {
		return nil, fmt.Errorf("seal plan: %w", err)
	}
	return append([]byte(magicSealed), sealed...), nil
}

// Decode reads what Encode wrote.
func Decode(b []byte, box *secret.Box) (*File, error) {
	packed, err := unseal(b, box)
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxSize), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	defer dec.Close()
	body, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read plan: the file is damaged: %w", err)
	}
	var in fileJSON
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read plan: the file is damaged: %w", err)
	}
	return in.file()
}

func unseal(b []byte, box *secret.Box) ([]byte, error) {
	switch {
	case bytes.HasPrefix(b, []byte(magicOpen)):
		return b[len(magicOpen):], nil
	case bytes.HasPrefix(b, []byte(magicSealed)):
		packed, err := box.Open(b[len(magicSealed):], binding)
		if err != nil {
			return nil, fmt.Errorf("open sealed plan: %w", err)
		}
		return packed, nil
	case Is(b):
		line, _, _ := strings.Cut(string(b[:min(len(b), 40)]), "\n")
		return nil, fmt.Errorf("%w (%q)", ErrNewer, line)
	default:
		return nil, ErrNotPlan
	}
}

// fileJSON is the body. Actions are in their stable text form.
type fileJSON struct {
	Tutti, Command, Workspace, Dir, DataDir, Lineage string
	Sources                                          map[string][]byte
	Mode                                             object.Mode
	Serial                                           int64
	Targeted                                         bool
	Time                                             time.Time
	Objects                                          int
	Notes                                            []string
	Types                                            []json.RawMessage
	Actions                                          string
	Reads                                            []string
	Changes, Drift                                   []*changeJSON
	Deferred                                         []deferredJSON
	Outputs                                          []outputJSON
	Data                                             []dataJSON
	Variables                                        map[string]*valueJSON
}

type deferredJSON struct {
	Addr   string
	Reason string
	On     []string
}

type outputJSON struct {
	Name          string
	Before, After *valueJSON
	Sensitive     bool
	Verb          string
}

type dataJSON struct {
	Addr  string
	Value *valueJSON
}

func (in *fileJSON) file() (*File, error) {
	r := &reader{}
	r.readTypes(in.Types)
	p := &object.Plan{Mode: in.Mode, Serial: in.Serial, Targeted: in.Targeted, Time: in.Time, Objects: in.Objects, Notes: in.Notes}
	var err error
	if p.Actions, err = object.ParseActions(in.Actions); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	for _, s := range in.Reads {
		p.Reads = append(p.Reads, r.object(s))
	}
	for _, c := range in.Changes {
		p.Changes = append(p.Changes, r.change(c))
	}
	for _, c := range in.Drift {
		p.Drift = append(p.Drift, r.change(c))
	}
	for _, d := range in.Deferred {
		i := r.instance(d.Addr)
		p.Deferred = append(p.Deferred, object.Deferred{Addr: i.Object, Key: i.Key, Reason: d.Reason, On: r.instances(d.On)})
	}
	for _, o := range in.Outputs {
		p.Outputs = append(p.Outputs, object.OutputChange{Name: o.Name, Before: r.value(o.Before), After: r.value(o.After), Sensitive: o.Sensitive, Verb: r.verb(o.Verb)})
	}
	for _, d := range in.Data {
		p.Data = append(p.Data, object.DataValue{Addr: r.instance(d.Addr), Value: r.value(d.Value)})
	}
	if len(in.Variables) > 0 {
		p.Variables = map[string]cty.Value{}
	}
	for name, v := range in.Variables {
		p.Variables[name] = r.value(v)
	}
	r.checkActions(p)
	if r.err != nil {
		return nil, fmt.Errorf("read plan: the file is damaged: %w", r.err)
	}
	return &File{Plan: p, Sources: in.Sources, Workspace: in.Workspace, Dir: in.Dir, DataDir: in.DataDir, Lineage: in.Lineage, Tutti: in.Tutti, Command: in.Command}, nil
}

// checkActions holds the actions against what they are about.
func (r *reader) checkActions(p *object.Plan) {
	outputs := map[string]bool{}
	for i := range p.Outputs {
		outputs[p.Outputs[i].Name] = true
	}
	for i, a := range p.Actions {
		switch {
		case a.Change >= len(p.Changes):
			r.fail(fmt.Errorf("action %d names a change that is not there", i+1))
		case a.Verb == object.Set && !outputs[a.Addr.Name.Name]:
			r.fail(fmt.Errorf("action %d names an output that is not there", i+1))
		case a.Verb == object.NoOp || a.Verb == object.Replace || a.Change < 0 && a.Verb != object.Join && a.Verb != object.Set:
			r.fail(fmt.Errorf("action %d is a %s without a change", i+1, a.Verb))
		}
	}
}

func texts(list []addr.Instance) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}
