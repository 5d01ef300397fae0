package network

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
)

func getURLSpec() argument.Spec {
	return argument.Spec{
		Options: append(fetch.Options(), []argument.Option{
			{Name: "url", Required: true},
			{Name: "dest", Type: argument.Path, Required: true},
			{Name: "url_username", Aliases: []string{"username"}},
			{Name: "url_password", Aliases: []string{"password"}, NoLog: true},
			{Name: "backup", Type: argument.Bool, Default: false},
			{Name: "checksum", Default: ""},
			{Name: "timeout", Type: argument.Int, Default: int64(10)},
			{Name: "headers", Type: argument.Dict},
			{Name: "tmp_dest", Type: argument.Path},
			{Name: "unredirected_headers", Type: argument.List, Elements: argument.Str, Default: []any{}},
			{Name: "decompress", Type: argument.Bool, Default: true},
			{Name: "ciphers", Type: argument.List, Elements: argument.Str},
			{Name: "use_netrc", Type: argument.Bool, Default: true},
		}...),
		FileAttributes: true,
		Check:          true,
	}
}

// download is one call of get_url.
type download struct {
	c      *module.Call
	dest   string
	result module.Result
	// algorithm and checksum are what the file has to be; "" when that does not matter.
	algorithm, checksum string
	since               time.Time
	force               bool
}

// getURL is the module get_url: a file from a server.
func getURL(ctx context.Context, c *module.Call) module.Result {
	d := &download{c: c, dest: c.String("dest"), force: c.Bool("force")}
	d.result = module.Result{"changed": false, "checksum_dest": nil, "checksum_src": nil, "dest": d.dest, "elapsed": 0, "url": fetch.Mask(c.String("url"))}
	result, err := d.run(ctx)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

// fail tells a failure with what is known already.
func (d *download) fail(msg string, pairs ...any) error {
	for k, v := range d.result {
		if k != "changed" && k != "msg" {
			pairs = append(pairs, k, v)
		}
	}
	return attribute.Failed(msg, pairs...)
}

func (d *download) run(ctx context.Context) (module.Result, error) {
	if err := d.wanted(ctx); err != nil {
		return nil, err
	}
	into := isDir(d.dest)
	if info, err := os.Stat(d.dest); err == nil && !into {
		if done, err := d.have(ctx, info); done || err != nil {
			return d.result, err
		}
	}
	method := "GET"
	if d.c.CheckMode {
		method = "HEAD"
	}
	temporary, a, elapsed, err := d.load(ctx, d.c.String("url"), method)
	if err != nil || temporary == "" {
		return d.result, err
	}
	defer func() { _ = os.Remove(temporary) }()
	d.result["elapsed"], d.result["src"] = elapsed, temporary
	if into {
		name := disposed(a)
		if name == "" {
			name = urlName(a.URL)
		}
		d.dest = path.Join(d.dest, name)
		d.result["dest"] = d.dest
	}
	d.result["checksum_src"] = sum(temporary)
	if err := d.placeable(); err != nil {
		return nil, err
	}
	d.result["msg"] = a.Msg
	if d.c.CheckMode {
		d.result["changed"] = d.result["checksum_src"] != d.result["checksum_dest"]
		return d.result, nil
	}
	if err := d.place(ctx, temporary); err != nil {
		return nil, err
	}
	d.result["status_code"] = a.Status
	if strings.HasPrefix(a.URL, "file:") {
		d.result["status_code"] = nil
	}
	return d.result, nil
}

var notWord = regexp.MustCompile(`[^\pL\pN_]+`)

// wanted reads the argument checksum, which may name a file of sums on a server.
func (d *download) wanted(ctx context.Context) error {
	checksum := d.c.String("checksum")
	if checksum == "" {
		return nil
	}
	var ok bool
	if d.algorithm, checksum, ok = strings.Cut(checksum, ":"); !ok {
		return d.fail("The checksum parameter has to be in format <algorithm>:<checksum>")
	}
	if u, err := url.Parse(checksum); err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ftp" || u.Scheme == "file") {
		if checksum, err = d.listed(ctx, checksum); err != nil {
			return err
		}
	}
	d.checksum = strings.ToLower(notWord.ReplaceAllString(checksum, ""))
	if _, ok := new(big.Int).SetString(d.checksum, 16); !ok {
		return d.fail("The checksum format is invalid")
	}
	if attribute.Hash(d.algorithm) == nil {
		return attribute.Failed(fmt.Sprintf("Could not hash file '%s' with algorithm '%s'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512", d.dest, d.algorithm))
	}
	return nil
}

