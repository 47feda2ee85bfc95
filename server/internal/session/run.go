package session

import (
	"context"
	"errors"
	"strings"

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
	History []Message // up to and with the message to answer, oldest first
}

// historyMessages bounds what is loaded as a run's history.
const historyMessages = 400

// Begin starts the session's next queued run, or gives ErrNotFound when none
// waits. The user's message is complete from now on, and the answer streams.
func (s *Service) Begin(ctx context.Context, key string) (Begun, error) {
	var b Begun
	err := s.update(ctx, key, func(c *change) error {
		rec, err := c.Session(key)
		if err != nil {
			return err
		}
		c.rec = rec
		active, err := c.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		if len(active) == 0 || active[0].Status != RunQueued {
			return ErrNotFound
		}
		b, err = c.begin(active[0])
		return err
	})
	return b, err
}

func (c *change) begin(run Run) (Begun, error) {
	asked, err := c.Message(run.SessionID, run.UserMessageID)
	if err != nil {
		return Begun{}, err
	}
	if asked.Status != protocol.StatusComplete {
		asked.Status = protocol.StatusComplete
		if err := c.SaveMessage(run.SessionID, asked); err != nil {
			return Begun{}, err
		}
	}
	answer := Message{Anchor: asked.Seq, Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromAssistant, Status: protocol.StatusStreaming,
		CreatedAt: protocol.At(c.now), RunID: run.ID, Seq: c.rec.LastSeq + 1, ReplyTo: asked.ID,
	}}
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return Begun{}, err
	}
	run.Status, run.AnswerID = RunRunning, answer.ID
	if err := c.SaveRun(run); err != nil {
		return Begun{}, err
	}
	if err := c.agent(protocol.RunStarted, run, &protocol.RunStartedPayload{
		MessageID: answer.ID, UserMessageID: asked.ID, CreatedAt: answer.CreatedAt,
	}); err != nil {
		return Begun{}, err
	}
	history, err := c.Messages(run.SessionID, asked.Anchor+1, historyMessages)
	if err != nil {
		return Begun{}, err
	}
	return Begun{Run: run, Key: c.rec.Key, UserID: c.rec.UserID, History: before(history, asked)}, c.saveTouched()
}

// before is what was said up to and with the message that is to be answered.
func before(history []Message, asked Message) []Message {
	said := history[:0]
	for _, m := range history {
		if m.Anchor < asked.Anchor && m.Status != protocol.StatusWithdrawn && m.Status != protocol.StatusQueued {
			said = append(said, m)
		}
	}
	return append(said, asked)
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
		run, err := c.running(b)
		if err != nil {
			return err
		}
		for _, p := range pieces {
			kind, payload := p.event()
			if err := c.agent(kind, run, payload); err != nil {
				return err
			}
		}
		return c.SaveSession(&c.rec)
	})
}

