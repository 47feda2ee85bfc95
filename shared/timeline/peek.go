package timeline

import "github.com/gatehouse-chat/gatehouse/shared/jsontext"

// Peek returns the session key and the type in an event's payload, without decoding the
// rest. They are empty if the payload does not have them.
func Peek(payload jsontext.Raw) (sessionKey, kind string) {
	d := jsontext.Borrow(payload)
	defer d.Return()
	if !d.BeginObject() {
		return "", ""
	}
	for name, ok := d.Key(); ok; name, ok = d.Key() {
		switch string(name) {
		case "sessionKey":
			sessionKey = d.String()
		case "type":
			kind = d.String()
		default:
			d.Skip()
		}
	}
	return sessionKey, kind
}
