package cliconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	svchost "github.com/hashicorp/terraform-svchost"
	"github.com/hashicorp/terraform-svchost/auth"
)

// Credentials finds the token for a host: a TF_TOKEN_ variable first, then a
// credentials block (of the file that `terraform login` writes, too), then the
// credentials helper.
func (c *Config) Credentials() auth.CredentialsSource {
	return auth.CachingCredentialsSource(&credentials{config: c})
}

type credentials struct{ config *Config }

var _ auth.CredentialsSource = (*credentials)(nil)

// ForHost gives nil when there are no credentials.
func (s *credentials) ForHost(host svchost.Hostname) (auth.HostCredentials, error) {
	if token := tokenVariable(s.config.env.Vars, host); token != "" {
		return auth.HostCredentialsToken(token), nil
	}
	if token := s.config.tokens[host]; token != "" {
		return auth.HostCredentialsToken(token), nil
	}
	if s.config.helper == nil {
		return nil, nil
	}
	program, err := s.config.helperProgram()
	if err != nil {
		return nil, err
	}
	return auth.HelperProgramCredentialsSource(program, s.config.helper.args...).ForHost(host)
}

// StoreForHost refuses: logging in is the other tool's business.
func (s *credentials) StoreForHost(host svchost.Hostname, _ auth.HostCredentialsWritable) error {
	return fmt.Errorf("credentials for %s cannot be stored here", host.ForDisplay())
}

// ForgetForHost refuses like StoreForHost.
func (s *credentials) ForgetForHost(host svchost.Hostname) error {
	return fmt.Errorf("credentials for %s cannot be removed here", host.ForDisplay())
}

// tokenVariable looks for TF_TOKEN_host. A variable's name cannot hold every
// letter of a host's, so a dot may be written as an underscore and a hyphen as
// two, and the name may be in Unicode or in its ASCII (punycode) form.
func tokenVariable(vars map[string]string, host svchost.Hostname) string {
	const prefix = "TF_TOKEN_"
	for name, token := range vars {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || token == "" {
			continue
		}
		rest = strings.ReplaceAll(rest, "__", "-")
		rest = strings.ReplaceAll(rest, "_", ".")
		given, err := svchost.ForComparison(svchost.ForDisplay(rest))
		if err == nil && given == host {
			return token
		}
	}
	return ""
}

func (c *Config) helperProgram() (string, error) {
	name := "terraform-credentials-" + c.helper.name
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir := filepath.Join(c.DataDir(), "plugins")
	for _, candidate := range []string{
		filepath.Join(dir, name),
		filepath.Join(dir, runtime.GOOS+"_"+runtime.GOARCH, name),
	} {
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() {
			return filepath.Abs(candidate)
		}
	}
	return "", fmt.Errorf("the credentials helper %q is configured, but there is no %s in %s", c.helper.name, name, dir)
}
