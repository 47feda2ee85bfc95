//go:build !js

package clock

import "time"

// Duration, Time and Timer are those of package time.
type (
	Duration = time.Duration
	Time     = time.Time
	Timer    = time.Timer
)

// Durations.
const (
	Millisecond = time.Millisecond
	Second      = time.Second
	Minute      = time.Minute
	Hour        = time.Hour
)

// Now returns the current time, with a reading of the monotonic clock.
func Now() Time { return time.Now() }

// Until returns the duration until t.
func Until(t Time) Duration { return time.Until(t) }

// Wall strips the monotonic reading from t. Times without it are compared by the wall
// clock, which keeps running while the machine sleeps and may be set.
func Wall(t Time) Time { return t.Round(0) }

// AfterFunc calls f after d, in its own goroutine. f must not block, because in a
// browser it must not.
func AfterFunc(d Duration, f func()) *Timer { return time.AfterFunc(d, f) }
