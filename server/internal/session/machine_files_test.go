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
	in        *modelSession // nil: in no session
	gone      bool
}

func (m *machine) upload(t *rapid.T) {
	u := &upload{id: fmt.Sprintf("life-%d-file-%d", m.life, len(m.uploads)),
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

func (m *machine) uploaded(id string) *upload {
	return m.uploads[slices.IndexFunc(m.uploads, func(u *upload) bool { return u.id == id })]
}

// unfit returns the code with which a send of files to a session is refused, or "". The
// session is nil if it is new.
func (m *machine) unfit(who session.Caller, s *modelSession, ids []string) protocol.Code {
	for _, id := range ids {
		switch u := m.uploaded(id); {
		case u.gone:
			return protocol.NotFound
		case u.owner != who.UserID && who.Role != protocol.Admin:
			return protocol.Forbidden
		}
	}
	for _, id := range ids {
		if u := m.uploaded(id); u.in != nil && u.in != s {
			return protocol.FailedPrecondition
		}
	}
	return ""
}

// attached attaches files to a message in the model, and checks the stored message.
func (m *machine) attached(t *rapid.T, s *modelSession, messageID string, ids []string) {
	t.Helper()
	for _, id := range ids {
		m.uploaded(id).in = s
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
			case u.gone && errors.Is(err, store.ErrNotFound):
			case u.gone || err != nil:
				t.Fatalf("file %s should be gone: %v; it is %+v, %v", u.id, u.gone, f, err)
			case (f.SessionID != 0) != (u.in != nil) || u.in != nil && f.SessionUser != u.in.owner:
				t.Fatalf("file %s is %+v, and should be in %+v", u.id, f, u.in)
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("view: %v", err)
	}
}
