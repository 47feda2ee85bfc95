package session_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// asCaller has a call of each method of Service that takes an Access or a Caller. The
// test fails if a method is missing.
var asCaller = map[string]func(s *session.Service, who session.Caller, key, run string) error{
	"Send": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Send(context.Background(), who.To(key),
			session.SendRequest{DefaultAgent: "demo", Message: "Hi"})
		return err
	},
	"Retry": func(s *session.Service, who session.Caller, key, run string) error {
		_, err := s.Retry(context.Background(), who.To(key), session.RetryRequest{RunID: run})
		if e := (*protocol.Error)(nil); errors.As(err, &e) &&
			e.Code == protocol.FailedPrecondition {
			return nil // the caller has access: the run is active, so it cannot be retried
		}
		return err
	},
	"Replay": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Replay(context.Background(), who.To(key), "", 0, session.Span{Events: 1})
		return err
	},
	"History": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.History(context.Background(), who.To(key), 0, 10)
		return err
	},
	"Status": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Status(context.Background(), who.To(key))
		return err
	},
	"Find": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Find(context.Background(), who.To(key))
		return err
	},
	"Withdraw": func(s *session.Service, who session.Caller, key, _ string) error {
		_, _, err := s.Withdraw(context.Background(), who.To(key), "")
		return err
	},
	"RunSession": func(s *session.Service, who session.Caller, _, run string) error {
		_, err := s.RunSession(context.Background(), who, run)
		return err
	},
	"Inject": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Inject(context.Background(), who.To(key), "note", "")
		return err
	},
	"Patch": func(s *session.Service, who session.Caller, key, _ string) error {
		label := "patched"
		_, err := s.Patch(context.Background(), who.To(key), &label, nil)
		return err
	},
	"Reset": func(s *session.Service, who session.Caller, key, _ string) error {
		_, err := s.Reset(context.Background(), who.To(key))
		return err
	},
	"Delete": func(s *session.Service, who session.Caller, key, _ string) error {
		return s.Delete(context.Background(), who.To(key))
	},
}

func TestEveryMethodChecksTheOwner(t *testing.T) {
	t.Parallel()
	service := reflect.TypeFor[*session.Service]()
	for m := range service.Methods() {
		takes := false
		for in := range m.Type.Ins() {
			takes = takes || in == reflect.TypeFor[session.Access]() ||
				in == reflect.TypeFor[session.Caller]()
		}
		if takes && asCaller[m.Name] == nil {
			t.Errorf("%s takes an Access or a Caller and is not tested", m.Name)
		}
	}
	for name, call := range asCaller {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTestService(t)
			living := h.send(t, ann, "living", "Hi")
			deleted := h.send(t, ann, "deleted", "Hi")
			if err := h.Delete(t.Context(), ann.To("deleted")); err != nil {
				t.Fatal(err)
			}
			before := h.checkLog(t, "living")
			for _, who := range []session.Caller{ben, {UserID: "", Role: protocol.Operator},
				{UserID: "Ann", Role: protocol.Viewer}} {
				refused(t, "somebody else's session", call(h.Service, who, "living", living.RunID),
					protocol.Forbidden)
				if name != "RunSession" { // a deleted session has no runs to name
					refused(t, "somebody else's deleted session",
						call(h.Service, who, "deleted", deleted.RunID), protocol.Forbidden)
				}
			}
			if after := h.checkLog(t, "living"); after != before {
				t.Errorf("a refused call changed %+v to %+v", before, after)
			}
			if name != "Send" { // it makes what is not there
				refused(t, "a deleted session", call(h.Service, ann, "deleted", deleted.RunID),
					protocol.NotFound)
				refused(t, "an admin's look at a deleted session",
					call(h.Service, root, "deleted", deleted.RunID), protocol.NotFound)
				refused(t, "no session", call(h.Service, ann, "nothing", "no-run"),
					protocol.NotFound)
			}
			if err := call(h.Service, ann, "living", living.RunID); err != nil {
				t.Errorf("the owner: %v", err)
			}
			other := h.send(t, ann, "other", "Hi")
			if err := call(h.Service, root, "other", other.RunID); err != nil {
				t.Errorf("an admin: %v", err)
			}
			if rec, err := h.Find(t.Context(), root.To("other")); err == nil &&
				rec.UserID != "ann" {
				t.Errorf("an admin's call made the session %s's", rec.UserID)
			}
		})
	}
}

// The key of a deleted session still belongs to its owner. If an admin uses it again, the
// new session belongs to the owner, too.
func TestDeletedKeyStaysItsOwners(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.send(t, ann, "k", "Hi")
	if err := h.Delete(t.Context(), ann.To("k")); err != nil {
		t.Fatal(err)
	}
	sent := h.send(t, root, "k", "From the keeper")
	if rec := h.checkLog(t, "k"); rec.UserID != "ann" {
		t.Errorf("the session is %s's", rec.UserID)
	}
	messages := h.history(t, "k")
	if len(messages) != 1 || messages[0].ID != sent.MessageID || messages[0].Author == nil ||
		messages[0].Author.UserID != "root" {
		t.Errorf("the transcript is %v", encoded(messages))
	}
}
