package cliconfig

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"
)

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func home(t *testing.T) Environment {
	if runtime.GOOS == "windows" {
		t.Skip("the folders differ on Windows")
	}
	return Environment{Vars: map[string]string{}, Home: t.TempDir()}
}

const everything = `
plugin_cache_dir = "$STORE/plugins"
disable_checkpoint = true
plugin_cache_may_break_dependency_lock_file = true

credentials "app.example.com" {
  token = "from-block"
}
credentials_helper "vault" {
  args = ["--path", "x"]
}
host "internal.example.com" {
  services = {
    "providers.v1" = "https://mirror.example.com/p/"
  }
}
provider_installation {
  dev_overrides {
    "hashicorp/null" = "/home/me/null"
  }
  filesystem_mirror {
    path    = "/usr/share/mirror"
    include = ["example.com/*/*", "hashicorp/*"]
  }
  network_mirror {
    url     = "https://mirror.example.com/providers"
    exclude = ["*/*/random"]
  }
  direct {}
}
`

func checkEverything(t *testing.T, c *Config) {
	t.Helper()
	if c.PluginCacheDir != "/var/store/plugins" || !c.CacheMayBreakLock {
		t.Errorf("cache %q, may break: %t", c.PluginCacheDir, c.CacheMayBreakLock)
	}
	if got := c.Services["internal.example.com"]["providers.v1"]; got != "https://mirror.example.com/p/" {
		t.Errorf("services: %v", got)
	}
	null := tfaddr.MustParseProviderSource("hashicorp/null")
	tofuNull := tfaddr.MustParseProviderSource("registry.opentofu.org/hashicorp/null")
	random := tfaddr.MustParseProviderSource("hashicorp/random")
	ours := tfaddr.MustParseProviderSource("example.com/acme/random")
	for _, p := range []tfaddr.Provider{null, tofuNull} {
		if dir, ok := c.Installation.DevOverride(p); !ok || dir != "/home/me/null" {
			t.Errorf("override of %s: %q, %t", p, dir, ok)
		}
	}
	m := c.Installation.Methods
	if len(m) != 3 || m[0].Kind != FilesystemMirror || m[1].Kind != NetworkMirror || m[2].Kind != Direct {
		t.Fatalf("methods: %+v", m)
	}
	if m[1].Location != "https://mirror.example.com/providers/" {
		t.Errorf("the URL of the mirror is %q", m[1].Location)
	}
	serves := []bool{m[0].Serves(random), m[0].Serves(ours), m[0].Serves(tfaddr.MustParseProviderSource("acme/x")),
		m[1].Serves(random), m[1].Serves(null), m[2].Serves(random)}
	if want := []bool{true, true, false, false, true, true}; !slices.Equal(serves, want) {
		t.Errorf("served: %v, want %v", serves, want)
	}
}

func TestEverySetting(t *testing.T) {
	env := home(t)
	env.Vars["STORE"] = "/var/store"
	put(t, filepath.Join(env.Home, ".terraformrc"), everything)
	c, list := Load(env)
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	checkEverything(t, c)
}

func TestEverySettingInJSON(t *testing.T) {
	env := home(t)
	env.Vars["STORE"] = "/var/store"
	env.Vars["TF_CLI_CONFIG_FILE"] = put(t, filepath.Join(env.Home, "x.tfrc.json"), `{
  "plugin_cache_dir": "$STORE/plugins",
  "plugin_cache_may_break_dependency_lock_file": true,
  "credentials": {"app.example.com": {"token": "a"}, "b.example.com": {"token": "b"}},
  "host": {"internal.example.com": {"services": {"providers.v1": "https://mirror.example.com/p/"}}},
  "provider_installation": {
    "dev_overrides": {"hashicorp/null": "/home/me/null"},
    "filesystem_mirror": {"path": "/usr/share/mirror", "include": ["example.com/*/*", "hashicorp/*"]},
    "network_mirror": {"url": "https://mirror.example.com/providers/", "exclude": ["*/*/random"]},
    "direct": {}
  }
}`)
	c, list := Load(env)
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	checkEverything(t, c)
	if got := c.Hosts(); !slices.Equal(got, []svchost.Hostname{"app.example.com", "b.example.com"}) {
		t.Errorf("credentials for %v", got)
	}
}

func TestWhichFileIsRead(t *testing.T) {
	env := home(t)
	read := func() []string {
		c, list := Load(env)
		if list.HasErrors() {
			t.Fatal(list.Err())
		}
		names := make([]string, len(c.Files))
		for i, f := range c.Files {
			names[i], _ = filepath.Rel(env.Home, f)
		}
		return names
	}
	check := func(want ...string) {
		t.Helper()
		if got := read(); !slices.Equal(got, want) {
			t.Errorf("read %v, want %v", got, want)
		}
	}
	check()
	put(t, filepath.Join(env.Home, ".config/opentofu/tofurc"), "")
	check(".config/opentofu/tofurc")
	put(t, filepath.Join(env.Home, ".tofurc"), "")
	check(".tofurc")
	put(t, filepath.Join(env.Home, ".terraformrc"), "")
	put(t, filepath.Join(env.Home, ".terraform.d/credentials.tfrc.json"), `{"credentials":{"x.example.com":{"token":"t"}}}`)
	put(t, filepath.Join(env.Home, ".terraform.d/checkpoint_signature"), "no configuration")
	check(".terraformrc", ".terraform.d/credentials.tfrc.json")
	env.Vars["TF_CLI_CONFIG_FILE"] = put(t, filepath.Join(env.Home, "own"), "")
	check("own")

	env.Vars["TF_CLI_CONFIG_FILE"] = filepath.Join(env.Home, "absent")
	_, list := Load(env)
	if len(list) != 1 || list.HasErrors() || !strings.Contains(list[0].Detail, "TF_CLI_CONFIG_FILE") {
		t.Errorf("a file that is not there: %v", list)
	}
}

