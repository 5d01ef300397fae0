package connection_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/sshdtest"
)

const testPassword = "tutti-test-pässwörd 'x'"

// check holds what becomes of a host to what is expected; {…} in the expectation is any text.
func check(t *testing.T, server *sshdtest.Server, s connection.Spec, want string) {
	t.Helper()
	got := strings.NewReplacer("\r\n", "\n", fmt.Sprint(server.Port), "PORT", server.Home, "HOME").Replace(who(t, open(t, newPool(t, server.Home), s)))
	if !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Contains(got, testPassword) {
		t.Error("the password is shown")
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAuthentication(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest1", testPassword)
	base := spec(server, 1)
	keyless := base
	keyless.PrivateKeyFile = filepath.Join(server.Home, "none")
	keyless.Arguments = []string{"-o", "IdentitiesOnly=yes"}

	locked := filepath.Join(server.Home, "locked")
	sshdtest.Run(t, "cp", server.Key, locked)
	sshdtest.Run(t, "ssh-keygen", "-q", "-p", "-P", "", "-N", "sesame", "-f", locked)

	for name, c := range map[string]struct {
		change func(s *connection.Spec)
		want   string
	}{
		"key":             {func(s *connection.Spec) { *s = base }, "root"},
		"text of a key":   {func(s *connection.Spec) { s.PrivateKey = read(t, server.Key) }, "root"},
		"passphrase":      {func(s *connection.Spec) { s.PrivateKeyFile, s.Passphrase = locked, "sesame" }, "root"},
		"no passphrase":   {func(s *connection.Spec) { s.PrivateKeyFile = locked }, "UNREACHABLE: Failed to connect to the host via ssh: root@127.0.0.1: Permission denied (publickey"},
		"password":        {func(s *connection.Spec) { s.User, s.Password = "tuttitest1", testPassword }, "tuttitest1"},
		"wrong password":  {func(s *connection.Spec) { s.User, s.Password = "tuttitest1", "wrong" }, "UNREACHABLE: Invalid/incorrect password: Permission denied, please try again."},
		"no password":     {func(s *connection.Spec) { s.User = "tuttitest1" }, "UNREACHABLE: Failed to connect to the host via ssh: tuttitest1@127.0.0.1: Permission denied (publickey"},
		"nobody":          {func(s *connection.Spec) { s.User, s.Password = "tuttinobody", "x" }, "UNREACHABLE: Invalid/incorrect password"},
		"key in argument": {func(s *connection.Spec) { s.PrivateKeyFile = ""; s.Arguments = []string{"-i " + server.Key + " -C"} }, "root"},
		"refused":         {func(s *connection.Spec) { s.Port = 1 }, "UNREACHABLE: Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
		"no such name":    {func(s *connection.Spec) { s.Host = "no-such-host.invalid" }, "UNREACHABLE: Failed to connect to the host via ssh: ssh: Could not resolve hostname no-such-host.invalid: Name or service not known"},
		"bad argument":    {func(s *connection.Spec) { s.Arguments = []string{"-Z"} }, "UNREACHABLE: Failed to connect to the host via ssh: ssh arguments: unknown option -- Z"},
	} {
		t.Run(name, func(t *testing.T) {
			s := keyless
			c.change(&s)
			check(t, server, s, c.want)
		})
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSilence: a host that accepts and says nothing is given up.
func TestSilence(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	target := open(t, newPool(t, t.TempDir()), connection.Spec{Kind: "ssh", Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, User: "root", Timeout: 1})
	if got := who(t, target); !strings.Contains(got, "UNREACHABLE: Failed to connect to the host via ssh: Connection timed out during banner exchange") {
		t.Error(got)
	}
}

func TestAgent(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	socket := filepath.Join(server.Home, "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Skip("skipped: there is no ssh-agent here: ", err)
	}
	t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	})
	t.Setenv("SSH_AUTH_SOCK", socket)
	for t.Context().Err() == nil {
		if _, err := os.Stat(socket); err == nil {
			break
		}
	}
	add := exec.Command("ssh-add", server.Key)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, out)
	}
	other := filepath.Join(server.Home, "other")
	sshdtest.Run(t, "mv", server.Key, other)
	s := spec(server, 1)
	s.PrivateKeyFile = ""
	check(t, server, s, "root")
	s.Arguments = []string{"-o", "IdentitiesOnly=yes", "-o", "IdentityFile=none"}
	check(t, server, s, "Permission denied (publickey)")
	s.Arguments = s.Arguments[:2]
	// The agent's key stands in for a file that cannot be opened.
	sshdtest.Run(t, "ssh-keygen", "-q", "-p", "-P", "", "-N", "sesame", "-f", other)
	sshdtest.Run(t, "cp", server.Key+".pub", other+".pub")
	s.PrivateKeyFile = other
	check(t, server, s, "root")
}

func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	authority := filepath.Join(dir, "ca")
	if os.Getuid() != 0 {
		t.Skip("skipped: sshd for tests needs root")
	}
	sshdtest.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority)
	server := sshdtest.Start(t, sshdtest.Options{Lines: []string{"TrustedUserCAKeys " + authority + ".pub", "AuthorizedKeysFile none"}})
	s := spec(server, 1)
	check(t, server, s, "Permission denied (publickey)")
	sshdtest.Run(t, "ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", "root", server.Key+".pub")
	check(t, server, s, "root")
}

