package module

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bgentry/go-netrc/netrc"

	"tutti/internal/terraform/install/service"
	"tutti/internal/terraform/install/unpack"
)

// web unpacks the archive at a URL. Where the URL does not look like one, the
// server is asked where to go, by Terraform's own protocol: a header
// X-Terraform-Get, or a meta element of that meaning in an HTML page.
func (f *fetcher) web(ctx context.Context, u *url.URL, dst, scratch string) (*Source, error) {
	plain, format, checksum := archiveQuery(u)
	sign, err := f.netrc(plain.Hostname())
	if err != nil {
		return nil, err
	}
	if format != "" {
		return nil, f.archive(ctx, plain, sign, format, checksum, dst, scratch)
	}
	q := plain.Query()
	q.Set("terraform-get", "1")
	plain.RawQuery = q.Encode()
	resp, err := f.client.GetSigned(ctx, plain, sign)
	if err != nil {
		return nil, err
	}
	location := resp.Header.Get("X-Terraform-Get")
	if location == "" {
		location = metaLocation(resp.Body)
	}
	if location == "" {
		return nil, fmt.Errorf("%s is not an archive by its name (%s), and the server does not say where to go instead; add ?archive=zip, or the like, if it is one",
			service.Redact(u), strings.Join(unpack.Endings(), ", "))
	}
	s, err := parseLocation(resp.URL, location)
	if err != nil {
		return nil, fmt.Errorf("%s points to %q: %w", service.Redact(u), redactSource(location), err)
	}
	return &s, nil
}

// metaLocation finds <meta name="terraform-get" content="..."> in the head of a
// page.
func metaLocation(page []byte) string {
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err != nil {
			return "" // the end, or something that is no page
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if strings.EqualFold(e.Name.Local, "body") {
			return ""
		}
		if strings.EqualFold(e.Name.Local, "meta") && attribute(e, "name") == "terraform-get" {
			return attribute(e, "content")
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

// netrc finds the user and password for a host in ~/.netrc, or the file that
// NETRC names. Those in the URL itself are sent anyhow.
func (f *fetcher) netrc(host string) (service.Sign, error) {
	none := func(*http.Request) error { return nil }
	path := f.vars("NETRC")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return none, nil
		}
		name := ".netrc"
		if runtime.GOOS == "windows" {
			name = "_netrc"
		}
		path = filepath.Join(home, name)
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	entries, err := netrc.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read", path)
	}
	machine := entries.FindMachine(host)
	if machine == nil || machine.IsDefault() {
		return none, nil
	}
	return func(req *http.Request) error {
		if req.URL.User == nil {
			req.SetBasicAuth(machine.Login, machine.Password)
		}
		return nil
	}, nil
}
