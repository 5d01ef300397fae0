package world

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/bgentry/go-netrc/netrc"

	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// maxAnswer bounds what the lookup url takes from a server.
const maxAnswer = 256 << 20

// maxRedirects bounds how many redirects are followed.
const maxRedirects = 10

func (m *Machine) url(ctx context.Context, r Request) ([]any, error) {
	o, err := lookup.NewOptions(r.Name, r.Options, lookup.Option{Name: "validate_certs", Type: lookup.Bool, Default: true},
		lookup.Option{Name: "split_lines", Type: lookup.Bool, Default: true}, lookup.Option{Name: "use_proxy", Type: lookup.Bool, Default: true},
		lookup.Option{Name: "username", Type: lookup.Text}, lookup.Option{Name: "password", Type: lookup.Text},
		lookup.Option{Name: "headers", Type: lookup.Mapping, Default: &value.Dict{}}, lookup.Option{Name: "force", Type: lookup.Bool, Default: false},
		lookup.Option{Name: "timeout", Type: lookup.Number, Default: 10.0}, lookup.Option{Name: "http_agent", Type: lookup.Text, Default: "ansible-httpget"},
		lookup.Option{Name: "force_basic_auth", Type: lookup.Bool, Default: false}, lookup.Option{Name: "follow_redirects", Type: lookup.Text, Default: "urllib2"},
		lookup.Option{Name: "use_netrc", Type: lookup.Bool, Default: true}, lookup.Option{Name: "unix_socket", Type: lookup.Text},
		lookup.Option{Name: "ca_path", Type: lookup.Text}, lookup.Option{Name: "use_gssapi", Type: lookup.Bool, Default: false})
	if err != nil {
		return nil, err
	}
	if o.Bool("use_gssapi") {
		return nil, errors.New("use_gssapi is not supported here: leave it out, or fetch the URL with the module uri of a host that has Python's gssapi")
	}
	terms, err := texts(r.Terms, "split")
	if err != nil {
		return nil, err
	}
	client, err := m.client(o)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	out := []any{}
	for _, t := range terms {
		text, err := m.fetch(ctx, client, o, t)
		if err != nil {
			return nil, err
		}
		if o.Bool("split_lines") {
			out = append(out, splitLines(text)...)
		} else {
			out = append(out, text)
		}
	}
	return out, nil
}

func (m *Machine) client(o *lookup.Options) (*http.Client, error) {
	tlsConfig := &tls.Config{InsecureSkipVerify: !o.Bool("validate_certs")} //nolint:gosec // the user asks for it
	if file := o.Text("ca_path"); file != "" {
		pem, err := os.ReadFile(m.tidy(file))
		if err != nil {
			return nil, pythonError(err, file)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", value.Repr(file))
		}
	}
	transport := &http.Transport{TLSClientConfig: tlsConfig}
	if o.Bool("use_proxy") {
		transport.Proxy = http.ProxyFromEnvironment
	}
	if socket := o.Text("unix_socket"); socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	seconds, _ := o.Get("timeout").(float64)
	return &http.Client{Transport: transport, Timeout: time.Duration(seconds * float64(time.Second)),
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			switch strings.ToLower(o.Text("follow_redirects")) {
			case "none", "no", "false":
				return http.ErrUseLastResponse
			}
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return nil
		}}, nil
}

func (m *Machine) fetch(ctx context.Context, client *http.Client, o *lookup.Options, address string) (string, error) {
	shown := masked(address)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("Failed lookup url for %s: %w", shown, err) // Ansible's own words
	}
	q.Header.Set("User-Agent", o.Text("http_agent"))
	if o.Bool("force") {
		q.Header.Set("Cache-Control", "no-cache")
	}
	for k, v := range o.Get("headers").(*value.Dict).All() {
		q.Header.Set(value.String(k), value.String(v))
	}
	m.authorize(q, o)
	answer, err := client.Do(q)
	if err != nil {
		return "", failure(shown, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return "", fmt.Errorf("Received HTTP error for %s: HTTP Error %d: %s", shown, answer.StatusCode, reason(answer)) // Ansible's own words
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", failure(shown, err)
	case len(raw) > maxAnswer:
		return "", fmt.Errorf("Failed lookup url for %s: the answer is larger than %d bytes", shown, maxAnswer) // Ansible's own words
	}
	return string(raw), nil
}

// reason is what the server says beside the status.
func reason(answer *http.Response) string {
	_, text, _ := strings.Cut(answer.Status, " ")
	return text
}

// authorize adds a user's name and password: the options', the URL's own, or those of ~/.netrc.
// Basic authentication is sent with the first request, without waiting to be asked.
func (m *Machine) authorize(q *http.Request, o *lookup.Options) {
	name, secret := o.Text("username"), o.Text("password")
	if name == "" && q.URL.User != nil {
		name = q.URL.User.Username()
		secret, _ = q.URL.User.Password()
	}
	if name == "" && o.Bool("use_netrc") && q.Header.Get("Authorization") == "" {
		if n, err := netrc.ParseFile(m.netrcFile()); err == nil {
			if entry := n.FindMachine(q.URL.Hostname()); entry != nil {
				name, secret = entry.Login, entry.Password
			}
		}
	}
	q.URL.User = nil
	if name != "" {
		q.SetBasicAuth(name, secret)
	}
}

func (m *Machine) netrcFile() string {
	if file, ok := m.environment("NETRC"); ok {
		return file
	}
	return m.tidy("~/.netrc")
}

// masked hides a password within a URL.
func masked(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	if _, has := u.User.Password(); has {
		return strings.Replace(address, u.User.String()+"@", u.User.Username()+":********@", 1)
	}
	return address
}

// failure is an error of the network in Ansible's words. The error of package http would
// show the address with what is secret in it.
func failure(shown string, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var number syscall.Errno
	var unknown *net.DNSError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return fmt.Errorf("Error validating the server's certificate for %s: %w", shown, err) // Ansible's own words
	case errors.As(err, &unknown):
		return fmt.Errorf("Failed lookup url for %s: <urlopen error [Errno -2] Name or service not known>", shown) // Ansible's own words
	case errors.As(err, &number):
		text := number.Error()
		return fmt.Errorf("Failed lookup url for %s: <urlopen error [Errno %d] %s>", shown, int(number), strings.ToUpper(text[:1])+text[1:]) // Ansible's own words
	}
	return fmt.Errorf("Failed lookup url for %s: %w", shown, err) // Ansible's own words
}
