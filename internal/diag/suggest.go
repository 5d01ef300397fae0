package diag

import "sort"

// Suggest gives the candidate that is near enough to the given name to be what
// was meant, or "" when none is. Distance counts letters that are wrong, missing, too
// many, or swapped with their neighbour (Damerau and Levenshtein, optimal string
// alignment); a third of the letters, and at most three, may differ.
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

// distance has a cut-off: from limit on it may give any value that is not below
// limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
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
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
