package static

import (
	"strconv"
	"strings"
)

// choose picks the form that the client likes best, the smallest among equals.
// The plain file is what a client gets that accepts nothing of what there is
// (RFC 9110, section 12.5.3).
func choose(forms []form, acceptEncoding []string) form {
	best, liked := forms[len(forms)-1], 0.0
	accepted := weights(acceptEncoding)
	for _, f := range forms {
		if w := weight(accepted, f.coding); w > liked {
			best, liked = f, w
		}
	}
	return best
}

// weights reads the values of Accept-Encoding. A part that is malformed counts as
// not accepted.
func weights(values []string) map[string]float64 {
	accepted := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, parameter, weighted := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		q := 1.0
		if weighted {
			q = quality(parameter)
		}
		if coding == "x-gzip" { // RFC 9110, section 8.4.1.3
			coding = "gzip"
		}
		if coding != "" {
			accepted[coding] = q
		}
	}
	return accepted
}

// quality reads "q=0.5" (RFC 9110, section 12.4.2) and gives 0 for anything else.
func quality(parameter string) float64 {
	name, value, _ := strings.Cut(parameter, "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// weight gives how much a client likes a coding. One that it does not name is as
// good as "*"; the plain file is then at least better than nothing.
func weight(accepted map[string]float64, coding string) float64 {
	if q, ok := accepted[coding]; ok {
		return q
	}
	if q, ok := accepted["*"]; ok {
		return q
	}
	if coding == "identity" {
		return 0.0001
	}
	return 0
}
