package task

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
)

// reader takes an unmarked wanted value to pieces.
type reader struct{ *block.Reader }

// inner gives a reader of a nested block that is there.
func (r reader) inner(name string) (reader, bool) {
	b, ok := r.Block(name)
	return reader{b}, ok
}

func validVariable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "=\x00")
}

func (r reader) checkRequest(q *request) {
	if v := r.Get("url"); v.IsNull() {
		r.Problem("url", "It is null.")
	} else if v.IsKnown() {
		u, err := url.Parse(q.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			// The text may be sensitive, so it is not shown.
			r.Problem("url", "It must be an absolute URL that starts with http:// or https://.")
		}
	}
	if strings.ContainsFunc(q.Method, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		r.Problem("method", "%q is no method. Methods are words in capital letters, such as GET and POST.", q.Method)
	}
	if q.CACertificate != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(q.CACertificate)) {
		r.Problem("ca_certificate", "It holds no certificate in PEM form.")
	}
	if r.Absent("client_certificate") != r.Absent("client_key") {
		r.Problem("client_certificate", "client_certificate and client_key belong together.")
		return
	}
	if q.ClientCertificate != "" && q.ClientKey != "" {
		if _, err := tls.X509KeyPair([]byte(q.ClientCertificate), []byte(q.ClientKey)); err != nil {
			r.Problem("client_certificate", "It and client_key are no pair: %s.", err)
		}
	}
}

// idempotentMethod is RFC 9110, section 9.2.2.
func idempotentMethod(m string) bool {
	switch m {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	default:
		return false
	}
}

// concernOutputs reports whether something secret goes into the run: what only
// decides when it runs does not show in its outputs.
func concernOutputs(marks []cty.PathValueMarks) bool {
	for _, m := range marks {
		switch block.FirstName(m.Path) {
		case "triggers", "creates", "run", "on_destroy", block.Secrets:
		default:
			if block.Secret(m) {
				return true
			}
		}
	}
	return false
}

// noEphemeral refuses ephemeral values where they would have to be stored.
func (r reader) noEphemeral(marks []cty.PathValueMarks) {
	for _, m := range marks {
		name := block.FirstName(m.Path)
		if block.Ephemeral(m) && (name == "triggers" || name == "on_destroy" || name == "creates" || name == "message") {
			r.Problem(name, "The value is ephemeral, so it cannot be kept until the next plan, and this must be.")
		}
	}
}

// ephemeralNames gives the variables of the environment whose values are
// ephemeral; "" stands for all.
func ephemeralNames(marks []cty.PathValueMarks) map[string]bool {
	out := map[string]bool{}
	for _, m := range marks {
		if !block.Ephemeral(m) || block.FirstName(m.Path) != "environment" {
			continue
		}
		name := ""
		if len(m.Path) > 1 {
			if step, ok := m.Path[1].(cty.IndexStep); ok && step.Key.Type() == cty.String {
				name = step.Key.AsString()
			}
		}
		out[name] = true
	}
	return out
}