// maxSums is how long a file of checksums may be.
const maxSums = 64 << 20

// listed finds the file's checksum in a file of sums.
func (d *download) listed(ctx context.Context, source string) (string, error) {
	temporary, _, _, err := d.load(ctx, source, "GET")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(temporary) }()
	file, err := os.Open(temporary)
	if err != nil {
		return "", d.fail(err.Error())
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSums))
	if err != nil {
		return "", d.fail(err.Error())
	}
	name := urlName(d.c.String("url"))
	if found, ok := digestOf(name, string(data)); ok {
		return found, nil
	}
	return "", attribute.Failed(fmt.Sprintf("Unable to find a checksum for file '%s' in '%s'", name, fetch.Mask(source)))
}

var (
	bsdLine = regexp.MustCompile(`^\w+ ?\((.+)\) ?= ([\w.]+)$`)
	gnuLine = regexp.MustCompile(`^([\w.]+)\s+(?:\*|\./|\.)?(.+)$`)
)

// digestOf finds the first digest for a name in lines as sha256sum or the BSDs write them, or
// the only word of a text.
func digestOf(name, text string) (string, bool) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) == 1 && len(strings.Fields(lines[0])) == 1 {
		return lines[0], true
	}
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if m := bsdLine.FindStringSubmatch(line); m != nil {
			if m[1] == name {
				return m[2], true
			}
		} else if m := gnuLine.FindStringSubmatch(line); m != nil && strings.TrimLeft(m[2], "./") == name {
			return m[1], true
		}
	}
	return "", false
}

// have looks at a file that is there already; done tells that it will do.
func (d *download) have(ctx context.Context, info os.FileInfo) (done bool, err error) {
	d.since = info.ModTime()
	if d.force || d.checksum == "" {
		return false, nil
	}
	sums, err := attribute.Checksums(d.dest, d.algorithm)
	if err != nil {
		return false, d.fail(attribute.OSError(err, d.dest))
	}
	if sums[0] != d.checksum {
		d.force = true
		return false, nil
	}
	changed, err := attribute.Of(d.c, d.dest).Apply(ctx, d.c, false, nil)
	if err != nil {
		return false, err
	}
	d.result["changed"], d.result["msg"] = changed, "file already exists"
	if changed {
		d.result["msg"] = "file already exists but file attributes changed"
	}
	return true, nil
}

// load fetches into a temporary file. No file and no error: there is nothing new, and the
// result says so.
func (d *download) load(ctx context.Context, source, method string) (string, *fetch.Answer, int, error) {
	r := fetch.Of(d.c, source)
	r.Method, r.Since, r.Force = method, d.since, d.force
	begin := time.Now()
	a := fetch.Do(ctx, r)
	elapsed := int(time.Since(begin).Seconds())
	if a.Body != nil {
		defer func() { _ = a.Body.Close() }()
	}
	masked := fetch.Mask(source)
	switch {
	case a.Broken:
		return "", a, 0, attribute.Failed(a.Msg, "url", masked, "status", -1)
	case a.Status == 304:
		d.result = module.Result{"url": masked, "dest": d.dest, "changed": false, "msg": a.Msg, "status_code": 304, "elapsed": elapsed}
		return "", a, elapsed, nil
	case a.Status == -1:
		return "", a, elapsed, attribute.Failed(a.Msg, "url", masked, "dest", d.dest, "elapsed", elapsed)
	case a.Status != 200:
		return "", a, elapsed, attribute.Failed("Request failed", "status_code", a.Status, "response", a.Msg, "url", masked, "dest", d.dest, "elapsed", elapsed)
	}
	dir := d.c.String("tmp_dest")
	switch {
	case dir == "":
		dir = d.c.TempDir
	case !exists(dir):
		return "", a, elapsed, attribute.Failed(dir+" directory does not exist.", "elapsed", elapsed)
	case !isDir(dir):
		return "", a, elapsed, attribute.Failed(dir+" is a file but should be a directory.", "elapsed", elapsed)
	}
	temporary, err := store(dir, a.Body)
	if err != nil {
		return "", a, elapsed, attribute.Failed("failed to create temporary content file: "+err.Error(), "elapsed", elapsed)
	}
	if err := complete(temporary, a, r); err != nil && method != "HEAD" {
		_ = os.Remove(temporary)
		return "", a, elapsed, err
	}
	return temporary, a, elapsed, nil
}

