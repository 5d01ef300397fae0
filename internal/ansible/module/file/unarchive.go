package file

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func unarchiveModule() module.Module {
	empty := func(name string) argument.Option {
		return argument.Option{Name: name, Type: argument.List, Elements: argument.Str, Default: []any{}}
	}
	return module.Module{Name: "unarchive", Run: runUnarchive, Spec: argument.Spec{Check: true, FileAttributes: true,
		MutuallyExclusive: [][]string{{"include", "exclude"}},
		Options: []argument.Option{
			{Name: "src", Type: argument.Path, Required: true},
			{Name: "dest", Type: argument.Path, Required: true},
			{Name: "remote_src", Type: argument.Bool, Default: false},
			{Name: "creates", Type: argument.Path},
			{Name: "list_files", Type: argument.Bool, Default: false},
			{Name: "keep_newer", Type: argument.Bool, Default: false},
			empty("exclude"), empty("include"), empty("extra_opts"),
			{Name: "validate_certs", Type: argument.Bool, Default: true},
			{Name: "io_buffer_size", Type: argument.Int, Default: int64(65536)},
			{Name: "copy", Type: argument.Bool, Default: true},
			{Name: "decrypt", Type: argument.Bool, Default: true},
		}}}
}

// archive is what a kind of archive can do.
type archive interface {
	// kind is the name of the real module's class.
	kind() string
	// files lists what is in it, as far as it is wanted.
	files() ([]string, error)
	// differs tells whether something is not unpacked yet; diff is an itemised list of that.
	differs() (diff string, yes bool, err error)
	// unpack unpacks all that is wanted.
	unpack() (module.Output, []string, error)
}

// unpacker is one call of the unarchive module.
type unpacker struct {
	*module.Call
	ctx       context.Context
	src, dest string
}

func runUnarchive(ctx context.Context, c *module.Call) module.Result {
	u := &unpacker{Call: c, ctx: ctx, src: c.String("src"), dest: c.String("dest")}
	downloaded, err := u.source()
	if downloaded != "" {
		defer func() { _ = os.Remove(downloaded) }()
	}
	if err != nil {
		return attribute.Result(err)
	}
	result, err := u.run()
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

// source finds the archive, which may have to be fetched first.
func (u *unpacker) source() (downloaded string, err error) {
	if !exists(u.src) {
		switch {
		case !u.Bool("remote_src"):
			return "", attribute.Failed("Source '" + u.src + "' failed to transfer")
		case strings.Contains(u.src, "://"):
			if u.src, err = u.download(u.src); err != nil {
				return "", err
			}
			downloaded = u.src
		default:
			return "", attribute.Failed("Source '" + u.src + "' does not exist")
		}
	}
	if !readable(u.src) {
		return downloaded, attribute.Failed("Source '" + u.src + "' not readable")
	}
	if u.src, err = filepath.Abs(u.src); err != nil {
		return downloaded, attribute.Failed(err.Error())
	}
	if info, err := os.Stat(u.src); err != nil || info.Size() == 0 {
		return downloaded, attribute.Failed("Invalid archive '" + u.src + "', the file is 0 bytes")
	}
	if !isDir(u.dest) {
		return downloaded, attribute.Failed("Destination '" + u.dest + "' is not a directory")
	}
	return downloaded, nil
}

// download fetches an archive into a temporary file.
func (u *unpacker) download(url string) (string, error) {
	request, err := http.NewRequestWithContext(u.ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", attribute.Failed("Failure downloading " + url + ", " + err.Error())
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if !u.Bool("validate_certs") {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the user said so
	}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", attribute.Failed("Failure downloading " + url + ", " + err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", attribute.Failed("Failure downloading " + url + ", HTTP Error " + response.Status)
	}
	dir := u.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, "ansible-unarchive-*"+filepath.Ext(url))
	if err != nil {
		return "", attribute.Failed(attribute.OSError(err, dir))
	}
	_, err = io.Copy(file, response.Body)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", attribute.Failed("Failure downloading " + url + ", " + err.Error())
	}
	return file.Name(), nil
}

