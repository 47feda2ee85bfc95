package credential

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Secret is the text of a credential. It prints as a placeholder, also as a field of a
// struct. The zero Secret is unset and matches nothing. Compare secrets with Matches, not
// with ==.
type Secret struct {
	text *string // a pointer, because fmt does not follow pointers inside a struct
}

// NewSecret returns the Secret with that text. If the text is empty, the Secret is unset.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text, or "" if the Secret is unset.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether the Secret has a text.
func (s Secret) IsSet() bool { return s.text != nil }

// Matches reports whether candidate is the text. Its duration does not depend on the
// text, not even on the length, since it compares digests.
func (s Secret) Matches(candidate string) bool {
	want, got := DigestOf(s.Reveal()), DigestOf(candidate)
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && s.IsSet()
}

// redacted is printed instead of a Secret.
const redacted = "[redacted]"

// String returns the placeholder.
func (s Secret) String() string { return redacted }

// Format writes the placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns the placeholder, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
