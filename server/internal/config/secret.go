package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted is printed in place of a Secret.
const redacted = "[redacted]"

// A Secret is a text that cannot be printed by accident: fmt (with every verb),
// encoding/json and log/slog show a placeholder, even if the Secret is an unexported
// field of another struct. The zero Secret is unset and prints as nothing.
//
// Compare a Secret with what a client sent by Equal, and two Secrets by
// reflect.DeepEqual. Do not use ==, which compares pointers.
type Secret struct {
	// text is a pointer because fmt cannot call methods of unexported fields, and
	// follows no pointer inside a struct.
	text *string
}

// NewSecret returns a Secret that holds text; an empty text gives an unset one.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself, empty if the Secret is unset.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether the Secret has a text.
func (s Secret) IsSet() bool { return s.text != nil }

// Equal reports whether s is set and candidate is its text. It takes the same time
// for every text and every length of text, so that nobody can guess by timing. An
// unset Secret equals nothing, not even "", so that a missing token lets nobody in.
func (s Secret) Equal(candidate string) bool {
	want, got := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(candidate))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && s.IsSet()
}

// String returns a placeholder, or nothing for an unset Secret.
func (s Secret) String() string {
	if !s.IsSet() {
		return ""
	}
	return redacted
}

// GoString returns the same as String.
func (s Secret) GoString() string { return s.String() }

// Format writes String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON returns String as a JSON text.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue returns String for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
