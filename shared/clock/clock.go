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

// Now is the current time, by both clocks.
func Now() Time { return time.Now() }

// Since is the time that passed since t.
func Since(t Time) Duration { return time.Since(t) }

// Until is the time that passes until t.
func Until(t Time) Duration { return time.Until(t) }

// UnixMilli is the moment of that many milliseconds since 1970 UTC.
func UnixMilli(ms int64) Time { return time.UnixMilli(ms) }

// Wall is t by the clock on the wall alone, which goes on while a machine sleeps
// and may be set: two such times are compared by it.
func Wall(t Time) Time { return t.Round(0) }

// AfterFunc calls f after d, on a goroutine of its own. f must not block, as it
// may not in a browser.
func AfterFunc(d Duration, f func()) *Timer { return time.AfterFunc(d, f) }
