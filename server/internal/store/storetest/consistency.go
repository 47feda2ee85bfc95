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

// CheckConsistency fails unless the log, the transcript and the runs of every session
// that is not deleted agree: the log has no gaps above its floor and ends at the
// session's last seq, each run begins and ends in the log at most once and in this order,
// the events of a whole log produce the transcript, and the stored runs have the status
// that the log says. Nobody may change the store meanwhile.
func CheckConsistency(t Failer, s session.Store) {
	t.Helper()
	service := session.New(s, DiscardEvents{}, setting.Fixed(session.Settings{}))
	for _, rec := range undeleted(t, s) {
		log := Log(t, s, rec)
		checkGaps(t, rec, log)
		runs := map[string]session.RunStatus{}
		for _, e := range log {
			checkRunEvent(t, rec, e, runs)
		}
		transcript := Transcript(t, service, rec.Key)
		if rec.Floor == 0 {
			sameTranscript(t, rec.Key, transcript, foldLog(t, rec, log))
		}
		checkRuns(t, s, rec, runs, transcript)
	}
}

// checkGaps fails unless the log has no gaps above the floor and ends at the last seq.
func checkGaps(t Failer, rec session.Record, log []session.StoredEvent) {
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

// foldLog returns the transcript that the events of a whole log produce.
func foldLog(t Failer, rec session.Record, log []session.StoredEvent) (transcript []protocol.Message) {
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

// DiscardEvents is a session.Publisher that drops every event.
type DiscardEvents struct{}

// Publish does nothing.
func (DiscardEvents) Publish(session.Event) {}

var admin = session.Caller{UserID: "admin", Role: protocol.Admin}

// undeleted returns every session that is not deleted.
func undeleted(t Failer, s session.Store) (all []session.Record) {
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

// Log returns a session's whole log.
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

// Transcript returns a session's whole transcript.
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

// sameTranscript fails unless the stored transcript is the one that the log produces.
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

// checkRunEvent fails unless e may follow the earlier events of its run, and stores the
// run's status after e in runs.
func checkRunEvent(t Failer, rec session.Record, e session.StoredEvent, runs map[string]session.RunStatus) {
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
	case protocol.RunCancelled: // also of a run that was withdrawn before it began
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

// checkRuns fails unless the stored runs have the statuses of the log, and each active
// run has a message to answer.
func checkRuns(t Failer, s session.Store, rec session.Record,
	logged map[string]session.RunStatus, transcript []protocol.Message) {
	t.Helper()
	byID := map[string]protocol.Message{}
	for _, m := range transcript {
		byID[m.ID] = m
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
			if logged[r.ID] != "" {
				want = logged[r.ID]
			}
			if r.Status != want || want == session.RunRunning && i > 0 || i > 0 && r.Order <= active[i-1].Order {
				t.Fatalf("%s: run %d of %d is %s at %d, and its log says %q", rec.Key, i, len(active), r.Status, r.Order, logged[r.ID])
			}
			if m, ok := byID[r.UserMessageID]; !ok || m.Role != protocol.FromUser || m.Status == protocol.StatusWithdrawn {
				t.Fatalf("%s: run %s is to answer %+v", rec.Key, r.ID, m)
			}
		}
		for id, status := range logged {
			if r, err := tx.Run(id); err != nil || r.Status != status || r.SessionID != rec.ID {
				t.Fatalf("%s: run %s is %+v (%v), and its log says %s", rec.Key, id, r, err, status)
			}
		}
		return checkMessageRuns(t, tx, rec, transcript)
	})
	if err != nil {
		t.Fatalf("read the runs of %s: %v", rec.Key, err)
	}
}

// checkMessageRuns fails unless every message that names a run is the question or the
// answer of that run.
func checkMessageRuns(t Failer, tx session.Tx, rec session.Record, transcript []protocol.Message) error {
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
