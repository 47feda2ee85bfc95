package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ErrRunEnded says that a run is not running any more: its session was deleted or reset,
// or another process has ended the run.
var ErrRunEnded = errors.New("the run has ended")

// StartedRun is a run that has begun, with what its agent needs.
type StartedRun struct {
	Run     Run
	Key     string
	UserID  string    // the session's owner
	Epoch   string    // the epoch of the log
	History []Message // the messages up to the one to be answered, oldest first
}

// historyBound limits the history of a run.
var historyBound = Bound{Messages: 400, Bytes: 1 << 20}

// Begin begins the next queued run of the session. If none is queued, the error is
// store.ErrNotFound. The user's message gets the status complete, the answer is
// streaming. The holder must call Renew within protocol.RunLease.
func (s *Service) Begin(ctx context.Context, key, holder string) (StartedRun, error) {
	unlock, err := s.locks.lock(ctx, key)
	if err != nil {
		return StartedRun{}, err
	}
	defer unlock()
	// The history is read before the transaction, so that the transaction is short. If it
	// cannot be read, the run stays queued.
	started, question, err := s.nextQueued(ctx, key)
	if err != nil {
		return StartedRun{}, err
	}
	queued := started.Run
	err = s.commit(ctx, key, func(c *change) (err error) {
		started.Run, err = c.begin(queued, question, holder)
		return err
	})
	if err != nil {
		return StartedRun{}, err
	}
	return started, nil
}

// nextQueued returns the next queued run of the session, and the message to be answered.
func (s *Service) nextQueued(ctx context.Context,
	key string) (started StartedRun, question Message, err error) {
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
		started = StartedRun{Run: active[0], Key: rec.Key, UserID: rec.UserID, Epoch: rec.Epoch}
		started.History, question, err = promptHistory(tx, started.Run)
		if errors.Is(err, store.ErrNotFound) { // from nextQueued it would mean: no run is queued
			return fmt.Errorf("run %s has no message to answer", started.Run.ID)
		}
		return err
	})
	return started, question, err
}

// promptHistory returns the messages up to the one that the run must answer. Earlier
// answers to that message are not among them.
func promptHistory(tx Tx, run Run) (history []Message, question Message, err error) {
	if question, err = tx.Message(run.SessionID, run.UserMessageID); err != nil {
		return nil, Message{}, err
	}
	earlier, _, err := tx.Messages(run.SessionID, Place{Anchor: question.Anchor, Seq: question.Seq},
		historyBound)
	if err != nil {
		return nil, Message{}, err
	}
	rejected := rejectedQuestions(earlier)
	history = slices.DeleteFunc(earlier, func(m Message) bool {
		return m.Status == protocol.StatusWithdrawn || rejected[m.Anchor]
	})
	return append(history, question), question, nil
}

// rejectedQuestions returns the anchors of the messages whose last answer says that the
// provider refused them. With such a message in the prompt, the provider would refuse the
// next one too. A message that was answered after all, when it was tried again, is not
// among them.
func rejectedQuestions(history []Message) map[int64]bool {
	rejected := map[int64]bool{}
	for _, m := range history {
		if m.Role == protocol.FromAssistant {
			rejected[m.Anchor] = m.Rejected
		}
	}
	return rejected
}

// begin begins a run, if it is still queued, and returns it.
func (c *change) begin(run Run, question Message, holder string) (Run, error) {
	current, err := c.Run(run.ID)
	if err != nil {
		return Run{}, err
	}
	if current.Status != RunQueued {
		return Run{}, store.ErrNotFound
	}
	if c.rec, err = c.SessionByID(run.SessionID); err != nil {
		return Run{}, err
	}
	if question.Status != protocol.StatusComplete {
		question.Status = protocol.StatusComplete
		if err := c.SaveMessage(run.SessionID, question); err != nil {
			return Run{}, err
		}
	}
	answer := Message{Anchor: question.Seq, Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromAssistant, Status: protocol.StatusStreaming,
		CreatedAt: protocol.At(c.now), RunID: run.ID, Seq: c.rec.LastSeq + 1, ReplyTo: question.ID,
	}}
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return Run{}, err
	}
	run.Status, run.AnswerID = RunRunning, answer.ID
	run.Holder, run.LeaseUntil = holder, c.now.Add(protocol.RunLease)
	if err := c.SaveRun(run); err != nil {
		return Run{}, err
	}
	if err := c.appendAgent(protocol.RunStarted, run, &protocol.RunStartedPayload{
		MessageID: answer.ID, UserMessageID: question.ID, CreatedAt: answer.CreatedAt,
	}); err != nil {
		return Run{}, err
	}
	return run, c.saveTouched()
}

// Piece is a part of an answer. One of its fields is set.
type Piece struct {
	Text, Thinking string
	Activity       *protocol.Activity
	// TextWasThinking says that all Text so far was the model's reasoning.
	TextWasThinking bool
}

// event returns the type and the payload of the piece's event.
func (p Piece) event() (kind string, payload protocol.Payload) {
	switch {
	case p.Text != "":
		return protocol.RunChunk, &protocol.TextPayload{Content: p.Text}
	case p.Thinking != "":
		return protocol.RunThinking, &protocol.TextPayload{Content: p.Thinking}
	case p.TextWasThinking:
		return protocol.RunThinking, &protocol.TextPayload{TextWasThinking: true}
	default:
		return protocol.RunActivity, p.Activity
	}
}

