package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sessions tests the contract of session.Store. open returns a new, empty store that is
// closed when the test ends.
func Sessions(t *testing.T, open func(t testing.TB) session.Store) {
	for name, test := range map[string]func(*testing.T, sessionStore){
		"session":           testSession,
		"session times":     testSessionTimes,
		"session is gone":   testSessionIsGone,
		"advance":           testAdvance,
		"clear":             testClearSession,
		"list order":        testListOrder,
		"list walk":         testListWalk,
		"candidates":        testCandidates,
		"counts":            testCounts,
		"events":            testEvents,
		"events bounded":    testEventsBounded,
		"run events":        testRunEvents,
		"remove events":     testRemoveEvents,
		"remove pieces":     testRemovePieces,
		"message":           testMessage,
		"messages in order": testMessages,
		"messages bounded":  testMessagesBounded,
		"runs":              testRuns,
		"active runs":       testActiveRuns,
		"leases":            testLeases,
		"uncompacted":       testUncompacted,
		"unchanged since":   testUnchangedSince,
		"sends":             testSends,
		"undo":              testUndo,
		"context":           testContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, sessionStore{open(t)})
		})
	}
}

// sessionStore adds shorthands for tests.
type sessionStore struct{ session.Store }

// update calls fn in an Update that must succeed.
func (s sessionStore) update(t testing.TB, fn func(session.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// view calls fn in a View that must succeed.
func (s sessionStore) view(t testing.TB, fn func(session.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// add inserts a session and returns it with its ID. The owner is ann unless r names one.
func (s sessionStore) add(t testing.TB, r session.Record) (added session.Record) {
	t.Helper()
	if r.UserID == "" {
		r.UserID = "ann"
	}
	s.update(t, func(tx session.Tx) error {
		added = r
		return tx.SaveSession(&added)
	})
	return added
}

// same fails unless got is deeply equal to want.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// missing fails unless err is store.ErrNotFound.
func missing(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: %v, want ErrNotFound", what, err)
	}
}

// at returns a time by its milliseconds since 1970.
func at(ms int64) time.Time { return protocol.Time(ms).Go() }

func testSession(t *testing.T, s sessionStore) {
	first := s.add(t, session.Record{
		Key: "agent:a:ws:direct:1", UserID: "ann", AgentID: "a", Label: "Läbel \x00 '\"", Pinned: true, Epoch: "e",
		LastSeq: 7, Floor: 5, CreatedAt: at(1), UpdatedAt: at(2), DeletedAt: at(3),
	})
	second := s.add(t, session.Record{Key: "k", UserID: "ben", AgentID: "b", CreatedAt: at(4), UpdatedAt: at(5)})
	if first.ID == 0 || second.ID == 0 || first.ID == second.ID {
		t.Fatalf("ids %d and %d", first.ID, second.ID)
	}
	find := func(want session.Record) {
		s.view(t, func(tx session.Tx) error {
			byKey, err1 := tx.Session(want.Key)
			byID, err2 := tx.SessionByID(want.ID)
			same(t, "by key", byKey, want)
			same(t, "by id", byID, want)
			return errors.Join(err1, err2)
		})
	}
	find(first)
	find(second)

	changed := session.Record{ID: first.ID, Key: first.Key, UserID: first.UserID, AgentID: "c", Label: "", Epoch: "f",
		LastSeq: 1 << 40, Floor: 1 << 39, CreatedAt: at(10), UpdatedAt: at(11)}
	s.update(t, func(tx session.Tx) error {
		r := changed
		r.Key, r.UserID, r.Running = "stays", "stays", true
		return tx.SaveSession(&r)
	})
	find(changed)
	find(second)

	err := s.Update(t.Context(), func(tx session.Tx) error {
		return tx.SaveSession(&session.Record{Key: second.Key, UserID: "eve"})
	})
	if err == nil {
		t.Error("two sessions have one key")
	}
	find(second)
}

func testSessionTimes(t *testing.T, s sessionStore) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 789_999_999, time.FixedZone("", 3600))
	r := s.add(t, session.Record{Key: "k", CreatedAt: now, UpdatedAt: now})
	s.view(t, func(tx session.Tx) error {
		got, err := tx.Session("k")
		if want := now.Truncate(time.Millisecond); !got.CreatedAt.Equal(want) || !got.UpdatedAt.Equal(want) || !got.DeletedAt.IsZero() {
			t.Errorf("%+v was kept as %+v", r, got)
		}
		return err
	})
}

func testAdvance(t *testing.T, s sessionStore) {
	r := s.add(t, session.Record{Key: "k", LastSeq: 5})
	other := s.add(t, session.Record{Key: "other", LastSeq: 5})
	run := session.Run{ID: "r", SessionID: r.ID}
	last := func() (seq int64) {
		s.view(t, func(tx session.Tx) error {
			found, err := tx.Session("k")
			seq = found.LastSeq
			return err
		})
		return seq
	}
	for _, status := range []session.RunStatus{session.RunQueued, session.RunCompleted, session.RunFailed, session.RunCancelled} {
		s.update(t, func(tx session.Tx) error {
			run.Status = status
			if err := tx.SaveRun(run); err != nil {
				return err
			}
			_, err := tx.Advance(r.ID, "r", 1)
			missing(t, "Advance with a run that is "+string(status), err)
			return nil
		})
	}
	s.update(t, func(tx session.Tx) error {
		run.Status = session.RunRunning
		if err := tx.SaveRun(run); err != nil {
			return err
		}
		_, err := tx.Advance(other.ID, "r", 1)
		missing(t, "Advance with another session's run", err)
		return nil
	})
	same(t, "the last seq", last(), int64(5))
	s.update(t, func(tx session.Tx) error {
		seq, err := tx.Advance(r.ID, "r", 3)
		same(t, "the next seq", seq, int64(8))
		return err
	})
	same(t, "the last seq", last(), int64(8))
}

func testSessionIsGone(t *testing.T, s sessionStore) {
	s.update(t, func(tx session.Tx) error {
		_, err := tx.Session("nobody's")
		missing(t, "Session", err)
		_, err = tx.SessionByID(99)
		missing(t, "SessionByID", err)
		missing(t, "SaveSession", tx.SaveSession(&session.Record{ID: 99, Key: "k"}))
		_, err = tx.Advance(99, "r", 1)
		missing(t, "Advance", err)
		_, err = tx.Message(99, "m")
		missing(t, "Message", err)
		_, err = tx.MessageAt(99, 1)
		missing(t, "MessageAt", err)
		_, err = tx.LastRunEvent(99, 0, "r", [2]string{"chunk", "activity"})
		missing(t, "LastRunEvent", err)
		_, err = tx.Run("r")
		missing(t, "Run", err)
		_, err = tx.Send("ann", "k")
		missing(t, "Send", err)
		list, err1 := tx.Sessions(session.List{Limit: 5})
		events, err2 := tx.Events(99, 0, session.Span{Events: 5, Bytes: 9})
		run, err3 := tx.RunEvents(99, "r", 0, 9)
		messages, more, err4 := tx.Messages(99, session.Place{}, session.Bound{Messages: 5, Bytes: 100})
		active, err5 := tx.ActiveRuns(0)
		uncompacted, err6 := tx.Uncompacted(at(1<<40), 5)
		unchanged, err7 := tx.UnchangedSince(at(1<<40), 5)
		if n := len(list) + len(events) + len(run) + len(messages) + len(active) + len(uncompacted) + len(unchanged); n != 0 || more {
			t.Errorf("an empty store has %d things, more: %v", n, more)
		}
		n, last, err8 := tx.RemoveEvents(99, 9, 5)
		m, lastPiece, err9 := tx.RemovePieces(session.Run{ID: "r", SessionID: 99, EndSeq: 9}, 0, 5)
		if n+m != 0 || last+lastPiece != 0 {
			t.Errorf("%d events up to %d and %d pieces up to %d were removed from an empty store", n, last, m, lastPiece)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, tx.ClearSession(99), tx.RenewLeases("h", at(9)))
	})
}

// fill stores an event, a message, a run and a send of a session.
func fill(tx session.Tx, r session.Record) error {
	run := "run of " + r.Key
	return errors.Join(
		tx.AppendEvent(r.ID, session.StoredEvent{Seq: 1, Name: "agent", Kind: "chunk", RunID: run, Payload: []byte("{}")}),
		tx.SaveMessage(r.ID, session.Message{Anchor: 1, Message: protocol.Message{ID: "m", Seq: 1}}),
		tx.SaveRun(session.Run{ID: run, SessionID: r.ID, Status: session.RunRunning}),
		tx.SaveSend(session.Send{UserID: r.UserID, Key: r.Key, Digest: []byte{1}}),
	)
}

// countStored counts what is stored of a session: everything, after fill.
func countStored(t testing.TB, s sessionStore, r session.Record) (n int) {
	t.Helper()
	s.view(t, func(tx session.Tx) error {
		run := "run of " + r.Key
		events, err1 := tx.Events(r.ID, 0, session.Span{Events: 9, Bytes: 99})
		pieces, err2 := tx.RunEvents(r.ID, run, 0, 9)
		messages, _, err3 := tx.Messages(r.ID, session.Place{}, session.Bound{Messages: 9, Bytes: 9})
		active, err4 := tx.ActiveRuns(r.ID)
		n = len(events) + len(pieces) + len(messages) + len(active)
		if _, err := tx.Run(run); err == nil {
			n++
		}
		if _, err := tx.Send(r.UserID, r.Key); err == nil {
			n++
		}
		if found, err := tx.Session(r.Key); err == nil {
			n++
			if found.Running {
				n++
			}
		}
		return errors.Join(err1, err2, err3, err4)
	})
	return n
}

// everything is what countStored returns for a session after fill.
const everything = 8

func testClearSession(t *testing.T, s sessionStore) {
	one := s.add(t, session.Record{Key: "one"})
	two := s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error { return errors.Join(fill(tx, one), fill(tx, two)) })
	if n, m := countStored(t, s, one), countStored(t, s, two); n != everything || m != everything {
		t.Fatalf("full sessions hold %d and %d", n, m)
	}
	s.update(t, func(tx session.Tx) error { return tx.ClearSession(one.ID) })
	// The session itself and what its idempotency key made stay.
	if n, m := countStored(t, s, one), countStored(t, s, two); n != 2 || m != everything {
		t.Errorf("after clearing one, they hold %d and %d", n, m)
	}
	s.update(t, func(tx session.Tx) error {
		return tx.AppendEvent(one.ID, session.StoredEvent{Seq: 1, Name: "chat", Payload: []byte("{}")})
	})
}

