package timeline

import "github.com/gatehouse-chat/gatehouse/shared/jsontext"

// Peek reads of which session and of which type an event is, and passes over the
// rest of its payload. What is not told is empty.
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
