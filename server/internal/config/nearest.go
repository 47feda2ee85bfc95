package config

import "strings"

// Nearest returns the known name that is most like name, or "" if none is. Case, _
// and - are ignored, so that rateLimitRpm finds rate_limit_rpm.
func Nearest(name string, known []string) string {
	if len(name) > maxShown {
		return ""
	}
	folded := normalizeName(name)
	best, found := "", 0
	for _, k := range known {
		f := normalizeName(k)
		d := distance(folded, f)
		if d <= (max(len(folded), len(f))+1)/3 && (best == "" || d < found) {
			best, found = k, d
		}
	}
	return best
}

var separators = strings.NewReplacer("_", "", "-", "")

func normalizeName(name string) string { return separators.Replace(strings.ToLower(name)) }

// distance returns the least number of insertions, deletions, replacements and
// swaps of neighbours that turn a into b (the optimal string alignment distance).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
