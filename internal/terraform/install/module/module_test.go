package module

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/service"
)

// load reads the module blocks of main.tf, with literal arguments only.
func load(dir string) ([]Call, diag.List) {
	file, hclDiags := hclparse.NewParser().ParseHCLFile(filepath.Join(dir, "main.tf"))
	if hclDiags.HasErrors() {
		return nil, diag.FromHCL(hclDiags)
	}
	content, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "module", LabelNames: []string{"name"}}}})
	var out []Call
	for _, b := range content.Blocks {
		attrs, _ := b.Body.JustAttributes()
		c := Call{Name: b.Labels[0]}
		if a := attrs["source"]; a != nil {
			v, _ := a.Expr.Value(nil)
			c.Source, c.SourceRange = v.AsString(), a.Expr.Range()
		}
		if a := attrs["version"]; a != nil {
			v, _ := a.Expr.Value(nil)
			c.Version, c.VersionRange = v.AsString(), a.Expr.Range()
		}
		out = append(out, c)
	}
	return out, nil
}

// tree writes files; their names are relative to the folder that it gives.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// repository makes a git repository whose first commit has the tag v1.
func repository(t *testing.T) string {
	t.Helper()
	dir := tree(t, map[string]string{
		"main.tf":           "output \"v\" {\n  value = \"one\"\n}\n",
		"sub/main.tf":       "module \"inner\" {\n  source = \"./inner\"\n}\n",
		"sub/inner/main.tf": "locals {}\n",
	})
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q", "-b", "main")
	run("add", ".")
	run("commit", "-qm", "one")
	run("tag", "v1")
	run("branch", "feature/x")
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte("output \"v\" {\n  value = \"two\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("commit", "-qam", "two")
	return dir
}

func commitOf(t *testing.T, repo, ref string) string {
	t.Helper()
	out, err := exec.Command("git", "-C", repo, "rev-parse", ref).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func call(name, source string) string {
	return fmt.Sprintf("module %q {\n  source = %q\n}\n", name, source)
}

func fine(t *testing.T, list diag.List) {
	t.Helper()
	if list.HasErrors() {
		t.Fatal(list.Err())
	}
}

func says(t *testing.T, list diag.List, words ...string) {
	t.Helper()
	if !list.HasErrors() {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(list.Err().Error(), w) {
			t.Errorf("the error does not say %q: %s", w, list.Err())
		}
	}
	for _, d := range list {
		if d.Subject == nil || d.Subject.Filename == "" {
			t.Errorf("no place: %s", d)
		}
	}
}

func text(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Both tools write the same manifest and take over what the other installed.
func TestSameAsTerraform(t *testing.T) {
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	repo := repository(t)
	beside := tree(t, map[string]string{"main.tf": "locals {}\n"})
	files := map[string]string{
		"stack/main.tf": call("local", "./child/") + call("up", "../beside") + call("git", "git::file://"+repo+"?ref=v1") +
			call("sub", "git::file://"+repo+"//sub?ref=v1&depth=1") + call("plain", "git::file://"+repo) + call("absolute", beside),
		"stack/child/main.tf": call("deep", "../../x/../beside"),
		"beside/main.tf":      "locals {}\n",
	}
	init := func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.Command(program, append([]string{"-chdir=" + dir, "init", "-input=false", "-no-color"}, args...)...)
		cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_DATA_DIR=", "TF_CLI_CONFIG_FILE="+filepath.Join(beside, "main.tf"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("terraform init: %v\n%s", err, out)
		}
		return string(out)
	}
	theirs, ours := filepath.Join(tree(t, files), "stack"), filepath.Join(tree(t, files), "stack")
	init(theirs)
	_, list := Install(t.Context(), Options{Dir: ours, Load: load})
	fine(t, list)
	manifest := filepath.Join(".terraform", "modules", "modules.json")
	if got, want := text(t, ours, manifest), text(t, theirs, manifest); got != want {
		t.Errorf("our manifest\n%s\ntheirs\n%s", got, want)
	}
	if got := text(t, ours, ".terraform/modules/git/main.tf"); !strings.Contains(got, "one") {
		t.Errorf("at the tag v1: %s", got)
	}
	if out := init(ours); strings.Contains(out, "Downloading") {
		t.Errorf("terraform does not accept our installation:\n%s", out)
	}
	_, list = Install(t.Context(), Options{Dir: theirs, Load: load, Report: func(e Event) {
		if e.Source != "" {
			t.Errorf("fetched again: %+v", e)
		}
	}})
	fine(t, list)
}

func TestGitRefs(t *testing.T) {
	repo := repository(t)
	for ref, want := range map[string]string{"": "two", "v1": "one", "feature/x": "one", "main": "two",
		commitOf(t, repo, "v1"): "one", commitOf(t, repo, "v1")[:10]: "one", "refs/tags/v1": "one"} {
		source := "git::file://" + repo
		if ref != "" {
			source += "?ref=" + ref
		}
		dir := tree(t, map[string]string{"main.tf": call("m", source)})
		_, list := Install(t.Context(), Options{Dir: dir, Load: load})
		fine(t, list)
		if got := text(t, dir, ".terraform/modules/m/main.tf"); !strings.Contains(got, want) {
			t.Errorf("at %q: %s", ref, got)
		}
	}
}

// The stack's folder is mostly the one that one is in, and git runs in another.
func TestGitInTheFolderItself(t *testing.T) {
	source := "git::file://" + repository(t)
	dir := tree(t, map[string]string{"main.tf": call("m", source)})
	t.Chdir(dir)
	_, list := Install(t.Context(), Options{Dir: ".", Load: load})
	fine(t, list)
	if got := text(t, dir, ".terraform/modules/m/main.tf"); !strings.Contains(got, "two") {
		t.Error(got)
	}
}

// archive is a tar file as code hosts make them: all in one folder.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("close")
	}
	return b.Bytes()
}

