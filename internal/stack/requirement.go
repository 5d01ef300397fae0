package stack

import (
	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/terraform"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/lockfile"
)

// hosts gives which registry a source without a host means in the folder: what
// its lock file shows, or else what its state was made with.
func hosts(o Options) func(namespace, typeName string) svchost.Hostname {
	// A lock file that cannot be read is reported by whoever installs or locates.
	locks, _ := lockfile.Load(o.Dir)
	inState := map[tfaddr.Provider]bool{}
	for _, name := range o.StateDrivers {
		if source, err := terraform.DriverSource(name); err == nil {
			inState[source] = true
		}
	}
	return func(namespace, typeName string) svchost.Hostname {
		source := tfaddr.Provider{Hostname: lockfile.OpenTofuHost, Namespace: namespace, Type: typeName}
		if len(locks.All()) == 0 && inState[source] {
			return lockfile.OpenTofuHost
		}
		return locks.Host(namespace, typeName)
	}
}

// requirements are what the files require, and what only the state does: without
// its provider an object whose block is gone cannot be destroyed.
func requirements(c *config.Config, stateDrivers []string) []install.Requirement {
	var out []install.Requirement
	known := map[tfaddr.Provider]bool{}
	if c != nil {
		for _, n := range c.Needs() {
			known[n.Source] = true
			out = append(out, install.Requirement{Source: n.Source, Constraints: n.Constraints, Ranges: n.Ranges,
				HostImplied: n.HostImplied && n.Source.Hostname != lockfile.OpenTofuHost})
		}
	}
	for _, name := range stateDrivers {
		source, err := terraform.DriverSource(name)
		if err != nil || source.IsBuiltIn() || known[source] {
			continue
		}
		if twin, ok := terraform.Twin(source); ok && known[twin] {
			continue
		}
		known[source] = true
		out = append(out, install.Requirement{Source: source})
	}
	return out
}
