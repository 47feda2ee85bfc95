package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ErrRunEnded is what a run's worker gets when its run was ended by somebody
// else: its session was deleted or reset.
var ErrRunEnded = errors.New("the run has ended")

// Begun is a run that has started, with what it needs to answer.
type Begun struct {
	Run     Run
	Key     string
	UserID  string    // the session's owner
	Epoch   string    // of its log
	History []Message // up to and with the message to answer, oldest first
}

// historyBound bounds what is loaded as a run's history.
var historyBound = Bound{Messages: 400, Bytes: 1 << 20}

// Begin starts the session's next queued run, or gives store.ErrNotFound when none
// waits. The user's message is complete from now on, and the answer streams. The
// run is the holder's, who must Renew its lease within protocol.RunLease.
func (s *Service) Begin(ctx context.Context, key, holder string) (Begun, error) {
	unlock, err := s.locks.lock(ctx, key)
	if err != nil {
		return Begun{}, err
	}
	defer unlock()
	// The history is read beforehand, so that the transaction is short, and a
	// history that cannot be read leaves the run queued.
	b, asked, err := s.next(ctx, key)
	if err != nil {
		return Begun{}, err
	}
	queued := b.Run
	err = s.commit(ctx, key, func(c *change) (err error) {
		b.Run, err = c.begin(queued, asked, holder)
		return err
	})
	if err != nil {
		return Begun{}, err
	}
	return b, nil
}

// next finds the session's next queued run with the message that it answers.
func (s *Service) next(ctx context.Context, key string) (b Begun, asked Message, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		rec, err := tx.Session(key)
		if err != nil {
			return err
		}
		active, err := tx.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		if len(active) == 0 || active[0].Status != RunQueued {
			return store.ErrNotFound
		}
		b = Begun{Run: active[0], Key: rec.Key, UserID: rec.UserID, Epoch: rec.Epoch}
		b.History, asked, err = said(tx, b.Run)
		if errors.Is(err, store.ErrNotFound) { // does not mean that none waits
			return fmt.Errorf("run %s has no message to answer", b.Run.ID)
		}
		return err
	})
	return b, asked, err
}

// said is what was said up to and with the message that the run is to answer.
// What was answered to that message before is not among it.
func said(tx Tx, run Run) (history []Message, asked Message, err error) {
	if asked, err = tx.Message(run.SessionID, run.UserMessageID); err != nil {
		return nil, Message{}, err
	}
	earlier, _, err := tx.Messages(run.SessionID, Place{Anchor: asked.Anchor, Seq: asked.Seq}, historyBound)
	if err != nil {
		return nil, Message{}, err
	}
	history = slices.DeleteFunc(earlier, func(m Message) bool {
		return m.Status == protocol.StatusWithdrawn
	})
	return append(history, asked), asked, nil
}

// begin starts a run that is still queued, and gives it as it is then.
func (c *change) begin(run Run, asked Message, holder string) (Run, error) {
	now, err := c.Run(run.ID)
	if err != nil {
		return Run{}, err
	}
	if now.Status != RunQueued {
		return Run{}, store.ErrNotFound
	}
	if c.rec, err = c.SessionByID(run.SessionID); err != nil {
		return Run{}, err
	}
	if asked.Status != protocol.StatusComplete {
		asked.Status = protocol.StatusComplete
		if err := c.SaveMessage(run.SessionID, asked); err != nil {
			return Run{}, err
		}
	}
	answer := Message{Anchor: asked.Seq, Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromAssistant, Status: protocol.StatusStreaming,
		CreatedAt: protocol.At(c.now), RunID: run.ID, Seq: c.rec.LastSeq + 1, ReplyTo: asked.ID,
	}}
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return Run{}, err
	}
	run.Status, run.AnswerID = RunRunning, answer.ID
	run.Holder, run.LeaseUntil = holder, c.now.Add(protocol.RunLease)
	if err := c.SaveRun(run); err != nil {
		return Run{}, err
	}
	if err := c.agent(protocol.RunStarted, run, &protocol.RunStartedPayload{
		MessageID: answer.ID, UserMessageID: asked.ID, CreatedAt: answer.CreatedAt,
	}); err != nil {
		return Run{}, err
	}
	return run, c.saveTouched()
}

