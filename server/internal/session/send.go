package session

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// SendRequest is a message on its way into a session. Its fields were checked
// for form, and its agents exist.
type SendRequest struct {
	AgentID        string // with whom; empty: the session's agent
	DefaultAgent   string // of a session that the send opens without AgentID
	Message        string
	Media          []string // ids of the files that it carries
	IdempotencyKey string
	Stream         bool
}

// digest tells what is sent from what else might be, under one idempotency key.
// No byte of a text is 0xff, so that it cannot look like a file.
func (r SendRequest) digest() [sha256.Size]byte {
	all := []byte(r.Message)
	for _, id := range r.Media {
		all = append(append(all, 0xff), id...)
	}
	return sha256.Sum256(all)
}

// Sent says what a send made, now or when it was first seen.
type Sent struct {
	RunID, SessionKey, MessageID, Epoch string

	Seq       int64
	Queued    bool // another run is before it
	Duplicate bool // the idempotency key was used before, for the same message
}

// Send stores the user's message with a queued run, and opens the session if
// its key is new; without a key it makes one. The files become the session's. Nothing is stored when it
// refuses: FORBIDDEN for somebody else's session or file, ALREADY_EXISTS for
// another message under a used idempotency key, NOT_FOUND for a file that is no
// more, FAILED_PRECONDITION for one of another session, RESOURCE_EXHAUSTED when
// 10 sends are waiting, or the caller has MaxRuns.
func (s *Service) Send(ctx context.Context, a Access, r SendRequest) (Sent, error) {
	if a.key == "" {
		a.key = protocol.NewSessionKey(cmp.Or(r.AgentID, r.DefaultAgent), uuid.Must(uuid.NewV7()).String())
	}
	// Concurrent repeats of one idempotency key are serialised by the store's
	// transactions, whatever session they name.
	var sent Sent
	err := s.update(ctx, a.key, func(c *change) (err error) {
		sent, err = c.once(a.caller, r.IdempotencyKey, r.digest(), func() (Sent, error) { return c.send(a, r) })
		return err
	})
	if err != nil {
		return Sent{}, err
	}
	return sent, nil
}

func (c *change) send(a Access, r SendRequest) (Sent, error) {
	files, unfit := c.files(a.caller, r.Media)
	if err := c.open(a, r, files); err != nil {
		return Sent{}, err
	}
	if unfit != nil { // which is of no interest for somebody else's session
		return Sent{}, unfit
	}
	if err := c.attach(files); err != nil {
		return Sent{}, err
	}
	active, err := c.room(a.caller)
	if err != nil {
		return Sent{}, err
	}
	run := c.newRun(a.caller, r.Stream)
	m := Message{Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromUser, Content: r.Message, Status: protocol.StatusComplete,
		CreatedAt: protocol.At(c.now), RunID: run.ID, Author: c.author(a.caller), Media: wire(files),
	}}
	if active > 0 {
		m.Status = protocol.StatusQueued
	}
	if err := c.message(&m); err != nil {
		return Sent{}, err
	}
	return c.queue(run, m.ID, active)
}

