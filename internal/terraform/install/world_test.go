package install

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/service"
	"tutti/internal/terraform/install/source"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// collect gathers events, which come from several goroutines.
func collect(into *[]Event) func(Event) {
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		*into = append(*into, e)
	}
}

// packageZip is a provider's package: a program that says its version.
func packageZip(t *testing.T, typeName, version, platform string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("terraform-provider-" + typeName + "_v" + version)
	if err == nil {
		_, err = fmt.Fprintf(w, "#!/bin/sh\necho %s %s %s\n", typeName, version, platform)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// signingKey is a key made for a test. A key with a lifetime has expired.
type signingKey struct {
	entity *openpgp.Entity
	public string
	config *packet.Config
}

func newKey(t *testing.T, expired bool) *signingKey {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	if expired {
		config.Time = func() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }
		config.KeyLifetimeSecs = 3600
	}
	e, err := openpgp.NewEntity("acme", "", "a@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = e.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{entity: e, public: b.String(), config: config}
}

func (k *signingKey) sign(t *testing.T, document []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := openpgp.DetachSign(&b, k.entity, bytes.NewReader(document), k.config); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// registry is a provider registry over TLS, with one provider acme/rocket, whose
// faults a test may choose.
type registry struct {
	t        *testing.T
	server   *httptest.Server
	host     string
	key      *signingKey
	versions map[string][]string // platforms by version
	speaks   map[string][]string // protocols by version
	token    string              // wanted, "" for none
	mux      *http.ServeMux

	// Faults.
	signWith  *signingKey // nil for key
	noKeys    bool
	badSum    bool // the registry tells another sum than the signed list
	otherZip  bool // the package is not what was signed
	swapZip   bool // the package is that of another platform, signed as well
	failFirst int  // so many requests get status 503
	noService bool

	mu       sync.Mutex
	requests map[string]int
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{t: t, key: newKey(t, false), requests: map[string]int{},
		versions: map[string][]string{"1.0.0": {source.Current().String(), "plan9_mips"}, "1.1.0": {source.Current().String()}, "2.0.0": {"plan9_mips"}},
		speaks:   map[string][]string{"1.0.0": {"5.0"}, "1.1.0": {"5.1", "6.0"}, "2.0.0": {"6.0"}}}
	r.mux = http.NewServeMux()
	r.mux.HandleFunc("/.well-known/terraform.json", r.discovery)
	r.mux.HandleFunc("/v1/acme/rocket/versions", r.list)
	r.mux.HandleFunc("/v1/acme/rocket/{version}/download/{os}/{arch}", r.download)
	r.mux.HandleFunc("/files/{name}", r.file)
	r.server = httptest.NewTLSServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	r.host = strings.TrimPrefix(r.server.URL, "https://")
	return r
}

func (r *registry) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests[req.URL.Path]++
	fail := r.failFirst > 0
	if fail {
		r.failFirst--
	}
	r.mu.Unlock()
	if fail {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	r.mux.ServeHTTP(w, req)
}

func (r *registry) count(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[path]
}

func (r *registry) discovery(w http.ResponseWriter, _ *http.Request) {
	services := map[string]any{}
	if !r.noService {
		services["providers.v1"] = "/v1/"
	}
	r.json(w, services)
}

func (r *registry) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		r.t.Error(err)
	}
}

func (r *registry) allowed(w http.ResponseWriter, req *http.Request) bool {
	if r.token == "" || req.Header.Get("Authorization") == "Bearer "+r.token {
		return true
	}
	http.Error(w, "no", http.StatusUnauthorized)
	return false
}

func (r *registry) list(w http.ResponseWriter, req *http.Request) {
	if !r.allowed(w, req) {
		return
	}
	var versions []any
	for v, platforms := range r.versions {
		var on []any
		for _, p := range platforms {
			goos, arch, _ := strings.Cut(p, "_")
			on = append(on, map[string]string{"os": goos, "arch": arch})
		}
		versions = append(versions, map[string]any{"version": v, "protocols": r.speaks[v], "platforms": on})
	}
	r.json(w, map[string]any{"versions": versions, "warnings": []string{"rockets are dangerous"}})
}

func (r *registry) download(w http.ResponseWriter, req *http.Request) {
	if !r.allowed(w, req) {
		return
	}
	v, platform := req.PathValue("version"), req.PathValue("os")+"_"+req.PathValue("arch")
	has := false
	for _, p := range r.versions[v] {
		has = has || p == platform
	}
	if !has {
		http.NotFound(w, req)
		return
	}
	sum := sha(packageZip(r.t, "rocket", v, platform))
	if r.badSum {
		sum = strings.Repeat("0", 64)
	}
	var keys []any
	if !r.noKeys {
		keys = append(keys, map[string]string{"key_id": "1", "ascii_armor": newKey(r.t, false).public},
			map[string]string{"key_id": r.key.entity.PrimaryKey.KeyIdString(), "ascii_armor": r.key.public})
	}
	r.json(w, map[string]any{
		"protocols": r.speaks[v], "os": req.PathValue("os"), "arch": req.PathValue("arch"),
		"filename":              zipName(v, platform),
		"download_url":          "/files/" + zipName(v, platform),
		"shasums_url":           "/files/" + v + "_SHA256SUMS",
		"shasums_signature_url": r.server.URL + "/files/" + v + "_SHA256SUMS.sig",
		"shasum":                sum,
		"signing_keys":          map[string]any{"gpg_public_keys": keys},
	})
}

func zipName(version, platform string) string {
	return "terraform-provider-rocket_" + version + "_" + platform + ".zip"
}

func (r *registry) sums(version string) []byte {
	var b bytes.Buffer
	for _, p := range r.versions[version] {
		fmt.Fprintf(&b, "%s  %s\n", sha(packageZip(r.t, "rocket", version, p)), zipName(version, p))
	}
	return b.Bytes()
}

// file serves packages, sums and signatures; a token must not come along here.
func (r *registry) file(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "" {
		r.t.Errorf("the token went to %s", req.URL)
	}
	name := req.PathValue("name")
	var data []byte
	if version, ok := strings.CutSuffix(name, "_SHA256SUMS"); ok {
		data = r.sums(version)
	} else if version, ok := strings.CutSuffix(name, "_SHA256SUMS.sig"); ok {
		key := r.key
		if r.signWith != nil {
			key = r.signWith
		}
		data = key.sign(r.t, r.sums(version))
	} else {
		rest := strings.TrimSuffix(strings.TrimPrefix(name, "terraform-provider-rocket_"), ".zip")
		version, platform, _ := strings.Cut(rest, "_")
		if r.otherZip {
			platform += " with something else in it"
		}
		if r.swapZip {
			platform = "plan9_mips"
		}
		data = packageZip(r.t, "rocket", version, platform)
	}
	if _, err := w.Write(data); err != nil {
		r.t.Error(err)
	}
}

// rocket is the registry's one provider.
func (r *registry) rocket() tfaddr.Provider {
	return tfaddr.MustParseProviderSource(r.host + "/acme/rocket")
}

func (r *registry) require(constraints string) []Requirement {
	return []Requirement{{Source: r.rocket(), Constraints: constraints}}
}

// options are for an empty stack whose user has the given environment variables
// and, if not "", CLI configuration.
func (r *registry) options(t *testing.T, vars map[string]string, rc string) Options {
	t.Helper()
	env := cliconfig.Environment{Vars: map[string]string{"XDG_DATA_DIRS": "/nonexistent", "TF_CLI_CONFIG_FILE": filepath.Join(t.TempDir(), "rc")}, Home: t.TempDir()}
	put(t, env.Vars["TF_CLI_CONFIG_FILE"], rc)
	for k, v := range vars {
		env.Vars[k] = v
	}
	config, list := cliconfig.Load(env)
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	client := service.New(service.Options{Config: config, Transport: r.server.Client().Transport, RetryWait: 1})
	return Options{Dir: t.TempDir(), Config: config, Client: client, CacheDir: t.TempDir()}
}

// fileTime sets a file's time of change to some seconds from now.
func fileTime(t *testing.T, file string, seconds int) time.Time {
	t.Helper()
	at := time.Now().Add(time.Duration(seconds) * time.Second)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
	return at
}
