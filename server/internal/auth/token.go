package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
)

// Token is the gateway token: whoever knows it is an admin. It prints as a
// placeholder; the zero Token lets nobody in.
type Token struct {
	credential.Secret
}

// NewToken takes a token from the configuration; an empty text is the zero Token.
func NewToken(text string) Token { return Token{credential.NewSecret(text)} }

// Fingerprint stands for the token where something rests on it, such as a
// browser that signed in with it: another token has another fingerprint. The zero
// Token has none.
func (t Token) Fingerprint() string {
	if !t.IsSet() {
		return ""
	}
	digest := credential.DigestOf("gatehouse token fingerprint\x00" + t.Reveal())
	return hex.EncodeToString(digest[:])
}

// AdminUser is the user whom the gateway token makes, unless a program that holds
// it names another one.
const AdminUser = "admin"

// TokenFile is the name, in the data directory, of a token that was made here.
const TokenFile = "gateway.token"

// maxTokenBytes bounds the file.
const maxTokenBytes = 1024

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
	token := Token{credential.GatewayToken.Generate()}
	err = writeNew(file, token.Reveal()+"\n")
	if errors.Is(err, fs.ErrExist) { // another process was quicker
		return readToken(file)
	}
	if err != nil {
		return Kept{}, fmt.Errorf("keep the gateway token: %w", err)
	}
	return Kept{Token: token, File: file, Made: true}, nil
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
	if text == "" || len(raw) > maxTokenBytes || !printable.ASCII(text) {
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
