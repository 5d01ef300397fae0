package connection_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/sshdtest"
)

func TestBecome(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest2", testPassword)
	sshdtest.User(t, "tuttitest3", "other")
	sshdtest.User(t, "tuttitest4", "")
	sshdtest.Sudo(t, "tuttitest2", "ALL=(ALL) ALL")
	sshdtest.Sudo(t, "tuttitest4", "ALL=(ALL) NOPASSWD: ALL")
	for _, c := range []struct {
		name, login string
		become      connection.Become
		want        string
	}{
		{"sudo as root", "root", connection.Become{Method: "sudo", User: "tuttitest2"}, "tuttitest2"},
		{"sudo without password", "tuttitest4", connection.Become{Method: "sudo"}, "root"},
		{"sudo to another", "tuttitest4", connection.Become{Method: "ansible.builtin.sudo", User: "tuttitest3"}, "tuttitest3"},
		{"sudo that asks for nothing", "tuttitest4", connection.Become{Method: "sudo", Password: "unused"}, "root"},
		{"sudo with password", "tuttitest2", connection.Become{Method: "sudo", Password: testPassword}, "root"},
		{"sudo with password and flags", "tuttitest2", connection.Become{Method: "sudo", Password: testPassword, Flags: "-HSn"}, "root"},
		{"sudo with a wrong password", "tuttitest2", connection.Become{Method: "sudo", Password: "wrong"}, "FAILED: Incorrect sudo password"},
		{"sudo without a password", "tuttitest2", connection.Become{Method: "sudo"}, "FAILED: Missing sudo password"},
		{"sudo to nobody that is there", "root", connection.Become{Method: "sudo", User: "tuttinobody"}, "unknown user tuttinobody"},
		{"sudo that is not there", "root", connection.Become{Method: "sudo", Exe: "/no/sudo"}, "FAILED: Premature end of stream waiting for become success."},
		{"sudo that is not allowed", "tuttitest3", connection.Become{Method: "sudo", Password: "other"}, "FAILED: "},
		{"su as root", "root", connection.Become{Method: "su", User: "tuttitest3"}, "tuttitest3"},
		{"su with password", "tuttitest4", connection.Become{Method: "su", User: "tuttitest3", Password: "other"}, "tuttitest3"},
		{"su with a wrong password", "tuttitest4", connection.Become{Method: "su", User: "tuttitest3", Password: "wrong"}, "FAILED: Incorrect su password"},
		{"su without a password", "tuttitest4", connection.Become{Method: "su", User: "tuttitest3"}, "FAILED: Missing su password"},
		{"runuser", "root", connection.Become{Method: "runuser", User: "tuttitest3"}, "tuttitest3"},
		{"a user without home", "root", connection.Become{Method: "sudo", User: "nobody"}, "nobody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spec(server, 1)
			s.User, s.Become = c.login, c.become
			check(t, server, s, c.want)
			if c.login == "root" && !strings.Contains(c.want, "password") {
				s = connection.Spec{Kind: "local", Name: "localhost", Become: c.become}
				check(t, server, s, c.want)
			}
		})
	}
	_ = exec.Command("sh", "-c", "rm -rf /var/tmp/tutti-$(id -u nobody)").Run()
}

// TestBecomeFiles: what Put makes can be read by the user that tasks become, also a login user's
// home cannot be; and many users share one connection.
func TestBecomeFiles(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest5", "")
	s := spec(server, 1)
	s.Become = connection.Become{Method: "sudo", User: "tuttitest5"}
	for _, s := range []connection.Spec{s, {Kind: "local", Become: s.Become}} {
		p := newPool(t, server.Home)
		host := open(t, p, s)
		content := bytes.Repeat([]byte("x"), 1<<20)
		path, err := host.Put(t.Context(), "file", bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		out, err := host.Exec(t.Context(), action.Command{Shell: "id -un; wc -c <" + path})
		if err != nil || out.Stdout != fmt.Sprintf("tuttitest5\n%d\n", len(content)) {
			t.Errorf("%+v, %v", out, err)
		}
		if host.Local() {
			t.Error("another user is not local")
		}
		file, err := host.Get(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(file)
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes, %v", len(back), err)
		}
		file.Close()
		p.Close()
		if _, err := os.Stat(path); err == nil {
			t.Error("files stay when the run is over")
		}
		if got := who(t, host); got != "ERROR: connections are closed already" {
			t.Error(got)
		}
	}
}

// TestBecomeWithoutProgram: raw commands and files as another user, with the shell alone.
func TestBecomeWithoutProgram(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest6", testPassword)
	sshdtest.Sudo(t, "tuttitest6", "ALL=(ALL) ALL")
	p := connection.NewPool(connection.Options{Modules: modules, Home: server.Home, Programs: noPrograms()})
	t.Cleanup(p.Close)
	s := spec(server, 1)
	s.User, s.Become = "tuttitest6", connection.Become{Method: "sudo", Password: testPassword}
	files(t, open(t, p, s))
	s.Become = connection.Become{Method: "sudo", Password: "wrong"}
	if _, err := open(t, p, s).Exec(t.Context(), action.Command{Shell: "id"}); err == nil || err.Error() != "Incorrect sudo password" {
		t.Error(err)
	}
}
