package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

func urlDecode(_ *jinja.Call, a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'replace'", value.TypeName(a[0]))
	}
	name, ok := a[1].(string)
	if a[1] == nil {
		name, ok = "utf-8", true
	}
	if !ok {
		return nil, fmt.Errorf("decode() argument 'encoding' must be str, not %s", value.TypeName(a[1]))
	}
	text = strings.ReplaceAll(text, "+", " ")
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '%' {
			b.WriteByte(text[i])
			i++
			continue
		}
		// Bytes are read together with the ASCII around them, up to the next that is none.
		end := i
		for end < len(text) && text[end] < utf8.RuneSelf {
			end++
		}
		decoded, err := Decode(unquote(text[i:end]), name)
		if err != nil {
			return nil, err
		}
		b.WriteString(strings.ToValidUTF8(decoded, "\ufffd"))
		i = end
	}
	return b.String(), nil
}

func unquote(text string) []byte {
	raw := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				raw = append(raw, byte(n))
				i += 2
				continue
			}
		}
		raw = append(raw, text[i])
	}
	return raw
}

// address is a URL in its parts, as Python's urlsplit cuts it.
type address struct{ scheme, netloc, path, query, fragment string }

// splitAddress cuts a URL. It is more lenient than net/url, as Python is.
func splitAddress(text string) (address, error) {
	var u address
	text = strings.TrimLeft(text, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	if i := strings.IndexByte(text, ':'); i > 0 && isScheme(text[:i]) {
		u.scheme, text = strings.ToLower(text[:i]), text[i+1:]
	}
	if rest, ok := strings.CutPrefix(text, "//"); ok {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		u.netloc, text = rest[:end], rest[end:]
		if err := checkNetloc(u.netloc); err != nil {
			return u, err
		}
	}
	text, u.fragment, _ = strings.Cut(text, "#")
	u.path, u.query, _ = strings.Cut(text, "?")
	return u, checkNormal(u.netloc)
}

func isScheme(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return true
}

func checkNetloc(netloc string) error {
	open, shut := strings.Contains(netloc, "["), strings.Contains(netloc, "]")
	if open != shut {
		return errors.New("Invalid IPv6 URL") // Python's own words
	}
	if !open {
		return nil
	}
	_, after, _ := strings.Cut(netloc, "[")
	host, _, _ := strings.Cut(after, "]")
	if strings.HasPrefix(host, "v") {
		version, rest, ok := strings.Cut(host[1:], ".")
		if _, err := strconv.ParseUint(version, 16, 64); err != nil || !ok || rest == "" {
			return errors.New("IPvFuture address is invalid")
		}
		return nil
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return fmt.Errorf("%s does not appear to be an IPv4 or IPv6 address", value.Repr(host))
	case ip.Is4():
		return errors.New("An IPv4 address cannot be in brackets") // Python's own words
	}
	return nil
}

// checkNormal refuses a host that means another one once it is normalized.
func checkNormal(netloc string) error {
	plain := strings.NewReplacer("@", "", ":", "", "#", "", "?", "").Replace(netloc)
	normal := norm.NFKC.String(plain)
	if plain != normal && strings.ContainsAny(normal, "/?#@:") {
		return fmt.Errorf("netloc '%s' contains invalid characters under NFKC normalization", netloc)
	}
	return nil
}

// user gives the name and the password; nil where there is none.
func (u address) user() (name, password any) {
	i := strings.LastIndexByte(u.netloc, '@')
	if i < 0 {
		return nil, nil
	}
	n, p, ok := strings.Cut(u.netloc[:i], ":")
	if !ok {
		return n, nil
	}
	return n, p
}

// host gives the host's name and the text of its port; nil where there is none.
func (u address) host() (name, port any) {
	info := u.netloc[strings.LastIndexByte(u.netloc, '@')+1:]
	host, after := "", ""
	if _, bracketed, ok := strings.Cut(info, "["); ok {
		host, after, _ = strings.Cut(bracketed, "]")
		_, after, _ = strings.Cut(after, ":")
	} else {
		host, after, _ = strings.Cut(info, ":")
	}
	if after != "" {
		port = after
	}
	if host == "" {
		return nil, port
	}
	bare, zone, scoped := strings.Cut(host, "%")
	bare = strings.ToLower(bare)
	if scoped {
		bare += "%" + zone
	}
	return bare, port
}

func (u address) port() (any, error) {
	_, text := u.host()
	if text == nil {
		return nil, nil
	}
	s := text.(string)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return nil, fmt.Errorf("Port could not be cast to integer value as %s", value.Repr(s)) // Python's own words
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > 65535 {
		return nil, errors.New("Port out of range 0-65535") // Python's own words
	}
	return n, nil
}

func urlSplit(_ *jinja.Call, a []any) (any, error) {
	text, ok := a[0].(string)
	switch {
	case a[0] == nil || !ok && !python.Truth(a[0]):
		text = ""
	case !ok:
		return nil, fmt.Errorf("'%s' object has no attribute 'decode'", value.TypeName(a[0]))
	}
	u, err := splitAddress(text)
	if err != nil {
		return nil, err
	}
	port, err := u.port()
	if err != nil {
		return nil, err
	}
	host, _ := u.host()
	name, password := u.user()
	parts := value.NewDict("fragment", u.fragment, "hostname", host, "netloc", u.netloc, "password", password,
		"path", u.path, "port", port, "query", u.query, "scheme", u.scheme, "username", name)
	if !python.Truth(a[1]) {
		return parts, nil
	}
	v, ok := parts.Get(a[1])
	if !ok {
		return nil, fmt.Errorf("%s: unknown URL component: %s", value.String(a[2]), value.String(a[1]))
	}
	return v, nil
}

// isURI is the test uri: nearly everything is one, unless schemes are given.
func isURI(v, schemes any) (address, bool) {
	text, ok := v.(string)
	if !ok && python.Truth(v) {
		return address{}, false
	}
	u, err := splitAddress(text)
	if err != nil {
		return u, false
	}
	if !python.Truth(schemes) {
		return u, true
	}
	in, err := python.Contains(schemes, u.scheme)
	return u, in && err == nil
}
