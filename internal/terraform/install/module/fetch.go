package module

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"tutti/internal/terraform/install/service"
	"tutti/internal/terraform/install/unpack"
)

// Limits of what is fetched.
const (
	maxArchive = 4 << 30 // bytes of a downloaded archive
	maxDetours = 5       // X-Terraform-Get answers that point to one another
)

// fetcher gets packages. It is safe for concurrent use.
type fetcher struct {
	client *service.Client
	vars   func(string) string // environment variables
}

// fetch puts the package into dst, which does not exist yet; scratch is a folder
// for what is needed on the way. It gives the folder within the package that a
// server pointed to, mostly "".
func (f *fetcher) fetch(ctx context.Context, pkg, dst, scratch string) (subdir string, err error) {
	for range maxDetours {
		next, err := f.fetchOnce(ctx, pkg, dst, scratch)
		if err != nil || next == nil {
			return subdir, err
		}
		subdir, pkg = below(next.Subdir, subdir), next.Package
	}
	return "", fmt.Errorf("more than %d servers point to one another", maxDetours)
}

// fetchOnce either fetches, or gives the address to go to instead.
func (f *fetcher) fetchOnce(ctx context.Context, pkg, dst, scratch string) (*Source, error) {
	way, text := cutWay(pkg)
	u, err := url.Parse(text)
	if err != nil {
		return nil, unwrapURL(err)
	}
	if way == "" {
		way = u.Scheme
	}
	switch way {
	case "git", "ssh":
		return nil, gitClone(ctx, u, dst, scratch)
	case "hg":
		return nil, hgClone(ctx, u, dst)
	case "http", "https":
		return f.web(ctx, u, dst, scratch)
	case "s3":
		return nil, f.s3(ctx, u, dst, scratch)
	case "file":
		return nil, fetchFile(ctx, u, dst)
	default:
		return nil, fmt.Errorf("packages cannot be fetched by %q: there are git, hg, http, https, s3 and file", way)
	}
}

// fetchFile takes a folder of this machine by a link, or unpacks an archive.
func fetchFile(ctx context.Context, u *url.URL, dst string) error {
	path := filepath.FromSlash(u.Path)
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, `\`)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.Symlink(path, dst)
	}
	format := unpack.Format(path)
	if format == "" {
		return fmt.Errorf("%s is neither a folder nor an archive that can be unpacked (%s)", path, strings.Join(unpack.Endings(), ", "))
	}
	return unpack.Archive(ctx, path, format, dst, unpack.Limits{})
}

// archiveQuery takes the parameters that are for us out of a URL: how to unpack,
// and the checksum of the archive.
func archiveQuery(u *url.URL) (plain *url.URL, format, checksum string) {
	c := *u
	q := c.Query()
	format, checksum = unpack.Format(c.Path), q.Get("checksum")
	if a := q.Get("archive"); a != "" {
		format = unpack.Format(a)
		if on, err := strconv.ParseBool(a); err == nil && !on {
			format = ""
		}
	}
	if q.Has("archive") || q.Has("checksum") {
		q.Del("archive")
		q.Del("checksum")
		c.RawQuery = q.Encode()
	}
	return &c, format, checksum
}

// archive downloads an archive and unpacks it.
func (f *fetcher) archive(ctx context.Context, u *url.URL, sign service.Sign, format, checksum, dst, scratch string) error {
	path := filepath.Join(scratch, "archive")
	if err := f.download(ctx, u, sign, path); err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	if checksum != "" {
		if err := verifySum(path, checksum); err != nil {
			return fmt.Errorf("%s: %w", service.Redact(u), err)
		}
	}
	return unpack.Archive(ctx, path, format, dst, unpack.Limits{})
}

func (f *fetcher) download(ctx context.Context, u *url.URL, sign service.Sign, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = f.client.DownloadSigned(ctx, u, sign, &service.File{File: file}, maxArchive)
	return errors.Join(err, file.Close())
}

// verifySum checks a "checksum" parameter: TYPE:SUM, or a sum whose length tells
// its type.
func verifySum(path, want string) error {
	kind, sum, named := strings.Cut(want, ":")
	if !named {
		kind, sum = "", want
	}
	var h hash.Hash
	switch {
	case kind == "sha256" || kind == "" && len(sum) == 2*sha256.Size:
		h = sha256.New()
	case kind == "sha512" || kind == "" && len(sum) == 2*sha512.Size:
		h = sha512.New()
	case kind == "sha1" || kind == "" && len(sum) == 2*sha1.Size:
		h = sha1.New()
	case kind == "md5" || kind == "" && len(sum) == 2*md5.Size:
		h = md5.New()
	default:
		return fmt.Errorf("checksum %q: its type is not md5, sha1, sha256 or sha512", want)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, sum) {
		return fmt.Errorf("the archive has the checksum %s instead of %s", got, sum)
	}
	return nil
}
