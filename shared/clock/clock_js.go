package clock

// Duration is a span of time in nanoseconds, as in package time.
type Duration int64

// Durations.
const (
	Millisecond Duration = 1e6
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
)

// Milliseconds returns the duration in whole milliseconds.
func (d Duration) Milliseconds() int64 { return int64(d / Millisecond) }

// Time is an instant with readings of the wall clock and of the monotonic clock, which
// never goes back. The zero Time means no time.
type Time struct {
	wall      Duration // since 1970 UTC
	monotonic Duration // 0: no reading
}

// Now returns the current time, with a reading of the monotonic clock.
func Now() Time {
	return Time{wall: milliseconds(wallClock()), monotonic: milliseconds(monotonicClock()) + 1}
}

func milliseconds(ms float64) Duration { return Duration(ms * float64(Millisecond)) }

// Until returns the duration until t.
func Until(t Time) Duration { return t.Sub(Now()) }

// Wall strips the monotonic reading from t. Times without it are compared by the wall
// clock, which keeps running while the machine sleeps and may be set.
func Wall(t Time) Time { return Time{wall: t.wall} }

// Add returns the time d after t.
func (t Time) Add(d Duration) Time {
	t.wall += d
	if t.monotonic != 0 {
		t.monotonic += d
	}
	return t
}

// Sub returns the duration from u to t, by the monotonic clock if both have a reading.
func (t Time) Sub(u Time) Duration {
	if t.monotonic != 0 && u.monotonic != 0 {
		return t.monotonic - u.monotonic
	}
	return t.wall - u.wall
}

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.Sub(u) < 0 }

// IsZero reports whether t is the zero Time.
func (t Time) IsZero() bool { return t == Time{} }

// UnixMilli returns the milliseconds since 1970 UTC.
func (t Time) UnixMilli() int64 { return t.wall.Milliseconds() }

//go:wasmimport gatehouse clock_wall
func wallClock() float64

//go:wasmimport gatehouse clock_monotonic
func monotonicClock() float64
