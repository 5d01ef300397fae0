package install

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/dirhash"
)

// hasher computes h1 checksums of unpacked packages, and remembers them beside
// the names, sizes and times of the files they were computed from: a provider
// has hundreds of megabytes, and each plan wants to know that it is still the
// same.
type hasher struct {
	dir string // "" when there is nowhere to remember
}

func newHasher(cacheDir string) *hasher {
	if cacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return &hasher{} // without a cache folder it is slower, not wrong
		}
		cacheDir = filepath.Join(user, "tutti")
	}
	return &hasher{dir: filepath.Join(cacheDir, "hashes")}
}

// remembered is the file in the cache.
type remembered struct {
	H1    string      `json:"h1"`
	Files []fileStamp `json:"files"`
}

type fileStamp struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Time int64  `json:"time"` // of the last change, in nanoseconds
}

// settle is how long a file must have been left alone before its time of change
// is taken to say anything: a change right after it might get the same time.
const settle = 2 * time.Second

// h1 gives the checksum of a folder.
func (h *hasher) h1(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", err
	}
	stamps, err := stampFiles(real)
	if err != nil {
		return "", err
	}
	if known, ok := h.load(real); ok && slices.Equal(known.Files, stamps) {
		return known.H1, nil
	}
	sum, err := dirhash.HashDir(real, "", dirhash.Hash1)
	if err != nil {
		return "", fmt.Errorf("checksum of %s: %w", dir, err)
	}
	newest := time.Now().Add(-settle).UnixNano()
	fresh := slices.ContainsFunc(stamps, func(s fileStamp) bool { return s.Time > newest })
	if !fresh {
		h.store(real, remembered{H1: sum, Files: stamps})
	}
	return sum, nil
}

func stampFiles(dir string) ([]fileStamp, error) {
	var out []fileStamp
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out = append(out, fileStamp{Name: filepath.ToSlash(name), Size: info.Size(), Time: info.ModTime().UnixNano()})
		return err
	})
	return out, err
}

func (h *hasher) file(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(h.dir, hex.EncodeToString(sum[:16])+".json")
}

func (h *hasher) load(dir string) (remembered, bool) {
	var r remembered
	if h.dir == "" {
		return r, false
	}
	text, err := os.ReadFile(h.file(dir))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return remembered{}, false
	}
	return r, strings.HasPrefix(r.H1, "h1:")
}

// store remembers as well as it can: a full or read-only disk only costs speed.
func (h *hasher) store(dir string, r remembered) {
	text, err := json.Marshal(r)
	if err != nil || h.dir == "" || os.MkdirAll(h.dir, 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(h.dir, "*.tmp")
	if err != nil {
		return
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), h.file(dir))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
}

// zipSum gives the SHA-256 of a file in hexadecimal.
func zipSum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("checksum of %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
