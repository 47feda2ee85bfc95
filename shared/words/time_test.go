package words

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const now = protocol.Time(1_800_000_000_000)

func TestAgo(t *testing.T) {
	t.Parallel()
	for passed, want := range map[protocol.Time]string{
		-5 * second: "now", 0: "now", 1 * second: "now", minute - 1: "now",
		minute: "1 minute ago", 61 * second: "1 minute ago", 2*minute - 1: "1 minute ago", 2 * minute: "2 minutes ago", hour - 1: "59 minutes ago",
		hour: "1 hour ago", 3*hour + 59*minute: "3 hours ago", day - 1: "23 hours ago",
		day: "1 day ago", 2*day - 1: "1 day ago", 2 * day: "2 days ago", 15 * day: "15 days ago", 1204 * day: "1,204 days ago",
		now: "",
	} {
		if got := Ago(now-passed, now); got != want {
			t.Errorf("%d ms ago: %q, want %q", passed, got, want)
		}
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	for left, want := range map[protocol.Time]string{
		-5 * second: "0 seconds", 0: "0 seconds",
		1: "1 second", second: "1 second", second + 1: "2 seconds", 59 * second: "59 seconds",
		59*second + 1: "1 minute", minute: "1 minute", minute + 1: "2 minutes", 61 * second: "2 minutes",
		hour - second: "60 minutes", hour: "60 minutes", hour + 1: "61 minutes",
		2*hour - minute: "119 minutes", 2*hour - minute + 1: "2 hours", 2 * hour: "2 hours",
		2*day - hour: "47 hours", 2*day - 1: "2 days", 2 * day: "2 days", 15 * day: "15 days",
	} {
		if got := Remaining(now+left, now); got != want {
			t.Errorf("%d ms left: %q, want %q", left, got, want)
		}
	}
}

// TestTimesReadWell checks for any two times, in either order, that both texts are
// readable, and that "now" and "0 seconds" appear only when they are true.
func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		left   protocol.Time // milliseconds
		want   string
	}{
		{protocol.WaitRateLimit, 42_000, "the model's rate limit is reached; trying again in 42 seconds…"},
		{protocol.WaitRateLimit, 900, "the model's rate limit is reached; trying again in 1 second…"},
		{protocol.WaitServer, 1500, "the model server does not answer; trying again in 2 seconds…"},
		{"", 0, "the model server does not answer; trying again…"},
		{protocol.WaitRateLimit, -5000, "the model's rate limit is reached; trying again…"},
	} {
		if got := Waiting(c.reason, 1e12+c.left, 1e12); got != c.want {
			t.Errorf("Waiting(%q, %d ms) = %q, want %q", c.reason, c.left, got, c.want)
		}
	}
}

func TestTimesReadWell(t *testing.T) {
	t.Parallel()
	moment := rapid.OneOf(
		rapid.Int64Range(int64(now)-3*day, int64(now)+3*day),
		rapid.Int64Range(-62135596800000, 253402300799999), // all times that RFC 3339 can write
	).Filter(func(ms int64) bool { return ms != 0 })
	rapid.Check(t, func(t *rapid.T) {
		at := protocol.Time(moment.Draw(t, "at"))
		ago, remaining := Ago(at, now), Remaining(at, now)
		readable(t, ago)
		readable(t, remaining)
		if (ago == "now") != (now-at < minute) {
			t.Fatalf("%d ms ago: %q", now-at, ago)
		}
		if strings.HasPrefix(remaining, "0 ") != (at <= now) {
			t.Fatalf("%d ms left: %q", at-now, remaining)
		}
	})
}
