package audit

import "strings"

// The kinds of targets, as prefixes of their names.
const (
	sessionKind    = "session:"
	userKind       = "user:"
	deviceKind     = "device:"
	keyKind        = "key:"
	connectionKind = "connection:"
	mediaKind      = "media:"
	codeKind       = "code:"
)

// Session returns the name of a session.
func Session(key string) string { return sessionKind + key }

// User returns the name of a user.
func User(id string) string { return userKind + id }

// Device returns the name of a device by its public id. It is a target, and an Actor.Via.
func Device(id string) string { return deviceKind + id }

// Key returns the name of an API key as a target, by its id.
func Key(id string) string { return keyKind + id }

// Connection returns the name of a live connection.
func Connection(id string) string { return connectionKind + id }

// Media returns the name of an uploaded file by its id.
func Media(id string) string { return mediaKind + id }

// Code returns the name of a pairing by its code, for a code that belongs to no device.
func Code(code string) string { return codeKind + code }

// ParseSession returns the key in the name of a session. ok is false for any other name.
func ParseSession(name string) (key string, ok bool) { return strings.CutPrefix(name, sessionKind) }

// ParseDevice returns the id in the name of a device. ok is false for any other name.
func ParseDevice(name string) (id string, ok bool) { return strings.CutPrefix(name, deviceKind) }
