package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Failer has the methods that *testing.T, *testing.B and *rapid.T share.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Sound fails unless what the store holds of every living session is one story:
// its log is gapless from its floor to the session's last seq, a run begins and
// ends in it at most once and in order, the transcript is the log folded, where
// all of that is there, and the runs stand as the log says. Nobody may change the
// store meanwhile.
func Sound(t Failer, s session.Store) {
	t.Helper()
	service := session.New(s, nobody{}, setting.Fixed(session.Settings{}))
	for _, rec := range living(t, s) {
		log := Log(t, s, rec)
		gapless(t, rec, log)
		runs := map[string]session.RunStatus{}
		for _, e := range log {
			walk(t, rec, e, runs)
		}
		transcript := Transcript(t, service, rec.Key)
		if rec.Floor == 0 {
			sameTranscript(t, rec.Key, transcript, folded(t, rec, log))
		}
		soundRuns(t, s, rec, runs, transcript)
	}
}

func gapless(t Failer, rec session.Record, log []session.StoredEvent) {
	t.Helper()
	last := int64(0)
	for _, e := range log {
		if e.Seq <= last || e.Seq > rec.Floor+1 && e.Seq != last+1 {
			t.Fatalf("%s: event %d follows %d, and the floor is %d", rec.Key, e.Seq, last, rec.Floor)
		}
		last = e.Seq
	}
	if last != rec.LastSeq {
		t.Fatalf("%s: the log ends at %d, the session at %d", rec.Key, last, rec.LastSeq)
	}
}

// folded is what a whole log says.
func folded(t Failer, rec session.Record, log []session.StoredEvent) (transcript []protocol.Message) {
	t.Helper()
	fold := timeline.New(rec.Key)
	for _, e := range log {
		if outcome, _ := fold.Apply(timeline.Event{Name: e.Name, Seq: e.Seq, Payload: e.Payload}); outcome != timeline.Applied {
			t.Fatalf("%s: event %d cannot be folded (%d): %s", rec.Key, e.Seq, outcome, e.Payload)
		}
	}
	if at := fold.Cursor(); at.Epoch != rec.Epoch {
		t.Fatalf("%s: the log is of epoch %q, the session of %q", rec.Key, at.Epoch, rec.Epoch)
	}
	for _, m := range fold.Messages() {
		transcript = append(transcript, m.Message)
	}
	return transcript
}

type nobody struct{}

func (nobody) Publish(session.Event) {}

var admin = session.Caller{UserID: "admin", Role: protocol.Admin}

// living gives every session that is not deleted.
func living(t Failer, s session.Store) (all []session.Record) {
	t.Helper()
	err := s.View(context.Background(), func(tx session.Tx) (err error) {
		all, err = tx.Sessions(session.List{Limit: 1 << 20})
		return err
	})
	if err != nil {
		t.Fatalf("list the sessions: %v", err)
	}
	return all
}

// Log gives a session's whole log.
func Log(t Failer, s session.Store, rec session.Record) (events []session.StoredEvent) {
	t.Helper()
	err := s.View(context.Background(), func(tx session.Tx) (err error) {
		events, err = tx.Events(rec.ID, 0, session.Span{Events: 1 << 30, Bytes: 1 << 40})
		return err
	})
	if err != nil {
		t.Fatalf("read the log of %s: %v", rec.Key, err)
	}
	return events
}

// Transcript gives a session's whole transcript.
func Transcript(t Failer, s *session.Service, key string) (all []protocol.Message) {
	t.Helper()
	for before := int64(0); ; {
		p, err := s.History(context.Background(), admin.To(key), before, protocol.MaxHistoryLimit)
		if err != nil || p.HasMore && len(p.Messages) == 0 {
			t.Fatalf("the history of %s before %d: %v, %d messages", key, before, err, len(p.Messages))
		}
		all = slices.Concat(p.Messages, all)
		if !p.HasMore {
			return all
		}
		before = p.Messages[0].Seq
	}
}

func sameTranscript(t Failer, key string, stored, folded []protocol.Message) {
	t.Helper()
	if len(stored) != len(folded) {
		t.Fatalf("%s: the transcript has %d messages, its log folds to %d", key, len(stored), len(folded))
	}
	for i := range stored {
		if s, f := stored[i].AppendJSON(nil), folded[i].AppendJSON(nil); string(s) != string(f) {
			t.Fatalf("%s: message %d is\n%s\nand its log folds to\n%s", key, i, s, f)
		}
	}
}

// walk follows each run through the log.
func walk(t Failer, rec session.Record, e session.StoredEvent, runs map[string]session.RunStatus) {
	t.Helper()
	if e.Name != protocol.EventAgent {
		return
	}
	was := runs[e.RunID]
	switch e.Kind {
	case protocol.RunStarted:
		runs[e.RunID] = session.RunRunning
		if was == "" {
			return
		}
	case protocol.RunCancelled: // also of a run that was taken back before it began
		runs[e.RunID] = session.RunCancelled
		if was == "" || was == session.RunRunning {
			return
		}
	case protocol.RunCompleted:
		runs[e.RunID] = session.RunCompleted
	case protocol.RunFailed:
		runs[e.RunID] = session.RunFailed
	}
	if was != session.RunRunning && (was != "" || rec.Floor == 0) {
		t.Fatalf("%s: event %d (%s) of a run that is %q", rec.Key, e.Seq, e.Kind, was)
	}
}

// soundRuns holds the runs to the log and the transcript.
func soundRuns(t Failer, s session.Store, rec session.Record, told map[string]session.RunStatus, transcript []protocol.Message) {
	t.Helper()
	asked := map[string]protocol.Message{}
	for _, m := range transcript {
		asked[m.ID] = m
	}
	err := s.View(context.Background(), func(tx session.Tx) error {
		active, err := tx.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		if rec.Running != (len(active) > 0) {
			t.Fatalf("%s: running %v, with %d runs", rec.Key, rec.Running, len(active))
		}
		for i, r := range active {
			want := session.RunQueued
			if told[r.ID] != "" {
				want = told[r.ID]
			}
			if r.Status != want || want == session.RunRunning && i > 0 || i > 0 && r.Order <= active[i-1].Order {
				t.Fatalf("%s: run %d of %d is %s at %d, and its log says %q", rec.Key, i, len(active), r.Status, r.Order, told[r.ID])
			}
			if m, ok := asked[r.UserMessageID]; !ok || m.Role != protocol.FromUser || m.Status == protocol.StatusWithdrawn {
				t.Fatalf("%s: run %s is to answer %+v", rec.Key, r.ID, m)
			}
		}
		for id, status := range told {
			if r, err := tx.Run(id); err != nil || r.Status != status || r.SessionID != rec.ID {
				t.Fatalf("%s: run %s is %+v (%v), and its log says %s", rec.Key, id, r, err, status)
			}
		}
		return soundMessages(t, tx, rec, transcript)
	})
	if err != nil {
		t.Fatalf("read the runs of %s: %v", rec.Key, err)
	}
}

// soundMessages looks for a message whose run was never made.
func soundMessages(t Failer, tx session.Tx, rec session.Record, transcript []protocol.Message) error {
	t.Helper()
	for _, m := range transcript {
		if m.RunID == "" {
			continue
		}
		r, err := tx.Run(m.RunID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if r.SessionID != rec.ID || m.ID != r.UserMessageID && m.ID != r.AnswerID {
			t.Fatalf("%s: message %s is of run %+v (%v)", rec.Key, m.ID, r, err)
		}
	}
	return nil
}