// world is a module registry and web server over TLS.
type world struct {
	server *httptest.Server
	host   string
	client *http.Client

	mu       sync.Mutex
	requests map[string]int
}

func (w *world) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests[path]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{requests: map[string]int{}}
	answer := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(text, "{") {
				rw.Header().Set("Content-Type", "application/json")
			}
			_, _ = rw.Write([]byte(text))
		}
	}
	location := func(header string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Terraform-Get", header)
			rw.WriteHeader(http.StatusNoContent)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/terraform.json", answer(`{"modules.v1":"/modules/"}`))
	mux.HandleFunc("/modules/acme/net/any/versions", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			http.Error(rw, "no", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"modules": []any{map[string]any{"versions": []any{
			map[string]string{"version": "1.0.0"}, map[string]string{"version": "1.2.0"}, map[string]string{"version": "2.0.0-rc1"}}}}})
	})
	mux.HandleFunc("/modules/acme/net/any/1.0.0/download", location("/files/net.tgz//net-1?archive=tar.gz"))
	mux.HandleFunc("/modules/acme/net/any/1.2.0/download", answer(`{"location":"../../../../../files/net.tgz//*?archive=tar.gz"}`))
	data := archive(t, map[string]string{"net-1/main.tf": "locals {}\n", "net-1/modules/x/main.tf": call("up", "../y"), "net-1/modules/y/main.tf": "locals {}\n"})
	mux.HandleFunc("/files/net.tgz", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			t.Error("the registry's token went to the archive")
		}
		_, _ = rw.Write(data)
	})
	mux.HandleFunc("/page", answer(`<html><head><title>x<meta charset=utf-8><meta name="terraform-get" content="/files/net.tgz//net-1"></head><body>`))
	mux.HandleFunc("/silent", answer(`<html><body><meta name="terraform-get" content="/files/net.tgz">`))
	mux.HandleFunc("/loop", location("/loop"))
	mux.HandleFunc("/private/net.tgz", func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "pw" {
			http.Error(rw, "no", http.StatusUnauthorized)
			return
		}
		_, _ = rw.Write(data)
	})
	mux.HandleFunc("/steal", location("file:///etc"))
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests[r.URL.Path]++
		w.mu.Unlock()
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	w.host, w.client = strings.TrimPrefix(w.server.URL, "https://"), w.server.Client()
	return w
}

