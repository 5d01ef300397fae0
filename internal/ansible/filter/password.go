package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/ansible/filter/password"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

func passwordHash(c *jinja.Call, a []any) (any, error) {
	name := password.Name(value.String(a[1]))
	if !password.Supported(name) {
		return nil, fmt.Errorf("%s is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512", name)
	}
	o := password.Options{}
	if a[2] != nil {
		o.Salt = value.String(a[2])
	}
	if a[5] != nil {
		o.Ident = value.String(a[5])
	}
	switch n := a[3].(type) {
	case nil:
	case int64:
		size := int(n)
		o.SaltSize = &size
	default:
		return nil, errors.New("salt_size must be an integer")
	}
	rounds, err := roundsOf(a[4])
	if err != nil {
		return nil, err
	}
	o.Rounds = rounds
	secret, ok := a[0].(string)
	if !ok {
		kind := value.TypeName(a[0])
		if a[0] == nil {
			kind = "None"
		}
		return nil, fmt.Errorf("secret must be unicode or bytes, not %s", kind)
	}
	return password.Hash(secret, name, o, func(n int) int { return int(c.Random(uint64(n))) })
}

func roundsOf(v any) (*int, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil {
			return nil, fmt.Errorf("Could not hash the secret: invalid literal for int() with base 10: %s", value.Repr(v)) // Ansible's own words
		}
		return &n, nil
	default:
		n, ok := asInt(v)
		if !ok {
			return nil, fmt.Errorf("unsupported rounds type: %s", value.TypeName(v))
		}
		i := int(n)
		return &i, nil
	}
}
