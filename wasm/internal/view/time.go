package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Time is a moment for machines and for people.
type Time struct {
	Stamp string // RFC 3339
	Text  string
}

// Ago is a moment as lists show it. The zero time is no moment: both texts are "".
func Ago(at, now protocol.Time) Time { return Time{Stamp: at.String(), Text: words.Ago(at, now)} }
