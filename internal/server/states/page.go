package states

import (
	"encoding/base64"
	"encoding/json"
	"slices"
)

// pageSize is how many items a page has when the request does not say (API
// reference: 0 is the default of 100).
const pageSize = 100

func sizeOf(maxResults int) int {
	if maxResults == 0 {
		return pageSize
	}
	return maxResults
}

// place is where a page ended. To callers it is opaque.
type place struct {
	// Of is what was listed, so that a token of one list is not taken by another.
	Of string `json:"of"`
	// After is the last item's key, or its number.
	After  string `json:"after,omitempty"`
	Number int64  `json:"number,omitempty"`
}

func (p place) token() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic("states: invariant broken: a page token is no JSON: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func readPlace(token, of string) (place, error) {
	p := place{Of: of}
	if token == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, &p) != nil || p.Of != of {
		return place{}, badToken()
	}
	return p, nil
}

// pageOf cuts the page that a request wants out of a list. Keys are unique in the
// list. When the item where the page before ended is gone, the token is of no use any
// more.
func pageOf[T any](all []T, in *listInput, key func(T) string) (page []T, next string, err error) {
	of := in.ARN
	p, err := readPlace(in.NextToken, of)
	if err != nil {
		return nil, "", err
	}
	if in.NextToken != "" {
		i := slices.IndexFunc(all, func(x T) bool { return key(x) == p.After })
		if i < 0 {
			return nil, "", badToken()
		}
		all = all[i+1:]
	}
	if n := sizeOf(in.MaxResults); len(all) > n {
		return all[:n], place{Of: of, After: key(all[n-1])}.token(), nil
	}
	if all == nil {
		all = []T{}
	}
	return all, "", nil
}
