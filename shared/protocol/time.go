package protocol

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Time is a moment in milliseconds since 1970 UTC; on the wire it is RFC 3339
// text with milliseconds, in UTC. Zero is "no time" and travels as "".
type Time int64

const (
	firstTime Time = jsontext.FirstTime
	lastTime  Time = jsontext.LastTime
)

// At gives t as a Time; the zero time is 0.
func At(t clock.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// String is the text on the wire; it is empty for what RFC 3339 cannot spell.
func (t Time) String() string { return jsontext.FormatTime(int64(t)) }

// ParseTime reads RFC 3339 text (section 5.6), finer than milliseconds cut off;
// "" is 0.
func ParseTime(s string) (t Time, ok bool) {
	ms, ok := jsontext.ParseTime(s)
	return Time(ms), ok
}

// MarshalJSON gives the text as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) { return jsontext.AppendString(nil, t.String()), nil }

// UnmarshalJSON reads RFC 3339 text.
func (t *Time) UnmarshalJSON(b []byte) error {
	return jsontext.Read(b, func(d *jsontext.Decoder) { d.Time((*int64)(t)) })
}
