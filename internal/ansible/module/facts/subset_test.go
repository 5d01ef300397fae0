package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/module"
)

func chosen(t *testing.T, subsets ...string) string {
	t.Helper()
	list, err := choose(collectors(), subsets)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

func TestSubsets(t *testing.T) {
	all, minimal := chosen(t, "all"), chosen(t, "min")
	if got := len(strings.Fields(all)); got != len(collectors()) {
		t.Errorf("all are %d of %d subsets", got, len(collectors()))
	}
	for _, c := range []struct{ subsets, want string }{
		{"!all", minimal},
		{"!all !min platform", "platform"},
		{"!all !min pkg_mgr", "distribution pkg_mgr"},
		{"!all !min mounts", "platform hardware"},
		{"!all !min default_ipv4", "platform distribution network"},
		// A minimal subset that has other names is still asked for by them.
		{"all !min", strings.Join(without(all, without(minimal, []string{"platform", "distribution", "caps", "ssh_pub_keys", "user"})), " ")},
		{"!all !min facter", "facter"},
		{"!all !env", strings.Join(without(minimal, nil, "env"), " ")},
		{"!all env !env", minimal},
		{"all !hardware !nonsense", strings.Join(without(all, nil, "hardware"), " ")},
	} {
		if got := chosen(t, strings.Fields(c.subsets)...); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.subsets, got, c.want)
		}
	}
	bad := chosen(t, "nope")
	// The list is what ansible-core 2.19 prints for the same mistake.
	want := "Bad subset 'nope' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, all_ipv6_addresses, apparmor, " +
		"architecture, caps, chroot, cmdline, date_time, default_ipv4, default_ipv6, devices, distribution, distribution_major_version, " +
		"distribution_release, distribution_version, dns, effective_group_ids, effective_user_id, env, facter, fibre_channel_wwn, fips, " +
		"hardware, interfaces, is_chroot, iscsi, kernel, kernel_version, loadavg, local, lsb, machine, machine_id, mounts, network, nvme, " +
		"ohai, os_family, pkg_mgr, platform, processor, processor_cores, processor_count, python, python_version, real_user_id, selinux, " +
		"service_mgr, ssh_host_key_dsa_public, ssh_host_key_ecdsa_public, ssh_host_key_ed25519_public, ssh_host_key_rsa_public, " +
		"ssh_host_pub_keys, ssh_pub_keys, system, system_capabilities, system_capabilities_enforced, systemd, user, user_dir, user_gecos, " +
		"user_gid, user_id, user_shell, user_uid, virtual, virtualization_role, virtualization_tech_guest, virtualization_tech_host, " +
		"virtualization_type"
	if bad != want {
		t.Errorf("got  %s\nwant %s", bad, want)
	}
}

// without gives the words of a list that are in neither of the others.
func without(list string, drop []string, more ...string) []string {
	var kept []string
	for _, w := range strings.Fields(list) {
		if !slices.Contains(drop, w) && !slices.Contains(more, w) {
			kept = append(kept, w)
		}
	}
	return kept
}

func TestNeedsComeFirst(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range collectors() {
		for _, n := range c.needs {
			if !seen[n] {
				t.Errorf("%s needs %s, which comes after it", c.name, n)
			}
		}
		seen[c.name] = true
	}
}

func TestFilter(t *testing.T) {
	found := facts{"ansible_eth0": 1, "ansible_eth1": 2, "ansible_os": 3, "facter_os": 4}
	for pattern, want := range map[string]string{
		"ansible_eth[0-9]": "ansible_eth0 ansible_eth1", "eth*": "ansible_eth0 ansible_eth1", "os": "ansible_os", "*os": "ansible_os facter_os",
		"facter*": "facter_os", "ansible_eth[!0]": "ansible_eth1", "eth?": "ansible_eth0 ansible_eth1", "": "ansible_eth0 ansible_eth1 ansible_os facter_os",
		"none": "", "[": "",
	} {
		var names []string
		for n := range filter(found, []string{pattern}) {
			names = append(names, n)
		}
		sort.Strings(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q keeps %q and not %q", pattern, got, want)
		}
	}
}

