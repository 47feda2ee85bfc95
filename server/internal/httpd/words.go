package httpd

import (
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// clock is a moment as a transcript shows it. The client knows the reader's
// zone and writes it anew.
func clock(t protocol.Time) part.Moment {
	return part.Moment{RFC3339: t.String(), Text: t.Go().Local().Format("15:04")}
}

// dayAndClock is a moment as logs show it, with its day. The client writes it
// anew, too.
func dayAndClock(t protocol.Time) part.Moment {
	return part.Moment{RFC3339: t.String(), Text: t.Go().Local().Format("2 Jan 2006, 15:04:05")}
}

// counted is a number of things: "1 user", "2 users".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// ago is a moment as lists show it. The client keeps it current.
func ago(t protocol.Time) part.Moment {
	return part.Moment{RFC3339: t.String(), Text: since(time.Since(t.Go()))}
}

func since(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	default:
		return fmt.Sprintf("%d days ago", d/(24*time.Hour))
	}
}

// remaining is how long something stays valid.
func remaining(until protocol.Time) string {
	d := time.Until(until.Go())
	switch {
	case d <= 0:
		return "0 seconds"
	case d < time.Minute:
		return fmt.Sprintf("%d seconds", d/time.Second)
	case d < 2*time.Minute:
		return "1 minute"
	default:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
}