// complete tells when a file is shorter than the server said.
func complete(file string, a *fetch.Answer, r fetch.Request) error {
	length, err := strconv.ParseInt(a.Header.Get("Content-Length"), 10, 64)
	if err != nil || a.Header.Get("Content-Encoding") == "gzip" && !r.Compressed {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() == length {
		return nil
	}
	return attribute.Failed(fmt.Sprintf("Incomplete read, (cl=%d, st.st_size=%d) failed to read remaining %d bytes", length, info.Size(), length-info.Size()))
}

// placeable tells whether a file may be put where it belongs.
func (d *download) placeable() error {
	if exists(d.dest) {
		if !accessible(d.dest, 2) {
			return d.fail("Destination " + d.dest + " is not writable")
		}
		if !accessible(d.dest, 4) {
			return d.fail("Destination " + d.dest + " is not readable")
		}
		d.result["checksum_dest"] = sum(d.dest)
		return nil
	}
	dir := filepath.Dir(d.dest)
	if !exists(dir) {
		return d.fail("Destination " + dir + " does not exist")
	}
	if !accessible(dir, 2) {
		return d.fail("Destination " + dir + " is not writable")
	}
	return nil
}

func (d *download) place(ctx context.Context, temporary string) error {
	if d.checksum != "" {
		sums, err := attribute.Checksums(temporary, d.algorithm)
		if err != nil {
			return d.fail(err.Error())
		}
		if sums[0] != d.checksum {
			return d.fail(fmt.Sprintf("The checksum for %s did not match %s; it was %s.", temporary, d.checksum, sums[0]))
		}
	}
	changed := d.result["checksum_src"] != d.result["checksum_dest"]
	if changed {
		if d.c.Bool("backup") && exists(d.dest) {
			name, err := attribute.Backup(ctx, d.c, d.dest)
			if err != nil {
				return err
			}
			d.result["backup_file"] = name
		}
		if err := attribute.AtomicMove(ctx, temporary, d.dest, attribute.Move{Unsafe: d.c.Bool("unsafe_writes")}); err != nil {
			return d.fail(fmt.Sprintf("failed to copy %s to %s: %v", temporary, d.dest, err))
		}
	}
	changed, err := attribute.Of(d.c, d.dest).Apply(ctx, d.c, changed, nil)
	if err != nil {
		return err
	}
	sums, err := attribute.Checksums(d.dest, "md5")
	if err != nil {
		return d.fail(err.Error())
	}
	d.result["changed"], d.result["md5sum"] = changed, sums[0]
	return nil
}

// urlName is the last name of a URL's path.
func urlName(target string) string {
	u, err := url.Parse(target)
	if err != nil || base(u.EscapedPath()) == "" {
		return "index.html"
	}
	return base(u.EscapedPath())
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func isDir(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.IsDir()
}

// accessible says what the kernel lets this process do: 4 is reading, 2 writing.
func accessible(file string, mode uint32) bool { return syscall.Access(file, mode) == nil }

// sum is a file's SHA-1 as results have it; nil when there is none.
func sum(file string) any {
	sums, err := attribute.Checksums(file, "sha1")
	if err != nil {
		return nil
	}
	return sums[0]
}

// store writes a stream into a new temporary file.
func store(dir string, from io.Reader) (string, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, "ansible-tmp-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, from)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}
