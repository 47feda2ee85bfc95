package httpd

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// clock is a time of day in the gateway's zone, with the date unless that is today. The
// client rewrites it by the same rule in the reader's zone and language (clock in
// web/static/js/page.js). It is empty for the zero time.
func clock(t protocol.Time) part.Moment {
	if t == 0 {
		return part.Moment{}
	}
	at, now := t.Go().Local(), time.Now().Local()
	layout := "15:04"
	switch {
	case at.Year() != now.Year():
		layout = "2 Jan 2006, 15:04"
	case at.YearDay() != now.YearDay():
		layout = "2 Jan, 15:04"
	}
	return part.Moment{RFC3339: t.String(), Text: at.Format(layout)}
}

// ago is how long ago a time was. The client keeps the text up to date. It is empty for
// the zero time.
func ago(t protocol.Time) part.Moment {
	return part.Moment{RFC3339: t.String(), Text: words.Ago(t, protocol.At(time.Now()))}
}

// remaining is how long something stays valid.
func remaining(until protocol.Time) string {
	return words.Remaining(until, protocol.At(time.Now()))
}