// volatile are the facts that differ from one moment, process or interpreter to the next:
// every one with its reason.
func volatile() *regexp.Regexp {
	return regexp.MustCompile(strings.Join([]string{
		`^ansible_date_time`, `^ansible_uptime_seconds`, `^ansible_loadavg`, // the clock
		`^ansible_memfree_mb`, `^ansible_memory_mb`, `^ansible_swapfree_mb`, // what others use
		`^ansible_mounts\.\d+\.(block|inode|size)_(available|used)`,
		`^ansible_env`,             // each process has its own
		`^ansible_python`,          // Ansible tells about the interpreter that it runs on
		`^ansible_interfaces`,      // Ansible's order is that of a hash; compared below
		`^ansible_virtualization_`, // sets; compared below
		`^gather_subset`,
	}, "|"))
}

// TestDifferential holds all facts of this machine to those of ansible-core's setup.
func TestDifferential(t *testing.T) {
	dir := os.Getenv("TUTTI_ANSIBLE")
	if dir == "" {
		cache, _ := os.UserCacheDir()
		dir = filepath.Join(cache, "tutti", "ansible")
	}
	program := filepath.Join(dir, "bin", "ansible")
	if _, err := os.Stat(program); err != nil {
		t.Skipf("no ansible-core in %s (TUTTI_ANSIBLE names another folder; make ansible installs it)", dir)
	}
	cmd := exec.Command(program, "localhost", "-m", "setup", "-e", "ansible_python_interpreter="+dir+"/bin/python")
	cmd.Env = append(os.Environ(), "ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_INVENTORY_UNPARSED_WARNING=0", "ANSIBLE_NOCOLOR=1")
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs := time.Since(begin)
	var real struct {
		Facts map[string]any `json:"ansible_facts"`
	}
	if err := json.Unmarshal(out[strings.IndexByte(string(out), '{'):], &real); err != nil {
		t.Fatal(err)
	}
	m := Modules()[0]
	begin = time.Now()
	result := module.Run(context.Background(), &m, module.Request{Module: "setup"})
	t.Logf("setup took %v; the ansible command with setup %v", time.Since(begin), theirs)
	data, err := json.Marshal(result["ansible_facts"])
	if err != nil {
		t.Fatal(err)
	}
	var ours map[string]any
	if err := json.Unmarshal(data, &ours); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ansible_interfaces", "ansible_virtualization_tech_guest", "ansible_virtualization_tech_host"} {
		if a, b := sorted(real.Facts[name]), sorted(ours[name]); a != b {
			t.Errorf("%s: ansible has %s, tutti %s", name, a, b)
		}
	}
	compare(t, "", real.Facts, ours)
}

func sorted(v any) string {
	items, _ := v.([]any)
	var list []string
	for _, x := range items {
		list = append(list, fmt.Sprint(x))
	}
	sort.Strings(list)
	return fmt.Sprint(list)
}

// compare compares keys and types everywhere, and values except those that are volatile.
func compare(t *testing.T, path string, want, got any) {
	t.Helper()
	name := strings.TrimPrefix(path, ".")
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		t.Errorf("%s: ansible has %T %v, tutti %T %v", name, want, want, got, got)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		got := got.(map[string]any)
		for k, v := range want {
			g, ok := got[k]
			switch {
			case ok:
				compare(t, path+"."+k, v, g)
			case name != "ansible_env":
				t.Errorf("%s.%s is missing: %v", name, k, v)
			}
		}
		for k, v := range got {
			if _, ok := want[k]; !ok && name != "ansible_env" {
				t.Errorf("%s.%s is not what ansible tells: %v", name, k, v)
			}
		}
	case []any:
		got := got.([]any)
		if len(want) != len(got) {
			t.Errorf("%s: ansible has %v, tutti %v", name, want, got)
			return
		}
		for i := range want {
			compare(t, fmt.Sprintf("%s.%d", path, i), want[i], got[i])
		}
	default:
		if !reflect.DeepEqual(want, got) && !volatile().MatchString(name) {
			t.Errorf("%s: ansible has %v, tutti %v", name, want, got)
		}
	}
}