// Append appends pieces to a running answer. If the run is not running any more, the
// error is ErrRunEnded.
func (s *Service) Append(ctx context.Context, started StartedRun, pieces []Piece) error {
	return s.update(ctx, started.Key, func(c *change) error {
		last, err := c.Advance(started.Run.SessionID, started.Run.ID, len(pieces))
		if errors.Is(err, store.ErrNotFound) {
			return ErrRunEnded
		}
		if err != nil {
			return err
		}
		c.rec = Record{ID: started.Run.SessionID, Key: started.Key, UserID: started.UserID,
			Epoch: started.Epoch, LastSeq: last - int64(len(pieces))}
		for _, p := range pieces {
			kind, payload := p.event()
			if err := c.appendAgent(kind, started.Run, payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// running loads the session of a run, and returns the run. If the run is not running any
// more, the error is ErrRunEnded.
func (c *change) running(started StartedRun) (Run, error) {
	run, err := c.Run(started.Run.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && run.Status != RunRunning {
		return Run{}, ErrRunEnded
	}
	if err != nil {
		return Run{}, err
	}
	c.rec, err = c.SessionByID(run.SessionID)
	return run, err
}

// Outcome is how a run ended.
type Outcome struct {
	Status RunStatus // RunCompleted, RunFailed or RunCancelled
	Usage  protocol.Usage
	Finish protocol.Finish // of a completed run: why the answer ended
	Code   protocol.Code   // of a failure
	Error  string          // of a failure: a sentence for the user
	// Rejected says, of a failure, that the provider refused the user's message, which is
	// then left out of later prompts.
	Rejected bool
}

// Ended is a run that has ended, for those who wait for it.
type Ended struct {
	RunID, SessionKey, MessageID string

	Outcome Outcome
	Content string
}

// Finish ends a running run: the pieces of its answer become the content of its message.
// If the run is not running any more, the error is ErrRunEnded.
func (s *Service) Finish(ctx context.Context, started StartedRun, o Outcome) error {
	return s.end(ctx, started, o, func(Run) bool { return true })
}

// end does what Finish does, if may, which is called with the stored run in the
// transaction, returns true. Otherwise the error is errStillHeld.
func (s *Service) end(ctx context.Context, started StartedRun, o Outcome,
	may func(Run) bool) error {
	unlock, err := s.locks.lock(ctx, started.Key)
	if err != nil {
		return err
	}
	defer unlock()
	// The answer is read before the transaction, so that the transaction is short.
	answer, seen, err := s.answer(ctx, started.Run)
	if errors.Is(err, store.ErrNotFound) {
		return ErrRunEnded
	}
	if err != nil {
		return err
	}
	return s.commit(ctx, started.Key, func(c *change) error {
		run, err := c.running(started)
		if err != nil {
			return err
		}
		if !may(run) {
			return errStillHeld
		}
		final := answer
		if c.rec.LastSeq != seen { // another process has appended pieces
			if err := loadStreaming(c, run.SessionID, &final.Message); err != nil {
				return err
			}
		}
		if err := c.finish(run, final, o); err != nil {
			return err
		}
		return c.saveTouched()
	})
}

// answer returns the answer of a run so far, and the last seq of the log.
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
		return loadStreaming(tx, run.SessionID, &answer.Message)
	})
	return answer, lastSeq, err
}

// finish ends a running run of the session.
func (c *change) finish(run Run, answer Message, o Outcome) error {
	kind, payload := o.endAnswer(&answer.Message)
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return err
	}
	run.Status, run.EndedAt, run.Usage = o.Status, c.now, o.Usage
	run.ErrorCode, run.Error, run.EndSeq = o.Code, o.Error, c.rec.LastSeq+1
	if err := c.SaveRun(run); err != nil {
		return err
	}
	c.ended = append(c.ended, Ended{
		RunID: run.ID, SessionKey: c.rec.Key, MessageID: answer.ID, Outcome: o,
		Content: answer.Content,
	})
	return c.appendAgent(kind, run, payload)
}

// endAnswer sets the final status of the answer, and returns the type and the payload of
// the event that ends the run.
func (o Outcome) endAnswer(answer *protocol.Message) (kind string, payload protocol.Payload) {
	switch o.Status {
	case RunCompleted:
		answer.Status, answer.Finish = protocol.StatusComplete, o.Finish
		usage := o.Usage.WithAliases()
		return protocol.RunCompleted, &protocol.RunCompletedPayload{
			MessageID: answer.ID, Content: answer.Content, Usage: &usage, Finish: o.Finish}
	case RunCancelled:
		answer.Status = protocol.StatusAborted
		return protocol.RunCancelled, &protocol.RunCancelledPayload{MessageID: answer.ID}
	default:
		answer.Status, answer.Error, answer.Rejected = protocol.StatusFailed, o.Error, o.Rejected
		return protocol.RunFailed, &protocol.RunFailedPayload{
			Error: o.Error, Code: o.Code, MessageID: answer.ID, Rejected: o.Rejected}
	}
}

// decodeAgent decodes the inner payload of an agent event.
func decodeAgent(payload []byte, v protocol.Payload) error {
	var e protocol.AgentEvent
	if err := protocol.Decode(payload, &e); err != nil {
		return err
	}
	return protocol.Decode(e.Payload, v)
}

// RunSession returns the key of a run's session, if the caller has access to the session.
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
		if _, err := findOwned(tx, caller.To(rec.Key)); err != nil {
			return err
		}
		key = rec.Key
		return nil
	})
	return key, err
}
