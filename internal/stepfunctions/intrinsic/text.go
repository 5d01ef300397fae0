package intrinsic

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tutti/internal/stepfunctions/data"
)

// placeholders cuts a template at every {} that is not escaped.
func placeholders(raw string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '\\':
			i++
		case raw[i] == '{' && i+1 < len(raw) && raw[i+1] == '}':
			parts = append(parts, raw[start:i])
			i++
			start = i + 1
		}
	}
	return append(parts, raw[start:])
}

func formatText(args []any, _ Scope) (any, error) {
	template, err := textAt(args, 0)
	if err != nil {
		return nil, err
	}
	parts := placeholders(template)
	if len(parts) != len(args) {
		return nil, fmt.Errorf("there are %d {} in the text and %d arguments for them", len(parts)-1, len(args)-1)
	}
	b := []byte(unescape(parts[0]))
	for i, part := range parts[1:] {
		b = append(appendJava(b, args[i+1]), unescape(part)...)
		if len(b) > MaxResult {
			return nil, fmt.Errorf("the text is longer than %d bytes", MaxResult)
		}
	}
	return string(b), nil
}

// appendJava writes a value as the service does in a text, which is how Java prints its
// lists and maps: {a=1, b=[x, null]}, strings without quotes.
func appendJava(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendJava(b, item)
		}
		return append(b, ']')
	case *data.Object:
		b = append(b, '{')
		for i, m := range v.Members() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendJava(append(append(b, m.Key...), '='), m.Value)
		}
		return append(b, '}')
	}
	return data.Append(b, v)
}

// stringToJSON gives null for a blank text, as the service does.
func stringToJSON(args []any, _ Scope) (any, error) {
	text, err := textAt(args, 0)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	v, err := data.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the text is not valid JSON: %w", err)
	}
	return v, nil
}

func jsonToString(args []any, _ Scope) (any, error) {
	if data.Size(args[0], MaxResult) > MaxResult {
		return nil, fmt.Errorf("the text is longer than %d bytes", MaxResult)
	}
	return string(data.Encode(args[0])), nil
}

// limited gives a text that has at most so many characters.
func limited(args []any, i, most int) (string, error) {
	text, err := textAt(args, i)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(text); n > most {
		return "", fmt.Errorf("argument %d has %d characters, the limit is %d", i+1, n, most)
	}
	return text, nil
}

func base64Encode(args []any, _ Scope) (any, error) {
	text, err := limited(args, 0, MaxBase64)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

func base64Decode(args []any, _ Scope) (any, error) {
	text, err := limited(args, 0, MaxBase64)
	if err != nil {
		return nil, err
	}
	// Java's decoder takes texts with and without padding.
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("argument 1 is not Base64")
	}
	return strings.ToValidUTF8(string(decoded), "\ufffd"), nil
}

// hash gives a digest in hexadecimal. A value that is no string counts as its JSON.
func hash(args []any, _ Scope) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		text = string(data.Encode(args[0]))
	}
	text, err := limited([]any{text}, 0, MaxHash)
	if err != nil {
		return nil, err
	}
	algorithm, err := textAt(args, 1)
	if err != nil {
		return nil, err
	}
	var sum []byte
	switch algorithm {
	case "MD5":
		d := md5.Sum([]byte(text))
		sum = d[:]
	case "SHA-1":
		d := sha1.Sum([]byte(text))
		sum = d[:]
	case "SHA-256":
		d := sha256.Sum256([]byte(text))
		sum = d[:]
	case "SHA-384":
		d := sha512.Sum384([]byte(text))
		sum = d[:]
	case "SHA-512":
		d := sha512.Sum512([]byte(text))
		sum = d[:]
	default:
		return nil, fmt.Errorf("the algorithm %q is unknown; there are MD5, SHA-1, SHA-256, SHA-384 and SHA-512", algorithm)
	}
	return hex.EncodeToString(sum), nil
}

// stringSplit cuts a text at every character of the second argument; what is empty
// between them is left out.
func stringSplit(args []any, _ Scope) (any, error) {
	text, err := textAt(args, 0)
	if err != nil {
		return nil, err
	}
	at, err := textAt(args, 1)
	if err != nil {
		return nil, err
	}
	parts := []any{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}