func (u *unpacker) run() (module.Result, error) {
	a, skip, err := u.archive()
	if skip != nil || err != nil {
		return skip, err
	}
	result := module.Result{"handler": a.kind(), "dest": u.dest, "src": u.src}
	diff, differs, err := a.differs()
	if err != nil {
		return nil, err
	}
	result["changed"] = differs
	if differs && !u.CheckMode {
		out, command, err := a.unpack()
		if err != nil {
			return nil, err
		}
		result["extract_results"] = map[string]any{"cmd": command, "rc": out.Code, "out": out.Stdout, "err": out.Stderr}
		if out.Code != 0 {
			result["failed"], result["changed"], result["msg"] = true, false, "failed to unpack "+u.src+" to "+u.dest
			return result, nil
		}
	}
	if diff != "" {
		result["diff"] = map[string]any{"prepared": diff}
	}
	names, err := a.files()
	if err != nil {
		return nil, err
	}
	if !u.CheckMode {
		if result["changed"], err = u.attributes(names, differs); err != nil {
			return nil, err
		}
	}
	if u.Bool("list_files") {
		result["files"] = names
	}
	return result, nil
}

// attributes gives all that was in the archive, and the folders at its top, the attributes.
func (u *unpacker) attributes(names []string, changed bool) (bool, error) {
	w := attribute.Of(u.Call, u.dest)
	if w.Mode == nil && w.Owner == nil && w.Group == nil && w.Attributes == nil {
		return changed, nil
	}
	var tops []string
	for _, name := range names {
		if top, _, ok := strings.Cut(name, "/"); ok && !slices.Contains(tops, top) {
			tops = append(tops, top)
		}
	}
	var err error
	for _, name := range slices.Concat(names, tops) {
		w.Path = join(u.dest, name)
		if changed, err = w.Apply(u.ctx, u.Call, changed, nil); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// archive looks at the file and says who can handle it. skip is the result of a kind that
// cannot tell in check mode what it would do.
func (u *unpacker) archive() (a archive, skip module.Result, err error) {
	unsuitable := func(reasons ...string) error {
		return attribute.Failed(fmt.Sprintf("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.\n%s",
			u.src, strings.Join(reasons, "\n")))
	}
	head := make([]byte, 4)
	if file, err := os.Open(u.src); err == nil {
		_, _ = io.ReadFull(file, head)
		_ = file.Close()
	}
	if string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06" {
		program := module.LookPath(u.ctx, "unzip")
		if program == "" {
			return nil, nil, unsuitable("Unable to find required 'unzip' binary in the path.")
		}
		z, err := openZip(u, program)
		if err != nil {
			return nil, nil, unsuitable(fmt.Sprintf("Command \"%s\" could not handle archive: %v", program, err))
		}
		return z, nil, nil
	}
	if u.CheckMode {
		return nil, module.Result{"skipped": true, "changed": false,
			"msg": "remote module (ansible.legacy.unarchive) does not support check mode when using gtar"}, nil
	}
	program := module.LookPath(u.ctx, "gtar")
	if program == "" {
		program = module.LookPath(u.ctx, "tar")
	}
	if program == "" {
		return nil, nil, unsuitable("Unable to find required 'gtar' or 'tar' binary in the path")
	}
	t := &tarball{unpacker: u, program: program}
	if head[0] == 0x1f && head[1] == 0x8b {
		t.flag = "-z"
	}
	names, err := t.files()
	switch {
	case err != nil:
		return nil, nil, unsuitable(fmt.Sprintf("Command \"%s\" could not handle archive: %v", program, err))
	case len(names) == 0:
		return nil, nil, unsuitable(fmt.Sprintf("Command \"%s\" found no files in archive. Empty archive files are not supported.", program))
	}
	return t, nil, nil
}

// tarball is an archive that GNU tar unpacks. Compression other than gzip's tar finds out
// itself.
type tarball struct {
	*unpacker
	program, flag string
	names         []string
}

func (t *tarball) kind() string {
	if t.flag == "-z" {
		return "TgzArchive"
	}
	return "TarArchive"
}

// excludes are without the slash at the end, which tar would not match.
func (t *tarball) excludes() []string {
	list := t.Strings("exclude")
	for i := range list {
		list[i] = strings.TrimRight(list[i], "/")
	}
	return list
}

// command makes tar's arguments for one of its operations.
func (t *tarball) command(operation string) []string {
	argv := []string{t.program, operation, "-C", t.dest}
	if t.flag != "" {
		argv = append(argv, t.flag)
	}
	if opts := t.Strings("extra_opts"); len(opts) > 0 {
		argv = append(append(argv, "--show-transformed-names"), opts...)
	}
	if operation != "--list" {
		if owner := t.String("owner"); owner != "" {
			argv = append(argv, "--owner="+owner)
		}
		if group := t.String("group"); group != "" {
			argv = append(argv, "--group="+group)
		}
		if t.Bool("keep_newer") {
			argv = append(argv, "--keep-newer-files")
		}
	}
	for _, name := range t.excludes() {
		argv = append(argv, "--exclude="+name)
	}
	return append(append(argv, "-f", t.src), t.Strings("include")...)
}

func (t *tarball) exec(argv []string) module.Output {
	return module.Exec(t.ctx, module.Command{Argv: argv, Dir: t.dest})
}

func (t *tarball) files() ([]string, error) {
	if t.names != nil {
		return t.names, nil
	}
	out := t.exec(t.command("--list"))
	if out.Code != 0 || out.Err != nil {
		//lint:ignore ST1005 these are Ansible's own words
		return nil, fmt.Errorf("Unable to list files in the archive: %s", out.Stderr)
	}
	excludes, err := matchers(t.excludes(), false)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out.Stdout) {
		name := strings.TrimPrefix(octalEscapes(strings.TrimRight(line, "\n")), "/")
		if !anyOf(excludes, name) {
			t.names = append(t.names, name)
		}
	}
	return t.names, nil
}

