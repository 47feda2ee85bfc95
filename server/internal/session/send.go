package session

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// SendRequest is a message to be sent. The form of its fields must have been checked, and
// its agents must exist.
type SendRequest struct {
	AgentID        string   // the agent; "" is the session's agent
	DefaultAgent   string   // the agent of a new session if AgentID is empty
	Message        string   // the text
	Media          []string // the ids of its files
	IdempotencyKey string   // "" if the send must not be recognised when it is repeated
	Stream         bool     // whether the client watches the answer grow
}

// digest identifies what is sent, so that another message with the same idempotency key
// is noticed. No text has a byte 0xff, so a text cannot be mistaken for a file.
func (r SendRequest) digest() [sha256.Size]byte {
	all := []byte(r.Message)
	for _, id := range r.Media {
		all = append(append(all, 0xff), id...)
	}
	return sha256.Sum256(all)
}

// Sent is the result of a send, or of the first send with the same idempotency key.
type Sent struct {
	RunID, SessionKey, MessageID, Epoch string
	Owner                               string // of the session

	Seq       int64
	Queued    bool // whether another run of the session is before it
	Duplicate bool // whether the message was sent before with the same idempotency key
}

// Send stores the user's message, with a queued run. If there is no session with the key,
// Send creates it; if the key is empty, Send generates one. The files are attached to the
// session. If Send refuses, nothing is stored:
//   - FORBIDDEN if the session or a file belongs to another user;
//   - ALREADY_EXISTS if the idempotency key was used for another message;
//   - NOT_FOUND if a file does not exist;
//   - FAILED_PRECONDITION if a file is attached to another session;
//   - RESOURCE_EXHAUSTED if the session or the user has too many active runs.
func (s *Service) Send(ctx context.Context, a Access, r SendRequest) (Sent, error) {
	if a.key == "" {
		a.key = protocol.NewSessionKey(cmp.Or(r.AgentID, r.DefaultAgent),
			uuid.Must(uuid.NewV7()).String())
	}
	// The transactions of the store serialise concurrent sends with one idempotency key,
	// even if they name different sessions.
	var sent Sent
	err := s.update(ctx, a.key, func(c *change) (err error) {
		sent, err = c.once(a.caller, r.IdempotencyKey, r.digest(),
			func() (Sent, error) { return c.send(a, r) })
		return err
	})
	if err != nil {
		return Sent{}, err
	}
	return sent, nil
}

// send is the transaction of Send.
func (c *change) send(a Access, r SendRequest) (Sent, error) {
	files, filesErr := c.files(a.caller, r.Media)
	if err := c.open(a, r, files); err != nil {
		return Sent{}, err
	}
	if filesErr != nil { // only now: without access to the session, the caller learns nothing else
		return Sent{}, filesErr
	}
	if err := c.attach(files); err != nil {
		return Sent{}, err
	}
	active, err := c.checkLimits(a.caller)
	if err != nil {
		return Sent{}, err
	}
	run := c.newRun(a.caller, r.Stream)
	m := Message{Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromUser, Content: r.Message,
		Status:    protocol.StatusComplete,
		CreatedAt: protocol.At(c.now), RunID: run.ID, Author: c.author(a.caller),
		Media: wire(files),
	}}
	if active > 0 {
		m.Status = protocol.StatusQueued
	}
	if err := c.addMessage(&m); err != nil {
		return Sent{}, err
	}
	return c.queue(run, m.ID, active)
}

// once calls do and stores the result under the idempotency key. If a result is stored
// under the key already, once returns that result and does not call do.
func (c *change) once(caller Caller, key string, digest [sha256.Size]byte,
	do func() (Sent, error)) (Sent, error) {
	if key == "" {
		return do()
	}
	before, err := c.Send(caller.UserID, key)
	if err == nil {
		return c.duplicate(caller, before, digest[:])
	}
	if !errors.Is(err, store.ErrNotFound) {
		return Sent{}, err
	}
	sent, err := do()
	if err != nil {
		return Sent{}, err
	}
	return sent, c.SaveSend(Send{
		UserID: caller.UserID, Key: key, SessionKey: sent.SessionKey, Digest: digest[:],
		RunID: sent.RunID, MessageID: sent.MessageID, Seq: sent.Seq, Epoch: sent.Epoch,
	})
}

// retryLimitMs is the retry delay of a caller with too many active runs.
const retryLimitMs = 5000

// checkLimits returns the number of active runs of the session. It refuses if the session
// or the caller may not have one more.
func (c *change) checkLimits(caller Caller) (active int, err error) {
	if err := c.checkUserLimit(caller); err != nil {
		return 0, err
	}
	runs, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return 0, err
	}
	if len(runs) > protocol.MaxQueuedRuns {
		return 0, protocol.Exhausted("this session has "+strconv.Itoa(protocol.MaxQueuedRuns)+
			" queued messages, which is the limit: "+
			"send again when an answer is complete", retryLimitMs)
	}
	return len(runs), nil
}