func TestHostKeys(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{Hosts: 2})
	known := server.KnownHosts()
	key := server.HostKey(t)
	other := filepath.Join(server.Home, "stranger")
	sshdtest.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)
	changed := strings.Join(strings.Fields(read(t, other+".pub"))[:2], " ")
	entry := fmt.Sprintf("[127.0.0.1]:%d ", server.Port)
	for _, c := range []struct {
		name, known string
		arguments   []string
		unchecked   bool
		want        string
		after       string // in known_hosts, {} for the key
	}{
		{"known", entry + key, nil, false, "root", ""},
		{"unknown", "", nil, false, "UNREACHABLE: Failed to connect to the host via ssh: Host key verification failed.", ""},
		{"unknown, strict", "", []string{"-o", "StrictHostKeyChecking=yes"}, false,
			"No ED25519 host key is known for [127.0.0.1]:PORT and you have requested strict checking.\nHost key verification failed.", ""},
		{"accepted when new", "", []string{"-o", "StrictHostKeyChecking=accept-new"}, false, "root", entry + key},
		{"unchecked", "", nil, true, "root", entry + key},
		{"nowhere to write", "", []string{"-o", "UserKnownHostsFile=/dev/null"}, true, "root", ""},
		{"changed", entry + changed, nil, false, "REMOTE HOST IDENTIFICATION HAS CHANGED!", ""},
		{"changed, accepting new", entry + changed, []string{"-o", "StrictHostKeyChecking=accept-new"}, false, "Host key verification failed.", ""},
		{"changed, unchecked", entry + changed, nil, true, "root", ""},
		{"bad lines", "nonsense\n" + entry + key + "\nx y z", nil, false, "root", ""},
		{"revoked", "@revoked * " + key + "\n" + entry + key, nil, false, "Host key verification failed.", ""},
		{"alias", "web ssh-ed25519 " + strings.Fields(key)[1], []string{"-o", "HostKeyAlias=web"}, false, "root", ""},
		{"another file", "", []string{"-o UserKnownHostsFile=" + filepath.Join(server.Home, "second")}, false, "root", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, known, c.known+"\n")
			write(t, filepath.Join(server.Home, "second"), entry+key+"\n")
			s := spec(server, 1)
			s.Arguments, s.HostKeyChecking = c.arguments, !c.unchecked
			check(t, server, s, c.want)
			if got := read(t, known); c.after != "" && !strings.Contains(got, c.after) {
				t.Errorf("known_hosts is\n%s", got)
			}
		})
	}
	t.Run("hashed", func(t *testing.T) {
		server.Know(t, 2)
		sshdtest.Run(t, "ssh-keygen", "-q", "-H", "-f", known)
		if strings.Contains(read(t, known), "127.0.0.1") {
			t.Fatal("not hashed")
		}
		check(t, server, spec(server, 2), "root")
	})
	t.Run("asked", func(t *testing.T) {
		write(t, known, "")
		asked := ""
		for _, answer := range []bool{false, true} {
			p := connection.NewPool(connection.Options{Modules: modules, Home: server.Home, Programs: programs(t), Ask: func(q string) bool { asked = q; return answer }})
			defer p.Close()
			if got := who(t, open(t, p, spec(server, 1))); (got == "root") != answer {
				t.Error(got)
			}
		}
		if !strings.Contains(asked, "The authenticity of host '[127.0.0.1]:") || !strings.Contains(asked, "ED25519 key fingerprint is SHA256:") {
			t.Error(asked)
		}
	})
	t.Run("several keys", func(t *testing.T) {
		// Only the key of a type that the server would not show first is known.
		rsa := filepath.Join(server.Home, "rsa")
		sshdtest.Run(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa)
		two := sshdtest.Start(t, sshdtest.Options{Lines: []string{"HostKey " + rsa}})
		write(t, two.KnownHosts(), fmt.Sprintf("[127.0.0.1]:%d %s\n", two.Port, strings.Join(strings.Fields(read(t, rsa+".pub"))[:2], " ")))
		check(t, two, spec(two, 1), "root")
	})
}

