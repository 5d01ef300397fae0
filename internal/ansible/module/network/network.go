// Package network holds the modules that talk to servers: uri and get_url.
//
// In: a checked call. Out: what the real module returns. How servers are asked is the business
// of package fetch; these two make of its answers files and results. The package must not know
// playbooks or connections.
package network

import "tutti/internal/ansible/module"

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "get_url", Spec: getURLSpec(), Run: getURL},
		{Name: "uri", Spec: uriSpec(), Run: uri},
	}
}
