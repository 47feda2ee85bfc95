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

// quotaRetryMs is the retry delay of a user whose quota is used up. Orphans are deleted
// after a while.
const quotaRetryMs = 60_000

// Upload stores a file for the caller. Upload calls next for the file's name and content,
// once the caller may upload. When Upload returns the file, the file is durable. If
// Upload fails, nothing is stored.
//
// The error is
//   - RESOURCE_EXHAUSTED if there are too many simultaneous uploads;
//   - ErrTooLarge if the file exceeds MaxBytes or the quota, or an image has too many
//     pixels;
//   - ErrType if the kind is not accepted, or the file is damaged;
//   - UNAVAILABLE if the disk cannot be written;
//   - otherwise the error of next, of reading the content, or of the store.
func (s *Service) Upload(ctx context.Context, caller session.Caller,
	next func() (name string, content io.Reader, err error)) (File, error) {
	end, err := s.beginUpload(caller.UserID)
	if err != nil {
		return File{}, err
	}
	defer end()
	settings := s.settings()
	if err := s.store.View(ctx,
		func(tx Tx) error { return checkQuota(tx, caller.UserID, 1, settings.Quota) }); err != nil {
		return File{}, err
	}
	name, content, err := next()
	if err != nil {
		return File{}, err
	}
	temp, err := s.blobs.create()
	if err != nil {
		return File{}, err
	}
	defer temp.discard()
	f, err := receive(temp, name, content, settings.MaxBytes)
	if err != nil {
		return File{}, err
	}
	f.ID, f.UserID, f.CreatedAt = newID(), caller.UserID, time.Now()
	return s.save(ctx, f, temp, settings)
}

// save inspects a received file, inserts its record and makes its content a blob.
func (s *Service) save(ctx context.Context, f File, temp *tempFile,
	settings Settings) (File, error) {
	copied, err := s.inspect(ctx, &f, temp)
	if err != nil {
		return File{}, err
	}
	if copied != nil {
		defer copied.discard()
	}
	s.blobs.mu.RLock()
	defer s.blobs.mu.RUnlock()
	if err := s.store.Update(ctx, func(tx Tx) error {
		if err := checkQuota(tx, f.UserID, f.Size, settings.Quota); err != nil {
			return err
		}
		return tx.Insert(f)
	}); err != nil {
		return File{}, err
	}
	err = temp.commit(f.Sum.name())
	if err == nil && copied != nil {
		err = copied.commit(copied.blob)
	}
	if err != nil {
		// If the record cannot be freed now, it is collected as an orphan.
		return File{}, errors.Join(err,
			s.store.Update(ctx, func(tx Tx) error { return tx.Free(f.ID) }))
	}
	return f, nil
}

// derived is what is made of a content and stored next to its blob: the thumbnail of an
// image, or the text of a PDF.
type derived struct {
	*tempFile
	blob string // the path that it gets
}

// inspect sets what depends on the content in f, and returns what is derived from the
// content, or nil. It refuses an image that is too large or whose size cannot be read.
func (s *Service) inspect(ctx context.Context, f *File, temp *tempFile) (*derived, error) {
	switch {
	case f.Image():
		return s.inspectImage(ctx, f, temp)
	case f.MimeType == pdfKind.mime:
		return s.inspectPDF(ctx, f, temp)
	}
	f.Unreadable = !f.Text()
	return nil, nil
}

// derive stores data next to the blob that the content will become.
func (s *Service) derive(data []byte, blob string) (*derived, error) {
	temp, err := s.blobs.create()
	if err != nil {
		return nil, err
	}
	if _, err := temp.Write(data); err != nil {
		temp.discard()
		return nil, unwritable(err)
	}
	return &derived{temp, blob}, nil
}

// checkQuota refuses if size more bytes would exceed the user's quota.
func checkQuota(tx Tx, userID string, size, quota int64) error {
	used, err := tx.Used(userID)
	if err != nil || used+size <= quota {
		return err
	}
	return refusal(ErrTooLarge, protocol.Exhausted(fmt.Sprintf(
		"your files would exceed your limit of %s: "+
			"delete chats with files that you no longer need", sizeText(quota)), quotaRetryMs))
}

// receive writes content to w and returns the record of the file, without owner and id.
// receive reads at most one byte more than limit.
func receive(w io.Writer, name string, content io.Reader, limit int64) (File, error) {
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
	digest, text, check := sha256.New(), &textCheck{}, io.Discard
	if !binary {
		k, check = textKind(name), text
	}
	size, err := io.Copy(io.MultiWriter(&diskWriter{w}, digest, check),
		io.LimitReader(io.MultiReader(bytes.NewReader(head), content), limit+1))
	switch {
	case err != nil:
		return File{}, err
	case size > limit:
		return File{}, OverLimit(limit)
	case !binary && !text.ok():
		return File{}, notText(head)
	}
	f := File{Filename: saveName(name, k), MimeType: k.mime, Size: size}
	digest.Sum(f.Sum[:0])
	return f, nil
}

// OverLimit returns the refusal of a file that is larger than limit.
func OverLimit(limit int64) error {
	return tooLarge("the file is larger than " + sizeText(limit) + ", which is the limit")
}

// diskWriter wraps the errors of w, so that they are not mistaken for errors of reading.
type diskWriter struct{ w io.Writer }

func (d *diskWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	return n, unwritable(err)
}

// idBytes is the number of random bytes in the id of a file.
const idBytes = 16

func newID() string { return credential.RandomID(idBytes) }

// ValidID reports whether text has the form of a file's id.
func ValidID(id string) bool { return credential.ValidID(id, idBytes) }
