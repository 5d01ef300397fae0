package attribute

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/shlex"

	"tutti/internal/ansible/module"
)

// Backup copies a file beside itself, under a name with the process and the time, and gives
// that name; "" when there is no such file. In check mode only the name is made.
func Backup(ctx context.Context, c *module.Call, path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", nil
	}
	name := fmt.Sprintf("%s.%d.%s~", path, os.Getpid(), time.Now().Format("2006-01-02@15:04:05"))
	if c.CheckMode {
		return name, nil
	}
	// Several calls in one process and second must not overwrite each other's backup.
	for n := 1; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			break
		}
		name = fmt.Sprintf("%s.%d.%s~", path, os.Getpid(), time.Now().Add(time.Duration(n)*time.Second).Format("2006-01-02@15:04:05"))
	}
	if err := PreservedCopy(ctx, path, name); err != nil {
		return "", Failed(fmt.Sprintf("Could not make backup of '%s' to '%s': %s", path, name, OSError(err, "")))
	}
	return name, nil
}

// Temporary writes content into a new file of the call's own folder and gives its path.
func Temporary(c *module.Call, content []byte) (string, error) {
	dir := c.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, "ansible-tmp-*")
	if err != nil {
		return "", Failed(OSError(err, dir))
	}
	_, err = file.Write(content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", Failed(OSError(err, file.Name()))
	}
	return file.Name(), nil
}

// Validate runs a command whose %s stands for a file. problem is what it says when it fails;
// ok tells that it did not.
func Validate(ctx context.Context, command, file string) (out module.Output, err error) {
	argv, err := shlex.Split(strings.ReplaceAll(command, "%s", file))
	if err != nil || len(argv) == 0 {
		return module.Output{}, Failed("the validate command cannot be read: " + command)
	}
	for i := range argv {
		argv[i] = module.Expand(ctx, argv[i])
	}
	out = module.Exec(ctx, module.Command{Argv: argv, KeepLocale: true})
	if out.Err != nil {
		return out, Failed("Error executing command.: "+OSError(out.Err, argv[0]), "rc", 2, "stdout", "", "stderr", "", "cmd", strings.Join(argv, " "))
	}
	return out, nil
}

// Hash gives a new hash by Ansible's name for it; nil when there is none of that name.
func Hash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// Checksums gives the hexadecimal digests of a file, read once for all algorithms.
func Checksums(path string, algorithms ...string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	hashes := make([]hash.Hash, len(algorithms))
	writers := make([]io.Writer, len(algorithms))
	for i, name := range algorithms {
		hashes[i] = Hash(name)
		writers[i] = hashes[i]
	}
	if _, err := io.Copy(io.MultiWriter(writers...), file); err != nil {
		return nil, err
	}
	sums := make([]string, len(hashes))
	for i, h := range hashes {
		sums[i] = hex.EncodeToString(h.Sum(nil))
	}
	return sums, nil
}
