package words

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Milliseconds, as in protocol.Time.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Ago writes how long ago a time was, rounded down: "5 minutes ago", "3 hours ago",
// "12 days ago". It is "now" for times less than a minute ago or in the future, and ""
// for no time.
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

// Remaining writes how long it is until a time, rounded up: "58 minutes", "40 seconds".
// It is "0 seconds" only once the time has come, so that something still valid never
// reads as expired. An hour begins as "60 minutes".
func Remaining(until, now protocol.Time) string {
	switch left := max(int64(until-now), 0); {
	case left <= minute-second:
		return Count(divideUp(left, second), "second")
	case left <= 2*hour-minute:
		return Count(divideUp(left, minute), "minute")
	case left <= 2*day-hour:
		return Count(divideUp(left, hour), "hour")
	default:
		return Count(divideUp(left, day), "day")
	}
}

// Waiting writes why a run waits before it asks its agent again, a protocol.Wait… value,
// and for how long.
func Waiting(reason string, until, now protocol.Time) string {
	why := "the model server does not answer"
	if reason == protocol.WaitRateLimit {
		why = "the model's rate limit is reached"
	}
	if until <= now {
		return why + "; trying again…"
	}
	return why + "; trying again in " + Remaining(until, now) + "…"
}

// divideUp divides n by unit and rounds up.
func divideUp(n, unit int64) int64 {
	whole := n / unit
	if n%unit > 0 {
		whole++
	}
	return whole
}