func TestConfiguration(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{Hosts: 4})
	server.Know(t, 4)
	config := filepath.Join(server.Home, ".ssh", "config")
	known := "HostName 127.0.0.1\nUser root\nPort PORT\nIdentityFile HOME/.ssh/id_ed25519\n"
	for _, c := range []struct{ name, text, want string }{
		{"host", "Host web\n" + known, "root"},
		{"patterns", "Host !web w*\nPort 1\nHost x w?b\n" + known, "root"},
		{"first wins", "Host web\n" + known + "Host *\nPort 1\nUser nobody\n", "root"},
		{"equals and quotes", "Host=web\nHostName = \"127.0.0.1\"\nuser root\nport=PORT\nIdentityFile \"~/.ssh/id_ed25519\"", "root"},
		{"match", "Match originalhost web exec \"test %n = web\" !user nobody\n" + known + "Match all\nPort 1\n", "root"},
		{"match that does not", "Match originalhost other\nPort 1\nMatch exec false\nPort 1\nMatch localuser nobody\nPort 1\nHost web\n" + known, "root"},
		{"match host", "Host web\nHostName 127.0.0.1\nMatch host 127.0.*\n" + known, "root"},
		{"include", "Include extra/*.conf\nHost *\nPort 1\n", "root"},
		{"include below host", "Host other\nInclude extra/*.conf\nHost web\n" + known, "root"},
		{"include of itself", "Include config\n", "more than 16 files include each other"},
		{"tokens", "Host web\n" + strings.Replace(known, "127.0.0.1", "127.0.0.1", 1) + "UserKnownHostsFile %d/.ssh/known_hosts\n", "root"},
		{"jump", "Host web\n" + strings.Replace(known, "127.0.0.1", "127.0.0.2", 1) + "ProxyJump first\nHost first\n" + known, "root"},
		{"two jumps", "Host web\n" + strings.Replace(known, "127.0.0.1", "127.0.0.3", 1) + "ProxyJump root@first:PORT,second\nHost first\n" + known +
			"Host second\n" + strings.Replace(known, "127.0.0.1", "127.0.0.2", 1), "root"},
		{"jump that jumps", "Host web\n" + strings.Replace(known, "127.0.0.1", "127.0.0.3", 1) + "ProxyJump second\nHost first\n" + known +
			"Host second\n" + strings.Replace(known, "127.0.0.1", "127.0.0.2", 1) + "ProxyJump first\n", "root"},
		{"jump over itself", "Host web first\n" + known + "ProxyJump first\n", "does a host jump over itself?"},
		{"jump that is not there", "Host web\n" + known + "ProxyJump 127.0.0.4:1\n", "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.4 port 1: Connection refused"},
		{"command", "Host web\n" + known + "ProxyCommand ssh -i HOME/.ssh/id_ed25519 -o UserKnownHostsFile=HOME/.ssh/known_hosts -p PORT -W %h:%p root@127.0.0.2\n", "root"},
		{"command that fails", "Host web\n" + known + "ProxyCommand false\n", "Connection closed by remote host"},
		{"bad match", "Match moon full\nPort 1\n", "config line 1: match moon is not one of"},
		{"bad quote", "Host web\nUser \"x\n", "config line 2: a quotation mark \" is not closed"},
		{"bad port", "Host web\nPort many\n", "Bad port 'many'"},
		{"no value", "Host web\nUser\n", "config line 2: User has no value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fill := strings.NewReplacer("PORT", fmt.Sprint(server.Port), "HOME", server.Home)
			write(t, config, fill.Replace(c.text))
			if err := os.MkdirAll(filepath.Join(server.Home, ".ssh/extra"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(server.Home, ".ssh/extra/web.conf"), fill.Replace("Host web\n"+known))
			check(t, server, connection.Spec{Kind: "ssh", Name: "web", Host: "web", HostKeyChecking: true,
				Arguments: []string{"-C -o ControlMaster=auto -o ControlPersist=60s"}}, c.want)
		})
	}
}

func TestSpecs(t *testing.T) {
	p := newPool(t, t.TempDir())
	for _, c := range []struct {
		spec connection.Spec
		want string
	}{
		{connection.Spec{Kind: "winrm", Name: "w1"}, "the connection plugin 'winrm' was not found: connections are ssh and local; set ansible_connection to one of them for the host w1"},
		{connection.Spec{Kind: "ssh"}, "there is no host to connect to"},
		{connection.Spec{Kind: "local", Become: connection.Become{Method: "magic"}}, "Invalid become method specified, could not find matching plugin: 'magic'."},
	} {
		if _, err := p.Open(t.Context(), c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	a := open(t, p, connection.Spec{Kind: "ssh", Host: "h"})
	if b := open(t, p, connection.Spec{Kind: "smart", Name: "other", Host: "h"}); a != b {
		t.Error("one host has two targets")
	}
	if b := open(t, p, connection.Spec{Kind: "ssh", Host: "h", Become: connection.Become{Method: "sudo"}}); a == b {
		t.Error("two users have one target")
	}
}
