// Package program finds the small program that runs on hosts, for their platform: built into
// tutti by make, or in $TUTTI_TARGET_DIR, beside tutti, or in the user's cache, or, where the host
// is of tutti's own platform, tutti itself.
//
// In: nothing. Out: a Set of Programs, known by their hash. The package must not know how they get
// to hosts.
package program

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"tutti/internal/ansible/connection/target"
)

//go:embed all:embedded
var embedded embed.FS

// DirVariable names a folder with programs, for those who build or keep them elsewhere.
const DirVariable = "TUTTI_TARGET_DIR"

// maxProgram is how large a program may be, packed or not.
const maxProgram = 512 << 20

// Program is one for one platform.
type Program struct {
	OS, Arch string
	// Hash is the SHA-256 of the program itself.
	Hash string
	// Args come before all others.
	Args []string

	load   func() ([]byte, error)
	digest func() (string, error)
}

// Machines are the words of "uname -sm" on the hosts that the program is for.
func (p *Program) Machines() []string {
	if p.OS != "linux" {
		return nil
	}
	switch p.Arch {
	case "amd64":
		return []string{"Linux x86_64", "Linux amd64"}
	case "arm64":
		return []string{"Linux aarch64", "Linux arm64"}
	}
	return nil
}

// Packed gives the program as gzip packs it. It is read when the first host needs it, and then stays
// in memory, once for all hosts.
func (p *Program) Packed() ([]byte, error) { return p.load() }

// Set are the programs that are there, at most one for each platform.
type Set []*Program

// Find looks for programs in all places; it is quick, since names tell the hashes.
func Find() (Set, error) {
	var set Set
	if dir := os.Getenv(DirVariable); dir != "" {
		found, err := in(os.DirFS(dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", DirVariable, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no program for hosts in %s: names are like target_linux_amd64_SHA256.gz", DirVariable, dir)
		}
		set = set.with(found)
	}
	if folder, err := fs.Sub(embedded, "embedded"); err == nil {
		if found, err := in(folder); err == nil {
			set = set.with(found)
		}
	}
	for _, dir := range elsewhere() {
		if found, err := in(os.DirFS(dir)); err == nil {
			set = set.with(found)
		}
	}
	if runtime.GOOS == "linux" {
		set = set.with(Set{Self()})
	}
	return set, nil
}

func elsewhere() []string {
	var dirs []string
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(self))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "tutti", "target"))
	}
	return dirs
}

// with adds the programs for platforms that have none yet.
func (s Set) with(more Set) Set {
	for _, p := range more {
		known := false
		for _, q := range s {
			known = known || q.OS == p.OS && q.Arch == p.Arch
		}
		if !known {
			s = append(s, p)
		}
	}
	return s
}

// in gives the programs of a folder.
func in(folder fs.FS) (Set, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	var set Set
	for _, e := range entries {
		name, packed := strings.CutSuffix(e.Name(), ".gz")
		part := strings.Split(name, "_")
		if !packed || len(part) != 4 || part[0] != "target" || len(part[3]) != 2*sha256.Size {
			continue
		}
		set = append(set, &Program{OS: part[1], Arch: part[2], Hash: part[3], load: sync.OnceValues(func() ([]byte, error) {
			return fs.ReadFile(folder, e.Name())
		})})
	}
	return set, nil
}

// Self is tutti itself, for hosts of its platform. Its hash is found out when it is first needed.
func Self() *Program {
	p := &Program{OS: runtime.GOOS, Arch: runtime.GOARCH, Args: []string{target.Command}, digest: sync.OnceValues(ownHash)}
	p.load = sync.OnceValues(func() ([]byte, error) {
		file, err := os.Open("/proc/self/exe")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, io.LimitReader(file, maxProgram)); err != nil {
			return nil, err
		}
		err = w.Close()
		return packed.Bytes(), err
	})
	return p
}

// Digest gives the hash, from the name or from the program.
func (p *Program) Digest() (string, error) {
	if p.Hash != "" {
		return p.Hash, nil
	}
	return p.digest()
}

func ownHash() (string, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