// running loads the session of a run that must still be running.
func (c *change) running(b Begun) (Run, error) {
	run, err := c.Run(b.Run.ID)
	if errors.Is(err, ErrNotFound) || err == nil && run.Status != RunRunning {
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
	return s.update(ctx, b.Key, func(c *change) error {
		run, err := c.running(b)
		if err != nil {
			return err
		}
		if err := c.finish(run, o); err != nil {
			return err
		}
		return c.saveTouched()
	})
}

// finish ends a running run of the change's session.
func (c *change) finish(run Run, o Outcome) error {
	answer, err := c.Message(run.SessionID, run.AnswerID)
	if err != nil {
		return err
	}
	if err := streamed(c.Tx, run.SessionID, &answer.Message); err != nil {
		return err
	}
	var kind string
	var payload protocol.Payload
	switch o.Status {
	case RunCompleted:
		answer.Status = protocol.StatusComplete
		kind, payload = protocol.RunCompleted, &protocol.RunCompletedPayload{
			MessageID: answer.ID, Content: answer.Content, Usage: &o.Usage}
	case RunCancelled:
		answer.Status = protocol.StatusAborted
		kind, payload = protocol.RunCancelled, &protocol.RunCancelledPayload{MessageID: answer.ID}
	default:
		answer.Status, answer.Error = protocol.StatusFailed, o.Error
		kind, payload = protocol.RunFailed, &protocol.RunFailedPayload{
			Error: o.Error, Code: o.Code, MessageID: answer.ID}
	}
	if err := c.SaveMessage(run.SessionID, answer); err != nil {
		return err
	}
	run.Status, run.EndedAt, run.Usage = o.Status, c.now, o.Usage
	run.ErrorCode, run.Error = o.Code, o.Error
	if err := c.SaveRun(run); err != nil {
		return err
	}
	c.ended = append(c.ended, Ended{
		RunID: run.ID, SessionKey: c.rec.Key, MessageID: answer.ID, Outcome: o, Content: answer.Content,
	})
	return c.agent(kind, run, payload)
}

// streamed sets what a streaming answer has said so far, from its run's events.
func streamed(tx Tx, sessionID int64, m *protocol.Message) error {
	if m.Status != protocol.StatusStreaming {
		return nil
	}
	var err error
	if m.Content, err = gather(tx, sessionID, m.RunID, protocol.RunChunk); err != nil {
		return err
	}
	m.Thinking, err = gather(tx, sessionID, m.RunID, protocol.RunThinking)
	return err
}

func gather(tx Tx, sessionID int64, runID, kind string) (string, error) {
	payloads, err := tx.RunEvents(sessionID, runID, kind)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, p := range payloads {
		var e protocol.AgentEvent
		var piece protocol.TextPayload
		if err := protocol.Decode(p, &e); err != nil {
			return "", err
		}
		if err := protocol.Decode(e.Payload, &piece); err != nil {
			return "", err
		}
		text.WriteString(piece.Content)
	}
	return text.String(), nil
}

// Withdraw takes back queued runs of a session: runID, or every queued one when
// it is empty. It returns the runs taken back.
func (s *Service) Withdraw(ctx context.Context, caller Caller, key, runID string) ([]string, error) {
	var withdrawn []string
	err := s.update(ctx, key, func(c *change) error {
		if err := c.load(key, caller); err != nil {
			return err
		}
		active, err := c.ActiveRuns(c.rec.ID)
		if err != nil {
			return err
		}
		for _, run := range active {
			if run.Status != RunQueued || runID != "" && run.ID != runID {
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
	return withdrawn, err
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
	run.Status, run.EndedAt = RunCancelled, c.now
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
		if errors.Is(err, ErrNotFound) {
			return protocol.Refuse(protocol.NotFound, "runId: there is no such run")
		}
		if err != nil {
			return err
		}
		rec, err := tx.SessionByID(run.SessionID)
		if err != nil {
			return err
		}
		if _, err := owned(tx, rec.Key, caller); err != nil {
			return err
		}
		key = rec.Key
		return nil
	})
	return key, err
}

// Recover ends the runs that were running when the process died, as failed
// (INTERRUPTED) with what they had said, and gives the keys of the sessions
// that have runs waiting. Call it once, before serving.
func (s *Service) Recover(ctx context.Context) (interrupted int, waiting []string, err error) {
	var runs []Run
	keys := map[int64]string{}
	err = s.store.View(ctx, func(tx Tx) error {
		if runs, err = tx.ActiveRuns(0); err != nil {
			return err
		}
		for _, r := range runs {
			rec, err := tx.SessionByID(r.SessionID)
			if err != nil {
				return err
			}
			keys[r.SessionID] = rec.Key
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	for _, r := range runs {
		if r.Status != RunRunning {
			continue
		}
		err := s.Finish(ctx, Begun{Run: r, Key: keys[r.SessionID]}, Outcome{
			Status: RunFailed, Code: protocol.Interrupted,
			Error: "The gateway stopped before the answer was complete. Ask again to get a whole one.",
		})
		if err != nil && !errors.Is(err, ErrRunEnded) {
			return interrupted, nil, err
		}
		interrupted++
	}
	queued := map[string]bool{}
	for _, r := range runs {
		if key := keys[r.SessionID]; r.Status == RunQueued && !queued[key] {
			queued[key] = true
			waiting = append(waiting, key)
		}
	}
	return interrupted, waiting, nil
}

// Encoded is how many bytes text takes inside a frame.
func Encoded(text string) int { return len(jsontext.AppendString(nil, text)) }
