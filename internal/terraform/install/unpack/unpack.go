// Package unpack opens archives of providers and modules into folders. Whatever
// an archive says, nothing is written outside its folder: the names go through
// an os.Root, and the sizes and numbers of files are bounded.
//
// In: an archive on disk. Out: a folder. It must not know what is in there.
package unpack

import (
	"archive/tar"
	"archive/zip"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ulikunitz/xz"
)

// Limits bound what an archive may unfold to. A zero field means its default.
type Limits struct {
	Bytes int64 // all files together; 8 GiB
	Files int   // entries of any kind; 200,000
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 8 << 30
	}
	if l.Files == 0 {
		l.Files = 200_000
	}
	return l
}

// formats by the ending of a file's name; the longer endings first.
var formats = [...]struct{ ending, format string }{
	{".tar.bz2", "tar.bz2"}, {".tar.gz", "tar.gz"}, {".tar.xz", "tar.xz"},
	{".tbz2", "tar.bz2"}, {".tgz", "tar.gz"}, {".txz", "tar.xz"},
	{".tar", "tar"}, {".zip", "zip"},
}

// Format gives the format of an archive by its file name, or by one of the
// endings alone ("tgz"); "" when it is none that can be unpacked.
func Format(name string) string {
	for _, f := range formats {
		if strings.HasSuffix(name, f.ending) || "."+name == f.ending {
			return f.format
		}
	}
	return ""
}

// Archive unpacks a file of the given format into dir, which is created. On an
// error, what was unpacked so far is left for the caller to remove.
func Archive(ctx context.Context, file, format, dir string, limits Limits) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("unpack %s: %w", file, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", file, err)
	}
	defer func() { _ = root.Close() }()
	w := &writer{root: root, left: limits.withDefaults(), made: map[string]bool{}}
	if format == "zip" {
		err = w.zip(ctx, file)
	} else {
		err = w.tarFile(ctx, file, format)
	}
	if err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(file), err)
	}
	return nil
}

type writer struct {
	root *os.Root
	left Limits
	made map[string]bool // folders that exist already
}

func (w *writer) zip(ctx context.Context, file string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	if len(z.File) == 0 {
		return errors.New("the archive is empty")
	}
	for _, f := range z.File {
		err := w.entry(ctx, f.Name, f.Mode(), func() (string, io.ReadCloser, error) {
			r, err := f.Open()
			if err != nil || f.Mode()&fs.ModeSymlink == 0 {
				return "", r, err
			}
			defer func() { _ = r.Close() }()
			target, err := io.ReadAll(io.LimitReader(r, 4096))
			return string(target), nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) tarFile(ctx context.Context, file, format string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	switch format {
	case "tar":
	case "tar.gz":
		r, err = gzip.NewReader(f)
	case "tar.bz2":
		r = bzip2.NewReader(f)
	case "tar.xz":
		r, err = xz.NewReader(f)
	default:
		err = fmt.Errorf("the format %q is not known", format)
	}
	if err != nil {
		return err
	}
	return w.tar(ctx, tar.NewReader(r))
}

func (w *writer) tar(ctx context.Context, t *tar.Reader) error {
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return errors.New("the archive is empty")
			}
			return nil
		}
		if err != nil {
			return err
		}
		mode := h.FileInfo().Mode()
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeSymlink:
		case tar.TypeXGlobalHeader:
			continue // git archive writes the commit's ID there
		case tar.TypeLink:
			// A second name of a file is as good as a link to it.
			mode |= fs.ModeSymlink
			h.Linkname = relative(h.Name, h.Linkname)
		default:
			return fmt.Errorf("%q is neither a file, a folder nor a link", h.Name)
		}
		err = w.entry(ctx, h.Name, mode, func() (string, io.ReadCloser, error) { return h.Linkname, io.NopCloser(t), nil })
		if err != nil {
			return err
		}
	}
}

func relative(from, to string) string {
	rel, err := filepath.Rel(path.Dir(from), to)
	if err != nil {
		return to // then the check of link targets refuses it
	}
	return filepath.ToSlash(rel)
}

// entry writes one entry. Its content is asked for only when it has any.
func (w *writer) entry(ctx context.Context, name string, mode fs.FileMode, open func() (target string, content io.ReadCloser, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.left.Files--; w.left.Files < 0 {
		return errors.New("it holds too many files")
	}
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if clean == "." {
		return nil
	}
	if !filepath.IsLocal(clean) {
		return fmt.Errorf("the entry %q lies outside the archive", name)
	}
	if mode.IsDir() {
		return w.mkdir(clean)
	}
	if err := w.mkdir(path.Dir(clean)); err != nil {
		return err
	}
	target, content, err := open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if mode&fs.ModeSymlink != 0 {
		return w.symlink(clean, target)
	}
	defer func() { _ = content.Close() }()
	if !mode.IsRegular() {
		return fmt.Errorf("%q is neither a file, a folder nor a link", name)
	}
	return w.file(clean, mode, content)
}

func (w *writer) mkdir(name string) error {
	if w.made[name] {
		return nil
	}
	if err := w.root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	w.made[name] = true
	return nil
}

// symlink makes a link that stays inside, wherever the folder will be moved.
func (w *writer) symlink(name, target string) error {
	if !filepath.IsLocal(path.Join(path.Dir(name), target)) || path.IsAbs(target) {
		return fmt.Errorf("the link %q points outside the archive, to %q", name, target)
	}
	return w.root.Symlink(target, name)
}

func (w *writer) file(name string, mode fs.FileMode, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(content, w.left.Bytes+1))
	err = errors.Join(err, f.Close())
	if w.left.Bytes -= n; err == nil && w.left.Bytes < 0 {
		return errors.New("it unfolds to more bytes than are allowed")
	}
	return err
}

// Endings gives the file name endings that can be unpacked; for messages.
func Endings() []string {
	out := make([]string, 0, len(formats))
	for _, f := range formats {
		out = append(out, f.ending)
	}
	slices.Sort(out)
	return out
}
