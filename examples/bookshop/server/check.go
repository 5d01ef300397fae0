package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// checked is what check prints.
type checked struct {
	Branches int `json:"branches"`
	Books    int `json:"books"`
	Requests int `json:"requests"`
}

// check starts a server on a free port, uses it as customers and staff do, and stops
// it. The password of a branch is in SHOP_PASSWORD_ and its name in capitals.
func check(run string) (any, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "serve", "-run", run, "-listen", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	result, err := try(run, out)
	return result, errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}

func try(run string, serverOutput io.Reader) (any, error) {
	line, err := bufio.NewReader(serverOutput).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	_, at, ok := strings.Cut(strings.TrimSpace(line), " on ")
	if !ok {
		return nil, fmt.Errorf("the server says %q", line)
	}
	fmt.Fprintln(os.Stderr, strings.TrimSpace(line))
	c, err := newCustomer(at, filepath.Join(run, "tls", "ca.pem"))
	if err != nil {
		return nil, err
	}
	var health struct{ Branches, Books int }
	if err := c.expect("GET", "/healthz", nil, http.StatusOK, &health); err != nil {
		return nil, err
	}
	branches, err := openBranches(run)
	if err != nil {
		return nil, err
	}
	for _, b := range branches {
		if err := c.visit(b.Name); err != nil {
			return nil, fmt.Errorf("branch %s: %w", b.Name, err)
		}
		fmt.Fprintf(os.Stderr, "branch %s is fine\n", b.Name)
	}
	return checked{Branches: health.Branches, Books: health.Books, Requests: c.requests}, nil
}

// customer talks to the server, trusting only the shop's own authority.
type customer struct {
	base     string
	client   *http.Client
	requests int
}

func newCustomer(base, ca string) (*customer, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}
	return &customer{base: base, client: &http.Client{Transport: transport, Jar: jar, Timeout: 10 * time.Second}}, nil
}

func (c *customer) expect(method, path string, form url.Values, status int, into any) error {
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	c.requests++
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("%s %s gave %s, expected %d: %s", method, path, resp.Status, status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// visit searches, buys, logs in, finds the order and cancels it.
func (c *customer) visit(branch string) error {
	at := "/" + branch
	var books []Book
	if err := c.expect("GET", at+"/books?q=", nil, http.StatusOK, &books); err != nil {
		return err
	}
	if len(books) == 0 {
		return errors.New("it sells no books")
	}
	var order Order
	if err := c.expect("POST", at+"/orders", url.Values{"book": {books[0].ID}}, http.StatusCreated, &order); err != nil {
		return err
	}
	if err := c.expect("GET", at+"/orders", nil, http.StatusUnauthorized, nil); err != nil {
		return err
	}
	if err := c.expect("POST", at+"/login", url.Values{"password": {"guess"}}, http.StatusForbidden, nil); err != nil {
		return err
	}
	password := os.Getenv("SHOP_PASSWORD_" + strings.ToUpper(branch))
	if err := c.expect("POST", at+"/login", url.Values{"password": {password}}, http.StatusOK, nil); err != nil {
		return err
	}
	var orders []Order
	if err := c.expect("GET", at+"/orders", nil, http.StatusOK, &orders); err != nil {
		return err
	}
	if len(orders) == 0 || orders[len(orders)-1] != order {
		return fmt.Errorf("order %d is not among the orders", order.Number)
	}
	return c.expect("DELETE", fmt.Sprintf("%s/orders/%d", at, order.Number), nil, http.StatusNoContent, nil)
}
