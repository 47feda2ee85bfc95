package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testFiles is a testService with the store of files.
type testFiles struct {
	testService
	media media.Store
}

func newTestFiles(t *testing.T) testFiles {
	t.Helper()
	sessions, files := openStores(t)
	return testFiles{newTestServiceOn(sessions), files}
}

// openStores opens the stores of sessions and of files in one database. They call each
// function twice, except in benchmarks.
func openStores(t testing.TB) (session.Store, media.Store) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if _, bench := t.(*testing.B); bench {
		return s.Sessions(), s.Media()
	}
	return retrytest.Twice(s.Sessions()), retrytest.Twice(s.Media())
}

// file inserts the record of an upload.
func (f testFiles) file(t *testing.T, id, user string) {
	t.Helper()
	if err := f.media.Update(t.Context(), func(tx media.Tx) error {
		return tx.Insert(media.File{ID: id, UserID: user, Filename: id + ".png",
			MimeType: "image/png", Size: 7, Width: 4, Height: 3, CreatedAt: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
}

// where returns the session of a file, or -1 if the file was freed.
func (f testFiles) where(t *testing.T, id string) (session int64) {
	t.Helper()
	err := f.media.View(t.Context(), func(tx media.Tx) error {
		got, err := tx.File(id)
		session = got.SessionID
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return -1
	}
	return try(t, session, err)
}

func (f testFiles) sendFiles(who session.Caller, key, text string,
	ids ...string) (session.Sent, error) {
	return f.Send(context.Background(), who.To(key),
		session.SendRequest{DefaultAgent: "demo", Message: text, Media: ids})
}

func TestFilesOfAMessage(t *testing.T) {
	t.Parallel()
	f := newTestFiles(t)
	f.file(t, "a", "ann")
	f.file(t, "b", "ann")
	sent, err := f.sendFiles(ann, "k", "", "a", "b")
	try(t, sent, err)
	rec := f.checkLog(t, "k")
	if f.where(t, "a") != rec.ID || f.where(t, "b") != rec.ID || rec.Label != "a.png" {
		t.Errorf("the files are in %d and %d, of session %+v", f.where(t, "a"),
			f.where(t, "b"), rec)
	}
	want := protocol.Media{Path: protocol.MediaPath + "a", Filename: "a.png", MimeType: "image/png",
		Size: 7, Width: 4, Height: 3}
	if m := f.history(t, "k")[0]; len(m.Media) != 2 || m.Media[0] != want {
		t.Errorf("the message is %+v", m)
	}
	b := f.begin(t, "k")
	if asked := b.History[len(b.History)-1]; len(asked.Media) != 2 {
		t.Errorf("the run is to answer %+v", asked)
	}
	f.finish(t, b, session.RunFailed)
	_, err = f.Retry(context.Background(), ann.To("k"), session.RetryRequest{RunID: sent.RunID})
	try(t, sent, err)
	f.checkLog(t, "k")
	if err := f.Delete(context.Background(), ann.To("k")); err != nil {
		t.Fatal(err)
	}
	if f.where(t, "a") != -1 {
		t.Error("a file outlives its session")
	}
	_, err = f.sendFiles(ann, "k", "again", "a")
	refused(t, "a file that is gone", err, protocol.NotFound)
}

// A refused send attaches no files.
func TestRefusedSendKeepsFiles(t *testing.T) {
	t.Parallel()
	f := newTestFiles(t)
	f.file(t, "a", "ann")
	f.file(t, "b", "ben")
	for i := range protocol.MaxQueuedRuns + 1 {
		f.send(t, ann, "full", fmt.Sprint(i))
	}
	f.send(t, ben, "bens", "hi")
	for what, c := range map[string]struct {
		key  string
		ids  []string
		code protocol.Code
	}{
		"a full queue":          {"full", []string{"a"}, protocol.ResourceExhausted},
		"somebody else's file":  {"new", []string{"a", "b"}, protocol.Forbidden},
		"a file that never was": {"new", []string{"a", "c"}, protocol.NotFound},
		// The caller learns nothing else, not even what is wrong with the files.
		"somebody else's session": {"bens", []string{"a", "c"}, protocol.Forbidden},
	} {
		_, err := f.sendFiles(ann, c.key, "x", c.ids...)
		refused(t, what, err, c.code)
		if at := f.where(t, "a"); at != 0 {
			t.Errorf("%s: the file is in session %d", what, at)
		}
	}
	if _, err := f.Find(context.Background(), root.To("new")); err == nil {
		t.Error("a refused send has made a session")
	}
	sent, err := f.sendFiles(root, "roots", "", "a")
	try(t, sent, err)
}

func TestFilesOfAnotherSession(t *testing.T) {
	t.Parallel()
	f := newTestFiles(t)
	f.file(t, "a", "ann")
	for _, key := range []string{"k", "k"} {
		sent, err := f.sendFiles(ann, key, "", "a")
		try(t, sent, err)
	}
	_, err := f.sendFiles(ann, "other", "", "a")
	refused(t, "a file of another session", err, protocol.FailedPrecondition)
	_, err = f.Reset(context.Background(), ann.To("k"))
	try(t, 0, err)
	if f.where(t, "a") != -1 {
		t.Error("a file outlives its log")
	}
}

// FilesOfOthers leaves out the caller's own files and unknown ids.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	f := newTestFiles(t)
	for id, user := range map[string]string{"a": "ann", "b": "ben", "c": "ben", "d": "ann"} {
		f.file(t, id, user)
	}
	others, err := f.FilesOfOthers(t.Context(), "ann", []string{"a", "c", "gone", "b", "d"})
	if try(t, others, err); len(others) != 2 || others[0].ID != "c" || others[1].ID != "b" {
		t.Errorf("the files of others are %+v", others)
	}
	others, err = f.FilesOfOthers(t.Context(), "ann", []string{"a", "gone"})
	if try(t, others, err); len(others) > 0 {
		t.Errorf("the files of others are %+v", others)
	}
}
