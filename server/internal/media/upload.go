package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// quotaRetryMs is when a user whose quota is used up may try again: files do not
// go by themselves, but orphans do.
const quotaRetryMs = 60_000

// Upload keeps what next gives, the file's name and its content, for the caller.
// It is durable when Upload returns it, and nothing of it stays when Upload
// fails: with RESOURCE_EXHAUSTED for too many uploads at once, ErrTooLarge (over
// Limits, or an image of too many pixels), ErrType (a kind that is not accepted,
// or damaged), UNAVAILABLE when the disk takes nothing, or what reading gave.
func (s *Service) Upload(ctx context.Context, caller session.Caller, next func() (name string, content io.Reader, err error)) (File, error) {
	end, err := s.begin(caller.UserID)
	if err != nil {
		return File{}, err
	}
	defer end()
	settings := s.settings()
	if err := s.store.View(ctx, func(tx Tx) error { return room(tx, caller.UserID, 1, settings.Quota) }); err != nil {
		return File{}, err
	}
	name, content, err := next()
	if err != nil {
		return File{}, err
	}
	d, err := s.blobs.draft()
	if err != nil {
		return File{}, err
	}
	defer d.drop()
	f, err := receive(d, name, content, settings.MaxBytes)
	if err != nil {
		return File{}, err
	}
	f.ID, f.UserID, f.CreatedAt = newID(), caller.UserID, time.Now()
	return s.admit(ctx, f, d, settings)
}

// admit looks at a received file, and records and keeps it.
func (s *Service) admit(ctx context.Context, f File, d *draft, settings Settings) (File, error) {
	small, err := s.inspect(ctx, &f, d)
	if err != nil {
		return File{}, err
	}
	if small != nil {
		defer small.drop()
	}
	s.blobs.claims.RLock()
	defer s.blobs.claims.RUnlock()
	if err := s.store.Update(ctx, func(tx Tx) error {
		if err := room(tx, f.UserID, f.Size, settings.Quota); err != nil {
			return err
		}
		return tx.Insert(f)
	}); err != nil {
		return File{}, err
	}
	err = d.keep(f.Sum.name())
	if err == nil && small != nil {
		err = small.keep(f.Sum.small())
	}
	if err != nil {
		// A record without content is collected, at the latest with the orphans.
		return File{}, errors.Join(err, s.store.Update(ctx, func(tx Tx) error { return tx.Free(f.ID) }))
	}
	return f, nil
}

// room refuses where size more bytes are over the user's quota.
func room(tx Tx, userID string, size, quota int64) error {
	used, err := tx.Used(userID)
	if err != nil || used+size <= quota {
		return err
	}
	return refusal(ErrTooLarge, protocol.Exhausted(fmt.Sprintf(
		"your files would take more than the %s that you have: delete chats with files that you no longer need", spelled(quota)), quotaRetryMs))
}

// receive writes content to w and says what it is. It reads at most one byte
// more than the limit.
func receive(w io.Writer, name string, content io.Reader, most int64) (File, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(content, head)
	head = head[:n]
	switch {
	case errors.Is(err, io.EOF):
		return File{}, protocol.Refuse(protocol.InvalidRequest, "the file is empty")
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return File{}, err
	}
	name = baseName(name)
	k, binary := sniff(head)
	if !binary {
		var ok bool
		if k, ok = textKind(name); !ok {
			return File{}, wrongType("files of this kind are not accepted; accepted are " + accepted)
		}
	}
	digest, text, check := sha256.New(), &textCheck{}, io.Discard
	if !binary {
		check = text
	}
	size, err := io.Copy(io.MultiWriter(&disk{w}, digest, check), io.LimitReader(io.MultiReader(bytes.NewReader(head), content), most+1))
	switch {
	case err != nil:
		return File{}, err
	case size > most:
		return File{}, OverLimit(most)
	case !binary && !text.ok():
		return File{}, wrongType("the file is neither of a known kind nor text in UTF-8; accepted are " + accepted)
	}
	f := File{Filename: saveName(name, k), MimeType: k.mime, Size: size}
	digest.Sum(f.Sum[:0])
	return f, nil
}

// OverLimit refuses a file with more bytes than one may have.
func OverLimit(most int64) error {
	return tooLarge("the file is larger than " + spelled(most) + ", which is the most that one may have")
}

// disk marks what the writer beneath says as a failure of the disk, not of the
// sender.
type disk struct{ w io.Writer }

func (d *disk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	return n, unwritable(err)
}

// idBytes is how many random bytes the id of a file has.
const idBytes = 16

func newID() string { return credential.RandomID(idBytes) }

// ValidID reports whether a file may have the id.
func ValidID(id string) bool { return credential.ValidID(id, idBytes) }
