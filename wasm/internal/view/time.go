package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Time is a time for machines and for people.
type Time struct {
	Stamp string // RFC 3339
	Text  string
}

// Ago returns a time as lists show it ("5 minutes ago"). Both texts are "" for the zero
// time.
func Ago(at, now protocol.Time) Time { return Time{Stamp: at.String(), Text: words.Ago(at, now)} }
