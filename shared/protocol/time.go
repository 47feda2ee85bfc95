package protocol

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Time is a moment in milliseconds since 1970 UTC; on the wire it is RFC 3339
// text with milliseconds, in UTC. Zero is "no time" and travels as "".
type Time int64

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// At gives t as a Time; the zero time is 0.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// Go gives the time.Time in UTC; 0 is the zero time.
func (t Time) Go() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// String is the text on the wire.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Go().Format(timeLayout)
}

// AppendJSON appends the text as a JSON string.
func (t Time) AppendJSON(dst []byte) []byte { return jsontext.AppendString(dst, t.String()) }

// DecodeJSON reads RFC 3339 text.
func (t *Time) DecodeJSON(d *jsontext.Decoder) {
	s := d.String()
	if s == "" {
		*t = 0
		return
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.Fail("must be a time such as 2006-01-02T15:04:05Z")
		return
	}
	*t = At(at)
}

// MarshalJSON is AppendJSON for encoding/json.
func (t Time) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }

// UnmarshalJSON is DecodeJSON for encoding/json.
func (t *Time) UnmarshalJSON(b []byte) error { return Decode(b, t) }
