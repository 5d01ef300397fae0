package worker

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"

	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// jobID is what a job in the background is called, to which the number of its process is added.
func jobID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000_000))
	if err != nil {
		panic(err) // it never fails
	}
	return "j" + n.String()
}

// answer answers a question. What cannot be answered is an Answer that says why.
func (w *Worker) answer(ctx context.Context, a play.Ask) (json.RawMessage, error) {
	out, err := w.asked(ctx, a)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		out = play.Answer{Error: err.Error()}
	}
	return json.Marshal(out)
}

func (w *Worker) asked(ctx context.Context, a play.Ask) (play.Answer, error) {
	var v any
	var err error
	switch a.Kind {
	case play.AskRead, play.AskList:
		r := w.Look(a.Kind, a.Path)
		return play.Answer{Recorded: &r}, nil
	case play.AskWorld:
		v, err = w.world(a)
	case play.AskLookup:
		v, err = w.lookup(ctx, a)
	case play.AskPlugin:
		if w.o.Plugin == nil {
			return play.Answer{}, fmt.Errorf("%s is written in Python, and there is no Python here", a.Name)
		}
		v, err = w.o.Plugin(ctx, a)
	case play.AskModule:
		if w.o.Find == nil {
			break
		}
		if full, err := w.o.Find(a.Name, a.Search); err == nil {
			v = full
		}
	case play.AskPerson:
		var text string
		switch {
		case w.o.Person != nil:
			text, err = w.o.Person(ctx, a)
		case a.Name != "" && a.Default == "":
			// A prompt for a variable: an empty password that nobody chose must not come of it.
			return play.Answer{}, fmt.Errorf("nobody is there to be asked for the variable %s (vars_prompt): give it as an extra variable, or give the prompt a default", a.Name)
		default:
			text = a.Default
		}
		v = text
	default:
		return play.Answer{}, fmt.Errorf("there is no question %q", a.Kind)
	}
	if err != nil {
		return play.Answer{}, err
	}
	return play.Answer{Value: value.Encode(v)}, nil
}

// maxFile bounds what is read of a local file into the journal.
const maxFile = 64 << 20

// Look reads a file or a folder of this machine; kind is play.AskRead or play.AskList.
func (w *Worker) Look(kind, path string) play.Recorded {
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(w.o.Dir, full)
	}
	var r play.Recorded
	var err error
	if kind == play.AskList {
		var entries []os.DirEntry
		if entries, err = os.ReadDir(full); err == nil {
			for _, e := range entries {
				r.Names = append(r.Names, entryName(full, e))
			}
			slices.Sort(r.Names)
		}
	} else {
		r.Content, err = w.read(full)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return play.Recorded{Missing: true}
	case err != nil:
		return play.Recorded{Failed: err.Error()}
	}
	return r
}

// entryName puts a slash behind the name of a folder, also when a link leads to it.
func entryName(dir string, e os.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	if e.Type()&fs.ModeSymlink != 0 {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() {
			return e.Name() + "/"
		}
	}
	return e.Name()
}

func (w *Worker) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder, expected a file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes: more than %d are not read into a play; copy it with the module copy", path, info.Size(), int64(maxFile))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return w.opened(path, text)
}

// world answers what filters and tests ask about this machine.
func (w *Worker) world(a play.Ask) (any, error) {
	args, err := arguments(a.Args)
	if err != nil {
		return nil, err
	}
	return w.machine.Ask(a.Name, args...)
}

// arguments reads a list of them.
func arguments(text json.RawMessage) ([]any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	v, err := value.Decode(text)
	if err != nil {
		return nil, err
	}
	l, ok := v.(*value.List)
	if !ok {
		return nil, fmt.Errorf("the arguments of a question are a list, not %s", value.TypeName(v))
	}
	return l.Items, nil
}

// lookup carries out a lookup that reaches this machine.
func (w *Worker) lookup(ctx context.Context, a play.Ask) (any, error) {
	terms, err := arguments(a.Args)
	if err != nil {
		return nil, err
	}
	options := &value.Dict{}
	if len(a.Options) > 0 {
		v, err := value.Decode(a.Options)
		if err != nil {
			return nil, err
		}
		if d, ok := v.(*value.Dict); ok {
			options = d
		}
	}
	base := w.o.Dir
	if n := len(a.Search); n > 0 {
		base = a.Search[n-1]
	}
	items, err := w.machine.Lookup(ctx, world.Request{Request: lookup.Request{Name: a.Name, Terms: terms, Options: options, Subfolder: a.Subfolder},
		Search: a.Search, Base: base})
	return value.NewList(items...), err
}
