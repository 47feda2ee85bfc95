package credential

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Secret is the text of a credential. It prints as a placeholder, also within a
// struct. The zero Secret is unset: it matches nothing.
//
// == compares identities; use Matches.
type Secret struct {
	text *string // a pointer, because fmt follows none within a struct
}

// NewSecret takes a text; an empty one gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal gives the text itself, empty if the Secret is unset.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.text != nil }

// Matches reports whether candidate is the text. The time that takes says nothing
// about the text, not even its length: digests are compared.
func (s Secret) Matches(candidate string) bool {
	want, got := DigestOf(s.Reveal()), DigestOf(candidate)
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && s.IsSet()
}

// redacted stands for a Secret wherever one is printed.
const redacted = "[redacted]"

// String gives a placeholder.
func (s Secret) String() string { return redacted }

// Format writes the placeholder whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue gives log/slog the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
