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

// Milliseconds is the span in whole milliseconds.
func (d Duration) Milliseconds() int64 { return int64(d / Millisecond) }

// Seconds is the span in seconds.
func (d Duration) Seconds() float64 { return float64(d) / float64(Second) }

// Time is a moment, by the clock on the wall and by one that never goes back.
// The zero Time is no moment.
type Time struct {
	wall   Duration // since 1970 UTC
	steady Duration // 0: not known
}

// Now is the current time, by both clocks.
func Now() Time { return Time{wall: millis(wall()), steady: millis(steady()) + 1} }

func millis(ms float64) Duration { return Duration(ms * float64(Millisecond)) }

// Since is the time that passed since t.
func Since(t Time) Duration { return Now().Sub(t) }

// Until is the time that passes until t.
func Until(t Time) Duration { return t.Sub(Now()) }

// UnixMilli is the moment of that many milliseconds since 1970 UTC.
func UnixMilli(ms int64) Time { return Time{wall: Duration(ms) * Millisecond} }

// Wall is t by the clock on the wall alone, which goes on while a machine sleeps
// and may be set: two such times are compared by it.
func Wall(t Time) Time { return Time{wall: t.wall} }

// Add is the moment d later.
func (t Time) Add(d Duration) Time {
	t.wall += d
	if t.steady != 0 {
		t.steady += d
	}
	return t
}

// Sub is the time from u to t, by the steady clock where both know it.
func (t Time) Sub(u Time) Duration {
	if t.steady != 0 && u.steady != 0 {
		return t.steady - u.steady
	}
	return t.wall - u.wall
}

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.Sub(u) < 0 }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t.Sub(u) > 0 }

// IsZero reports whether t is no moment.
func (t Time) IsZero() bool { return t == Time{} }

// UnixMilli is the number of milliseconds since 1970 UTC.
func (t Time) UnixMilli() int64 { return t.wall.Milliseconds() }

//go:wasmimport gatehouse clock_wall
func wall() float64

//go:wasmimport gatehouse clock_steady
func steady() float64
