package auth

import (
	"encoding/hex"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
)

// Token is the gateway token. Whoever has it is an admin. It prints as a placeholder. The
// zero Token matches nothing.
type Token struct {
	credential.Secret
}

// NewToken returns the Token with that text, or the zero Token if the text is empty.
func NewToken(text string) Token { return Token{credential.NewSecret(text)} }

// Fingerprint returns a text that identifies the token without revealing it. It is stored
// with each sign-in, so that the sign-in ends when the token changes. The fingerprint of
// the zero Token is "".
func (t Token) Fingerprint() string {
	if !t.IsSet() {
		return ""
	}
	digest := credential.DigestOf("gatehouse token fingerprint\x00" + t.Reveal())
	return hex.EncodeToString(digest[:])
}

// AdminUser is the user id of whoever has the gateway token. A program with the token may
// choose another one.
const AdminUser = "admin"
