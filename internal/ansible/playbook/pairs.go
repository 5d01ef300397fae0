package playbook

import "tutti/internal/ansible/value"

// RawPairs is the key under which ParsePairs puts what is no k=v.
const RawPairs = "_raw_params"

// ParsePairs reads text of the form "k=v k2='v 2' rest", as lookups take it. What is no k=v
// lies under RawPairs.
func ParsePairs(text string) (*value.Dict, error) {
	options, raw, hasRaw, err := parsePairs(text, false)
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, o := range options {
		d.Set(o.key, o.value)
	}
	if hasRaw {
		d.Set(RawPairs, raw)
	}
	return d, nil
}
