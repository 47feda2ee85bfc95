package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Settings are what the configuration says of files. Sizes are bytes.
type Settings struct {
	MaxBytes int64 // one file
	Quota    int64 // all files of a user
}

// Bounds of uploads under way.
const (
	uploadsAUser  = 4
	uploadsAtOnce = 64
)

// Service takes files in, gives them out and collects those that nobody has
// use for. It is safe for concurrent use. Its refusals are *protocol.Error; other
// errors are the store's.
type Service struct {
	store    Store
	blobs    *blobs
	settings setting.Live[Settings]

	imaging chan struct{} // holds one while an image is in memory

	mu      sync.Mutex
	uploads map[string]int // under way, by user
	total   int
	strays  time.Time // when strays were looked for
}

// New makes a Service that keeps contents in dir, which it has to itself, and
// records in store.
func New(dir string, store Store, settings setting.Live[Settings]) (*Service, error) {
	b, err := openBlobs(dir)
	if err != nil {
		return nil, err
	}
	return &Service{store: store, blobs: b, settings: settings,
		imaging: make(chan struct{}, 1), uploads: map[string]int{}}, nil
}

// Close lets the directory go. What is open stays readable.
func (s *Service) Close() error { return s.blobs.root.Close() }

// MaxBytes is the size of the largest file that is taken now.
func (s *Service) MaxBytes() int64 { return s.settings().MaxBytes }

// Find gives the record of a file to its owner, to whoever owns the session that
// it is in, and to admins. Refuses with NOT_FOUND and FORBIDDEN.
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
	case f.UserID != caller.UserID && (f.SessionID == 0 || f.SessionUser != caller.UserID) && !caller.Role.Allows(protocol.Admin):
		return File{}, errNotOwner
	}
	return f, nil
}

// Open opens a file that Find gave.
func (s *Service) Open(f File) (io.ReadSeekCloser, error) { return s.blobs.open(f.Sum.name()) }

// OpenThumbnail opens its small picture, if it has one; else NOT_FOUND.
func (s *Service) OpenThumbnail(f File) (io.ReadSeekCloser, error) {
	if f.Thumbnail == "" {
		return nil, protocol.Refuse(protocol.NotFound, "this file has no small picture")
	}
	return s.blobs.open(f.Sum.small())
}

// Delete frees a file that was not sent yet, for its owner and for admins.
// Refuses as Find does, and with FAILED_PRECONDITION for a file that a message
// has.
func (s *Service) Delete(ctx context.Context, caller session.Caller, id string) error {
	if _, err := s.Find(ctx, caller, id); err != nil { // who may read what is not sent may remove it
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
			return protocol.Refuse(protocol.FailedPrecondition, "a message has this file: it goes with its chat")
		}
		return tx.Free(id)
	})
}

// begin counts an upload of the user, until end is called.
func (s *Service) begin(userID string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const soon = 1000
	switch {
	case s.uploads[userID] >= uploadsAUser:
		return nil, protocol.Exhausted(fmt.Sprintf("you are uploading %d files already: wait for one of them", uploadsAUser), soon)
	case s.total >= uploadsAtOnce:
		return nil, protocol.Exhausted("too many files are being uploaded: wait a moment", soon)
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
