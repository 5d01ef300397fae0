package network

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"
)

// base64Line is how long a line of encoded content is, as RFC 2045 wants it.
const base64Line = 76

// multipart writes fields as multipart/form-data, in the order of their names, as Python's
// email package does.
func multipart(body any) (contentType string, data []byte, err error) {
	fields, ok := body.(map[string]any)
	if !ok {
		return "", nil, fmt.Errorf("Mapping is required, cannot be type %s", pythonType(body)) // Ansible's words
	}
	raw := make([]byte, 10)
	_, _ = rand.Read(raw) // never fails
	boundary := "===============" + hex.EncodeToString(raw)[:19] + "=="
	var b bytes.Buffer
	for _, name := range keys(fields) {
		p, err := partOf(fields[name])
		if err != nil {
			return "", nil, err
		}
		fmt.Fprintf(&b, "--%s\r\n", boundary)
		if p.encoding != "" {
			fmt.Fprintf(&b, "Content-Transfer-Encoding: %s\r\n", p.encoding)
		}
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Disposition: form-data; name=%s", p.kind, quoted(name))
		if p.filename != "" {
			fmt.Fprintf(&b, "; filename=%s", quoted(filepath.Base(p.filename)))
		}
		b.WriteString("\r\n\r\n")
		b.Write(p.content)
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return `multipart/form-data; boundary="` + boundary + `"`, b.Bytes(), nil
}

// quoted keeps names from breaking out of their header.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", "").Replace(s) + `"`
}

// part is one field of a form.
type part struct {
	kind, filename, encoding string
	content                  []byte
}

func partOf(v any) (part, error) {
	switch v := v.(type) {
	case string:
		return part{kind: "text/plain", content: []byte(v)}, nil
	case map[string]any:
		return describedPart(v)
	}
	return part{}, fmt.Errorf("value must be a string, or mapping, cannot be type %s", pythonType(v))
}

func describedPart(v map[string]any) (part, error) {
	p := part{}
	p.filename, _ = v["filename"].(string)
	content, _ := v["content"].(string)
	if p.filename == "" && content == "" {
		return p, fmt.Errorf("at least one of filename or content must be provided")
	}
	p.kind, _ = v["mime_type"].(string)
	if p.kind == "" {
		p.kind, _, _ = strings.Cut(mime.TypeByExtension(filepath.Ext(p.filename)), ";")
	}
	if p.kind == "" {
		p.kind = "application/octet-stream"
	}
	if content != "" {
		p.content = []byte(content)
		return p, nil
	}
	data, err := os.ReadFile(p.filename)
	if err != nil {
		return p, err
	}
	encoding, _ := v["multipart_encoding"].(string)
	switch encoding {
	case "", "base64":
		p.encoding, p.content = "base64", wrapped(data)
	case "7or8bit":
		p.encoding, p.content = "7bit", data
		for _, c := range data {
			if c >= 0x80 {
				p.encoding = "8bit"
				break
			}
		}
	default:
		return p, fmt.Errorf("multipart_encoding must be one of dict_keys(['base64', '7or8bit']).")
	}
	return p, nil
}

// wrapped is content in base64, in lines.
func wrapped(data []byte) []byte {
	text := base64.StdEncoding.EncodeToString(data)
	var b bytes.Buffer
	for len(text) > base64Line {
		b.WriteString(text[:base64Line] + "\r\n")
		text = text[base64Line:]
	}
	b.WriteString(text + "\r\n")
	return b.Bytes()
}

// pythonType names a value's type as Python does.
func pythonType(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	}
	return "str"
}
