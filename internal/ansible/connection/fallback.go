package connection

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/become"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/shell"
	"tutti/internal/ansible/connection/ssh"
	"tutti/internal/ansible/module"
)

// packed gives a program as a host can take it.
func packed(p *program.Program, zipped bool) ([]byte, error) {
	content, err := p.Packed()
	if err != nil || zipped {
		return content, err
	}
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// maxOutput is how much of a command's output is taken from a host without our program.
const maxOutput = 256 << 20

// shellLine makes a command into a line for a shell.
func shellLine(c action.Command) string {
	var b strings.Builder
	if c.Dir != "" {
		fmt.Fprintf(&b, "cd %s && ", shell.Quote(c.Dir))
	}
	if len(c.Env) > 0 {
		b.WriteString("env ")
		for _, k := range slices.Sorted(maps.Keys(c.Env)) {
			b.WriteString(shell.Quote(k+"="+c.Env[k]) + " ")
		}
	}
	switch {
	case len(c.Argv) > 0:
		words := make([]string, len(c.Argv))
		for i, a := range c.Argv {
			words[i] = shell.Quote(a)
		}
		b.WriteString(strings.Join(words, " "))
	case c.Executable == "" && b.Len() == 0:
		// The login shell reads it: what is no computer may know its own commands only.
		return c.Shell
	default:
		executable := c.Executable
		if executable == "" {
			executable = "/bin/sh"
		}
		b.WriteString(executable + " -c " + shell.Quote(c.Shell))
	}
	return b.String()
}

// started is a line that runs in the host's shell, as the user of the session.
type started struct {
	*greeting
	begun    time.Time
	terminal bool
	stop     func() bool
}

// start runs a line in the host's shell.
func (s *session) start(ctx context.Context, line string) (*started, error) {
	var command *become.Command
	if s.become.Method != "" {
		var err error
		if command, err = becoming(s.become, rand.Text(), line); err != nil {
			return nil, &Failure{err.Error()}
		}
		line = command.Line
	}
	terminal := command != nil && command.Terminal
	process, err := s.starter.Start(ctx, line, terminal)
	if err != nil {
		return nil, cut(s.host.spec.Name, false, err)
	}
	g := greet(process, command, s.become)
	if command != nil {
		if err := g.admit(ctx, s.host.timeout()); err != nil {
			process.Kill()
			go func() { _, _ = process.Wait() }()
			return nil, err
		}
	}
	return &started{greeting: g, begun: time.Now(), terminal: terminal, stop: context.AfterFunc(ctx, process.Kill)}, nil
}

// exec is Exec on a host that has nothing but its shell.
func (s *session) exec(ctx context.Context, c action.Command) (module.Output, error) {
	p, err := s.start(ctx, shellLine(c))
	if err != nil {
		return module.Output{}, err
	}
	defer p.stop()
	go func() {
		_, _ = p.process.Stdin.Write(c.Stdin)
		if !p.terminal {
			_ = p.process.Stdin.Close()
		}
	}()
	stdout, err := io.ReadAll(io.LimitReader(p.out, maxOutput))
	if err != nil && !p.terminal {
		p.process.Kill()
	}
	<-p.drained
	code, err := p.process.Wait()
	if ctx.Err() != nil {
		return module.Output{}, ctx.Err()
	}
	if err != nil {
		return module.Output{}, cut(s.host.spec.Name, true, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	stderr := string(p.errors)
	if p.become != nil {
		stderr = p.become.Strip(stderr)
	}
	return module.Output{Stdout: p.said + string(stdout), Stderr: stderr, Code: code, Elapsed: time.Since(p.begun)}, nil
}

// put is Put there: by the shell, and by SFTP when it cannot.
func (s *session) put(ctx context.Context, content io.Reader) (string, error) {
	p, err := s.start(ctx, "/bin/sh -c "+shell.Quote(`umask 77; f=$(mktemp /tmp/tutti-XXXXXXXXXX) && echo "TUTTI-FILE $f" && cat >"$f"`))
	if err != nil {
		return "", err
	}
	defer p.stop()
	if p.terminal {
		p.process.Kill()
		return "", &Failure{fmt.Sprintf("files cannot be sent to this host as %s by %s: it asks for a password on a terminal, "+
			"and there is no program of tutti's for the host (%s)", s.become.User, s.become.Method, s.why)}
	}
	_, path, err := p.line("", "TUTTI-FILE")
	if err != nil {
		p.process.Kill()
		return s.putFile(content)
	}
	_, sending := io.Copy(p.process.Stdin, content)
	_ = p.process.Stdin.Close()
	_, _ = io.Copy(io.Discard, p.out)
	<-p.drained
	code, err := p.process.Wait()
	switch {
	case err != nil:
		return "", cut(s.host.spec.Name, true, err)
	case code != 0:
		return "", &Failure{fmt.Sprintf("could not write %s on the host: %s", path, oneLine(p.stderr()))}
	case sending != nil:
		return "", sending
	}
	return path, nil
}

func (s *session) putFile(content io.Reader) (string, error) {
	client, ok := s.starter.(*ssh.Client)
	if !ok || s.become.Method != "" {
		return "", &Failure{"the host's shell cannot take files: it has no mktemp or no cat"}
	}
	files, err := client.Files()
	if err != nil {
		return "", &Failure{fmt.Sprintf("the host takes no files, neither by its shell nor by SFTP: %v", err)}
	}
	defer files.Close()
	path := "/tmp/tutti-" + rand.Text()
	if err := files.Put(path, content); err != nil {
		return "", &Failure{fmt.Sprintf("could not write %s on the host: %v", path, err)}
	}
	return path, nil
}

// get is Get there.
func (s *session) get(ctx context.Context, path string) (io.ReadCloser, error) {
	q := shell.Quote(path)
	p, err := s.start(ctx, "/bin/sh -c "+shell.Quote(fmt.Sprintf("if [ -d %s ]; then echo 'TUTTI-FILE folder'; elif [ -r %s ]; then echo 'TUTTI-FILE here'; cat %s; "+
		"elif [ -e %s ]; then echo 'TUTTI-FILE closed'; else echo 'TUTTI-FILE none'; fi", q, q, q, q)))
	if err != nil {
		return nil, err
	}
	_, state, err := p.line("", "TUTTI-FILE")
	if err == nil && state == "here" {
		return &fetched{p}, nil
	}
	p.process.Kill()
	p.stop()
	switch state {
	case "none":
		return nil, missing(path)
	case "folder":
		return nil, &Failure{path + " is a directory"}
	case "closed":
		return nil, &Failure{path + ": permission denied"}
	}
	if client, ok := s.starter.(*ssh.Client); ok && s.become.Method == "" {
		files, err := client.Files()
		if err == nil {
			return files.Get(path)
		}
	}
	return nil, &Failure{fmt.Sprintf("the host gives no files, neither by its shell nor by SFTP: %v", err)}
}

// fetched is a file that the shell prints.
type fetched struct{ *started }

// Read implements io.Reader.
func (f *fetched) Read(p []byte) (int, error) {
	n, err := f.out.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	<-f.drained
	code, wait := f.process.Wait()
	if wait != nil {
		return n, wait
	}
	if code != 0 {
		return n, &Failure{oneLine(f.stderr())}
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (f *fetched) Close() error {
	f.stop()
	f.process.Kill()
	return nil
}

func (s *session) remove(ctx context.Context, path string) {
	if strings.HasPrefix(path, "/tmp/tutti-") {
		_, _ = s.exec(ctx, action.Command{Argv: []string{"rm", "-f", path}})
	}
}