var octalEscape = regexp.MustCompile(`\\([0-7]{3}|\\)`)

// octalEscapes reads names as tar writes those that are not ASCII.
func octalEscapes(name string) string {
	return octalEscape.ReplaceAllStringFunc(name, func(escape string) string {
		if escape == `\\` {
			return `\`
		}
		n, _ := strconv.ParseUint(escape[1:], 8, 8)
		return string([]byte{byte(n)})
	})
}

func (t *tarball) differs() (string, bool, error) {
	out := t.exec(t.command("--diff"))
	if out.Err != nil {
		return "", false, attribute.Failed(attribute.OSError(out.Err, t.program))
	}
	root := os.Getuid() == 0
	for line := range strings.Lines(out.Stdout + out.Stderr) {
		line = strings.TrimRight(line, "\n")
		switch ends := func(s string) bool { return strings.HasSuffix(line, s) }; {
		case ends(": : Warning: Cannot stat: No such file or directory"):
		case ends(": Uid differs"):
			if root && t.String("owner") == "" {
				return "", true, nil
			}
		case ends(": Gid differs"):
			if root && t.String("group") == "" {
				return "", true, nil
			}
		case ends(": Mode differs"):
			if t.Args["mode"] == nil {
				return "", true, nil
			}
		case ends(": Mod time differs"), ends(": Warning: Cannot stat: No such file or directory"), ends(": Symlink differs"),
			ends(": Contents differ"), ends(": Size differs"), strings.Contains(line, ": Invalid owner"), strings.Contains(line, ": Invalid group"):
			return "", true, nil
		}
	}
	return "", false, nil
}

func (t *tarball) unpack() (module.Output, []string, error) {
	argv := t.command("--extract")
	return t.exec(argv), argv, nil
}
