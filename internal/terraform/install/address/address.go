// Package address reads the addresses of providers, of modules in registries and
// of their hosts, as people write them.
//
// In: text. Out: the values of terraform-registry-address, with the promise that
// they can be printed: the library accepts some host names that it then panics
// on. It must not know where any of them lie.
package address

import (
	"fmt"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"
)

// officialNamespace is what a source that is only a type ("random") means.
const officialNamespace = "hashicorp"

// Host reads a host name, perhaps with a port.
func Host(s string) (svchost.Hostname, error) {
	h, err := svchost.ForComparison(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a host name: %w", s, err)
	}
	if !printable(h) {
		return "", fmt.Errorf("%q is not a host name", s)
	}
	return h, nil
}

// Provider reads a provider's source address, and says whether it was written
// without a host.
func Provider(s string) (p tfaddr.Provider, hostImplied bool, err error) {
	p, err = tfaddr.ParseProviderSource(s)
	if err != nil {
		return tfaddr.Provider{}, false, err
	}
	if !printable(p.Hostname) {
		return tfaddr.Provider{}, false, fmt.Errorf("%q has no valid host name", s)
	}
	if !p.HasKnownNamespace() {
		p.Namespace = officialNamespace
	}
	return p, strings.Count(s, "/") < 2, nil
}

// Module reads the address of a module in a registry, and says whether it was
// written without a host.
func Module(s string) (m tfaddr.Module, hostImplied bool, err error) {
	m, err = tfaddr.ParseModuleSource(s)
	if err != nil {
		return tfaddr.Module{}, false, err
	}
	if !printable(m.Package.Host) {
		return tfaddr.Module{}, false, fmt.Errorf("%q has no valid host name", s)
	}
	main, _, _ := strings.Cut(s, "//")
	return m, strings.Count(main, "/") == 2, nil
}

// printable reports whether the host's form for people can be made, which the
// library takes for granted.
func printable(h svchost.Hostname) (ok bool) {
	defer func() { ok = recover() == nil }()
	return h.ForDisplay() != ""
}
