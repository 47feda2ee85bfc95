package words

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Milliseconds, as in protocol.Time.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Ago says how long before now a moment was, rounded down: "now" within a minute
// and for a moment that is still to come, then "5 minutes ago", "3 hours ago" and
// "12 days ago". It is "" for no moment.
func Ago(then, now protocol.Time) string {
	switch passed := int64(now - then); {
	case then == 0:
		return ""
	case passed < minute:
		return "now"
	case passed < hour:
		return Count(passed/minute, "minute") + " ago"
	case passed < day:
		return Count(passed/hour, "hour") + " ago"
	default:
		return Count(passed/day, "day") + " ago"
	}
}

// Remaining says how long it is until a moment, rounded up: "58 minutes", "40
// seconds". It is "0 seconds" only once the moment has come, so what is still
// valid never reads as expired, and an hour begins as "60 minutes".
func Remaining(until, now protocol.Time) string {
	switch left := max(int64(until-now), 0); {
	case left <= minute-second:
		return Count(up(left, second), "second")
	case left <= 2*hour-minute:
		return Count(up(left, minute), "minute")
	case left <= 2*day-hour:
		return Count(up(left, hour), "hour")
	default:
		return Count(up(left, day), "day")
	}
}

// up is how many units hold n.
func up(n, unit int64) int64 {
	whole := n / unit
	if n%unit > 0 {
		whole++
	}
	return whole
}
