package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Settings are the limits on files, in bytes.
type Settings struct {
	MaxBytes int64 // of one file
	Quota    int64 // of all files of a user
}

// Limits on simultaneous uploads.
const (
	maxUserUploads = 4  // of one user
	maxUploads     = 64 // of all users
)

// Service stores, reads and deletes files. It is safe for concurrent use. Its refusals
// are *protocol.Error; other errors are the store's.
type Service struct {
	store    Store
	blobs    *blobs
	settings setting.Live[Settings]

	// decodeLock has one element while an image is in memory. A channel is used instead
	// of a mutex, so that waiting ends with a context.
	decodeLock chan struct{}

	// PDFText returns the text of a PDF, "" if it has none or cannot be read. If PDFText is
	// nil, models get no text of PDFs. Set it before the first call.
	PDFText func(ctx context.Context, file *os.File) (string, error)
	// pdfSlots has an element for each PDF that is being read.
	pdfSlots chan struct{}

	// mu guards the following fields.
	mu          sync.Mutex
	uploads     map[string]int // the number of running uploads, by user
	total       int            // the number of running uploads of all users
	straySearch time.Time      // when the last search for strays began
}

// New returns a Service that stores contents in dir and records in store. No other
// process may use dir.
func New(dir string, store Store, settings setting.Live[Settings]) (*Service, error) {
	b, err := openBlobs(dir)
	if err != nil {
		return nil, err
	}
	return &Service{store: store, blobs: b, settings: settings,
		decodeLock: make(chan struct{}, 1), pdfSlots: make(chan struct{}, maxPDFs), uploads: map[string]int{}}, nil
}

// Close closes the directory. Files that are open stay readable.
func (s *Service) Close() error { return s.blobs.root.Close() }

// MaxBytes returns the current limit on the size of a file.
func (s *Service) MaxBytes() int64 { return s.settings().MaxBytes }

// Find returns the record of a file, if the caller is its owner, the owner of the session
// that it is attached to, or an admin. Otherwise Find refuses with FORBIDDEN. If there is
// no such file, it refuses with NOT_FOUND.
func (s *Service) Find(ctx context.Context, caller session.Caller, id string) (File, error) {
	var f File
	err := s.store.View(ctx, func(tx Tx) (err error) {
		f, err = tx.File(id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return File{}, errNoFile
	case err != nil:
		return File{}, err
	case f.UserID != caller.UserID && (f.SessionID == 0 || f.SessionUser != caller.UserID) &&
		!caller.Role.Allows(protocol.Admin):
		return File{}, errNotOwner
	}
	return f, nil
}

// Open opens the content of a file that Find has returned.
func (s *Service) Open(f File) (io.ReadSeekCloser, error) { return s.blobs.open(f.Sum.name()) }

// OpenThumbnail opens the thumbnail of a file that Find has returned. If there is none,
// it refuses with NOT_FOUND.
func (s *Service) OpenThumbnail(f File) (io.ReadSeekCloser, error) {
	if f.Thumbnail == "" {
		return nil, protocol.Refuse(protocol.NotFound, "this file has no thumbnail")
	}
	return s.blobs.open(f.Sum.thumbnail())
}

// Delete frees a file that is not attached to a message. The caller must be the owner or
// an admin. Delete refuses as Find does, and with FAILED_PRECONDITION if a message has
// the file.
func (s *Service) Delete(ctx context.Context, caller session.Caller, id string) error {
	// Whoever may read a file that is not attached may delete the file.
	if _, err := s.Find(ctx, caller, id); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		f, err := tx.File(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return errNoFile
		case err != nil:
			return err
		case f.SessionID != 0:
			return protocol.Refuse(protocol.FailedPrecondition,
				"a message has this file: it is deleted with its chat")
		}
		return tx.Free(id)
	})
}

// beginUpload counts an upload of the user, until end is called. It refuses if there are
// too many.
func (s *Service) beginUpload(userID string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const retryMs = 1000
	switch {
	case s.uploads[userID] >= maxUserUploads:
		return nil, protocol.Exhausted(fmt.Sprintf("you are already uploading %d files: wait "+
			"until one of them is done", maxUserUploads), retryMs)
	case s.total >= maxUploads:
		return nil, protocol.Exhausted("too many files are being uploaded: wait a moment", retryMs)
	}
	s.uploads[userID]++
	s.total++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.uploads[userID]--; s.uploads[userID] == 0 {
			delete(s.uploads, userID)
		}
	}, nil
}
