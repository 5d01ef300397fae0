//go:build unix

package main

import (
	"fmt"
	"path"
)

const (
	terraformHost = "registry.terraform.io"
	opentofuHost  = "registry.opentofu.org"
	namespace     = "hashicorp"
)

// provider is one package of the mirror.
type provider struct {
	pkg     string // the main package, a tool of the providers' module
	kind    string // the provider's type: the last part of its source address
	version string // what the mirror calls it: the release that the pinned commit itself carries in version/VERSION
}

// providers are all packages of the mirror. The modules are pinned by commit, whose pseudo-versions (v1.3.2-0.2026...)
// follow tags of long ago, so the version that a configuration asks for cannot be derived from them.
var providers = []provider{
	{"github.com/terraform-providers/terraform-provider-random", "random", "3.9.0"},
	{"github.com/terraform-providers/terraform-provider-local", "local", "2.9.0"},
	{"github.com/hashicorp/terraform-provider-tls", "tls", "4.3.0"},
	{"github.com/hashicorp/terraform-provider-time", "time", "0.14.2"},
	{"github.com/terraform-providers/terraform-provider-http", "http", "3.6.1"},
}

// folder is the package's path below the mirror's root.
func (p provider) folder(host string, tools toolchain) string {
	return path.Join(host, namespace, p.kind, p.version, tools.platform())
}

// binary is the file name; x5 says that the plugin speaks protocol 5, which all of these do.
func (p provider) binary() string {
	return fmt.Sprintf("terraform-provider-%s_v%s_x5", p.kind, p.version)
}
