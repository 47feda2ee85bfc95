package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Token is the gateway token, which makes whoever knows it an admin. It prints
// as a placeholder; the zero Token lets nobody in.
type Token struct {
	text *string // a pointer, because fmt follows none within a struct
}

// NewToken takes a token from the configuration; an empty text is the zero Token.
func NewToken(text string) Token {
	if text == "" {
		return Token{}
	}
	return Token{text: &text}
}

// Reveal is the token itself, for the command that prints it.
func (t Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Matches reports whether candidate is the token. The time it takes says nothing
// about the token, its length included: digests are compared.
func (t Token) Matches(candidate string) bool {
	want, got := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(candidate))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && t.text != nil
}

// Fingerprint stands for the token where something rests on it, such as a
// browser that signed in with it: another token has another one. The zero Token
// has none.
func (t Token) Fingerprint() string {
	if t.text == nil {
		return ""
	}
	sum := sha256.Sum256([]byte("gatehouse token fingerprint\x00" + *t.text))
	return hex.EncodeToString(sum[:])
}

// Format writes a placeholder whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[token]") }

// LogValue gives log/slog the placeholder.
func (t Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// TokenFile is the name, in the data directory, of a token that was made here.
const TokenFile = "gateway.token"

const (
	tokenPrefix   = "gt_"
	maxTokenBytes = 1024
)

// Kept is a token that lives in a data directory.
type Kept struct {
	Token Token
	File  string
	Made  bool   // just now
	Loose string // what is wrong with the file's permissions and how to mend it; empty if nothing
}

// KeepToken reads the token of the data directory dir, which must exist, or
// makes one: 256 random bits, in a file that only its owner can read and that is
// there whole or not at all. A file that holds no token is an error, never
// replaced.
func KeepToken(dir string) (Kept, error) {
	file := filepath.Join(dir, TokenFile)
	kept, err := readToken(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return kept, err
	}
	var secret [32]byte
	rand.Read(secret[:])
	text := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	err = writeNew(file, text+"\n")
	if errors.Is(err, fs.ErrExist) { // another process was quicker
		return readToken(file)
	}
	if err != nil {
		return Kept{}, fmt.Errorf("keep the gateway token: %w", err)
	}
	return Kept{Token: NewToken(text), File: file, Made: true}, nil
}

func readToken(file string) (Kept, error) {
	f, err := os.Open(file) // #nosec G304 -- a name of ours in the operator's data directory, or a link that they made there
	if err != nil {
		return Kept{}, fmt.Errorf("read the gateway token: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTokenBytes+1))
	if err != nil {
		return Kept{}, fmt.Errorf("read the gateway token: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	if text == "" || len(raw) > maxTokenBytes || !printable(text) {
		return Kept{}, fmt.Errorf("%s holds no gateway token (one line of visible ASCII, at most %d bytes): put the token in it, or remove the file to have a new one made", file, maxTokenBytes)
	}
	kept := Kept{Token: NewToken(text), File: file}
	info, err := f.Stat()
	if err != nil {
		return Kept{}, fmt.Errorf("read the gateway token: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		kept.Loose = fmt.Sprintf("%s can be read or changed by other users of this machine (mode %04o): chmod 600 %s", file, mode, file)
	}
	return kept, nil
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// writeNew makes the file with that text, durably, or fails with fs.ErrExist.
func writeNew(file, text string) (err error) {
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, ".token-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what another process put there.
	if err := os.Link(tmp.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir) // #nosec G304 -- the operator's data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
