package world

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// ask carries out a lookup of one term.
func ask(t *testing.T, m *Machine, base, name string, term any, options ...any) string {
	t.Helper()
	list, err := m.Lookup(context.Background(), Request{Request: lookup.Request{Name: name, Terms: []any{term}, Options: value.NewDict(options...)}, Search: []string{base}, Base: base})
	if err != nil {
		return "error: " + err.Error()
	}
	return value.Repr(value.NewList(list...))
}

func TestURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, secret, _ := r.BasicAuth()
		switch r.URL.Path {
		case "/lines":
			_, _ = w.Write([]byte("a\nb\n"))
		case "/auth":
			_, _ = w.Write([]byte(name + ":" + secret + " " + r.Header.Get("X-A") + " " + r.UserAgent()))
		case "/redirect":
			http.Redirect(w, r, "/lines", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	nowhere := func(string) (string, bool) { return "", false }
	m := &Machine{Environment: nowhere}
	at := server.URL
	withUser := strings.Replace(at, "http://", "http://u:secret@", 1)
	for _, c := range []struct {
		address string
		options []any
		want    string
	}{
		{at + "/lines", nil, "['a', 'b']"},
		{at + "/lines", []any{"split_lines", false}, `['a\nb\n']`},
		{at + "/redirect", nil, "['a', 'b']"},
		{at + "/redirect", []any{"follow_redirects", "none"}, "error: Received HTTP error for " + at + "/redirect: HTTP Error 302: Found"},
		{at + "/auth", []any{"username", "me", "password", "pw", "headers", value.NewDict("X-A", "b"), "http_agent", "x"}, "['me:pw b x']"},
		{withUser + "/auth", nil, "['u:secret  ansible-httpget']"},
		{at + "/nope", nil, "error: Received HTTP error for " + at + "/nope: HTTP Error 404: Not Found"},
		{withUser + "/nope", nil, "error: Received HTTP error for " + strings.Replace(withUser, "secret", "********", 1) + "/nope: HTTP Error 404: Not Found"},
		{at, []any{"timeout", "x"}, "error: Config 'timeout' for 'url' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'float': 'x'"},
		{"http://127.0.0.1:1/", nil, "error: Failed lookup url for http://127.0.0.1:1/: <urlopen error [Errno 111] Connection refused>"},
	} {
		if got := ask(t, m, t.TempDir(), "url", c.address, c.options...); got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.address, c.options, got, c.want)
		}
	}
}

func TestOnlyOneOfManyMakesAPassword(t *testing.T) {
	base := t.TempDir()
	m := &Machine{}
	var all sync.Map
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() { all.Store(ask(t, m, base, "password", "pw/x length=12"), true) })
	}
	wait.Wait()
	n := 0
	all.Range(func(k, _ any) bool {
		if n++; strings.HasPrefix(k.(string), "error") {
			t.Error(k)
		}
		return true
	})
	if n != 1 {
		t.Errorf("twenty lookups of one file gave %d passwords", n)
	}
	if left, _ := filepath.Glob(base + "/pw/*lockfile"); left != nil {
		t.Errorf("a lock was left: %v", left)
	}
	if info, err := os.Stat(base + "/pw/x"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info, err)
	}
}

func TestALockThatIsHeldEndsWithTheContext(t *testing.T) {
	base := t.TempDir()
	release, err := lock(context.Background(), base+"/x")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lock(ctx, base+"/x"); err == nil || !strings.Contains(err.Error(), "Password lookup cannot get the lock") {
		t.Errorf("got %v", err)
	}
}

func TestFilesOfTheVaultAreOpened(t *testing.T) {
	base := t.TempDir()
	if err := os.WriteFile(base+"/v", []byte("$ANSIBLE_VAULT;1.1;AES256\n00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, &Machine{}, base, "unvault", "v"); !strings.Contains(got, "no vault password was given") {
		t.Errorf("without a password: %s", got)
	}
	m := &Machine{Decrypt: func([]byte, string) ([]byte, error) { return []byte("plain"), nil }}
	if got := ask(t, m, base, "unvault", "v"); got != "['plain']" {
		t.Errorf("got %s", got)
	}
	m.Decrypt = func([]byte, string) ([]byte, error) { return nil, errors.New("wrong password") }
	if got := ask(t, m, base, "file", "v"); got != "error: Unable to access the file 'v': wrong password" {
		t.Errorf("got %s", got)
	}
	for path, want := range map[string]bool{"v": true, "../" + filepath.Base(base): false} {
		m := &Machine{Folder: base}
		if got, err := m.Ask(filter.AskVaultedFile, path); got != want || err != nil {
			t.Errorf("%s is vaulted: got %v, %v", path, got, err)
		}
	}
}

func TestFilesOfARoleAreFoundBesideItsTasks(t *testing.T) {
	base := t.TempDir()
	for _, f := range []string{"roles/r/files/one", "roles/r/tasks/sub/x", "files/two", "three"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(base+"/"+f), 0o755), os.WriteFile(base+"/"+f, []byte(f), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	m := &Machine{}
	r := Request{Search: []string{base + "/roles/r/tasks/sub", base}, Base: base}
	for name, want := range map[string]string{"one": "/roles/r/files/one", "two": "/files/two", "three": "/three", "x": "/roles/r/tasks/sub/x", "four": ""} {
		if want != "" {
			want = base + want
		}
		if got := m.find(r, "files", name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestAnswersAboutTheMachine(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Mkdir(base+"/d", 0o755), os.WriteFile(base+"/d/f", nil, 0o600), os.WriteFile(base+"/d/.h", nil, 0o600),
		os.Symlink("d/f", base+"/l"), os.Symlink("loop", base+"/loop"), os.Symlink("/nosuch", base+"/broken")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := &Machine{Folder: base}
	for _, c := range []struct {
		question string
		args     []any
		want     string
	}{
		{filter.AskFolderAt, []any{"d"}, "True"}, {filter.AskFileAt, []any{"l"}, "True"}, {filter.AskLinkAt, []any{"l"}, "True"},
		{filter.AskLinkAt, []any{"d/f"}, "False"}, {filter.AskAnythingAt, []any{"broken"}, "False"}, {filter.AskEntryAt, []any{"broken"}, "True"},
		{filter.AskMountAt, []any{"d"}, "False"}, {filter.AskSameFile, []any{"l", "d/../d/f"}, "True"},
		{filter.AskRealPath, []any{"l", false}, "'" + base + "/d/f'"}, {filter.AskRealPath, []any{"d/../l", true}, "'" + base + "/d/f'"},
		{filter.AskRealPath, []any{"nope/x", false}, "'" + base + "/nope/x'"}, {filter.AskFolder, nil, "'" + base + "'"},
		{filter.AskRealPath, []any{"nope", true}, "error: [Errno 2] No such file or directory: '" + base + "/nope'"},
		{filter.AskGlob, []any{"d/*"}, "['d/f']"}, {filter.AskGlob, []any{"*/.*"}, "['d/.h']"}, {filter.AskGlob, []any{"[!x]/?"}, "['d/f']"},
		{filter.AskGlob, []any{base + "/d/*"}, "['" + base + "/d/f']"}, {filter.AskGlob, []any{"["}, "[]"}, {"what", nil, `error: nobody here can answer "what"`},
	} {
		v, err := m.Ask(c.question, c.args...)
		got := value.Repr(v)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.question, c.args, got, c.want)
		}
	}
	if _, err := m.Ask(filter.AskRealPath, "loop", false); err != nil {
		t.Error(err)
	}
}
