package filter

import (
	"crypto/md5"  //nolint:gosec // people ask for it by name
	"crypto/sha1" //nolint:gosec // people ask for it by name
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
	//lint:ignore SA1019 people ask for it by name, as Python's hashlib has it
	"golang.org/x/crypto/ripemd160"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"tutti/internal/ansible/filter/jsontext"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// charset finds an encoding by the name that Python has for it; nil is UTF-8.
func charset(name string) (encoding.Encoding, error) {
	switch strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), "_", "-"), " ", "-") {
	case "utf-8", "utf8", "u8":
		return nil, nil
	case "ascii", "us-ascii", "646":
		return ascii{}, nil
	case "latin-1", "latin1", "l1":
		name = "iso-8859-1"
	case "utf-16", "utf16", "u16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf-16-le", "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nil
	case "utf-16-be", "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nil
	case "utf-32", "utf32", "u32":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), nil
	case "utf-32-le", "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), nil
	case "utf-32-be", "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), nil
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(name), "cp"); ok {
		name = "windows-" + digits
	}
	e, err := ianaindex.IANA.Encoding(strings.ReplaceAll(name, "_", "-"))
	if err != nil || e == nil {
		return nil, fmt.Errorf("unknown encoding: %s", name)
	}
	return e, nil
}

// ascii is the encoding that has nothing above 127.
type ascii struct{ encoding.Encoding }

// Encode turns text into bytes of an encoding.
func Encode(text, name string) ([]byte, error) {
	e, err := charset(name)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return []byte(text), nil
	case e == encoding.Encoding(ascii{}):
		for i, r := range []rune(text) {
			if r > 127 {
				return nil, fmt.Errorf("'ascii' codec can't encode character '%s' in position %d: ordinal not in range(128)", escapeRune(r), i)
			}
		}
		return []byte(text), nil
	}
	raw, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("'%s' codec can't encode this text: %w", name, err)
	}
	return raw, nil
}

// Decode turns bytes of an encoding into text. What is no UTF-8 stays as it is.
func Decode(raw []byte, name string) (string, error) {
	e, err := charset(name)
	switch {
	case err != nil:
		return "", err
	case e == nil, e == encoding.Encoding(ascii{}):
		return string(raw), nil
	}
	text, err := e.NewDecoder().Bytes(raw)
	if err != nil {
		return "", fmt.Errorf("'%s' codec can't decode these bytes: %w", name, err)
	}
	return string(text), nil
}

