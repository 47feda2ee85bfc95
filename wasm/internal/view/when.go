package view

import "strconv"

// Time is a moment for machines and for people.
type Time struct {
	Stamp string // RFC 3339
	Text  string
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// Brief tells how long ago something was, in seconds, for a narrow column: "now",
// "5 min", "3 h", "2 d", "5 w".
func Brief(seconds int64) string {
	switch {
	case seconds < minute:
		return "now"
	case seconds < hour:
		return strconv.FormatInt(seconds/minute, 10) + " min"
	case seconds < day:
		return strconv.FormatInt(seconds/hour, 10) + " h"
	case seconds < 14*day:
		return strconv.FormatInt(seconds/day, 10) + " d"
	}
	return strconv.FormatInt(seconds/(7*day), 10) + " w"
}

// Ago tells how long ago something was, in seconds, in a sentence: "now",
// "5 minutes ago".
func Ago(seconds int64) string {
	if seconds < minute {
		return "now"
	}
	return span(seconds) + " ago"
}

// Remaining tells how long something lasts, in seconds: "58 minutes", "40
// seconds". Minutes are rounded up, so that an hour does not begin as 59.
func Remaining(seconds int64) string {
	if seconds >= minute && seconds <= hour {
		return count((seconds+minute-1)/minute, "minute")
	}
	return span(max(seconds, 0))
}

func span(seconds int64) string {
	switch {
	case seconds < minute:
		return count(seconds, "second")
	case seconds < hour:
		return count(seconds/minute, "minute")
	case seconds < day:
		return count(seconds/hour, "hour")
	}
	return count(seconds/day, "day")
}

func count(n int64, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return strconv.FormatInt(n, 10) + " " + unit
}

// Grouped writes a number as people read it: "1,204".
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	out := make([]byte, 0, len(digits)+len(digits)/3)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	return string(out)
}