// Piece is a part of an answer: one of its fields is set.
type Piece struct {
	Text, Thinking string
	Activity       *protocol.Activity
}

func (p Piece) event() (kind string, payload protocol.Payload) {
	switch {
	case p.Text != "":
		return protocol.RunChunk, &protocol.TextPayload{Content: p.Text}
	case p.Thinking != "":
		return protocol.RunThinking, &protocol.TextPayload{Content: p.Thinking}
	default:
		return protocol.RunActivity, p.Activity
	}
}

// Append adds pieces to a running answer. It gives ErrRunEnded when the run is
// no longer running.
func (s *Service) Append(ctx context.Context, b Begun, pieces []Piece) error {
	return s.update(ctx, b.Key, func(c *change) error {
		last, err := c.Advance(b.Run.SessionID, b.Run.ID, len(pieces))
		if errors.Is(err, store.ErrNotFound) {
			return ErrRunEnded
		}
		if err != nil {
			return err
		}
		c.rec = Record{ID: b.Run.SessionID, Key: b.Key, UserID: b.UserID, Epoch: b.Epoch, LastSeq: last - int64(len(pieces))}
		for _, p := range pieces {
			kind, payload := p.event()
			if err := c.agent(kind, b.Run, payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// running loads the session of a run that must still be running.
func (c *change) running(b Begun) (Run, error) {
	run, err := c.Run(b.Run.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && run.Status != RunRunning {
		return Run{}, ErrRunEnded
	}
	if err != nil {
		return Run{}, err
	}
	c.rec, err = c.SessionByID(run.SessionID)
	return run, err
}

// Outcome is how a run ended. Status is RunCompleted, RunFailed or
// RunCancelled; a failure has a code and a sentence for the user.
type Outcome struct {
	Status RunStatus
	Usage  protocol.Usage
	Code   protocol.Code
	Error  string
}

// Ended tells those who wait for a run how it ended.
type Ended struct {
	RunID, SessionKey, MessageID string

	Outcome Outcome
	Content string
}

// Finish ends a running run: the answer, gathered from its pieces, becomes a
// message of its own. It gives ErrRunEnded when the run is not running.
func (s *Service) Finish(ctx context.Context, b Begun, o Outcome) error {
	return s.end(ctx, b, o, func(Run) bool { return true })
}

// end is Finish for a run that may be ended, as it is found then.
func (s *Service) end(ctx context.Context, b Begun, o Outcome, may func(Run) bool) error {
	unlock, err := s.locks.lock(ctx, b.Key)
	if err != nil {
		return err
	}
	defer unlock()
	// A long answer takes a while to gather: that is done beforehand, so that the
	// transaction is short.
	answer, seen, err := s.answer(ctx, b.Run)
	if errors.Is(err, store.ErrNotFound) {
		return ErrRunEnded
	}
	if err != nil {
		return err
	}
	return s.commit(ctx, b.Key, func(c *change) error {
		run, err := c.running(b)
		if err != nil {
			return err
		}
		if !may(run) {
			return errKept
		}
		whole := answer
		if c.rec.LastSeq != seen { // another process has said more
			if err := streamed(c, run.SessionID, &whole.Message); err != nil {
				return err
			}
		}
		if err := c.finish(run, whole, o); err != nil {
			return err
		}
		return c.saveTouched()
	})
}

// answer is the answer of a run as far as it is, and how far the log is then.
func (s *Service) answer(ctx context.Context, run Run) (answer Message, lastSeq int64, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		rec, err := tx.SessionByID(run.SessionID)
		if err != nil {
			return err
		}
		if answer, err = tx.Message(run.SessionID, run.AnswerID); err != nil {
			return err
		}
		lastSeq = rec.LastSeq
		return streamed(tx, run.SessionID, &answer.Message)
	})
	return answer, lastSeq, err
}

// finish ends a running run of the change's session.
func (c *change) finish(run Run, answer Message, o Outcome) error {
	kind, payload := o.end(&answer.Message)
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return err
	}
	run.Status, run.EndedAt, run.Usage = o.Status, c.now, o.Usage
	run.ErrorCode, run.Error, run.EndSeq = o.Code, o.Error, c.rec.LastSeq+1
	if err := c.SaveRun(run); err != nil {
		return err
	}
	c.ended = append(c.ended, Ended{
		RunID: run.ID, SessionKey: c.rec.Key, MessageID: answer.ID, Outcome: o, Content: answer.Content,
	})
	return c.agent(kind, run, payload)
}

// end gives the answer its final status, and the event that tells of it.
func (o Outcome) end(answer *protocol.Message) (kind string, payload protocol.Payload) {
	switch o.Status {
	case RunCompleted:
		answer.Status = protocol.StatusComplete
		return protocol.RunCompleted, &protocol.RunCompletedPayload{
			MessageID: answer.ID, Content: answer.Content, Usage: &o.Usage}
	case RunCancelled:
		answer.Status = protocol.StatusAborted
		return protocol.RunCancelled, &protocol.RunCancelledPayload{MessageID: answer.ID}
	default:
		answer.Status, answer.Error = protocol.StatusFailed, o.Error
		return protocol.RunFailed, &protocol.RunFailedPayload{
			Error: o.Error, Code: o.Code, MessageID: answer.ID}
	}
}

// inner reads what an agent event carries.
func inner(payload []byte, v protocol.Payload) error {
	var e protocol.AgentEvent
	if err := protocol.Decode(payload, &e); err != nil {
		return err
	}
	return protocol.Decode(e.Payload, v)
}

// Withdraw takes back queued runs of a session: runID, or every queued one when
// it is empty. It returns the runs taken back, and the run that is under way, if
// it is one of those meant: that is left to whoever runs it.
func (s *Service) Withdraw(ctx context.Context, a Access, runID string) (withdrawn []string, running string, err error) {
	err = s.update(ctx, a.key, func(c *change) error {
		withdrawn, running = nil, ""
		if err := c.load(a); err != nil {
			return err
		}
		active, err := c.ActiveRuns(c.rec.ID)
		if err != nil {
			return err
		}
		for _, run := range active {
			switch {
			case runID != "" && run.ID != runID:
				continue
			case run.Status == RunRunning:
				running = run.ID
				continue
			}
			if err := c.withdraw(run); err != nil {
				return err
			}
			withdrawn = append(withdrawn, run.ID)
		}
		if len(withdrawn) == 0 {
			return nil
		}
		return c.saveTouched()
	})
	if err != nil {
		return nil, "", err
	}
	return withdrawn, running, nil
}

func (c *change) withdraw(run Run) error {
	m, err := c.Message(run.SessionID, run.UserMessageID)
	if err != nil {
		return err
	}
	// A message that was answered before, and asked again, stays.
	if m.RunID == run.ID {
		m.Status = protocol.StatusWithdrawn
		if err := c.SaveMessage(run.SessionID, m); err != nil {
			return err
		}
	}
	run.Status, run.EndedAt, run.EndSeq = RunCancelled, c.now, c.rec.LastSeq+1
	if err := c.SaveRun(run); err != nil {
		return err
	}
	c.ended = append(c.ended, Ended{RunID: run.ID, SessionKey: c.rec.Key, Outcome: Outcome{Status: RunCancelled}})
	return c.agent(protocol.RunCancelled, run, &protocol.RunCancelledPayload{})
}

// RunSession gives the key of the session that a run belongs to, if caller may
// touch it.
func (s *Service) RunSession(ctx context.Context, caller Caller, runID string) (string, error) {
	var key string
	err := s.store.View(ctx, func(tx Tx) error {
		run, err := tx.Run(runID)
		if errors.Is(err, store.ErrNotFound) {
			return protocol.Refuse(protocol.NotFound, "runId: there is no such run")
		}
		if err != nil {
			return err
		}
		rec, err := tx.SessionByID(run.SessionID)
		if err != nil {
			return err
		}
		if _, err := owned(tx, caller.To(rec.Key)); err != nil {
			return err
		}
		key = rec.Key
		return nil
	})
	return key, err
}

// Encoded is how many bytes text takes inside a frame.
func Encoded(text string) int { return len(jsontext.AppendString(nil, text)) }
