package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Messages move a session to the top of its owner's list. A new label and the pieces of
// an answer do not.
func TestListOrder(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	ctx := t.Context()
	label := "label"
	var b session.StartedRun
	long := time.UnixMilli(1000).UTC()
	steps := []struct {
		name string
		up   bool
		do   func() error
	}{
		{"send", true, func() error { h.send(t, ann, "k", "Hi"); return nil }},
		{"send again", true, func() error { h.send(t, ann, "k", "Hi"); return nil }},
		{"patch", false, func() error {
			_, err := h.Patch(ctx, ann.To("k"), &label, nil)
			return err
		}},
		{"begin", true, func() error { b = h.begin(t, "k"); return nil }},
		{"append", false, func() error { h.say(t, b, "text"); return nil }},
		{"finish", true, func() error { h.finish(t, b, session.RunCompleted); return nil }},
		{"withdraw", true, func() error {
			_, _, err := h.Withdraw(ctx, ann.To("k"), "")
			return err
		}},
		{"withdraw nothing", false,
			func() error { _, _, err := h.Withdraw(ctx, ann.To("k"), ""); return err }},
		{"inject", true, func() error {
			_, err := h.Inject(ctx, root.To("k"), "note", "")
			return err
		}},
		{"reset", true, func() error { _, err := h.Reset(ctx, ann.To("k")); return err }},
	}
	h.send(t, ann, "k", "Hi")
	h.answered(t, ann, "other", "Hi", "there")
	h.finish(t, h.begin(t, "k"), session.RunCompleted)
	for _, step := range steps {
		err := h.store.Update(ctx, func(tx session.Tx) error {
			rec, err := tx.Session("k")
			rec.UpdatedAt = long
			if err == nil {
				err = tx.SaveSession(&rec)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		rec := h.checkLog(t, "k")
		if up := !rec.UpdatedAt.Equal(long); up != step.up {
			t.Errorf("%s moved the session up: %v", step.name, up)
		}
		list, err := h.List(ctx, session.List{UserID: "ann", Limit: 9})
		if err != nil || len(list.Sessions) != 2 || (list.Sessions[0].Key == "k") != step.up {
			t.Errorf("after %s the list is %v (%v)", step.name, list.Sessions, err)
		}
	}
	events := h.published.log("k")
	var update protocol.SessionUpdated
	if err := protocol.Decode(events[0].Payload, &update); err != nil ||
		update.Change != protocol.SessionReset ||
		*update.Session != h.checkLog(t, "k").Wire() {
		t.Errorf("the reset was published as %s (%v)", events[0].Payload, err)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	pinned := true
	for i := range 7 {
		key := fmt.Sprint(i)
		h.send(t, ann, key, "Hi")
		if i == 3 {
			if _, err := h.Patch(t.Context(), ann.To(key), nil, &pinned); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.send(t, ben, "ben's", "Hi")
	if err := h.Delete(t.Context(), ann.To("5")); err != nil {
		t.Fatal(err)
	}
	for limit := 1; limit <= 8; limit++ {
		seen := map[string]bool{}
		q := session.List{UserID: "ann", Limit: limit}
		for more := true; more; {
			page, err := h.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			q.After, more = page.Next, page.Next != nil
			if len(page.Sessions) > limit || more && len(page.Sessions) < limit {
				t.Errorf("a page of %d has %d sessions, more: %v", limit, len(page.Sessions), more)
			}
			for _, r := range page.Sessions {
				if len(seen) == 0 && r.Key != "3" || seen[r.Key] || r.UserID != "ann" ||
					r.Key == "5" {
					t.Errorf("pages of %d have %s after %v", limit, r.Key, seen)
				}
				seen[r.Key] = true
			}
		}
		if len(seen) != 6 {
			t.Errorf("pages of %d have %v", limit, seen)
		}
	}
}