func TestEnvironmentIsStrongerThanFiles(t *testing.T) {
	env := home(t)
	env.Vars["TF_PLUGIN_CACHE_DIR"] = "/elsewhere"
	put(t, filepath.Join(env.Home, ".terraformrc"), everything)
	if c, _ := Load(env); c.PluginCacheDir != "/elsewhere" {
		t.Errorf("cache in %q", c.PluginCacheDir)
	}
}

func TestCredentials(t *testing.T) {
	env := home(t)
	env.Vars["TF_TOKEN_a_example_com"] = "env-a"
	env.Vars["TF_TOKEN_my__host_example_com"] = "env-hyphen"
	env.Vars["TF_TOKEN_xn--bcher-kva.example.com"] = "env-puny"
	put(t, filepath.Join(env.Home, ".terraformrc"), `
credentials "a.example.com" { token = "block-a" }
credentials "b.example.com" { token = "block-b" }
credentials_helper "lookup" { args = ["x"] }
`)
	put(t, filepath.Join(env.Home, ".terraform.d/plugins/terraform-credentials-lookup"),
		"#!/bin/sh\nif [ \"$3\" = c.example.com ]; then printf '{\"token\":\"helper-%s-%s\"}' $1 $2; else printf '{}'; fi\n")
	c, list := Load(env)
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	source := c.Credentials()
	for host, want := range map[string]string{
		"a.example.com": "env-a", "my-host.example.com": "env-hyphen", "bücher.example.com": "env-puny",
		"b.example.com": "block-b", "c.example.com": "helper-x-get", "d.example.com": "",
	} {
		h, err := svchost.ForComparison(host)
		if err != nil {
			t.Fatal(err)
		}
		creds, err := source.ForHost(h)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		got := ""
		if creds != nil {
			got = creds.Token()
		}
		if got != want {
			t.Errorf("%s: token %q, want %q", host, got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		says       string
	}{
		{"syntax", "plugin_cache_dir = \"x\"\nprovider_installation {\n  direct {\n", 4, "cannot be read"},
		{"two blocks", "provider_installation {\n direct {}\n}\nprovider_installation {}\n", 4, "more than one"},
		{"typing error", "provider_installation {\n  filesystem_miror {\n    path = \"/x\"\n  }\n}\n", 2, "Did you mean \"filesystem_mirror\"?"},
		{"no path", "provider_installation {\n  filesystem_mirror {\n  }\n}\n", 2, "needs the argument \"path\""},
		{"plain http", "provider_installation {\n  network_mirror {\n    url = \"http://x/\"\n  }\n}\n", 2, "https://"},
		{"pattern", "provider_installation {\n  direct {\n    include = [\"random\"]\n  }\n}\n", 3, "NAMESPACE/TYPE"},
		{"pattern list", "provider_installation {\n  direct {\n    include = \"a/b\"\n  }\n}\n", 3, "list of strings"},
		{"override", "provider_installation {\n  dev_overrides {\n    \"a/b/c/d\" = \"/x\"\n  }\n}\n", 3, "source address"},
		{"override last", "provider_installation {\n  direct {}\n  dev_overrides {\n    \"a/b\" = \"/x\"\n  }\n}\n", 3, "before every other"},
		{"host", "credentials \"not a host\" {\n  token = \"very-secret\"\n}\n", 1, "not a host name"},
		{"oci", "provider_installation {\n  oci_mirror {\n  }\n}\n", 2, "oci_mirror is not supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t)
			put(t, filepath.Join(env.Home, ".terraformrc"), tt.text)
			_, list := Load(env)
			if !list.HasErrors() {
				t.Fatal("no error")
			}
			d := list[0]
			if d.Subject == nil || d.Subject.Start.Line != tt.line || !strings.Contains(d.Detail, tt.says) {
				t.Errorf("%v: %s; want line %d and %q", d.Subject, d.Detail, tt.line, tt.says)
			}
			if strings.Contains(d.Error(), "very-secret") {
				t.Error("the token is in the message")
			}
		})
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add(everything, false)
	f.Add(`{"provider_installation":{"direct":{}},"credentials":{"a":{"token":1}}}`, true)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		c := &Config{Services: map[svchost.Hostname]map[string]any{}, tokens: map[svchost.Hostname]string{}}
		name := "f.tfrc"
		if isJSON {
			name += ".json"
		}
		for _, d := range c.readFile(name, []byte(text)) {
			if d.Subject == nil || d.Subject.Start.Line < 1 {
				t.Fatalf("no place: %s", d)
			}
		}
	})
}
