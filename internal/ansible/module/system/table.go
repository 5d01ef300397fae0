// Package system holds the modules that manage accounts, scheduled jobs, names, keys and
// filters of a host: group, user, getent, hostname, cron, known_hosts, iptables. Services have
// a package of their own.
//
// In: a checked call. Out: what the real module returns. Like it, the modules change the host
// with its own programs (useradd, crontab, iptables, ...), so that its own rules hold. The
// package must not know playbooks or connections.
package system

import "tutti/internal/ansible/module"

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "group", Spec: groupSpec(), Run: groupModule},
		{Name: "user", Spec: userSpec(), Run: userModule},
		{Name: "getent", Spec: getentSpec(), Run: getent},
		{Name: "hostname", Spec: hostnameSpec(), Run: hostname},
		{Name: "cron", Spec: cronSpec(), Run: cron},
		{Name: "known_hosts", Spec: knownHostsSpec(), Run: knownHosts},
		{Name: "iptables", Spec: iptablesSpec(), Run: iptables},
	}
}
