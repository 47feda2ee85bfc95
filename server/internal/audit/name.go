package audit

import "strings"

// The kinds of things that lines name, as prefixes of the names.
const (
	sessionKind    = "session:"
	userKind       = "user:"
	deviceKind     = "device:"
	keyKind        = "key:"
	connectionKind = "connection:"
	mediaKind      = "media:"
)

// Session names a session.
func Session(key string) string { return sessionKind + key }

// User names a user.
func User(id string) string { return userKind + id }

// Device names a device by its public id, as a target and as a credential.
func Device(id string) string { return deviceKind + id }

// Key names an API key as a target, by its id.
func Key(id string) string { return keyKind + id }

// Connection names a live connection.
func Connection(id string) string { return connectionKind + id }

// Media names an uploaded file by its id.
func Media(id string) string { return mediaKind + id }

// ParseSession gives the key in the name of a session; ok is false for the name
// of anything else.
func ParseSession(name string) (key string, ok bool) { return strings.CutPrefix(name, sessionKind) }

// ParseDevice gives the id in the name of a device; ok is false for the name of
// anything else.
func ParseDevice(name string) (id string, ok bool) { return strings.CutPrefix(name, deviceKind) }
