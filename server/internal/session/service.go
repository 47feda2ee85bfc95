package session

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/turn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Caller is an authenticated caller.
type Caller struct {
	UserID string
	Role   protocol.Role
	Own    bool // has no access to what belongs to other users, even as an admin
}

// owns reports whether the session belongs to the caller, or the caller is an admin.
func (c Caller) owns(r Record) bool { return r.UserID == c.UserID || c.reachesOthers() }

// reachesOthers reports whether the caller has access to what belongs to other users.
func (c Caller) reachesOthers() bool { return !c.Own && c.Role.Allows(protocol.Admin) }

// Access names a session and the caller who wants access. Nothing is checked when it is
// made, by [Caller.To]: each method of Service that takes an Access checks in its
// transaction that the session belongs to the caller or that the caller is an admin.
// Otherwise it refuses with FORBIDDEN.
type Access struct {
	caller Caller
	key    string
}

// To returns an Access of the caller to the session with that key. The session need not
// exist. The form of the key must have been checked.
func (c Caller) To(key string) Access { return Access{c, key} }

// Key returns the session's key.
func (a Access) Key() string { return a.key }

// Event is a committed event, for the followers of its session. After the deletion of the
// session, Seq is 0 and Epoch is empty. Payload is shared and must not be changed.
type Event struct {
	SessionKey string
	UserID     string // the session's owner
	Epoch      string // of the log that Seq counts in
	Seq        int64
	Name       string
	Kind       string // the type of an agent event, otherwise empty
	RunID      string // the run of an agent event, otherwise empty
	Payload    []byte
}

// Publisher gets the committed events. Those of one session come in the order of their
// seq. Publish must not block.
type Publisher interface {
	Publish(e Event)
}

// Settings are the settings of sessions.
type Settings struct {
	MaxRunsPerUser int // queued and running runs of a user, in all sessions; 0 is no limit
}

// Service reads and changes sessions. It is safe for concurrent use. Its refusals are
// *protocol.Error; other errors are the store's.
type Service struct {
	// PlainLine returns the first line of a message without its markdown, for the title of
	// a new session. If it is nil, titles keep the markdown. Set it before the first call.
	PlainLine func(message string) string

	store    Store
	settings setting.Live[Settings]
	publish  Publisher
	locks    keyedLocks
	tails    tails
	waiters  waiters
	searches *turn.Turns
}

// New returns a Service on a store. It passes committed events to publish.
func New(store Store, publish Publisher, settings setting.Live[Settings]) *Service {
	return &Service{store: store, publish: publish, settings: settings,
		locks:    keyedLocks{held: map[string]*keyedLock{}},
		tails:    newTails(),
		waiters:  waiters{byRun: map[string][]*waiter{}},
		searches: newSearches(),
	}
}

// change is one transaction on one session, with what must be published when the
// transaction is durable. A method of change that is named like a method of Service is
// the transaction of that method.
type change struct {
	Tx
	tails     *tails                 // of the Service
	settings  setting.Live[Settings] // of the Service
	plainLine func(string) string    // of the Service
	rec       Record                 // the session
	now       time.Time              // truncated to the precision of the store
	events    []Event                // to be published
	ended     []Ended                // runs whose waiters must be called
}

// update calls fn in a transaction on the session with that key, and publishes the events
// that fn has appended. fn may be called more than once, each time with a new change.
func (s *Service) update(ctx context.Context, key string, fn func(*change) error) error {
	unlock, err := s.locks.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	return s.commit(ctx, key, fn)
}

// commit does what update does, for a caller that holds the lock of the session.
func (s *Service) commit(ctx context.Context, key string, fn func(*change) error) error {
	var c *change
	committing := false
	err := s.store.Update(ctx, func(tx Tx) error {
		c = &change{Tx: tx, tails: &s.tails, now: protocol.At(time.Now()).Go(),
			settings: s.settings, plainLine: s.PlainLine}
		err := fn(c)
		committing = err == nil
		return err
	})
	if err != nil {
		if committing { // the commit failed, but its events may be stored all the same
			s.tails.drop(key)
		}
		return err
	}
	// The tail gets the events before they are published, so that a reader who asks for a
	// published event finds it there.
	s.tails.add(c.rec.ID, c.events)
	for _, e := range c.events {
		s.publish.Publish(e)
	}
	for _, e := range c.ended {
		s.waiters.end(e)
	}
	return nil
}

// load reads the session and checks that the caller has access.
func (c *change) load(a Access) error {
	rec, err := findOwned(c.Tx, a)
	c.rec = rec
	return err
}

// findOwned returns the session, if it is not deleted and the caller has access.
// Otherwise it refuses with NOT_FOUND or FORBIDDEN.
func findOwned(tx Tx, a Access) (Record, error) {
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

// append stores one event with the next seq. After the last append of a change, the
// caller must save the session.
func (c *change) append(name, kind, runID string, payload protocol.Payload) error {
	c.rec.LastSeq++
	e := StoredEvent{Seq: c.rec.LastSeq, Name: name, Kind: kind, RunID: runID,
		Payload: payload.AppendJSON(nil)}
	if err := c.AppendEvent(c.rec.ID, e); err != nil {
		return err
	}
	c.events = append(c.events, Event{
		SessionKey: c.rec.Key, UserID: c.rec.UserID, Epoch: c.rec.Epoch,
		Seq: e.Seq, Name: e.Name, Kind: e.Kind, RunID: e.RunID, Payload: e.Payload,
	})
	return nil
}

// appendAgent appends an agent event of a run.
func (c *change) appendAgent(kind string, run Run, payload protocol.Payload) error {
	return c.append(protocol.EventAgent, kind, run.ID, &protocol.AgentEvent{
		Type: kind, SessionKey: c.rec.Key, AgentID: run.AgentID, RunID: run.ID,
		UserID:  c.rec.UserID,
		Channel: protocol.ChannelWS, Payload: payload.AppendJSON(nil),
	})
}

// addMessage stores a new message and appends its event.
func (c *change) addMessage(m *Message) error {
	m.Seq = c.rec.LastSeq + 1
	m.Anchor = m.Seq
	if err := c.SaveMessage(c.rec.ID, *m); err != nil {
		return err
	}
	return c.appendMessage(*m)
}

// appendMessage appends an event that shows a message.
func (c *change) appendMessage(m Message) error {
	return c.append(protocol.EventChat, "", m.RunID, &protocol.ChatEvent{
		Type: protocol.ChatMessage, SessionKey: c.rec.Key, Message: m.Message,
	})
}

// saveTouched saves the session as changed now, which moves it to the top of lists.
func (c *change) saveTouched() error {
	c.rec.UpdatedAt = c.now
	return c.SaveSession(&c.rec)
}

// newID returns a new id with that prefix. Ids sort by age.
func newID(prefix string) string { return prefix + uuid.Must(uuid.NewV7()).String() }

// epochBytes is the number of random bytes in an epoch.
const epochBytes = 8

// newEpoch returns the epoch of a new log.
func newEpoch() string { return credential.RandomID(epochBytes) }
