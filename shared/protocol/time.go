package protocol

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Time is a time in milliseconds since 1970 UTC. On the wire it is RFC 3339 text in UTC,
// with milliseconds. 0 means no time, and is "" on the wire.
type Time int64

const (
	firstTime Time = jsontext.FirstTime
	lastTime  Time = jsontext.LastTime
)

// At returns t as a Time; the zero time becomes 0.
func At(t clock.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// String returns the text on the wire. It is empty if RFC 3339 cannot write the time.
func (t Time) String() string { return jsontext.FormatTime(int64(t)) }

// ParseTime reads RFC 3339 text (section 5.6). It drops anything finer than milliseconds;
// "" is 0.
func ParseTime(s string) (t Time, ok bool) {
	ms, ok := jsontext.ParseTime(s)
	return Time(ms), ok
}

// MarshalJSON returns the text as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) { return jsontext.AppendString(nil, t.String()), nil }

// UnmarshalJSON reads RFC 3339 text.
func (t *Time) UnmarshalJSON(b []byte) error {
	return jsontext.Read(b, func(d *jsontext.Decoder) { d.Time((*int64)(t)) })
}