// keys returns the keys of sessions.
func keys(records []session.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

// list returns the keys of the sessions that q selects.
func list(t testing.TB, s sessionStore, q session.List) (found []string) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	s.view(t, func(tx session.Tx) error {
		records, err := tx.Sessions(q)
		found = keys(records)
		return err
	})
	return found
}

func testListOrder(t *testing.T, s sessionStore) {
	for _, r := range []session.Record{
		{Key: "old", UpdatedAt: at(1)},
		{Key: "pinned long ago", UpdatedAt: at(1), Pinned: true},
		{Key: "new", UpdatedAt: at(9)},
		{Key: "as new, made later", UpdatedAt: at(9)},
		{Key: "pinned", UpdatedAt: at(5), Pinned: true},
		{Key: "deleted", UpdatedAt: at(9), Pinned: true, DeletedAt: at(10)},
		{Key: "ben's", UserID: "ben", UpdatedAt: at(7)},
	} {
		s.add(t, r)
	}
	same(t, "ann's", list(t, s, session.List{UserID: "ann"}),
		[]string{"pinned", "pinned long ago", "as new, made later", "new", "old"})
	same(t, "everybody's", list(t, s, session.List{}),
		[]string{"pinned", "pinned long ago", "as new, made later", "new", "ben's", "old"})
	same(t, "limit", list(t, s, session.List{UserID: "ann", Limit: 2}), []string{"pinned", "pinned long ago"})
	same(t, "nobody's", list(t, s, session.List{UserID: "An"}), []string(nil))
	s.update(t, func(tx session.Tx) error {
		r, err := tx.Session("new")
		if err != nil {
			return err
		}
		return tx.SaveRun(session.Run{ID: "r", SessionID: r.ID, Status: session.RunQueued})
	})
	s.view(t, func(tx session.Tx) error {
		records, err := tx.Sessions(session.List{UserID: "ann", Limit: 9})
		for _, r := range records {
			if r.Running != (r.Key == "new") {
				t.Errorf("%s is running: %v", r.Key, r.Running)
			}
		}
		return err
	})
}