func escapeRune(r rune) string {
	switch {
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// encodingName is the argument that names an encoding.
func encodingName(v any) (string, error) {
	name, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("encode() argument 'encoding' must be str, not %s", value.TypeName(v))
	}
	return name, nil
}

func b64encode(_ *jinja.Call, a []any) (any, error) {
	name, err := encodingName(a[1])
	if err != nil {
		return nil, err
	}
	raw, err := Encode(value.String(a[0]), name)
	if err != nil {
		return nil, err
	}
	if python.Truth(a[2]) {
		return base64.URLEncoding.EncodeToString(raw), nil
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func b64decode(_ *jinja.Call, a []any) (any, error) {
	name, err := encodingName(a[1])
	if err != nil {
		return nil, err
	}
	text := value.String(a[0])
	if python.Truth(a[2]) {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	}
	raw, err := decodeBase64(text)
	if err != nil {
		return nil, err
	}
	return Decode(raw, name)
}

// decodeBase64 reads base64 as Python does: what is none of its letters is passed over, and
// what follows the padding is not looked at.
func decodeBase64(text string) ([]byte, error) {
	letters := make([]byte, 0, len(text))
	pads := 0
	for i := range len(text) {
		c := text[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
		switch {
		case c == '=':
			if pads++; len(letters)%4 >= 2 && len(letters)%4+pads >= 4 {
				return base64.RawStdEncoding.DecodeString(string(letters))
			}
		case letter:
			pads = 0
			letters = append(letters, c)
		}
	}
	switch len(letters) % 4 {
	case 0:
		return base64.RawStdEncoding.DecodeString(string(letters))
	case 1:
		return nil, fmt.Errorf("Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", len(letters)) // Python's own words
	}
	return nil, errors.New("Incorrect padding") // Python's own words
}

// newHash gives a hash by hashlib's name.
func newHash(name string) hash.Hash {
	sized := func(h hash.Hash, _ error) hash.Hash { return h }
	switch strings.ToLower(name) {
	case "md5":
		return md5.New() //nolint:gosec // people ask for it by name
	case "sha1":
		return sha1.New() //nolint:gosec // people ask for it by name
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	case "sha512_224":
		return sha512.New512_224()
	case "sha512_256":
		return sha512.New512_256()
	case "sha3_224":
		return sha3.New224()
	case "sha3_256":
		return sha3.New256()
	case "sha3_384":
		return sha3.New384()
	case "sha3_512":
		return sha3.New512()
	case "blake2b":
		return sized(blake2b.New512(nil))
	case "blake2s":
		return sized(blake2s.New256(nil))
	case "ripemd160":
		return ripemd160.New()
	}
	return nil
}

func hashOfText(_ *jinja.Call, a []any) (any, error) {
	name, ok := a[1].(string)
	if !ok {
		return nil, errors.New("name must be a string")
	}
	h := newHash(name)
	if h == nil {
		if strings.HasPrefix(strings.ToLower(name), "shake_") {
			return nil, errors.New("hexdigest() missing required argument 'length' (pos 1)")
		}
		return nil, errors.New("unsupported hash type " + name)
	}
	h.Write([]byte(value.String(a[0])))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func md5Of(_ *jinja.Call, a []any) (any, error) {
	sum := md5.Sum([]byte(value.String(a[0]))) //nolint:gosec // people ask for it by name
	return hex.EncodeToString(sum[:]), nil
}

// sha1Of may be asked for another hash by name, as the function under it can in Ansible.
func sha1Of(_ *jinja.Call, a []any) (any, error) {
	sum := sha1.Sum([]byte(value.String(a[0]))) //nolint:gosec // people ask for it by name
	return hex.EncodeToString(sum[:]), nil
}

// ansibleNamespace is the namespace of to_uuid when nobody gives another.
const ansibleNamespace = "361E6D51-FAEC-444A-9079-341386DA8E2E"

func toUUID(_ *jinja.Call, a []any) (any, error) {
	space, ok := a[1].(string)
	if !ok {
		return nil, fmt.Errorf("Invalid value '%s' for 'namespace': '%s' object has no attribute 'replace'", value.String(a[1]), value.TypeName(a[1])) // Ansible's own words
	}
	digits := strings.NewReplacer("urn:", "", "uuid:", "").Replace(space)
	digits = strings.ReplaceAll(strings.Trim(digits, "{}"), "-", "")
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) != 16 {
		if utf8.RuneCountInString(digits) == 32 {
			return nil, fmt.Errorf("Invalid value '%s' for 'namespace': invalid literal for int() with base 16: %s", space, value.Repr(digits)) // Ansible's own words
		}
		return nil, fmt.Errorf("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", space) // Ansible's own words
	}
	sum := sha1.Sum(append(id, value.String(a[0])...)) //nolint:gosec // the standard says so
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

func fromJSON(c *jinja.Call, a []any) (any, error) {
	strict := true
	for _, k := range c.Kwargs {
		if k.Name != "strict" {
			return nil, fmt.Errorf("JSONDecoder.__init__() got an unexpected keyword argument %s", value.Repr(k.Name))
		}
		strict = python.Truth(k.Value)
	}
	text, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("the JSON object must be str, bytes or bytearray, not %s", value.TypeName(a[0]))
	}
	if err := profile(a[1], false); err != nil {
		return nil, err
	}
	return jsontext.Parse(text, strict)
}

// profile checks the name of a profile of serialization. Ours are the one that keeps no tags.
func profile(v any, encode bool) error {
	if v == nil || v == "tagless" {
		return nil
	}
	return fmt.Errorf("there is no serialization profile %s here; leave it out, or use 'tagless'", value.Repr(v))
}

func toJSON(c *jinja.Call, a []any) (any, error) {
	return encodeJSON(a[0], a[1], c.Kwargs, jsontext.Options{Item: ", ", Key: ": ", ASCII: true})
}

func toNiceJSON(c *jinja.Call, a []any) (any, error) {
	o := jsontext.Options{Item: ",", Key: ": ", ASCII: true, SortKeys: python.Truth(a[2])}
	if err := indentation(&o, a[1]); err != nil {
		return nil, err
	}
	if !o.Lines {
		o.Item = ","
	}
	var named []jinja.Kwarg
	var profileName any
	for _, k := range c.Kwargs {
		switch k.Name {
		case "separators":
		case "profile":
			profileName = k.Value
		default:
			named = append(named, k)
		}
	}
	return encodeJSON(a[0], profileName, named, o)
}

// maxIndent bounds how far JSON is indented for each level.
const maxIndent = 1000

func indentation(o *jsontext.Options, v any) error {
	switch v := v.(type) {
	case nil:
		o.Lines = false
	case string:
		o.Lines, o.Indent = true, v
	case int64, bool:
		n, _ := asInt(v)
		if n > maxIndent {
			return fmt.Errorf("indent is %d: at most %d", n, maxIndent)
		}
		o.Lines, o.Indent = true, strings.Repeat(" ", int(max(n, 0)))
	default:
		return fmt.Errorf("can't multiply sequence by non-int of type '%s'", value.TypeName(v))
	}
	return nil
}

func encodeJSON(v, profileName any, named []jinja.Kwarg, o jsontext.Options) (any, error) {
	separated := false
	for _, k := range named {
		truth := python.Truth(k.Value)
		switch k.Name {
		case "profile":
			profileName = k.Value
		case "vault_to_text", "preprocess_unsafe", "check_circular", "default", "skipkeys":
		case "indent":
			if err := indentation(&o, k.Value); err != nil {
				return nil, err
			}
			if o.Lines && !separated {
				o.Item = ","
			}
		case "sort_keys":
			o.SortKeys = truth
		case "ensure_ascii":
			o.ASCII = truth
		case "allow_nan":
			o.NoNaN = !truth
		case "separators":
			pair, err := separators(k.Value)
			if err != nil {
				return nil, err
			}
			if pair != nil {
				separated = true
				o.Item, o.Key = pair[0], pair[1]
			}
		default:
			return nil, fmt.Errorf("JSONEncoder.__init__() got an unexpected keyword argument %s", value.Repr(k.Name))
		}
	}
	if err := profile(profileName, true); err != nil {
		return nil, err
	}
	return jsontext.Format(v, o)
}

func separators(v any) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	items, err := python.Items(v)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot unpack non-iterable %s object", value.TypeName(v))
	case len(items) < 2:
		return nil, fmt.Errorf("not enough values to unpack (expected 2, got %d)", len(items))
	case len(items) > 2:
		return nil, errors.New("too many values to unpack (expected 2)")
	}
	return []string{value.String(items[0]), value.String(items[1])}, nil
}
