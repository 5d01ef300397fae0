package faulttest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tutti/internal/ansible/connection/sshdtest"
)

// withHosts makes a folder whose inventory has that many hosts of a real sshd.
func withHosts(t *testing.T, hosts int, files ...string) (*folder, *sshdtest.Server) {
	t.Helper()
	server := sshdtest.Start(t, sshdtest.Options{Hosts: hosts})
	f := newFolder(t, files...)
	var b strings.Builder
	for i := range hosts {
		fmt.Fprintf(&b, "h%02d ansible_host=%s\n", i+1, sshdtest.Address(i+1))
	}
	fmt.Fprintf(&b, "[all:vars]\nansible_port=%d\nansible_user=root\nansible_ssh_private_key_file=%s\n", server.Port, server.Key)
	f.write("hosts", b.String())
	f.env = append(f.env, "HOME="+server.Home, "ANSIBLE_SSH_COMMON_ARGS=-o UserKnownHostsFile="+server.KnownHosts())
	return f, server
}

// TestPlayOverSSH plays on twenty hosts, and becomes another user on them.
func TestPlayOverSSH(t *testing.T) {
	t.Parallel()
	const user = "tuttifault"
	f, _ := withHosts(t, 20, "site.yml", `
- hosts: all
  gather_facts: false
  tasks:
    - name: who
      ansible.builtin.command: id -un
      become: true
      become_user: `+user+`
      register: who
      changed_when: false
    - name: kept
      ansible.builtin.shell: "echo {{ who.stdout }} >> {{ playbook_dir }}/said"
      throttle: 1
`)
	sshdtest.User(t, user, "")
	s := f.must(0, "playbook", "-i", "hosts", "-f", "20", "site.yml")
	for i := range 20 {
		f.has(s, fmt.Sprintf("h%02d                        : ok=2    changed=1    unreachable=0    failed=0 ", i+1))
	}
	if got := strings.Count(f.read("said"), user+"\n"); got != 20 {
		t.Errorf("%d of 20 hosts became the user: %q", got, f.read("said"))
	}
}

// TestUnknownHostKey reaches a host whose key nobody knows: it is unreachable, and the others
// are played.
func TestUnknownHostKey(t *testing.T) {
	t.Parallel()
	f, server := withHosts(t, 2, "site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: echo hello\n")
	server.Know(t, 1)
	s := f.must(4, "playbook", "-i", "hosts", "site.yml")
	f.has(s, "h01                        : ok=1    changed=1    unreachable=0 ", "h02                        : ok=0    changed=0    unreachable=1    failed=0 ")
}

// TestConnectionCut kills the sshd that serves one of three hosts in the middle of a task: that
// host is unreachable, counted once, and the others go on.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	f, _ := withHosts(t, 3, "site.yml", `
- hosts: all
  gather_facts: false
  tasks:
    - name: cut
      ansible.builtin.shell: |
        test {{ inventory_hostname }} = h02 || exit 0
        p=$$
        while :; do
          read -r _ _ _ parent _ < /proc/$p/stat
          case "$(cat /proc/$parent/comm)" in sshd*) break ;; esac
          p=$parent
        done
        echo $parent > {{ playbook_dir }}/pid
        exec sleep 60
    - name: after
      ansible.builtin.shell: "echo {{ inventory_hostname }} >> {{ playbook_dir }}/after"
`)
	r := f.start(nil, "playbook", "-i", "hosts", "site.yml")
	f.awaitFile("pid", "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(f.read("pid")))
	if err != nil || pid < 2 {
		t.Fatalf("pid of sshd: %q, %v", f.read("pid"), err)
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err != nil || !strings.HasPrefix(string(name), "sshd") {
		t.Fatalf("process %d is %q, %v", pid, name, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s := r.wait()
	if s.code != 4 {
		t.Errorf("exit code %d:\n%s", s.code, s)
	}
	f.has(s, "h01                        : ok=2    changed=2    unreachable=0    failed=0 ",
		"h02                        : ok=0    changed=0    unreachable=1    failed=0 ",
		"h03                        : ok=2    changed=2    unreachable=0    failed=0 ")
	if after := f.read("after"); strings.Count(after, "\n") != 2 || strings.Contains(after, "h02") {
		t.Errorf("after: %q", after)
	}
}