// once does what an idempotency key stands for, or tells of it if it was done.
func (c *change) once(caller Caller, key string, digest [sha256.Size]byte, do func() (Sent, error)) (Sent, error) {
	if key == "" {
		return do()
	}
	before, err := c.Send(caller.UserID, key)
	if err == nil {
		return repeated(before, digest[:])
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

// retryRoomMs is when there may be room for one more run.
const retryRoomMs = 5000

// room gives how many runs are active, and refuses where one more is too many.
func (c *change) room(caller Caller) (active int, err error) {
	if err := c.roomOf(caller); err != nil {
		return 0, err
	}
	runs, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return 0, err
	}
	if len(runs) > protocol.MaxQueuedRuns {
		return 0, protocol.Exhausted("this session has "+strconv.Itoa(protocol.MaxQueuedRuns)+
			" messages waiting: send again when the answer is there", retryRoomMs)
	}
	return len(runs), nil
}

// roomOf refuses where one more run is too many for the caller, whatever session
// it is in.
func (c *change) roomOf(caller Caller) error {
	most := c.settings().MaxRunsPerUser
	if most <= 0 {
		return nil
	}
	n, err := c.UserRuns(caller.UserID)
	if err == nil && n >= most {
		err = protocol.Exhausted("you wait for "+strconv.Itoa(n)+
			" answers, which is the limit: send again when one is there, or stop one", retryRoomMs)
	}
	return err
}

func (c *change) newRun(caller Caller, stream bool) Run {
	return Run{
		ID: newID("run-"), SessionID: c.rec.ID, UserID: caller.UserID, AgentID: c.rec.AgentID,
		Status: RunQueued, Stream: stream, CreatedAt: c.now,
	}
}

// queue stores the run that is to answer a message, behind those that are
// active; the message's event is the session's last.
func (c *change) queue(run Run, messageID string, active int) (Sent, error) {
	run.UserMessageID, run.Order = messageID, c.rec.LastSeq
	if err := c.SaveRun(run); err != nil {
		return Sent{}, err
	}
	return Sent{
		RunID: run.ID, SessionKey: c.rec.Key, MessageID: messageID, Epoch: c.rec.Epoch, Seq: run.Order, Queued: active > 0,
	}, c.saveTouched()
}

// author is who writes, where that is not the session's owner.
func (c *change) author(caller Caller) *protocol.Author {
	if caller.UserID == c.rec.UserID {
		return nil
	}
	return &protocol.Author{UserID: caller.UserID, Role: caller.Role}
}

func repeated(before Send, digest []byte) (Sent, error) {
	if subtle.ConstantTimeCompare(before.Digest, digest) != 1 {
		return Sent{}, protocol.Refuse(protocol.AlreadyExists,
			"idempotencyKey was used for another message: make a new key for each message")
	}
	return Sent{
		RunID: before.RunID, SessionKey: before.SessionKey, MessageID: before.MessageID,
		Epoch: before.Epoch, Seq: before.Seq, Duplicate: true,
	}, nil
}

// open loads the session or makes it the caller's. A deleted one starts a new
// log, for its owner alone.
func (c *change) open(a Access, r SendRequest, files []File) error {
	rec, err := c.Session(a.key)
	switch {
	case err == nil && !a.caller.owns(rec):
		return errNotOwner
	case err == nil && rec.DeletedAt.IsZero():
		if r.AgentID != "" && r.AgentID != rec.AgentID {
			return protocol.Refuse(protocol.InvalidRequest,
				"agentId: this session is with agent "+rec.AgentID+": leave agentId out, or start another session")
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
	rec.AgentID, rec.Label, rec.Epoch = cmp.Or(r.AgentID, r.DefaultAgent), title(r.Message, files), newEpoch()
	rec.CreatedAt, rec.UpdatedAt = c.now, c.now
	c.rec = rec
	if err := c.SaveSession(&c.rec); err != nil {
		return err
	}
	return c.updated(protocol.SessionCreated)
}

// updated appends a session.updated event that shows the session as it is now.
func (c *change) updated(what string) error {
	wire := c.rec.Wire()
	wire.LastSeq = c.rec.LastSeq + 1
	return c.append(protocol.EventSessionUpdated, "", "", &protocol.SessionUpdated{
		SessionKey: c.rec.Key, Change: what, Session: &wire,
	})
}

// titleLength is how many characters of a first message name its session.
const titleLength = 60

// title makes a session's label of its first message: what Title makes of the
// text, or of the name of a file that comes without.
func title(message string, files []File) string {
	if strings.TrimSpace(message) == "" && len(files) > 0 {
		return Title(files[0].Media.Filename)
	}
	return Title(message)
}

// Title makes a session's label of a text: the first line with words on it, cut
// at a word.
func Title(message string) string {
	for line := range strings.Lines(message) {
		words := strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		title := strings.TrimLeft(strings.Join(words, " "), "#>*-` ")
		if title != "" {
			return cut(title, titleLength)
		}
	}
	return words.NewSession
}

func cut(s string, characters int) string {
	if utf8.RuneCountInString(s) <= characters {
		return s
	}
	short := string([]rune(s)[:characters-1])
	if i := strings.LastIndexByte(short, ' '); i > len(short)/2 {
		short = short[:i]
	}
	return short + "…"
}
