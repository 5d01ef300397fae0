package unpack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// item is one entry of an archive made for a test.
type item struct {
	name, text, link string
	mode             fs.FileMode
}

var tree = []item{
	{name: "top/", mode: fs.ModeDir | 0o755},
	{name: "top/run.sh", text: "#!/bin/sh\n", mode: 0o755},
	{name: "top/sub/main.tf", text: "locals {}\n", mode: 0o644},
	{name: "top/link", link: "sub/main.tf", mode: fs.ModeSymlink | 0o777},
}

func zipOf(t *testing.T, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: zip.Deflate}
		h.SetMode(it.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, it.text+it.link)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t *testing.T, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, it := range items {
		h := &tar.Header{Name: it.name, Mode: int64(it.mode.Perm()), Size: int64(len(it.text)), Typeflag: tar.TypeReg}
		switch {
		case it.mode.IsDir():
			h.Typeflag = tar.TypeDir
		case it.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, it.link
		}
		err := w.WriteHeader(h)
		if err == nil {
			_, err = io.WriteString(w, it.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func save(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryFormat(t *testing.T) {
	plain := tarOf(t, tree)
	var gz, xzip bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(plain)
	_ = g.Close()
	x, err := xz.NewWriter(&xzip)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = x.Write(plain)
	_ = x.Close()
	for name, data := range map[string][]byte{"a.zip": zipOf(t, tree), "a.tar": plain, "a.tgz": gz.Bytes(), "a.tar.gz": gz.Bytes(), "a.txz": xzip.Bytes()} {
		t.Run(name, func(t *testing.T) {
			file, dir := save(t, name, data), filepath.Join(t.TempDir(), "new", "dir")
			if err := Archive(t.Context(), file, Format(name), dir, Limits{}); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "top/link"))
			if err != nil || string(text) != "locals {}\n" {
				t.Errorf("through the link: %q, %v", text, err)
			}
			info, err := os.Stat(filepath.Join(dir, "top/run.sh"))
			if err != nil || info.Mode().Perm()&0o100 == 0 {
				t.Errorf("run.sh: %v, %v", info, err)
			}
		})
	}
}

// Whatever an archive tries, the file beside its folder stays what it is.
func TestNothingIsWrittenOutside(t *testing.T) {
	attacks := map[string][]item{
		"parent":        {{name: "../victim", text: "bad", mode: 0o644}},
		"deep parent":   {{name: "a/../../victim", text: "bad", mode: 0o644}},
		"absolute":      {{name: "/tmp/../victim", text: "bad", mode: 0o644}},
		"backslash":     {{name: `..\victim`, text: "bad", mode: 0o644}},
		"link":          {{name: "l", link: "../victim", mode: fs.ModeSymlink | 0o777}},
		"absolute link": {{name: "l", link: "/etc/passwd", mode: fs.ModeSymlink | 0o777}},
		"through link":  {{name: "l", link: "..", mode: fs.ModeSymlink | 0o777}, {name: "l/victim", text: "bad", mode: 0o644}},
		"two links": {{name: "a/b", link: "..", mode: fs.ModeSymlink | 0o777}, {name: "c", link: "a/b/..", mode: fs.ModeSymlink | 0o777},
			{name: "c/victim", text: "bad", mode: 0o644}},
	}
	for name, items := range attacks {
		for format, data := range map[string][]byte{"zip": zipOf(t, items), "tar": tarOf(t, items)} {
			t.Run(name+" "+format, func(t *testing.T) {
				above := t.TempDir()
				victim := filepath.Join(above, "victim")
				if err := os.WriteFile(victim, []byte("good"), 0o600); err != nil {
					t.Fatal(err)
				}
				err := Archive(t.Context(), save(t, "a", data), format, filepath.Join(above, "dir"), Limits{})
				if err == nil {
					t.Error("accepted")
				}
				if text, _ := os.ReadFile(victim); string(text) != "good" {
					t.Errorf("overwritten: %q", text)
				}
			})
		}
	}
}

func TestLimits(t *testing.T) {
	file := save(t, "a.zip", zipOf(t, tree))
	for name, l := range map[string]Limits{"bytes": {Bytes: 15}, "files": {Files: 3}} {
		if err := Archive(t.Context(), file, "zip", t.TempDir(), l); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := Archive(t.Context(), file, "zip", t.TempDir(), Limits{Bytes: 31, Files: 4}); err != nil {
		t.Errorf("exactly at the limits: %v", err)
	}
}

func TestBrokenArchives(t *testing.T) {
	whole := zipOf(t, tree)
	for name, data := range map[string][]byte{"empty file": nil, "cut": whole[:len(whole)-30], "no entries": zipOf(t, nil)} {
		if err := Archive(t.Context(), save(t, "a.zip", data), "zip", t.TempDir(), Limits{}); err == nil || !strings.Contains(err.Error(), "a.zip") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTar(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		above := t.TempDir()
		file := filepath.Join(above, "a.tar")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = Archive(t.Context(), file, "tar", filepath.Join(above, "dir"), Limits{Bytes: 1 << 20, Files: 100})
		entries, err := os.ReadDir(above)
		if err != nil || len(entries) > 2 {
			t.Fatalf("beside the folder: %v, %v", entries, err)
		}
	})
}
