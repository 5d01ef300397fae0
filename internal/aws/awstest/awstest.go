// Package awstest starts, for tests, an AWS on the loopback: the server of moto, in the Python environment that
// `make moto` prepares.
package awstest

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed serve.py
var serve string

// VenvVariable names the folder of the Python environment, where it is kept elsewhere.
const VenvVariable = "TUTTI_VENV"

// Venv gives the folder of the Python environment, which may not exist.
func Venv() string {
	if dir := os.Getenv(VenvVariable); dir != "" {
		return dir
	}
	cache := os.Getenv("TUTTI_CACHE")
	if cache == "" {
		var err error
		if cache, err = os.UserCacheDir(); err != nil {
			cache = os.TempDir()
		}
	}
	return filepath.Join(cache, "tutti", "venv")
}

// Program gives the path of a program of the Python environment: "python", "aws". The test is skipped, with the reason,
// where it is absent.
func Program(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Venv(), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("there is no %s: run `make moto`, which needs Python 3 with venv and pip (%v)", name, err)
	}
	return path
}

// Moto starts moto's server and gives its URL. It serves every AWS service and knows any access key; it is empty at the
// start and ends with the test. The test is skipped, with the reason, where moto is not installed.
func Moto(t testing.TB) string {
	t.Helper()
	python := Program(t, "python")
	cmd := exec.Command(python, "-c", serve)
	cmd.Env = append(Environment(os.Environ()), "PYTHONDONTWRITEBYTECODE=1")
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start moto: %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // its end is what the server ends at
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = cmd.Wait() // all that it says is then here
		t.Fatalf("moto did not start: %v\n%s", err, said.String())
	}
	return strings.TrimSpace(url)
}

// Environment gives an environment in which AWS clients, ours and others, see nothing of the machine's own accounts:
// env without its AWS variables, with made-up access keys, a region, and no configuration files or instance metadata.
func Environment(env []string) []string {
	var clean []string
	for _, entry := range env {
		if !strings.HasPrefix(entry, "AWS_") {
			clean = append(clean, entry)
		}
	}
	for name, value := range variables() {
		clean = append(clean, fmt.Sprintf("%s=%s", name, value))
	}
	return clean
}

// Setenv makes Environment the environment of the test, with AWS at url.
func Setenv(t *testing.T, url string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // so that it comes back afterwards
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range variables() {
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ENDPOINT_URL", url)
}

func variables() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID":           "test",
		"AWS_SECRET_ACCESS_KEY":       "test",
		"AWS_REGION":                  "us-east-1",
		"AWS_DEFAULT_REGION":          "us-east-1",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
}
