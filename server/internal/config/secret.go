package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted stands for a Secret wherever one is printed.
const redacted = "[redacted]"

// A Secret is a text that does not print: fmt (every verb), encoding/json and
// log/slog show a placeholder, also when the Secret is an unexported field of
// something else. The zero Secret is unset and prints as nothing.
//
// Compare two with reflect.DeepEqual or, against what a client sent, Equal;
// == compares identities.
type Secret struct {
	// A pointer, because fmt follows no pointer inside a struct, not even
	// where it may not call methods.
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

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.text != nil }

// Equal reports whether s is set and candidate is its text. The time it takes
// tells nothing about the text, not even its length. An unset Secret equals
// nothing, the empty candidate included, so a missing token lets nobody in.
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

// GoString is String: %#v shows no more than %s.
func (s Secret) GoString() string { return s.String() }

// Format writes String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON writes String as a JSON text.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue gives log/slog String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
