package diag

import "sort"

// Suggest gives the candidate that is near enough to the given name to be what
// was meant, or "" when none is. Distance is Levenshtein's; a third of the
// letters, and at most three, may differ.
func Suggest(given string, candidates []string) string {
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	limit := min(max(len(given)/3, 1), 3)
	best, bestDist := "", limit+1
	for _, c := range sorted {
		if d := distance(given, c, bestDist); d < bestDist && c != given {
			best, bestDist = c, d
		}
	}
	return best
}

// DidYouMean gives ` Did you mean "x"?` with a leading space, or "".
func DidYouMean(given string, candidates []string) string {
	if s := Suggest(given, candidates); s != "" {
		return " Did you mean \"" + s + "\"?"
	}
	return ""
}

// distance is Levenshtein's with a cut-off: from limit on it may give any value
// that is not below limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
		}
		prev, cur = cur, prev
	}
	return prev[len(b)]
}
