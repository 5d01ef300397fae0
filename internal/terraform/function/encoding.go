package function

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

// maxText is the longest text where Options do not say otherwise: a value of the language lives in memory, in plans and in states, and a
// few compressed bytes could otherwise fill the machine.
const maxText = 256 << 20

// addEncodings adds the functions between text and its encoded forms (Base64 is
// RFC 4648 section 4; URLs as in the query part, RFC 3986 section 2.1).
func addEncodings(t map[string]function.Function, opts Options) {
	str := []function.Parameter{text("str")}
	t["base64encode"] = textToText(str, func(a []string) (string, error) {
		return base64.StdEncoding.EncodeToString([]byte(a[0])), nil
	})
	t["base64decode"] = textToText(str, base64Decode)
	t["base64gzip"] = textToText(str, base64Gzip)
	t["base64gunzip"] = textToText(str, func(a []string) (string, error) { return base64Gunzip(a[0], opts.MaxText) })
	t["textencodebase64"] = textToText([]function.Parameter{text("string"), text("encoding")}, textEncode)
	t["textdecodebase64"] = textToText([]function.Parameter{text("source"), text("encoding")}, textDecode)
	t["urlencode"] = textToText(str, func(a []string) (string, error) { return url.QueryEscape(a[0]), nil })
	t["urldecode"] = textToText(str, urlDecode)
}

func base64Decode(args []string) (string, error) {
	raw, err := fromBase64(args[0])
	if err != nil {
		return "", err
	}
	return validText(raw, "the decoded bytes are")
}

// fromBase64 decodes the first argument of a function.
func fromBase64(s string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) {
		return nil, function.NewArgErrorf(0, "must be Base64 text with its padding: it is wrong at offset %d", int64(corrupt))
	}
	return raw, err
}

// validText makes a string of bytes that are UTF-8, as every string of the
// language is.
func validText(raw []byte, what string) (string, error) {
	if !utf8.Valid(raw) {
		return "", function.NewArgErrorf(0, "%s not valid UTF-8, so they cannot be a string", what)
	}
	return string(raw), nil
}

func base64Gzip(args []string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(args[0])); err != nil {
		return "", err
	}
	// The flush before the close adds an empty block. It stays because the result
	// is stored in states: without it every user would see a change.
	if err := errors.Join(w.Flush(), w.Close()); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func base64Gunzip(s string, limit int64) (string, error) {
	raw, err := fromBase64(s)
	if err != nil {
		return "", err
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", function.NewArgErrorf(0, "the decoded bytes are not in gzip format: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", function.NewArgErrorf(0, "the compressed data is damaged: %w", err)
	}
	if int64(len(out)) > limit {
		return "", function.NewArgErrorf(0, "the uncompressed data is longer than %d bytes", limit)
	}
	return validText(out, "the uncompressed bytes are")
}

func textEncode(args []string) (string, error) {
	enc, name, err := charset(args[1])
	if err != nil {
		return "", err
	}
	raw, err := enc.NewEncoder().Bytes([]byte(args[0]))
	if err != nil {
		return "", function.NewArgErrorf(0, "the given string contains characters that cannot be represented in %s", name)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func textDecode(args []string) (string, error) {
	enc, name, err := charset(args[1])
	if err != nil {
		return "", err
	}
	raw, err := fromBase64(args[0])
	if err != nil {
		return "", err
	}
	out, err := enc.NewDecoder().Bytes(raw)
	// The decoders write the replacement character where they find no other.
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", function.NewArgErrorf(0, "the given string contains symbols that are not defined for %s", name)
	}
	return string(out), nil
}

// charset finds a character encoding by a name or alias that IANA lists.
func charset(name string) (encoding.Encoding, string, error) {
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil {
		return nil, "", function.NewArgErrorf(1, "%q is not a supported IANA encoding name or alias", name)
	}
	if official, err := ianaindex.IANA.Name(enc); err == nil {
		name = official
	}
	return enc, name, nil
}

func urlDecode(args []string) (string, error) {
	out, err := url.QueryUnescape(args[0])
	if err != nil {
		return "", function.NewArgErrorf(0, "is not URL-encoded: %w", err)
	}
	return validText([]byte(out), "the decoded bytes are")
}
