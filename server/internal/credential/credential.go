// Package credential makes and checks the texts by which somebody is let in: the
// gateway token, API keys, the credentials of devices and the codes of sign-in
// links. Who a credential belongs to, and whether it still holds, is decided by
// packages auth and pairing.
//
// Comparing. A credential is never compared with what is stored byte by byte,
// because the time that takes tells how much of a guess is right. There are two
// ways, and both compare SHA-256 digests:
//   - A secret that the gateway knows in full, such as its token, is compared in
//     constant time: Secret.Matches.
//   - A secret of which only the digest is stored is looked up by that digest, in
//     an index or a map. A look-up takes no constant time, but that tells nothing
//     that helps to guess: what is compared is the digest of the guess, which a
//     guesser cannot steer towards a stored digest, and the secret behind a
//     digest has 256 random bits.
package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Kind is a kind of credential. Its value is the prefix of the text, which tells
// the kinds apart: "gh_" and 256 random bits in unpadded, URL-safe base64.
type Kind string

// The kinds of credentials.
const (
	GatewayToken Kind = "gt_"
	APIKey       Kind = "gh_"
	Device       Kind = "gd_"
	SignInLink   Kind = ""
)

// secretBytes is how many random bytes a credential has.
const secretBytes = 32

// Generate makes a new credential. Its text may stand in a cookie, in a URL and
// in the protocol's sender_id.
func (k Kind) Generate() Secret {
	var random [secretBytes]byte
	rand.Read(random[:])
	return NewSecret(string(k) + base64.RawURLEncoding.EncodeToString(random[:]))
}

// Valid reports whether text has the form of a credential of the kind, which says
// nothing about whether it opens anything.
func (k Kind) Valid(text string) bool {
	encoded, ok := strings.CutPrefix(text, string(k))
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return false
	}
	var random [secretBytes + 1]byte // the decoder's bound on the length rounds up
	n, err := base64.RawURLEncoding.Strict().Decode(random[:], []byte(encoded))
	return err == nil && n == secretBytes // fewer if there are line ends, which the decoder skips
}

// Digest is the SHA-256 of a credential: what is stored of it, and what it is
// looked up by. The package comment says why that is safe.
type Digest [sha256.Size]byte

// DigestOf gives the digest of a credential's text.
func DigestOf(text string) Digest { return sha256.Sum256([]byte(text)) }
