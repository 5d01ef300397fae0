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
	"os/user"
	"path/filepath"
	"slices"

	"tutti/internal/ansible/filter"
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
	case play.AskPlugin:
		if w.o.Plugin == nil {
			return play.Answer{}, fmt.Errorf("%s is written in Python, and there is no Python here", a.Name)
		}
		v, err = w.o.Plugin(ctx, a)
	case play.AskPerson:
		var text string
		if w.o.Person == nil {
			text = a.Default
		} else {
			text, err = w.o.Person(ctx, a)
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
	decoded, err := value.Decode(a.Args)
	if err != nil {
		return nil, err
	}
	args, _ := decoded.(*value.List)
	text := func(i int) string {
		if args == nil || i >= len(args.Items) {
			return ""
		}
		return value.String(args.Items[i])
	}
	path := text(0)
	switch a.Name {
	case filter.AskEnvironment:
		if v, ok := os.LookupEnv(path); ok {
			return v, nil
		}
		return nil, nil
	case filter.AskHome:
		return home(path)
	case filter.AskFolder:
		return w.o.Dir, nil
	case filter.AskRealPath:
		return realPath(path, args != nil && len(args.Items) > 1 && args.Items[1] == true)
	case filter.AskGlob:
		found, err := filepath.Glob(path)
		return value.FromGo(found), err
	case filter.AskSameFile:
		one, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		two, err := os.Stat(text(1))
		if err != nil {
			return nil, err
		}
		return os.SameFile(one, two), nil
	}
	return w.at(a.Name, path)
}

// at answers what lies at a path.
func (w *Worker) at(question, path string) (any, error) {
	info, err := os.Stat(path)
	entry, errEntry := os.Lstat(path)
	switch question {
	case filter.AskFolderAt:
		return err == nil && info.IsDir(), nil
	case filter.AskFileAt:
		return err == nil && info.Mode().IsRegular(), nil
	case filter.AskLinkAt:
		return errEntry == nil && entry.Mode()&fs.ModeSymlink != 0, nil
	case filter.AskAnythingAt:
		return err == nil, nil
	case filter.AskEntryAt:
		return errEntry == nil, nil
	case filter.AskMountAt:
		return isMount(path), nil
	case filter.AskVaultedFile:
		text, err := os.ReadFile(path)
		return err == nil && len(text) >= 14 && string(text[:14]) == "$ANSIBLE_VAULT", nil
	}
	return nil, fmt.Errorf("there is no question %q", question)
}

func home(name string) (any, error) {
	if name == "" {
		if dir, err := os.UserHomeDir(); err == nil {
			return dir, nil
		}
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, nil //nolint:nilerr // a user that is not there has no home
	}
	return u.HomeDir, nil
}

func realPath(path string, strict bool) (any, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(full)
	switch {
	case err == nil:
		return real, nil
	case strict:
		return nil, err
	}
	// As much of it as is there.
	dir, file := filepath.Split(full)
	if dir == full || file == "" {
		return full, nil
	}
	parent, err := realPath(filepath.Clean(dir), false)
	if err != nil {
		return nil, err
	}
	return filepath.Join(parent.(string), file), nil
}
