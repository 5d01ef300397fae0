package version

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// pep440Form is what the standard of Python's packages allows, in small letters.
var pep440Form = regexp.MustCompile(`^\s*v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` +
	`([._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?([0-9]+)?)?` +
	`(-([0-9]+)|[._-]?(?:post|rev|r)[._-]?([0-9]+)?)?` +
	`([._-]?dev[._-]?([0-9]+)?)?` +
	`(?:\+([a-z0-9]+(?:[._-][a-z0-9]+)*))?\s*$`)

// The groups of pep440Form.
const (
	groupEpoch   = 1
	groupRelease = 2
	groupPre     = 3
	groupPreWord = 4
	groupPreN    = 5
	groupPost    = 6
	groupPostN1  = 7
	groupPostN2  = 8
	groupDev     = 9
	groupDevN    = 10
	groupLocal   = 11
)

// What stands before a release, in order.
const (
	rankDevOnly = iota
	rankAlpha
	rankBeta
	rankCandidate
	rankRelease
)

// pep440 is a version of a Python package.
type pep440 struct {
	epoch    number
	release  []number
	preRank  int
	pre      number
	post     bool
	postN    number
	dev      bool
	devN     number
	hasLocal bool
	local    []part
}

func readPEP440(text string) (pep440, error) {
	g := pep440Form.FindStringSubmatch(strings.ToLower(text))
	if g == nil {
		return pep440{}, fmt.Errorf("Invalid version: '%s'", text) // Python's own words
	}
	v := pep440{epoch: whole(g[groupEpoch]), pre: whole(g[groupPreN]), devN: whole(g[groupDevN]),
		postN: whole(g[groupPostN1] + g[groupPostN2]), post: g[groupPost] != "", dev: g[groupDev] != ""}
	for _, n := range strings.Split(g[groupRelease], ".") {
		v.release = append(v.release, whole(n))
	}
	for len(v.release) > 0 && v.release[len(v.release)-1].Sign() == 0 {
		v.release = v.release[:len(v.release)-1]
	}
	switch g[groupPreWord] {
	case "a", "alpha":
		v.preRank = rankAlpha
	case "b", "beta":
		v.preRank = rankBeta
	case "":
		if v.preRank = rankRelease; v.dev && !v.post {
			v.preRank = rankDevOnly
		}
	default:
		v.preRank = rankCandidate
	}
	if v.hasLocal = g[groupLocal] != ""; v.hasLocal {
		for _, p := range strings.FieldsFunc(g[groupLocal], func(r rune) bool { return strings.ContainsRune("._-", r) }) {
			if digits, rest := leading(p); rest == "" {
				v.local = append(v.local, part{number: whole(digits)})
			} else {
				v.local = append(v.local, part{text: p})
			}
		}
	}
	return v, nil
}

func (v pep440) compare(w pep440) int {
	return cmp.Or(v.epoch.Cmp(w.epoch), slices.CompareFunc(v.release, w.release, number.Cmp),
		cmp.Compare(v.preRank, w.preRank), v.pre.Cmp(w.pre),
		truth(v.post, w.post), v.postN.Cmp(w.postN), -truth(v.dev, w.dev), v.devN.Cmp(w.devN),
		truth(v.hasLocal, w.hasLocal), slices.CompareFunc(v.local, w.local, compareLocal))
}

// truth puts false before true.
func truth(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareLocal puts text before numbers.
func compareLocal(a, b part) int {
	switch {
	case a.number != nil && b.number != nil:
		return a.number.Cmp(b.number)
	case a.number != nil:
		return 1
	case b.number != nil:
		return -1
	}
	return strings.Compare(a.text, b.text)
}
