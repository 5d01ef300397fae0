package facts

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// pythonScanLimit is how much of a Python's file is searched for its version.
const pythonScanLimit = 64 << 20

// python is an interpreter that is installed.
type python struct {
	file                string
	major, minor, micro int
	level               string
	serial              int
	class               elf.Class
}

func (p *python) version() string { return fmt.Sprintf("%d.%d.%d", p.major, p.minor, p.micro) }

// python collects what Ansible tells about the interpreter that its modules run on. No
// module here needs one; playbooks ask for these facts all the same.
func (h *host) python() facts {
	p := h.installedPython()
	if p == nil {
		return nil
	}
	return facts{"python": map[string]any{
		"version": map[string]any{"major": p.major, "minor": p.minor, "micro": p.micro,
			"releaselevel": p.level, "serial": p.serial},
		"version_info":   []any{p.major, p.minor, p.micro, p.level, p.serial},
		"executable":     p.file,
		"has_sslcontext": true,
		"type":           "cpython",
	}}
}

// findPython finds the Python that Ansible would choose, and reads its version out of its
// file; nil when there is none.
func (h *host) findPython() *python {
	for _, name := range []string{"python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8"} {
		if p := h.readPython(h.program(name)); p != nil {
			return p
		}
	}
	if p := h.readPython(h.path("/usr/bin/python3")); p != nil {
		return p
	}
	return h.readPython(h.program("python3"))
}

func (h *host) readPython(file string) *python {
	if file == "" {
		return nil
	}
	binary, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil
	}
	m := regexp.MustCompile(`^python3\.(\d+)$`).FindStringSubmatch(filepath.Base(binary))
	if m == nil {
		return nil
	}
	f, err := elf.Open(binary)
	if err != nil {
		return nil
	}
	class := f.Class
	libraries, _ := f.ImportedLibraries()
	f.Close()
	files := []string{binary}
	for _, l := range libraries {
		if strings.HasPrefix(l, "libpython3") {
			files = append(files, filepath.Join(filepath.Dir(binary), "../lib64", l), filepath.Join(filepath.Dir(binary), "../lib", l))
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(binary), "../lib/*-linux-gnu*", l))
			files = append(files, found...)
		}
	}
	for _, name := range files {
		if p := scanPython(name, m[1]); p != nil {
			p.file, p.class = file, class
			return p
		}
	}
	return nil
}

// scanPython looks for the version as C compiled it in: "3.11.2" between two zero bytes. The
// file is read in pieces, for it may be large.
func scanPython(file, minor string) *python {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	prefix := []byte("\x003." + minor + ".")
	pattern := regexp.MustCompile(`^\x003\.\d+\.(\d+)(?:(a|b|rc)(\d+))?\+?\x00`)
	const overlap = 32 // longer than any version
	piece := make([]byte, 256<<10)
	kept := 0
	for read := 0; read < pythonScanLimit; {
		n, err := f.Read(piece[kept:])
		read += n
		data := piece[:kept+n]
		for from := 0; ; from++ {
			at := bytes.Index(data[from:], prefix)
			if at < 0 {
				break
			}
			from += at
			if m := pattern.FindSubmatch(data[from:min(len(data), from+overlap)]); m != nil {
				return pythonOf(minor, m)
			}
		}
		if err != nil {
			return nil
		}
		kept = copy(piece, data[max(0, len(data)-overlap):])
	}
	return nil
}

// pythonOf makes a version of what the pattern found.
func pythonOf(minor string, m [][]byte) *python {
	p := &python{major: 3, level: "final"}
	p.minor, _ = strconv.Atoi(minor)
	p.micro, _ = strconv.Atoi(string(m[1]))
	if len(m[2]) > 0 {
		p.level = map[string]string{"a": "alpha", "b": "beta", "rc": "candidate"}[string(m[2])]
		p.serial, _ = strconv.Atoi(string(m[3]))
	}
	return p
}