func testListWalk(t *testing.T, s sessionStore) {
	const sessions = 23
	s.update(t, func(tx session.Tx) error {
		for i := range sessions {
			r := session.Record{Key: fmt.Sprint(i), UserID: []string{"ann", "ben"}[i%2], Pinned: i%5 == 0, UpdatedAt: at(int64(1 + i/7))}
			if err := tx.SaveSession(&r); err != nil {
				return err
			}
		}
		return nil
	})
	for _, user := range []string{"ann", ""} {
		whole := list(t, s, session.List{UserID: user})
		for limit := 1; limit <= sessions+1; limit++ {
			var walked []string
			q := session.List{UserID: user, Limit: limit}
			for {
				var page []session.Record
				s.view(t, func(tx session.Tx) (err error) {
					page, err = tx.Sessions(q)
					return err
				})
				walked = append(walked, keys(page)...)
				if len(page) < limit {
					break
				}
				last := page[len(page)-1]
				q.After = &session.Position{Pinned: last.Pinned, UpdatedAt: last.UpdatedAt.UnixMilli(), ID: last.ID}
			}
			same(t, fmt.Sprintf("user %q, pages of %d", user, limit), walked, whole)
		}
	}
}

// A session knows how many messages it has, and a list how many sessions, at most as many
// as is asked for.
func testCounts(t *testing.T, s sessionStore) {
	var ids []int64
	for _, r := range []session.Record{
		{Key: "one"}, {Key: "two", Pinned: true}, {Key: "gone", DeletedAt: at(5)}, {Key: "ben's", UserID: "ben"},
	} {
		ids = append(ids, s.add(t, r).ID)
	}
	messages := func(want int64) {
		t.Helper()
		s.view(t, func(tx session.Tx) error {
			r, err := tx.SessionByID(ids[0])
			if r.Messages != want {
				t.Errorf("%d messages are counted, want %d", r.Messages, want)
			}
			return err
		})
	}
	message := func(seq int64) session.Message {
		return session.Message{Anchor: seq, Message: protocol.Message{ID: fmt.Sprint(seq), Seq: seq}}
	}
	save := func(seqs ...int64) {
		s.update(t, func(tx session.Tx) error {
			for _, seq := range seqs {
				if err := tx.SaveMessage(ids[0], message(seq)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	messages(0)
	save(1, 2, 3)
	messages(3)
	save(2, 3) // they change
	messages(3)
	s.update(t, func(tx session.Tx) error {
		r, err := tx.SessionByID(ids[0])
		r.Messages, r.Label = 99, "saved"
		return errors.Join(err, tx.SaveSession(&r))
	})
	messages(3)
	s.update(t, func(tx session.Tx) error { return tx.ClearSession(ids[0]) })
	messages(0)
	save(1)
	messages(1)
	s.view(t, func(tx session.Tx) error {
		for _, c := range []struct {
			user       string
			most, want int
		}{{"ann", 9, 2}, {"ann", 1, 1}, {"ben", 9, 1}, {"nobody", 9, 0}, {"", 9, 3}, {"", 2, 2}} {
			n, err := tx.CountSessions(c.user, c.most)
			if err != nil || n != c.want {
				t.Errorf("%q has %d sessions, %v, want %d of at most %d", c.user, n, err, c.want, c.most)
			}
		}
		return nil
	})
}

// The candidates of a search are the sessions of the list, with what a search compares.
func testCandidates(t *testing.T, s sessionStore) {
	for i, r := range []session.Record{
		{Key: "percent", Label: "100% sure", AgentID: "a"},
		{Key: "ben's", Label: "a_b", AgentID: "b", UserID: "ben", Pinned: true},
		{Key: "deleted", Label: "gone", AgentID: "a", DeletedAt: at(5)},
		{Key: "quote", Label: `it's "it"`, AgentID: "a"},
	} {
		r.UpdatedAt = at(int64(100 - i))
		s.add(t, r)
	}
	for _, q := range []session.List{
		{Limit: 9}, {Limit: 2}, {UserID: "ann", Limit: 9}, {UserID: "ann", Limit: 1}, {UserID: "nobody", Limit: 9},
	} {
		s.view(t, func(tx session.Tx) error {
			for {
				records, err1 := tx.Sessions(q)
				candidates, err2 := tx.Candidates(q)
				var want []session.Candidate
				for _, r := range records {
					want = append(want, session.Candidate{
						Position: session.Position{Pinned: r.Pinned, UpdatedAt: r.UpdatedAt.UnixMilli(), ID: r.ID},
						AgentID:  r.AgentID, Label: r.Label, Key: r.Key, UserID: r.UserID,
					})
				}
				same(t, fmt.Sprintf("candidates of %+v", q), candidates, want)
				if err1 != nil || err2 != nil || len(candidates) < q.Limit {
					return errors.Join(err1, err2)
				}
				q.After = &candidates[len(candidates)-1].Position
			}
		})
	}
}

func testEvents(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	event := func(seq int64) session.StoredEvent {
		return session.StoredEvent{Seq: seq, Name: "agent", Kind: "chunk", RunID: "r", Payload: []byte("\x00{}\xff" + fmt.Sprint(seq))}
	}
	for _, seq := range []int64{1, 2, 3, 5, 4} {
		s.update(t, func(tx session.Tx) error { return tx.AppendEvent(one.ID, event(seq)) })
	}
	s.update(t, func(tx session.Tx) error {
		return tx.AppendEvent(two.ID, session.StoredEvent{Seq: 3, Name: "chat", Payload: []byte{}})
	})
	for _, c := range []struct {
		after int64
		limit int
		want  []int64
	}{{0, 9, []int64{1, 2, 3, 4, 5}}, {2, 9, []int64{3, 4, 5}}, {1, 2, []int64{2, 3}}, {5, 9, nil}, {-3, 1, []int64{1}}, {0, 0, nil}} {
		s.view(t, func(tx session.Tx) error {
			var want []session.StoredEvent
			for _, seq := range c.want {
				want = append(want, event(seq))
			}
			got, err := tx.Events(one.ID, c.after, session.Span{Events: c.limit, Bytes: 999})
			same(t, fmt.Sprintf("after %d, limit %d", c.after, c.limit), got, want)
			return err
		})
	}
	err := s.Update(t.Context(), func(tx session.Tx) error { return tx.AppendEvent(one.ID, event(3)) })
	if err == nil {
		t.Error("a seq was given twice")
	}
}

func testEventsBounded(t *testing.T, s sessionStore) {
	r := s.add(t, session.Record{Key: "k"})
	s.update(t, func(tx session.Tx) error {
		for seq, size := range []int{0, 10, 20, 30, 0, 40} {
			if err := tx.AppendEvent(r.ID, session.StoredEvent{Seq: int64(seq + 1), Name: "chat", Payload: make([]byte, size)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		after int64
		most  session.Span
		want  int
	}{
		{0, session.Span{Events: 9, Bytes: 0}, 1}, {0, session.Span{Events: 9, Bytes: 9}, 1}, {0, session.Span{Events: 9, Bytes: 10}, 2},
		{0, session.Span{Events: 9, Bytes: 29}, 2}, {0, session.Span{Events: 9, Bytes: 30}, 3}, {0, session.Span{Events: 9, Bytes: 60}, 5},
		{0, session.Span{Events: 9, Bytes: 99}, 5}, {0, session.Span{Events: 9, Bytes: 100}, 6}, {0, session.Span{Events: 2, Bytes: 100}, 2},
		{0, session.Span{Events: 0, Bytes: 100}, 0}, {0, session.Span{Events: -1, Bytes: 100}, 0}, {5, session.Span{Events: 9, Bytes: 1}, 1}, {3, session.Span{Events: 9, Bytes: 1}, 1}, {6, session.Span{Events: 9, Bytes: 1}, 0},
	} {
		s.view(t, func(tx session.Tx) error {
			events, err := tx.Events(r.ID, c.after, c.most)
			same(t, fmt.Sprintf("how many are %+v after %d", c.most, c.after), len(events), c.want)
			return err
		})
	}
}

func testRunEvents(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error {
		for i, e := range []session.StoredEvent{
			{Name: "agent", Kind: "chunk", RunID: "r"},
			{Name: "agent", Kind: "thinking", RunID: "r"},
			{Name: "agent", Kind: "chunk", RunID: "other"},
			{Name: "chat"},
			{Name: "agent", Kind: "chunk", RunID: "r"},
			{Name: "chat", RunID: "r"},
		} {
			e.Seq, e.Payload = int64(i+1), []byte(fmt.Sprint(i+1))
			if err := errors.Join(tx.AppendEvent(one.ID, e), tx.AppendEvent(two.ID, e)); err != nil {
				return err
			}
		}
		return nil
	})
	seqs := func(events []session.StoredEvent) (seqs []int64) {
		for _, e := range events {
			seqs = append(seqs, e.Seq)
			if want := []byte(fmt.Sprint(e.Seq)); e.Name != "agent" || !bytes.Equal(e.Payload, want) {
				t.Errorf("event %d is %+v", e.Seq, e)
			}
		}
		return seqs
	}
	s.view(t, func(tx session.Tx) error {
		for _, c := range []struct {
			run            string
			after, through int64
			want           []int64
		}{
			{"r", 0, 99, []int64{1, 2, 5}}, {"r", 0, math.MaxInt64, []int64{1, 2, 5}}, {"r", 1, 5, []int64{2, 5}}, {"r", 1, 4, []int64{2}},
			{"r", 1, 1, nil}, {"r", 5, 99, nil}, {"other", 0, 3, []int64{3}}, {"other", 0, 2, nil}, {"none", 0, 99, nil}, {"", 0, 99, nil},
		} {
			got, err := tx.RunEvents(one.ID, c.run, c.after, c.through)
			if err != nil {
				return err
			}
			same(t, fmt.Sprint("events of run ", c.run, " after ", c.after, " through ", c.through), seqs(got), c.want)
		}
		for _, c := range []struct {
			after int64
			kinds [2]string
			want  int64
		}{
			{0, [2]string{"chunk", "thinking"}, 5}, {0, [2]string{"thinking", "activity"}, 2}, {2, [2]string{"thinking", "activity"}, 0},
			{4, [2]string{"chunk", "chunk"}, 5}, {5, [2]string{"chunk", "thinking"}, 0}, {0, [2]string{"", ""}, 0},
		} {
			what := fmt.Sprint("the last of ", c.kinds, " after ", c.after)
			last, err := tx.LastRunEvent(one.ID, c.after, "r", c.kinds)
			if c.want == 0 {
				missing(t, what, err)
				continue
			}
			if err != nil {
				return err
			}
			same(t, what, seqs([]session.StoredEvent{last}), []int64{c.want})
		}
		return nil
	})
}

// seqsOf returns the seqs of the events that are left in a log.
func seqsOf(t testing.TB, s sessionStore, r session.Record) (seqs []int64) {
	t.Helper()
	s.view(t, func(tx session.Tx) error {
		events, err := tx.Events(r.ID, 0, session.Span{Events: 99, Bytes: 999})
		seqs = nil
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
		return err
	})
	return seqs
}

func testRemoveEvents(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error {
		for _, seq := range []int64{9, 2, 4, 3, 7} {
			e := session.StoredEvent{Seq: seq, Name: "chat", Payload: []byte{}}
			if err := errors.Join(tx.AppendEvent(one.ID, e), tx.AppendEvent(two.ID, e)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		through int64
		limit   int
		removed int
		last    int64
		left    []int64
	}{
		{1, 9, 0, 0, []int64{2, 3, 4, 7, 9}}, {7, 2, 2, 3, []int64{4, 7, 9}}, {8, 9, 2, 7, []int64{9}}, {8, 9, 0, 0, []int64{9}}, {9, 1, 1, 9, nil},
	} {
		s.update(t, func(tx session.Tx) error {
			n, last, err := tx.RemoveEvents(one.ID, c.through, c.limit)
			same(t, fmt.Sprintf("removed, %+v", c), []int64{int64(n), last}, []int64{int64(c.removed), c.last})
			return err
		})
		same(t, fmt.Sprintf("left, %+v", c), seqsOf(t, s, one), c.left)
	}
	same(t, "the other session's", seqsOf(t, s, two), []int64{2, 3, 4, 7, 9})
}

func testRemovePieces(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error {
		for i, e := range []session.StoredEvent{
			{Name: "chat", RunID: "r"},                         // 1
			{Name: "agent", Kind: "run.started", RunID: "r"},   // 2
			{Name: "agent", Kind: "chunk", RunID: "r"},         // 3
			{Name: "agent", Kind: "thinking", RunID: "r"},      // 4
			{Name: "agent", Kind: "chunk", RunID: "other"},     // 5
			{Name: "chat", Kind: "chunk", RunID: "r"},          // 6
			{Name: "agent", Kind: "activity", RunID: "r"},      // 7
			{Name: "agent", Kind: "tool.call", RunID: "r"},     // 8
			{Name: "agent", Kind: "chunk", RunID: "r"},         // 9
			{Name: "agent", Kind: "run.completed", RunID: "r"}, // 10
			{Name: "agent", Kind: "chunk", RunID: "r"},         // 11, after the run's end
		} {
			e.Seq, e.Payload = int64(i+1), []byte{}
			if err := errors.Join(tx.AppendEvent(one.ID, e), tx.AppendEvent(two.ID, e)); err != nil {
				return err
			}
		}
		return nil
	})
	run := session.Run{ID: "r", SessionID: one.ID, EndSeq: 10}
	for _, c := range []struct {
		after   int64
		limit   int
		removed int
		last    int64
		left    []int64
	}{
		{2, 1, 1, 3, []int64{1, 2, 4, 5, 6, 7, 8, 9, 10, 11}},
		{4, 1, 1, 7, []int64{1, 2, 4, 5, 6, 8, 9, 10, 11}},
		{2, 9, 2, 9, []int64{1, 2, 5, 6, 8, 10, 11}},
		{2, 9, 0, 0, []int64{1, 2, 5, 6, 8, 10, 11}},
	} {
		s.update(t, func(tx session.Tx) error {
			n, last, err := tx.RemovePieces(run, c.after, c.limit)
			same(t, fmt.Sprintf("removed, %+v", c), []int64{int64(n), last}, []int64{int64(c.removed), c.last})
			return err
		})
		same(t, fmt.Sprintf("left, %+v", c), seqsOf(t, s, one), c.left)
	}
	same(t, "the other session's", len(seqsOf(t, s, two)), 11)
}

func testMessage(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	m := session.Message{Anchor: 3, Message: protocol.Message{
		ID: "m", Role: protocol.FromAssistant, Content: "Grüße \x00 '\"%", Status: protocol.StatusStreaming, CreatedAt: 1234,
		RunID: "r", Seq: 5, ReplyTo: "q", Label: "l", Author: &protocol.Author{UserID: "eve", Role: protocol.Admin},
		Thinking: "hm", Error: "no", Rejected: true,
	}}
	other := session.Message{Anchor: 5, Message: protocol.Message{ID: "m", Seq: 5}}
	s.update(t, func(tx session.Tx) error {
		return errors.Join(tx.SaveMessage(one.ID, m), tx.SaveMessage(two.ID, other))
	})
	find := func(r session.Record, want session.Message) {
		s.view(t, func(tx session.Tx) error {
			byID, err1 := tx.Message(r.ID, "m")
			bySeq, err2 := tx.MessageAt(r.ID, 5)
			same(t, "by id", byID, want)
			same(t, "by seq", bySeq, want)
			return errors.Join(err1, err2)
		})
	}
	find(one, m)
	find(two, other)

	m.Content, m.Status, m.Thinking, m.Error, m.Label = "whole", protocol.StatusComplete, "", "", "L"
	m.Finish, m.Rejected = protocol.FinishLength, false
	s.update(t, func(tx session.Tx) error {
		changed := m
		changed.Role, changed.CreatedAt, changed.RunID, changed.ReplyTo, changed.Author = protocol.FromUser, 1, "x", "x", nil
		return tx.SaveMessage(one.ID, changed)
	})
	find(one, m)
	find(two, other)
	for what, twice := range map[string]session.Message{
		"one id at two places": {Anchor: 9, Message: protocol.Message{ID: "m", Seq: 9}},
		"one seq for two":      {Anchor: 5, Message: protocol.Message{ID: "n", Seq: 5}},
	} {
		if err := s.Update(t.Context(), func(tx session.Tx) error { return tx.SaveMessage(one.ID, twice) }); err == nil {
			t.Error(what)
		}
	}
	find(one, m)
}

// transcript has the places of three messages, the first of which has three answers, in
// the order of the transcript.
var transcript = []session.Place{{Anchor: 1, Seq: 1}, {Anchor: 1, Seq: 2}, {Anchor: 1, Seq: 5}, {Anchor: 1, Seq: 9}, {Anchor: 3, Seq: 3}, {Anchor: 4, Seq: 4}}

// addTranscript saves the messages of transcript. Content and thinking of each have size
// bytes.
func addTranscript(t testing.TB, s sessionStore, r session.Record, size int) {
	s.update(t, func(tx session.Tx) error {
		for _, i := range []int{3, 0, 5, 1, 4, 2} {
			p := transcript[i]
			m := session.Message{Anchor: p.Anchor, Message: protocol.Message{ID: fmt.Sprint(p.Seq), Seq: p.Seq,
				Content: string(make([]byte, size/2)), Thinking: string(make([]byte, size-size/2))}}
			if err := tx.SaveMessage(r.ID, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// places returns the places of messages.
func places(messages []session.Message) []session.Place {
	places := []session.Place{}
	for _, m := range messages {
		places = append(places, session.Place{Anchor: m.Anchor, Seq: m.Seq})
	}
	return places
}

func testMessages(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	addTranscript(t, s, one, 0)
	addTranscript(t, s, two, 0)
	ends := map[session.Place]int{{}: 6, {Anchor: 2}: 4, {Anchor: 3}: 4, {Anchor: 10}: 6, {Anchor: 1, Seq: 6}: 3}
	for i, p := range transcript {
		ends[p] = i
	}
	for before, end := range ends {
		for limit := 1; limit <= 7; limit++ {
			s.view(t, func(tx session.Tx) error {
				got, more, err := tx.Messages(one.ID, before, session.Bound{Messages: limit, Bytes: 100})
				first := max(0, end-limit)
				what := fmt.Sprintf("%d before %+v", limit, before)
				same(t, what, places(got), append([]session.Place{}, transcript[first:end]...))
				same(t, what+", more", more, first > 0)
				return err
			})
		}
	}
}

func testMessagesBounded(t *testing.T, s sessionStore) {
	r := s.add(t, session.Record{Key: "k"})
	addTranscript(t, s, r, 101)
	for bytes, want := range map[int]int{0: 1, 100: 1, 101: 1, 201: 1, 202: 2, 605: 5, 606: 6, 9999: 6} {
		s.view(t, func(tx session.Tx) error {
			got, more, err := tx.Messages(r.ID, session.Place{}, session.Bound{Messages: 10, Bytes: bytes})
			if len(got) != want || more != (want < len(transcript)) {
				t.Errorf("of %d bytes there are %d messages, more: %v; want %d", bytes, len(got), more, want)
			}
			return err
		})
	}
}

func testRuns(t *testing.T, s sessionStore) {
	r := s.add(t, session.Record{Key: "k"})
	run := session.Run{
		ID: "r", SessionID: r.ID, UserID: "ann", AgentID: "a", UserMessageID: "q", Status: session.RunQueued, Order: 4, Stream: true,
		CreatedAt: at(5),
	}
	find := func(want session.Run) {
		s.view(t, func(tx session.Tx) error {
			got, err := tx.Run("r")
			same(t, "run", got, want)
			return err
		})
	}
	s.update(t, func(tx session.Tx) error { return tx.SaveRun(run) })
	find(run)
	run.AnswerID, run.Status, run.EndedAt, run.ErrorCode, run.Error = "m", session.RunFailed, at(9), protocol.Interrupted, "It stopped."
	run.Holder, run.LeaseUntil, run.EndSeq, run.Compacted = "h", at(7), 1<<40, true
	run.Usage = protocol.Usage{InputTokens: 1 << 40, OutputTokens: 3}
	s.update(t, func(tx session.Tx) error {
		changed := run
		changed.UserID, changed.AgentID, changed.UserMessageID, changed.Order, changed.Stream = "x", "x", "x", 99, false
		changed.CreatedAt = at(99)
		return tx.SaveRun(changed)
	})
	find(run)
}

func testActiveRuns(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error {
		for i, status := range []session.RunStatus{session.RunQueued, session.RunRunning, session.RunCompleted,
			session.RunFailed, session.RunCancelled, session.RunQueued} {
			for _, r := range []session.Record{one, two} {
				run := session.Run{ID: fmt.Sprint(r.Key, i), SessionID: r.ID, UserID: "ann", Status: status, Order: int64(10 - i)}
				if i == 5 && r.ID == two.ID {
					run.UserID = "ben"
				}
				if err := tx.SaveRun(run); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for user, want := range map[string]int{"ann": 5, "ben": 1, "Ann": 0, "": 0} {
		s.view(t, func(tx session.Tx) error {
			n, err := tx.UserRuns(user)
			same(t, "active runs of "+user, n, want)
			return err
		})
	}
	for id, want := range map[int64][]string{
		one.ID: {"one5", "one1", "one0"}, two.ID: {"two5", "two1", "two0"},
		0: {"one5", "one1", "one0", "two5", "two1", "two0"}, 99: nil,
	} {
		s.view(t, func(tx session.Tx) error {
			runs, err := tx.ActiveRuns(id)
			var got []string
			for _, r := range runs {
				got = append(got, r.ID)
				if !r.Status.Active() {
					t.Errorf("run %s is %s", r.ID, r.Status)
				}
			}
			same(t, fmt.Sprint("active runs of ", id), got, want)
			return err
		})
	}
}

func testLeases(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	runs := map[string]session.Run{}
	for id, r := range map[string]session.Run{
		"one's":      {SessionID: one.ID, Status: session.RunRunning, Holder: "h"},
		"two's":      {SessionID: two.ID, Status: session.RunRunning, Holder: "h"},
		"another's":  {SessionID: two.ID, Status: session.RunRunning, Holder: "H"},
		"nobody's":   {SessionID: two.ID, Status: session.RunRunning},
		"waiting":    {SessionID: one.ID, Status: session.RunQueued, Holder: "h"},
		"has ended":  {SessionID: one.ID, Status: session.RunCompleted, Holder: "h"},
		"was broken": {SessionID: one.ID, Status: session.RunFailed, Holder: "h"},
	} {
		r.ID, r.LeaseUntil = id, at(5)
		s.update(t, func(tx session.Tx) error { return tx.SaveRun(r) })
		runs[id] = r
	}
	for _, until := range []time.Time{at(9), at(2)} {
		s.update(t, func(tx session.Tx) error { return tx.RenewLeases("h", until) })
		for id, want := range runs {
			if id == "one's" || id == "two's" {
				want.LeaseUntil = until
			}
			s.view(t, func(tx session.Tx) error {
				got, err := tx.Run(id)
				same(t, "run "+id, got, want)
				return err
			})
		}
	}
}

func testUncompacted(t *testing.T, s sessionStore) {
	one, two := s.add(t, session.Record{Key: "one"}), s.add(t, session.Record{Key: "two"})
	s.update(t, func(tx session.Tx) error {
		return errors.Join(
			tx.SaveRun(session.Run{ID: "third", SessionID: one.ID, Status: session.RunCompleted, EndedAt: at(30)}),
			tx.SaveRun(session.Run{ID: "first", SessionID: two.ID, Status: session.RunFailed, EndedAt: at(10)}),
			tx.SaveRun(session.Run{ID: "second", SessionID: one.ID, Status: session.RunCancelled, EndedAt: at(20)}),
			tx.SaveRun(session.Run{ID: "compacted", SessionID: one.ID, Status: session.RunCompleted, EndedAt: at(15), Compacted: true}),
			tx.SaveRun(session.Run{ID: "running", SessionID: one.ID, Status: session.RunRunning}),
			tx.SaveRun(session.Run{ID: "queued", SessionID: one.ID, Status: session.RunQueued}),
		)
	})
	list := func(before int64, limit int, want ...string) {
		t.Helper()
		s.view(t, func(tx session.Tx) error {
			runs, err := tx.Uncompacted(at(before), limit)
			var ids []string
			for _, r := range runs {
				ids = append(ids, r.ID)
			}
			same(t, fmt.Sprint(limit, " that ended before ", before), ids, want)
			return err
		})
	}
	list(10, 9)
	list(11, 9, "first")
	list(30, 9, "first", "second")
	list(31, 9, "first", "second", "third")
	list(31, 2, "first", "second")
	s.update(t, func(tx session.Tx) error {
		r, err := tx.Run("first")
		r.Compacted = true
		return errors.Join(err, tx.SaveRun(r))
	})
	list(99, 9, "second", "third")
}

func testUnchangedSince(t *testing.T, s sessionStore) {
	for i, r := range []session.Record{
		{Key: "old", UpdatedAt: at(10)},
		{Key: "pinned", UpdatedAt: at(10), Pinned: true},
		{Key: "new", UpdatedAt: at(20)},
		{Key: "new and pinned", UpdatedAt: at(20), Pinned: true},
		{Key: "deleted", UpdatedAt: at(10), DeletedAt: at(11)},
		{Key: "queued", UpdatedAt: at(10)},
		{Key: "running", UpdatedAt: at(10)},
		{Key: "ended", UpdatedAt: at(10), UserID: "ben"},
	} {
		r = s.add(t, r)
		status := map[string]session.RunStatus{"queued": session.RunQueued, "running": session.RunRunning, "ended": session.RunFailed}[r.Key]
		if status != "" {
			s.update(t, func(tx session.Tx) error {
				return tx.SaveRun(session.Run{ID: fmt.Sprint(i), SessionID: r.ID, Status: status})
			})
		}
	}
	for since, want := range map[int64][]string{
		10: nil, 11: {"ended", "old", "pinned"}, 20: {"ended", "old", "pinned"}, 21: {"ended", "new", "new and pinned", "old", "pinned"},
	} {
		s.view(t, func(tx session.Tx) error {
			found, err := tx.UnchangedSince(at(since), 99)
			got := keys(found)
			slices.Sort(got)
			same(t, fmt.Sprint("unchanged since ", since), got, want)
			few, err2 := tx.UnchangedSince(at(since), 2)
			same(t, fmt.Sprint("how many of 2 unchanged since ", since), len(few), min(2, len(want)))
			return errors.Join(err, err2)
		})
	}
}

func testSends(t *testing.T, s sessionStore) {
	send := session.Send{UserID: "ann", Key: "k", SessionKey: "s", Digest: []byte{0, 255}, RunID: "r", MessageID: "m", Seq: 3, Epoch: "e"}
	bens := send
	bens.UserID, bens.RunID = "ben", "r2"
	s.update(t, func(tx session.Tx) error { return errors.Join(tx.SaveSend(send), tx.SaveSend(bens)) })
	if err := s.Update(t.Context(), func(tx session.Tx) error { return tx.SaveSend(send) }); err == nil {
		t.Error("an idempotency key was saved twice")
	}
	s.view(t, func(tx session.Tx) error {
		for _, want := range []session.Send{send, bens} {
			got, err := tx.Send(want.UserID, "k")
			same(t, "send of "+want.UserID, got, want)
			if err != nil {
				return err
			}
		}
		_, err := tx.Send("eve", "k")
		missing(t, "eve's", err)
		_, err = tx.Send("ann", "K")
		missing(t, "another key", err)
		return nil
	})
}

func testUndo(t *testing.T, s sessionStore) {
	kept := s.add(t, session.Record{Key: "kept", Label: "before"})
	s.update(t, func(tx session.Tx) error { return fill(tx, kept) })
	refused := errors.New("refused")
	var lost session.Record
	err := s.Update(t.Context(), func(tx session.Tx) error {
		lost = session.Record{Key: "lost", UserID: "ann"}
		changed := kept
		changed.Label, changed.LastSeq = "after", 99
		if err := errors.Join(tx.SaveSession(&lost), fill(tx, lost), tx.SaveSession(&changed), tx.ClearSession(kept.ID)); err != nil {
			return err
		}
		if _, err := tx.Session("lost"); err != nil {
			t.Errorf("a transaction does not see what it did: %v", err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("Update returned %v, not the error of fn", err)
	}
	if n := countStored(t, s, lost); n != 0 {
		t.Errorf("a refused transaction left %d things", n)
	}
	if n := countStored(t, s, kept); n != everything {
		t.Errorf("a refused transaction left %d of %d things", n, everything)
	}
	s.view(t, func(tx session.Tx) error {
		r, err := tx.Session("kept")
		if r.Label != "before" || r.LastSeq != 0 {
			t.Errorf("a refused transaction changed %+v", r)
		}
		return err
	})
	if err := s.View(t.Context(), func(session.Tx) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("View returned %v, not the error of fn", err)
	}
}

func testContext(t *testing.T, s sessionStore) {
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	ran := false
	for what, do := range map[string]func(context.Context, func(session.Tx) error) error{"Update": s.Update, "View": s.View} {
		if err := do(ctx, func(session.Tx) error { ran = true; return nil }); !errors.Is(err, cause) || ran {
			t.Errorf("%s with a context that has ended: %v, ran: %v", what, err, ran)
		}
	}
}
