// Package credential generates and checks credentials: the gateway token, API keys, the
// credentials of devices and the codes of sign-in links. The packages auth and pairing
// decide whose a credential is and whether it is still valid.
//
// Its nouns:
//
//   - A [Kind] is a kind of credential. A credential's prefix says its kind.
//   - A [Secret] is the text of a credential. It is never printed.
//   - A [Digest] is the SHA-256 of a credential. Of most credentials, only the digest is
//     stored.
//   - An id names something, for example a device. It is public and opens nothing.
//
// A guess must never be compared byte by byte with a stored credential, because the
// duration would show how much of the guess is right. There are two safe ways:
//
//   - [Secret.Matches] compares in constant time. It is for secrets that the gateway has
//     in
//     full, such as its token.
//   - A credential of which only the digest is stored is looked up by the digest of the
//     guess, in an index or a map. The duration of a look-up helps no guesser: nobody can
//     choose a guess whose digest is close to a stored one, and the secret behind a digest
//     has 256 random bits.
package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Kind is a kind of credential. Its value is the prefix of the text, such as "gh_". The
// rest of the text is 256 random bits in unpadded, URL-safe base64.
type Kind string

// The kinds of credentials.
const (
	GatewayToken Kind = "gt_"
	APIKey       Kind = "gh_"
	Device       Kind = "gd_"
	SignInLink   Kind = ""
)

// secretBytes is the number of random bytes in a credential.
const secretBytes = 32

// Generate returns a new credential. Its characters are allowed in cookies, in URLs and
// in the protocol's sender_id.
func (k Kind) Generate() Secret {
	var random [secretBytes]byte
	rand.Read(random[:])
	return NewSecret(string(k) + base64.RawURLEncoding.EncodeToString(random[:]))
}

// Valid reports whether text has the form of a credential of this kind. It does not say
// whether the credential exists.
func (k Kind) Valid(text string) bool {
	encoded, ok := strings.CutPrefix(text, string(k))
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return false
	}
	var random [secretBytes + 1]byte // the decoder may need one byte more
	n, err := base64.RawURLEncoding.Strict().Decode(random[:], []byte(encoded))
	return err == nil && n == secretBytes // the decoder skips line breaks, so n may be smaller
}

// Digest is the SHA-256 of a credential. It is stored instead of the credential, and a
// credential is looked up by its digest. The package comment says why that is safe.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a credential's text.
func DigestOf(text string) Digest { return sha256.Sum256([]byte(text)) }
