package session

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Caller is who asks, as authentication found.
type Caller struct {
	UserID string
	Role   protocol.Role
}

// owns reports whether the session is the caller's, or the caller may touch
// anybody's.
func (c Caller) owns(r Record) bool {
	return r.UserID == c.UserID || c.Role.Allows(protocol.Admin)
}

// Access is one caller's access to one session. To makes it without a check. Each
// method of Service that takes an Access checks in its own transaction that the
// session is the caller's, or the caller an admin, and refuses with FORBIDDEN
// otherwise.
type Access struct {
	caller Caller
	key    string
}

// To gives the caller's access to the session with that key, which need not exist.
// The key's form was checked.
func (c Caller) To(key string) Access { return Access{c, key} }

// Key gives the session's key.
func (a Access) Key() string { return a.key }

// Event is a committed change on its way to those who follow its session. Seq
// is 0 and Epoch empty when the session's log is no more. Payload is shared and
// must not be changed.
type Event struct {
	SessionKey string
	UserID     string // the session's owner
	Epoch      string // of the log that Seq counts in
	Seq        int64
	Name       string
	Kind       string // of an agent event, its type
	RunID      string // of an agent event
	Payload    []byte
}

// Publisher takes committed events, a session's in the order of their seq. It
// must not block.
type Publisher interface {
	Publish(e Event)
}

// Settings are what the configuration says of sessions.
type Settings struct {
	MaxRunsPerUser int // queued and running, in all sessions; 0: any number
}

// Service is the domain of sessions over a Store. It is safe for concurrent
// use. Its refusals are *protocol.Error; other errors are the store's.
type Service struct {
	store    Store
	settings setting.Live[Settings]
	publish  Publisher
	locks    keyedLocks
	tails    tails
	waiters  waiters
}

// New makes a Service that stores in store and tells publish.
func New(store Store, publish Publisher, settings setting.Live[Settings]) *Service {
	return &Service{store: store, publish: publish, settings: settings,
		locks:   keyedLocks{held: map[string]*keyedLock{}},
		tails:   newTails(),
		waiters: waiters{byRun: map[string][]*waiter{}},
	}
}

// change is one transaction on one session: it gathers the events that are to
// be published once it is durable.
type change struct {
	Tx
	tails  *tails
	rec    Record
	now    time.Time // as precise as it is stored
	events []Event
	ended  []Ended

	settings setting.Live[Settings] // of the Service
}

// update runs fn as one change of the session named key and publishes what it
// appended, in order. As with the store, fn may run more than once; each run has a
// change of its own.
func (s *Service) update(ctx context.Context, key string, fn func(*change) error) error {
	unlock, err := s.locks.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	return s.commit(ctx, key, fn)
}

// commit is update for a caller that holds the session's lock.
func (s *Service) commit(ctx context.Context, key string, fn func(*change) error) error {
	var c *change
	made := false
	err := s.store.Update(ctx, func(tx Tx) error {
		c = &change{Tx: tx, tails: &s.tails, now: protocol.At(time.Now()).Go(), settings: s.settings}
		err := fn(c)
		made = err == nil
		return err
	})
	if err != nil {
		if made { // and what became of it only the store knows
			s.tails.drop(key)
		}
		return err
	}
	// Before anybody is told of them, so that who asks for more finds them.
	s.tails.add(c.rec.ID, c.events)
	for _, e := range c.events {
		s.publish.Publish(e)
	}
	for _, e := range c.ended {
		s.waiters.end(e)
	}
	return nil
}

// load reads the change's session and checks that the caller may touch it.
func (c *change) load(a Access) error {
	rec, err := owned(c.Tx, a)
	c.rec = rec
	return err
}

// owned finds a living session that the caller owns, or any for an admin.
func owned(tx Tx, a Access) (Record, error) {
	rec, err := tx.Session(a.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Record{}, err
	}
	if err == nil && !a.caller.owns(rec) {
		return Record{}, errNotOwner
	}
	if err != nil || !rec.DeletedAt.IsZero() {
		return Record{}, protocol.Refuse(protocol.NotFound, "there is no such session")
	}
	return rec, nil
}

var errNotOwner = protocol.Refuse(protocol.Forbidden, "session does not belong to user")

// append stores one event with the session's next seq. The session's row is
// saved by the caller, once a change.
func (c *change) append(name, kind, runID string, payload protocol.Payload) error {
	c.rec.LastSeq++
	e := StoredEvent{Seq: c.rec.LastSeq, Name: name, Kind: kind, RunID: runID, Payload: payload.AppendJSON(nil)}
	if err := c.AppendEvent(c.rec.ID, e); err != nil {
		return err
	}
	c.events = append(c.events, Event{
		SessionKey: c.rec.Key, UserID: c.rec.UserID, Epoch: c.rec.Epoch,
		Seq: e.Seq, Name: e.Name, Kind: e.Kind, RunID: e.RunID, Payload: e.Payload,
	})
	return nil
}

// agent appends an agent event of a run.
func (c *change) agent(kind string, run Run, payload protocol.Payload) error {
	return c.append(protocol.EventAgent, kind, run.ID, &protocol.AgentEvent{
		Type: kind, SessionKey: c.rec.Key, AgentID: run.AgentID, RunID: run.ID, UserID: c.rec.UserID,
		Channel: protocol.ChannelWS, Payload: payload.AppendJSON(nil),
	})
}

// message stores a new message under the next seq and tells of it.
func (c *change) message(m *Message) error {
	m.Seq = c.rec.LastSeq + 1
	m.Anchor = m.Seq
	if err := c.SaveMessage(c.rec.ID, *m); err != nil {
		return err
	}
	return c.show(*m)
}

// show tells of a message as it is.
func (c *change) show(m Message) error {
	return c.append(protocol.EventChat, "", m.RunID, &protocol.ChatEvent{
		Type: protocol.ChatMessage, SessionKey: c.rec.Key, Message: m.Message,
	})
}

// saveTouched saves the session's row as changed now, which moves it to the top
// of lists.
func (c *change) saveTouched() error {
	c.rec.UpdatedAt = c.now
	return c.SaveSession(&c.rec)
}

func newID(prefix string) string { return prefix + uuid.Must(uuid.NewV7()).String() }

// epochBytes is how many random bytes an epoch has.
const epochBytes = 8

func newEpoch() string { return credential.RandomID(epochBytes) }
