package static

import (
	"slices"
	"strconv"
	"strings"
)

// Coding returns the coding that a client prefers among those that are offered; among
// codings with the same weight, the first. acceptEncoding are the values of the request's
// Accept-Encoding headers. A client that accepts no coding gets the last one, which has to
// be "identity", the plain content (RFC 9110, section 12.5.3).
func Coding(acceptEncoding []string, offered ...string) string {
	best, highest := offered[len(offered)-1], 0.0
	accepted := weights(acceptEncoding)
	for _, coding := range offered {
		if w := weight(accepted, coding); w > highest {
			best, highest = coding, w
		}
	}
	return best
}

// choose returns the form of a file that the client prefers.
func choose(forms []form, acceptEncoding []string) form {
	codings := make([]string, len(forms))
	for i, f := range forms {
		codings[i] = f.coding
	}
	best := Coding(acceptEncoding, codings...)
	return forms[slices.Index(codings, best)]
}

// weights parses the values of Accept-Encoding. A malformed coding counts as not accepted.
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

// quality parses "q=0.5" (RFC 9110, section 12.4.2). It returns 0 for anything else.
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

// weight returns the client's weight for a coding. A coding that the client does not name has
// the weight of "*". Without "*" its weight is 0, except that of the plain file, which is
// always acceptable.
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
