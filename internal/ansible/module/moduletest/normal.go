package moduletest

import (
	"crypto/sha1"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// volatile are keys of results that no two runs have in common, or that the controller adds.
func volatile() []string {
	return []string{
		"invocation", "ansible_facts", "exception", "deprecations", "stdout_lines", "stderr_lines", "module_stderr", "module_stdout",
		"atime", "mtime", "ctime", "inode", "dev", "version", "blocks", "block_size", "attr_flags", "attributes", "start", "end", "delta", "elapsed",
		"_ansible_no_log", "_ansible_parsed", "device_type",
	}
}

// normal makes a result that two programs can have in common: without what is another each
// time, and with the folder's name taken out.
func normal(t *testing.T, data []byte, dir string) any {
	t.Helper()
	v, err := plain(data)
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("the result is no dict: %s", data)
	}
	for _, key := range []string{"changed", "failed"} {
		if _, ok := m[key]; !ok {
			m[key] = false
		}
	}
	return neutral(m, dir)
}

func neutral(v any, dir string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range volatile() {
			delete(v, key)
		}
		for k, x := range v {
			delete(v, k)
			v[anonymous(k, dir)] = neutral(x, dir)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = neutral(x, dir)
		}
		return v
	case string:
		return anonymous(v, dir)
	case int64:
		return float64(v)
	}
	return v
}

var (
	backup = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`)
	// What an archive holds of times makes it another in every run.
	packed    = regexp.MustCompile(`(\.(?:tgz|tbz|tar|zip) \S+ \d+:\d+ ).*`)
	temporary = regexp.MustCompile(`(/root/\.ansible/tmp|/tmp/ansible[-_.]?|/tmp/\.source)[^\s'"]*`)
)

// longSeen is how long content is shown itself and not by its sum.
const longSeen = 2000

// anonymous takes out of a text what is another in every run.
func anonymous(s, dir string) string {
	s = strings.ReplaceAll(s, dir, "DIR")
	s = packed.ReplaceAllString(s, "${1}an archive")
	s = backup.ReplaceAllString(s, ".BACKUP~")
	return temporary.ReplaceAllString(s, "TEMPORARY")
}

// drop removes a key of a result, which may lie in others.
func drop(v any, path []string) {
	switch v := v.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
		} else {
			drop(v[path[0]], path[1:])
		}
	case []any:
		for _, x := range v {
			drop(x, path)
		}
	}
}

// Tree describes a folder: a line for each thing with its mode, owner and content.
func Tree(dir string) []string {
	lines := []string{}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := os.Lstat(path)
		if err != nil {
			return nil
		}
		st, _ := info.Sys().(*syscall.Stat_t)
		name := "." + strings.TrimPrefix(path, dir)
		content := ""
		switch {
		case info.Mode()&os.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			content = "-> " + target
		case info.Mode().IsRegular():
			data, _ := os.ReadFile(path)
			content = fmt.Sprintf("%q", data)
			if len(data) > longSeen || !utf8.Valid(data) {
				content = fmt.Sprintf("sha1 %x", sha1.Sum(data))
			}
		}
		lines = append(lines, anonymous(fmt.Sprintf("%s %s %d:%d %s", name, info.Mode(), st.Uid, st.Gid, content), dir))
		return nil
	})
	sort.Strings(lines)
	return lines
}
