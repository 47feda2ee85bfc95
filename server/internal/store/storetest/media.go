package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// MediaStores are the stores of files and of sessions, with one database.
type MediaStores struct {
	Media    media.Store
	Sessions session.Store
}

// Media tests the contract of media.Store, and what session.Store does with files.
func Media(t *testing.T, open func(t testing.TB) MediaStores) {
	for name, test := range map[string]func(*testing.T, mediaStores){
		"keeps every field":    keepsEveryFile,
		"counts what is used":  countsUsed,
		"frees and removes":    freesAndRemoves,
		"frees orphans":        freesOrphans,
		"attaches":             attachesFiles,
		"frees with a session": freesWithSession,
		"messages keep media":  messagesKeepMedia,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, mediaStores{t, open(t)})
		})
	}
}

type mediaStores struct {
	t *testing.T
	MediaStores
}

// update calls fn in an Update that must succeed.
func (s mediaStores) update(fn func(media.Tx) error) {
	s.t.Helper()
	if err := s.Media.Update(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// sessions calls fn in an Update of sessions that must succeed.
func (s mediaStores) sessions(fn func(session.Tx) error) {
	s.t.Helper()
	if err := s.Sessions.Update(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// existing returns those of the ids that have a record that is not freed.
func (s mediaStores) existing(ids ...string) (found []string) {
	s.t.Helper()
	s.update(func(tx media.Tx) error {
		found = nil
		for _, id := range ids {
			_, err := tx.File(id)
			switch {
			case err == nil:
				found = append(found, id)
			case !errors.Is(err, store.ErrNotFound):
				return err
			}
		}
		return nil
	})
	return found
}

// want fails unless got is want.
func (s mediaStores) want(what string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// upload returns a file with a different value in every field.
func upload(id, user string, created time.Time) media.File {
	f := media.File{ID: id, UserID: user, Filename: id + " ✓.png", MimeType: "image/png", Size: 10, Width: 640, Height: 480,
		Thumbnail: "image/jpeg", Unreadable: true, CreatedAt: created}
	copy(f.Sum[:], "the sum of "+id)
	return f
}

func keepsEveryFile(t *testing.T, s mediaStores) {
	want := upload("a", "ann", at(5))
	s.update(func(tx media.Tx) error { return tx.Insert(want) })
	s.update(func(tx media.Tx) error {
		got, err := tx.File("a")
		if err != nil || got != want {
			t.Errorf("it has\n%+v, %v; want\n%+v", got, err, want)
		}
		return nil
	})
	if err := s.Media.Update(t.Context(), func(tx media.Tx) error { return tx.Insert(want) }); err == nil {
		t.Error("a second record of one id was taken")
	}
	s.want("found", s.existing("a", "b"), "a")
}

func countsUsed(t *testing.T, s mediaStores) {
	s.update(func(tx media.Tx) error {
		return errors.Join(tx.Insert(upload("a", "ann", at(1))), tx.Insert(upload("b", "ann", at(1))),
			tx.Insert(upload("c", "ben", at(1))), tx.Free("b"))
	})
	s.update(func(tx media.Tx) error {
		for user, want := range map[string]int64{"ann": 10, "ben": 10, "eve": 0} {
			if used, err := tx.Used(user); err != nil || used != want {
				t.Errorf("%s uses %d bytes (%v), want %d", user, used, err, want)
			}
		}
		return nil
	})
}

func freesAndRemoves(t *testing.T, s mediaStores) {
	same := upload("b", "ben", at(1))
	same.Sum = upload("a", "ann", at(1)).Sum
	s.update(func(tx media.Tx) error {
		return errors.Join(tx.Insert(upload("a", "ann", at(1))), tx.Insert(same), tx.Free("a"), tx.Free("gone"),
			tx.Remove("b")) // does nothing: b is not freed
	})
	s.want("found", s.existing("a", "b"), "b")
	s.update(func(tx media.Tx) error {
		freed, err := tx.Freed(10)
		if err != nil || len(freed) != 1 || freed[0].ID != "a" || freed[0].Sum != same.Sum {
			t.Errorf("freed are %+v, %v", freed, err)
		}
		if kept, err := tx.InUse(same.Sum); err != nil || !kept {
			t.Errorf("the content of b is kept: %v, %v", kept, err)
		}
		if err := errors.Join(tx.Free("b"), tx.Remove("a")); err != nil {
			return err
		}
		if kept, err := tx.InUse(same.Sum); err != nil || kept {
			t.Errorf("the content of nothing is kept: %v, %v", kept, err)
		}
		if freed, err = tx.Freed(10); err != nil || len(freed) != 1 || freed[0].ID != "b" {
			t.Errorf("freed are %+v, %v", freed, err)
		}
		return tx.Insert(upload("a", "ann", at(1)))
	})
	s.want("found", s.existing("a", "b"), "a")
}

func freesOrphans(t *testing.T, s mediaStores) {
	s.update(func(tx media.Tx) error {
		return errors.Join(tx.Insert(upload("a", "ann", at(1))), tx.Insert(upload("b", "ann", at(2))),
			tx.Insert(upload("c", "ann", at(3))), tx.Insert(upload("d", "ann", at(1))))
	})
	s.sessions(func(tx session.Tx) error {
		r := session.Record{Key: "k", UserID: "ann"}
		return errors.Join(tx.SaveSession(&r), tx.AttachFile("d", r.ID))
	})
	var freed []int
	s.update(func(tx media.Tx) error {
		freed = nil
		for range 3 {
			n, err := tx.FreeOrphans(at(3), 1)
			if err != nil {
				return err
			}
			freed = append(freed, n)
		}
		return nil
	})
	if !slices.Equal(freed, []int{1, 1, 0}) {
		t.Errorf("freed were %v", freed)
	}
	s.want("found", s.existing("a", "b", "c", "d"), "c", "d")
}

func attachesFiles(t *testing.T, s mediaStores) {
	s.update(func(tx media.Tx) error {
		return errors.Join(tx.Insert(upload("a", "ann", at(1))), tx.Insert(upload("b", "ann", at(1))), tx.Free("b"))
	})
	var r session.Record
	s.sessions(func(tx session.Tx) error {
		r = session.Record{Key: "k", UserID: "owner"}
		if err := tx.SaveSession(&r); err != nil {
			return err
		}
		f, err := tx.File("a")
		if err != nil || f.ID != "a" || f.UserID != "ann" || f.SessionID != 0 || f.Media != upload("a", "ann", at(1)).Wire() {
			t.Errorf("the file is %+v, %v", f, err)
		}
		for _, id := range []string{"b", "c"} {
			if _, err := tx.File(id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("file %s: %v", id, err)
			}
			if err := tx.AttachFile(id, r.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("attach %s: %v", id, err)
			}
		}
		return tx.AttachFile("a", r.ID)
	})
	s.update(func(tx media.Tx) error {
		f, err := tx.File("a")
		if err != nil || f.SessionID != r.ID || f.SessionUser != "owner" {
			t.Errorf("the file is %+v, %v", f, err)
		}
		return nil
	})
}

func freesWithSession(_ *testing.T, s mediaStores) {
	var one, two session.Record
	s.update(func(tx media.Tx) error {
		return errors.Join(tx.Insert(upload("a", "ann", at(1))), tx.Insert(upload("b", "ann", at(1))), tx.Insert(upload("c", "ann", at(1))))
	})
	s.sessions(func(tx session.Tx) error {
		one, two = session.Record{Key: "1", UserID: "ann"}, session.Record{Key: "2", UserID: "ann"}
		if err := errors.Join(tx.SaveSession(&one), tx.SaveSession(&two)); err != nil {
			return err
		}
		return errors.Join(tx.AttachFile("a", one.ID), tx.AttachFile("b", two.ID))
	})
	s.sessions(func(tx session.Tx) error { return tx.ClearSession(one.ID) })
	s.want("found", s.existing("a", "b", "c"), "b", "c")
	s.sessions(func(tx session.Tx) error { return tx.ClearSession(0) })
	s.want("found", s.existing("a", "b", "c"), "b", "c")
}

func messagesKeepMedia(t *testing.T, s mediaStores) {
	m := session.Message{Anchor: 1, Message: protocol.Message{ID: "m", Seq: 1, Media: []protocol.Media{
		upload("a", "ann", at(1)).Wire(), {Path: "/api/media/b", Filename: `<"'&> 😀.zip`, MimeType: "application/zip", Size: 1 << 40},
	}}}
	s.sessions(func(tx session.Tx) error {
		r := session.Record{Key: "k", UserID: "ann"}
		if err := tx.SaveSession(&r); err != nil {
			return err
		}
		if err := tx.SaveMessage(r.ID, m); err != nil {
			return err
		}
		changed := m
		changed.Status, changed.Media = protocol.StatusWithdrawn, nil
		if err := tx.SaveMessage(r.ID, changed); err != nil {
			return err
		}
		got, err := tx.Message(r.ID, "m")
		if err != nil || !slices.Equal(got.Media, m.Media) {
			t.Errorf("the message is %+v, %v; want %+v", got, err, m)
		}
		return nil
	})
}
