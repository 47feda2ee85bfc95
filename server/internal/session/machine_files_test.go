package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// upload is a file in the model.
type upload struct {
	id, owner string
	session   *modelSession // nil if it is attached to none
	deleted   bool
}

// upload stores the record of a new file.
func (m *machine) upload(t *rapid.T) {
	u := &upload{id: fmt.Sprintf("test-%d-file-%d", m.testCase, len(m.uploads)),
		owner: m.caller(t).UserID}
	if err := m.files.Update(context.Background(), func(tx media.Tx) error {
		return tx.Insert(media.File{ID: u.id, UserID: u.owner, Filename: u.id,
			MimeType: "text/plain", Size: 1, CreatedAt: time.Now()})
	}); err != nil {
		t.Fatalf("upload: %v", err)
	}
	m.uploads = append(m.uploads, u)
}

// drawUploads draws the ids of some of the last files, mostly none.
func (m *machine) drawUploads(t *rapid.T) (ids []string) {
	last := m.uploads[max(0, len(m.uploads)-3):]
	for _, u := range last {
		if rapid.IntRange(0, 2).Draw(t, "with a file") == 0 {
			ids = append(ids, u.id)
		}
	}
	return ids
}

// uploaded returns the file with that id in the model.
func (m *machine) uploaded(id string) *upload {
	return m.uploads[slices.IndexFunc(m.uploads, func(u *upload) bool { return u.id == id })]
}

// filesRefusal returns the code with which a send of files to a session is refused, or
// "". The session is nil if it is new.
func (m *machine) filesRefusal(who session.Caller, s *modelSession, ids []string) protocol.Code {
	for _, id := range ids {
		switch u := m.uploaded(id); {
		case u.deleted:
			return protocol.NotFound
		case u.owner != who.UserID && who.Role != protocol.Admin:
			return protocol.Forbidden
		}
	}
	for _, id := range ids {
		if u := m.uploaded(id); u.session != nil && u.session != s {
			return protocol.FailedPrecondition
		}
	}
	return ""
}

// attach attaches files to a message in the model, and checks the stored message.
func (m *machine) attach(t *rapid.T, s *modelSession, messageID string, ids []string) {
	t.Helper()
	for _, id := range ids {
		m.uploaded(id).session = s
	}
	var got []string
	for _, message := range m.history(t, s.key) {
		if message.ID != messageID {
			continue
		}
		for _, f := range message.Media {
			got = append(got, f.Filename)
		}
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("the message has the files %q, want %q", got, ids)
	}
}

// checkUploads fails unless each file is where it should be.
func (m *machine) checkUploads(t *rapid.T) {
	t.Helper()
	if err := m.files.View(context.Background(), func(tx media.Tx) error {
		for _, u := range m.uploads {
			f, err := tx.File(u.id)
			switch {
			case u.deleted && errors.Is(err, store.ErrNotFound):
			case u.deleted || err != nil:
				t.Fatalf("file %s should be gone: %v; it is %+v, %v", u.id, u.deleted, f, err)
			case (f.SessionID != 0) != (u.session != nil) || u.session != nil && f.SessionUser != u.session.owner:
				t.Fatalf("file %s is %+v, and should be in %+v", u.id, f, u.session)
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("view: %v", err)
	}
}
