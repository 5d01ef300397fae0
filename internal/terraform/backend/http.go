package backend

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxState is how large a state may be that is read.
const maxState = 1 << 30

// httpSettings are those of the backend "http", and the variables that stand for them.
var httpSettings = []string{"address", "update_method", "lock_address", "lock_method", "unlock_address", "unlock_method", "username", "password",
	"skip_cert_verification", "retry_max", "retry_wait_min", "retry_wait_max", "client_ca_certificate_pem", "client_certificate_pem", "client_private_key_pem"}

// remote is a state behind a URL: GET reads it, POST writes it, LOCK and UNLOCK lock it.
type remote struct {
	client             *http.Client
	address            string
	update             string
	lockAt, lockBy     string
	unlockAt, unlockBy string
	username, password string
	retries            int
	waitMin, waitMax   time.Duration
}

var _ Backend = (*remote)(nil)

func openHTTP(settings map[string]string, env func(string) string) (*remote, error) {
	if err := unknown(settings, httpSettings); err != nil {
		return nil, err
	}
	get := func(name, unset string) string {
		if v, ok := settings[name]; ok && v != "" {
			return v
		}
		if v := env("TF_HTTP_" + strings.ToUpper(name)); v != "" {
			return v
		}
		return unset
	}
	b := &remote{address: get("address", ""), update: get("update_method", http.MethodPost), lockAt: get("lock_address", ""), lockBy: get("lock_method", "LOCK"),
		unlockAt: get("unlock_address", ""), unlockBy: get("unlock_method", "UNLOCK"), username: get("username", ""), password: get("password", "")}
	for _, at := range []struct{ name, address string }{{"address", b.address}, {"lock_address", b.lockAt}, {"unlock_address", b.unlockAt}} {
		if at.address == "" && at.name != "address" {
			continue
		}
		if u, err := url.Parse(at.address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("the setting %s must be an HTTP URL", at.name)
		}
	}
	for _, n := range []struct {
		name, unset string
		set         func(int)
	}{{"retry_max", "2", func(n int) { b.retries = n }}, {"retry_wait_min", "1", func(n int) { b.waitMin = time.Duration(n) * time.Second }},
		{"retry_wait_max", "30", func(n int) { b.waitMax = time.Duration(n) * time.Second }}} {
		v, err := strconv.Atoi(get(n.name, n.unset))
		if err != nil || v < 0 || v > maxWait {
			return nil, fmt.Errorf("the setting %s must be a whole number from 0 to %d", n.name, maxWait)
		}
		n.set(v)
	}
	config, err := tlsOf(get)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	b.client = &http.Client{Transport: transport}
	return b, nil
}

// maxWait bounds the numbers of retries, and of seconds between them.
const maxWait = 3600

func tlsOf(get func(name, unset string) string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	c.InsecureSkipVerify = get("skip_cert_verification", "false") == "true"
	if pem := get("client_ca_certificate_pem", ""); pem != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, errors.New("the setting client_ca_certificate_pem holds no certificate")
		}
	}
	certificate, key := get("client_certificate_pem", ""), get("client_private_key_pem", "")
	if (certificate == "") != (key == "") {
		return nil, errors.New("of client_certificate_pem and client_private_key_pem both must be there, or none")
	}
	if certificate != "" {
		pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
		if err != nil {
			return nil, fmt.Errorf("client_certificate_pem and client_private_key_pem: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Read implements Backend.
func (b *remote) Read(ctx context.Context) ([]byte, error) {
	status, body, err := b.ask(ctx, http.MethodGet, b.address, nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusOK && len(body) > 0:
		return body, nil
	case status == http.StatusOK, status == http.StatusNoContent, status == http.StatusNotFound:
		return nil, nil
	}
	return nil, b.refused("read the state", status)
}

// Write implements Backend.
func (b *remote) Write(ctx context.Context, state []byte, lock string) error {
	at := b.address
	if lock != "" {
		u, err := url.Parse(at)
		if err != nil {
			return err
		}
		query := u.Query()
		query.Set("ID", lock)
		u.RawQuery = query.Encode()
		at = u.String()
	}
	status, _, err := b.ask(ctx, b.update, at, state)
	if err == nil && !slices.Contains([]int{http.StatusOK, http.StatusCreated, http.StatusNoContent}, status) {
		err = b.refused("write the state", status)
	}
	return err
}

// Lock implements Backend.
func (b *remote) Lock(ctx context.Context, l Lock) error {
	if b.lockAt == "" {
		return nil
	}
	l.Path = ""
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	status, body, err := b.ask(ctx, b.lockBy, b.lockAt, text)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		return nil
	case status == http.StatusConflict, status == http.StatusLocked:
		held := readLock(body)
		if held.ID == l.ID {
			return nil // an answer was lost, and this is the second request
		}
		return &HeldError{held}
	}
	return b.refused("lock the state", status)
}

// Unlock implements Backend.
func (b *remote) Unlock(ctx context.Context, id string) error {
	if b.unlockAt == "" {
		return nil
	}
	text, err := json.Marshal(Lock{ID: id})
	if err != nil {
		return err
	}
	status, _, err := b.ask(ctx, b.unlockBy, b.unlockAt, text)
	if err == nil && status != http.StatusOK {
		err = b.refused("unlock the state", status)
	}
	return err
}

func (b *remote) refused(what string, status int) error {
	why := ""
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		why = ": check username and password (TF_HTTP_USERNAME, TF_HTTP_PASSWORD)"
	case http.StatusMethodNotAllowed:
		why = ": the server has no such method"
	}
	return fmt.Errorf("%s at %s: the answer is %d %s%s", what, b.shown(), status, http.StatusText(status), why)
}

// shown is the address without what may be secret in it.
func (b *remote) shown() string {
	u, err := url.Parse(b.address)
	if err != nil {
		return "the backend's address"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// ask makes a request, again when the server does not answer or fails.
func (b *remote) ask(ctx context.Context, method, at string, body []byte) (status int, answer []byte, err error) {
	for n := 0; ; n++ {
		status, answer, err = b.once(ctx, method, at, body)
		if err == nil && status < http.StatusInternalServerError || n >= b.retries || ctx.Err() != nil {
			return status, answer, err
		}
		timer := time.NewTimer(min(b.waitMin<<min(n, 10), b.waitMax))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return status, answer, ctx.Err()
		}
	}
}

func (b *remote) once(ctx context.Context, method, at string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if b.username != "" {
		r.SetBasicAuth(b.username, b.password)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		sum := md5.Sum(body)
		r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	res, err := b.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address may hold secrets
		}
		return 0, nil, fmt.Errorf("%s %s: %w", method, b.shown(), err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxState+1))
	if err == nil && len(answer) > maxState {
		err = fmt.Errorf("%s %s: the answer has more than %d bytes", method, b.shown(), maxState)
	}
	if sum := res.Header.Get("Content-MD5"); err == nil && sum != "" && method == http.MethodGet && res.StatusCode == http.StatusOK {
		if have := md5.Sum(answer); sum != base64.StdEncoding.EncodeToString(have[:]) {
			err = fmt.Errorf("%s %s: the state does not fit its Content-MD5: it was damaged on the way", method, b.shown())
		}
	}
	return res.StatusCode, answer, err
}
