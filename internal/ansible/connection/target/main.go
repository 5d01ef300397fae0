package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tutti/internal/ansible/connection/channel"
)

// Prefix begins the names of programs on hosts; their hash follows.
const Prefix = "target-"

// Hello begins the line with which the program says that it is there; the nonce, the version of
// the channel, the program's own hash and its folder follow.
const Hello = "TUTTI-HELLO"

// Main is the program: "serve NONCE [TEMP]" speaks on its streams until they end, "job" is the
// process of one job. It gives the exit code.
func Main(args []string, modules Modules) int {
	if len(args) > 0 && args[0] == Command {
		args = args[1:]
	}
	switch {
	case len(args) >= 2 && args[0] == "serve":
		m := &Machine{Modules: modules}
		if len(args) > 2 {
			m.Temp = args[2]
		}
		return serve(m, args[1])
	case len(args) == 1 && args[0] == "job":
		return runJob(modules)
	}
	fmt.Fprintln(os.Stderr, "this program is started by tutti on the hosts that its plays are about; there is no other use for it")
	return 2
}

// streams are standard input and output as one connection.
type streams struct{}

func (streams) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (streams) Write(p []byte) (int, error) { return os.Stdout.Write(p) }

// Close implements io.Closer. Standard output is closed by the end of the process, which tells the
// other side that nothing is left to wait for.
func (streams) Close() error { return os.Stdin.Close() }

func serve(m *Machine, nonce string) int {
	if term.IsTerminal(0) {
		if _, err := term.MakeRaw(0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	// A folder that is gone, or closed to the user that this process has become, is no place to be.
	if _, err := os.Getwd(); err != nil {
		if os.Chdir(home("~", "")) != nil {
			_ = os.Chdir("/")
		}
	}
	// Whoever reads us may go at any time: that is seen at the next read, and what Put made is taken
	// away. Programs that modules start get these signals as ever, since they are not ignored.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE, syscall.SIGHUP)
	defer signal.Stop(signals)
	hash, err := selfHash()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	folder := ""
	if self, err := os.Executable(); err == nil && strings.HasPrefix(filepath.Base(self), Prefix) {
		folder = filepath.Dir(self)
	}
	fmt.Printf("%s %s %d %s %s\n", Hello, nonce, channel.Version, hash, folder)
	defer m.Close()
	if err := channel.Serve(context.Background(), streams{}, m.handle); err != nil {
		return 1
	}
	return 0
}

// selfHash is that of the file that this process was started from.
func selfHash() (string, error) {
	path := "/proc/self/exe"
	file, err := os.Open(path)
	if err != nil {
		if path, err = os.Executable(); err != nil {
			return "", err
		}
		if file, err = os.Open(path); err != nil {
			return "", err
		}
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// removeSelf takes away the programs of all versions beside this one, and their folder when
// nothing else is in it. A program of another name is not ours to remove.
func removeSelf() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, name := filepath.Split(self)
	if !strings.HasPrefix(name, Prefix) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && (strings.HasPrefix(e.Name(), Prefix) || strings.HasPrefix(e.Name(), "."+Prefix)) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	_ = os.Remove(dir)
	return nil
}

// dup makes the file descriptor to another name of from.
func dup(from, to int) error { return unix.Dup3(from, to, 0) }