// checkUserLimit refuses if the caller may not have one more active run, in any session.
func (c *change) checkUserLimit(caller Caller) error {
	limit := c.settings().MaxRunsPerUser
	if limit <= 0 {
		return nil
	}
	n, err := c.UserRuns(caller.UserID)
	if err == nil && n >= limit {
		err = protocol.Exhausted("you are waiting for "+strconv.Itoa(n)+
			" answers, which is the limit: "+
			"send again when one is complete, or stop one", retryLimitMs)
	}
	return err
}

// newRun returns a new queued run of the session. The caller must store it with queue.
func (c *change) newRun(caller Caller, stream bool) Run {
	return Run{
		ID: newID("run-"), SessionID: c.rec.ID, UserID: caller.UserID, AgentID: c.rec.AgentID,
		Status: RunQueued, Stream: stream, CreatedAt: c.now,
	}
}

// queue stores the run that must answer a message. active is the number of runs before
// it. The last event of the session must be the message's.
func (c *change) queue(run Run, messageID string, active int) (Sent, error) {
	run.UserMessageID, run.Order = messageID, c.rec.LastSeq
	if err := c.SaveRun(run); err != nil {
		return Sent{}, err
	}
	return Sent{
		RunID: run.ID, SessionKey: c.rec.Key, MessageID: messageID, Epoch: c.rec.Epoch,
		Seq: run.Order, Queued: active > 0, Owner: c.rec.UserID,
	}, c.saveTouched()
}

// author returns the caller as the author of a message, or nil if the caller owns the
// session.
func (c *change) author(caller Caller) *protocol.Author {
	if caller.UserID == c.rec.UserID {
		return nil
	}
	return &protocol.Author{UserID: caller.UserID, Role: caller.Role}
}

// duplicate returns the result of an earlier send with the same idempotency key. It
// refuses if another message was sent, and a caller who wants only own sessions if the
// session is another user's.
func (c *change) duplicate(caller Caller, before Send, digest []byte) (Sent, error) {
	if subtle.ConstantTimeCompare(before.Digest, digest) != 1 {
		return Sent{}, protocol.Refuse(protocol.AlreadyExists,
			"idempotencyKey was used for another message: use a new key for each message")
	}
	rec, err := c.Session(before.SessionKey)
	switch {
	case err != nil:
		return Sent{}, err
	case caller.Own && !caller.owns(rec):
		return Sent{}, errNotOwner
	}
	return Sent{
		RunID: before.RunID, SessionKey: before.SessionKey, MessageID: before.MessageID,
		Epoch: before.Epoch, Seq: before.Seq, Duplicate: true, Owner: rec.UserID,
	}, nil
}

// open loads the session. If there is none, open creates one for the caller. If the
// session is deleted, open starts a new log for the same owner.
func (c *change) open(a Access, r SendRequest, files []File) error {
	rec, err := c.Session(a.key)
	switch {
	case err == nil && !a.caller.owns(rec):
		return errNotOwner
	case err == nil && rec.DeletedAt.IsZero():
		if r.AgentID != "" && r.AgentID != rec.AgentID {
			return protocol.Refuse(protocol.InvalidRequest,
				"agentId: this session is with agent "+rec.AgentID+
					": leave agentId out, or start another session")
		}
		c.rec = rec
		return nil
	case err == nil:
		rec.DeletedAt, rec.LastSeq, rec.Floor, rec.Pinned = time.Time{}, 0, 0, false
	case errors.Is(err, store.ErrNotFound):
		rec = Record{Key: a.key, UserID: a.caller.UserID}
	default:
		return err
	}
	rec.AgentID, rec.Label = cmp.Or(r.AgentID, r.DefaultAgent), c.title(r.Message, files)
	rec.Epoch = newEpoch()
	rec.CreatedAt, rec.UpdatedAt = c.now, c.now
	c.rec = rec
	if err := c.SaveSession(&c.rec); err != nil {
		return err
	}
	return c.appendUpdated(protocol.SessionCreated)
}

// appendUpdated appends a session.updated event that shows the session.
func (c *change) appendUpdated(what string) error {
	wire := c.rec.Wire()
	wire.LastSeq = c.rec.LastSeq + 1
	return c.append(protocol.EventSessionUpdated, "", "", &protocol.SessionUpdated{
		SessionKey: c.rec.Key, Change: what, Label: c.rec.Label, Session: &wire,
	})
}