func (w *world) options(t *testing.T, main string) Options {
	t.Helper()
	dir := tree(t, map[string]string{
		"main.tf": main,
		"rc":      "credentials \"" + w.host + "\" {\n  token = \"token\"\n}\n",
		"netrc":   "machine 127.0.0.1 login me password pw\n",
	})
	config, list := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_CLI_CONFIG_FILE": filepath.Join(dir, "rc"), "NETRC": filepath.Join(dir, "netrc")}})
	fine(t, list)
	client := service.New(service.Options{Config: config, Transport: w.client.Transport, RetryWait: 1})
	return Options{Dir: dir, Config: config, Client: client, Load: load}
}

func versioned(name, source, version string) string {
	return fmt.Sprintf("module %q {\n  source  = %q\n  version = %q\n}\n", name, source, version)
}

func TestRegistry(t *testing.T) {
	w := newWorld(t)
	address := w.host + "/acme/net/any"
	o := w.options(t, versioned("old", address, "< 1.1")+versioned("new", address, ">= 1.0")+versioned("sub", address+"//modules/x", "~> 1.0")+
		versioned("exact", address+"//modules/y", "1.2.0"))
	m, list := Install(t.Context(), o)
	fine(t, list)
	want := []Record{
		{Key: "", Dir: "."},
		{Key: "exact", Source: address + "//modules/y", Version: "1.2.0", Dir: ".terraform/modules/exact/net-1/modules/y"},
		{Key: "new", Source: address, Version: "1.2.0", Dir: ".terraform/modules/new/net-1"},
		{Key: "old", Source: address, Version: "1.0.0", Dir: ".terraform/modules/old/net-1"},
		{Key: "sub", Source: address + "//modules/x", Version: "1.2.0", Dir: ".terraform/modules/sub/net-1/modules/x"},
		{Key: "sub.up", Source: "../y", Dir: ".terraform/modules/sub/net-1/modules/y"},
	}
	for i, r := range m.Records() {
		if r != want[i] {
			t.Errorf("record %+v, want %+v", r, want[i])
		}
		if _, err := os.Stat(filepath.Join(o.Dir, r.Dir, "main.tf")); err != nil {
			t.Error(err)
		}
	}
	// Both versions lie in one archive, which all calls share.
	if n := w.count("/files/net.tgz"); n != 1 {
		t.Errorf("the archive was downloaded %d times", n)
	}
	if n := w.count("/modules/acme/net/any/versions"); n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
	// Again, nothing is fetched; with -upgrade, it is.
	before := w.count("/files/net.tgz")
	_, list = Install(t.Context(), o)
	fine(t, list)
	if w.count("/files/net.tgz") != before {
		t.Error("fetched again")
	}
	o.Upgrade = true
	_, list = Install(t.Context(), o)
	fine(t, list)
	if w.count("/files/net.tgz") == before {
		t.Error("not fetched again with upgrade")
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, ".terraform", ".tutti-st*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestWeb(t *testing.T) {
	w := newWorld(t)
	sum := "?archive=tgz&checksum=sha256:"
	good := sum + shaOf(t, w)
	for source, within := range map[string]string{
		w.server.URL + "/files/net.tgz//net-1/modules/y":                                             "net-1/modules/y",
		w.server.URL + "/files/net.tgz//*":                                                           "net-1",
		w.server.URL + "/files/net.tgz//net-1" + good:                                                "net-1",
		w.server.URL + "/page":                                                                       "net-1",
		w.server.URL + "/page//modules/x":                                                            "net-1/modules/x",
		w.server.URL + "/private/net.tgz//net-1":                                                     "net-1",
		"https::" + w.server.URL + "/files/net.tgz//net-1":                                           "net-1",
		strings.Replace(w.server.URL, "127.0.0.1", "me:pw@127.0.0.1", 1) + "/private/net.tgz//net-1": "net-1",
	} {
		m, list := Install(t.Context(), w.options(t, call("m", source)))
		fine(t, list)
		if got, want := m.Records()[1].Dir, ".terraform/modules/m/"+within; got != want {
			t.Errorf("%s lies in %s, want %s", source, got, want)
		}
	}
	for source, word := range map[string]string{
		w.server.URL + "/silent":                                        "does not say where to go",
		w.server.URL + "/loop":                                          "point to one another",
		w.server.URL + "/steal":                                         "file on this machine",
		w.server.URL + "/missing.zip":                                   "404",
		w.server.URL + "/files/net.tgz//nothing":                        "no folder \"nothing\"",
		w.server.URL + "/files/net.tgz" + sum + strings.Repeat("0", 64): "instead of 0000",
		w.server.URL + "/files/net.tgz?checksum=crc:1":                  "its type is not",
		w.server.URL + "/files/net.tgz//net-1/../../x":                  "outside the package",
		"ftp://example.com/x.zip":                                       "cannot be fetched by \"ftp\"",
	} {
		_, list := Install(t.Context(), w.options(t, call("m", source)))
		says(t, list, word)
	}
}

func shaOf(t *testing.T, w *world) string {
	t.Helper()
	resp, err := w.client.Get(w.server.URL + "/files/net.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256Of(b.Bytes()))
}

func TestMistakes(t *testing.T) {
	w := newWorld(t)
	repo := repository(t)
	address := w.host + "/acme/net/any"
	tests := []struct {
		name, main string
		says       []string
	}{
		{"no way", call("m", "abc"), []string{"Invalid module source", "./abc"}},
		{"missing folder", call("m", "./chid"), []string{"Module not found", "Did you mean \"child\"?"}},
		{"version of a folder", versioned("m", "./child", "1.0"), []string{"has no versions"}},
		{"version of a repository", versioned("m", "git::https://x.example.com/y", "1.0"), []string{"only those have a version"}},
		{"itself", call("m", "./"), []string{"Module calls itself"}},
		{"through another", call("m", "./loop"), []string{"Module calls itself"}},
		{"ref", call("m", "git::file://"+repo+"?ref=nope"), []string{"no branch, tag or commit \"nope\""}},
		{"option as ref", call("m", "git::file://"+repo+"?ref=--upload-pack=x"), []string{"begins with a hyphen"}},
		{"no repository", call("m", "git::file:///nonexistent"), []string{"git clone"}},
		{"no folder in it", call("m", "git::file://"+repo+"//nosub"), []string{"no folder \"nosub\""}},
		{"password", call("m", "git::https://me:geheim@127.0.0.1:1/x?sshkey=c2VjcmV0"), []string{"hidden"}},
		{"constraint", versioned("m", address, "=> 1"), []string{"Invalid version constraint"}},
		{"version", versioned("m", address, "> 2.0"), []string{"No fitting module version", "2.0.0-rc1, 1.2.0"}},
		{"module", versioned("m", w.host+"/acme/nothing/any", "1.0"), []string{"Module not found", "acme/nothing/any"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := w.options(t, tt.main)
			for dir, text := range map[string]string{"child": "locals {}\n", "loop": call("back", "../loop2"), "loop2": call("again", "../loop")} {
				if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(o.Dir, dir, "main.tf"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, list := Install(t.Context(), o)
			says(t, list, tt.says...)
			if text := list.Err().Error(); strings.Contains(text, "geheim") || strings.Contains(text, "c2VjcmV0") {
				t.Errorf("a secret is in the message: %s", text)
			}
			if _, err := os.Stat(filepath.Join(o.Dir, ".terraform/modules/modules.json")); err == nil {
				t.Error("a manifest was written")
			}
		})
	}
}

func TestRemoteModuleMayNotLeaveItsPackageNorCallItself(t *testing.T) {
	for name, tt := range map[string]struct{ inside, says string }{
		"leaves":    {"../../..", "Local module outside its package"},
		"recursive": {"", "Module calls itself"},
	} {
		repo := repository(t)
		source := "git::file://" + repo
		inside := tt.inside
		if inside == "" {
			inside = source
		}
		if err := os.WriteFile(filepath.Join(repo, "main.tf"), []byte(call("x", inside)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("git", "-C", repo, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qam", "three").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		dir := tree(t, map[string]string{"main.tf": call("m", source)})
		_, list := Install(t.Context(), Options{Dir: dir, Load: load})
		if t.Run(name, func(t *testing.T) { says(t, list, tt.says) }); t.Failed() {
			return
		}
	}
}

func TestFind(t *testing.T) {
	m := &Manifest{records: map[string]Record{
		"net":  {Key: "net", Source: "registry.terraform.io/acme/net/any", Version: "1.2.0", Dir: ".terraform/modules/net"},
		"tofu": {Key: "tofu", Source: string(lockfile.OpenTofuHost) + "/acme/net/any", Version: "1.2.0", Dir: ".terraform/modules/tofu"},
	}}
	root := Record{Dir: "."}
	at := hcl.Range{Filename: "main.tf"}
	found := func(parent Record, name, source, version string) string {
		r, list := m.Find(parent, Call{Name: name, Source: source, Version: version, SourceRange: at, VersionRange: at})
		if list.HasErrors() {
			return list[0].Headline
		}
		return r.Key + " in " + r.Dir
	}
	for _, tt := range []struct{ got, want string }{
		{found(root, "net", "acme/net/any", "~> 1.0"), "net in .terraform/modules/net"},
		{found(root, "tofu", "acme/net/any", "~> 1.0"), "tofu in .terraform/modules/tofu"},
		{found(root, "tofu", "registry.terraform.io/acme/net/any", "~> 1.0"), "Module source has changed"},
		{found(root, "net", "acme/net/other", "~> 1.0"), "Module source has changed"},
		{found(root, "net", "acme/net/any", "~> 2.0"), "Module version requirements have changed"},
		{found(root, "new", "acme/net/any", ""), "Module not installed"},
		{found(root, "child", "./child", ""), "child in child"},
		{found(m.records["net"], "x", "./x", ""), "net.x in .terraform/modules/net/x"},
		{found(root, "x", "abc", ""), "Invalid module source"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

// From a registry, both tools write the same manifest.
func TestSameFromRegistryAsTerraform(t *testing.T) {
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	w := newWorld(t)
	address := w.host + "/acme/net/any"
	o := w.options(t, versioned("whole", address, "1.0.0")+versioned("part", address+"//modules/x", "< 1.1")+call("web", w.server.URL+"/files/net.tgz//net-1/modules/x"))
	dir := tree(t, map[string]string{"main.tf": text(t, o.Dir, "main.tf"), "rc": text(t, o.Dir, "rc"),
		"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw}))})
	cmd := exec.Command(program, "-chdir="+dir, "init", "-input=false", "-no-color")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_DATA_DIR=", "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "rc"), "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("terraform init: %v\n%s", err, out)
	}
	_, list := Install(t.Context(), o)
	fine(t, list)
	manifest := filepath.Join(".terraform", "modules", "modules.json")
	if got, want := text(t, o.Dir, manifest), text(t, dir, manifest); got != want {
		t.Errorf("our manifest\n%s\ntheirs\n%s", got, want)
	}
}
