package credential

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// kinds returns all kinds of credentials.
func kinds() []Kind { return []Kind{GatewayToken, APIKey, Device, SignInLink} }

func TestGenerate(t *testing.T) {
	t.Parallel()
	// the protocol's form of sender_id
	sender := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)
	seen := map[string]bool{}
	for _, kind := range kinds() {
		form := regexp.MustCompile(`^` + string(kind) + `[A-Za-z0-9_-]{43}$`)
		for range 1000 {
			text := kind.Generate().Reveal()
			if !form.MatchString(text) || !kind.Valid(text) || seen[text] {
				t.Fatalf("%q is not a valid %q, or was generated before", text, kind)
			}
			if kind == Device && (!sender.MatchString(text) ||
				len(text) > protocol.MaxSenderIDLength) {
				t.Fatalf("%q cannot be a sender_id", text)
			}
			seen[text] = true
		}
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		good := string(kind) + strings.Repeat("A", 43)
		for text, want := range map[string]bool{
			good:                            true,
			"":                              false,
			string(kind):                    false,
			" " + good:                      false,
			good[:len(good)-1]:              false,
			good + "A":                      false,
			"xx_" + strings.Repeat("A", 43): false,
			"GH_" + strings.Repeat("A", 43): false,
			string(kind) + strings.Repeat("A", 42) + "B":        false, // bits beyond the 256th
			string(kind) + strings.Repeat("A", 42) + "+":        false,
			string(kind) + strings.Repeat("A", 41) + "\n" + "A": false, // decoders skip it
			string(kind) + strings.Repeat("A", 43) + "\n":       false,
			string(kind) + strings.Repeat("A", 41) + "\r\n":     false,
		} {
			if got := kind.Valid(text); got != want {
				t.Errorf("%q as a %q: %v, want %v", text, kind, got, want)
			}
		}
		for _, other := range kinds() {
			if other != kind && other.Valid(good) {
				t.Errorf("%q is accepted as a %q", good, other)
			}
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, kind := range kinds() {
		for _, secret := range []string{kind.Generate().Reveal(), string(kind), string(kind) +
			strings.Repeat("\n", 43), string(kind) + strings.Repeat("_", 43)} {
			f.Add(secret)
		}
	}
	f.Add("gh_" + strings.Repeat("0", 20) + "\r\r\r" + strings.Repeat("0", 20))
	f.Add("gh_" + strings.Repeat("=", 43))
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range kinds() {
			if !kind.Valid(text) {
				continue
			}
			random, err := base64.RawURLEncoding.DecodeString(text[len(kind):])
			if err != nil || len(random) != 32 ||
				string(kind)+base64.RawURLEncoding.EncodeToString(random) != text {
				t.Errorf("%q is accepted as a %q", text, kind)
			}
		}
	})
}

func TestDigestOf(t *testing.T) {
	t.Parallel()
	same, other := DigestOf("open sesame"), DigestOf("open sesamf")
	if same != DigestOf("open sesame") || same == other || DigestOf("") == (Digest{}) {
		t.Errorf("digests %x and %x", same, other)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := RandomID(16)
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || !ValidID(id, 16) || seen[id] {
			t.Fatalf("%q is no good id, or was generated before", id)
		}
		seen[id] = true
	}
	for text, want := range map[string]bool{
		strings.Repeat("a", 16): true, strings.Repeat("0F", 8): true,
		"": false, strings.Repeat("a", 15): false, strings.Repeat("a", 17): false,
		strings.Repeat("g", 16): false,
	} {
		if got := ValidID(text, 8); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
