package session

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store stores sessions. Update and View may call their function more than once; see
// [store.Transactions].
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. A look-up that finds nothing returns [store.ErrNotFound].
type Tx interface {
	// Session returns the session with that key, even if it is deleted.
	Session(key string) (Record, error)
	// SessionByID returns the session with that id.
	SessionByID(id int64) (Record, error)
	// SaveSession inserts a record whose ID is 0, and sets its ID. Otherwise it updates
	// the record, except the key, the owner and derived fields.
	SaveSession(r *Record) error
	// Advance adds n to the last seq of a session and returns the sum, if that run of the
	// session is running. Otherwise the error is store.ErrNotFound.
	Advance(id int64, runID string, n int) (lastSeq int64, err error)
	// ClearSession removes the events, messages and runs of a session, and frees its
	// files.
	ClearSession(id int64) error
	// Sessions returns the sessions of the UserID of q (empty: of all) after a position,
	// at most Limit, without the first Offset of them. None of them is deleted. The cost
	// depends on Limit and Offset alone.
	Sessions(q List) ([]Record, error)
	// Candidates returns what a search compares of the sessions that Sessions would
	// return.
	Candidates(q List) ([]Candidate, error)
	// CountSessions returns how many sessions a user (empty: all) has, at most most.
	CountSessions(userID string, most int) (int, error)

	// AppendEvent adds an event. No other event may have its seq.
	AppendEvent(sessionID int64, e StoredEvent) error
	// Events returns the events with a seq above after, in order and within limit. The
	// first one is returned whatever its size.
	Events(sessionID, after int64, limit Span) ([]StoredEvent, error)
	// RunEvents returns the agent events of a run with a seq above after and up to
	// through, in order. It reads the whole log between them, so they should be close to
	// the run.
	RunEvents(sessionID int64, runID string, after, through int64) ([]StoredEvent, error)
	// LastRunEvent returns the last agent event of a run that has a seq above after and
	// one of two types.
	LastRunEvent(sessionID, after int64, runID string, kinds [2]string) (StoredEvent, error)
	// RemoveEvents removes the oldest events with a seq up to through, at most limit. It
	// returns how many it has removed, and the seq of the last one.
	RemoveEvents(sessionID, through int64, limit int) (removed int, last int64, err error)
	// RemovePieces removes the pieces of a run that has ended: the oldest of its chunk,
	// thinking and activity events with a seq above after, at most limit. It returns what
	// RemoveEvents does.
	RemovePieces(r Run, after int64, limit int) (removed int, last int64, err error)

	// SaveMessage inserts the message, or updates its content, thinking, status, label,
	// error, finish and whether it was rejected. Other fields never change.
	SaveMessage(sessionID int64, m Message) error
	// Message returns the message with that id.
	Message(sessionID int64, id string) (Message, error)
	// MessageAt returns the message with that seq.
	MessageAt(sessionID, seq int64) (Message, error)
	// Messages returns the messages right before a place, in the order of the transcript
	// and within limit, but at least one. more says whether there are older ones.
	Messages(sessionID int64, before Place, limit Bound) (messages []Message, more bool, err error)

	// SaveRun inserts the run, or updates its answer, status, lease, end, error and
	// usage.
	SaveRun(r Run) error
	// Run returns the run with that id.
	Run(id string) (Run, error)
	// ActiveRuns returns the queued and running runs of a session in their order, the
	// running one first. With session 0, it returns those of all sessions.
	ActiveRuns(sessionID int64) ([]Run, error)
	// UserRuns returns the number of queued and running runs of a user, in all sessions.
	UserRuns(userID string) (int, error)
	// RenewLeases sets the lease of all running runs of a holder.
	RenewLeases(holder string, until time.Time) error
	// Uncompacted returns up to limit runs that ended before a time and are not
	// Compacted, those that ended first.
	Uncompacted(endedBefore time.Time, limit int) ([]Run, error)
	// UnchangedSince returns up to limit sessions that are not deleted, have no active
	// run, and were last changed before a time, in any order.
	UnchangedSince(since time.Time, limit int) ([]Record, error)

	// File returns an uploaded file that was not freed.
	File(id string) (File, error)
	// AttachFile attaches a file to a session.
	AttachFile(id string, sessionID int64) error

	// Send returns what was sent with an idempotency key of a user.
	Send(userID, key string) (Send, error)
	// SaveSend stores what was sent with an idempotency key, which must be new.
	SaveSend(s Send) error
}

// Record is a session as it is stored.
type Record struct {
	ID        int64
	Key       string
	UserID    string
	AgentID   string
	Label     string
	Pinned    bool
	Epoch     string
	LastSeq   int64
	Floor     int64 // the highest seq that was removed from the log; 0 if none was
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero if it is not deleted

	// The following fields are derived: SaveSession does not store them.
	Messages int64 // how many messages the session has
	Running  bool  // whether a run is queued or running
}

// Wire returns the record in the form of the protocol.
func (r Record) Wire() protocol.Session {
	return protocol.Session{
		Key: r.Key, AgentID: r.AgentID, UserID: r.UserID, Label: r.Label, Pinned: r.Pinned,
		IsRunning: r.Running, Epoch: r.Epoch, LastSeq: r.LastSeq,
		CreatedAt: protocol.At(r.CreatedAt), UpdatedAt: protocol.At(r.UpdatedAt),
	}
}

// StoredEvent is one event of a log. Payload is the payload of its frame, without
// formatted text.
type StoredEvent struct {
	Seq     int64
	Name    string // agent, chat, session.updated
	Kind    string // the type of an agent event, otherwise empty
	RunID   string // the run of an agent event, otherwise empty
	Payload []byte
}

// Message is a message of a transcript. While an answer streams, its content is in the
// events of its run, not here.
type Message struct {
	protocol.Message
	// Anchor is the seq of the message that an answer answers. For all other messages, it
	// is their own seq.
	Anchor int64
}

// File is an uploaded file.
type File struct {
	ID        string
	UserID    string // who uploaded it
	SessionID int64  // the session that it is attached to; 0 if none
	Media     protocol.Media
}

// Place is the position of a message in its transcript, which is ordered by Anchor and
// then by Seq. The zero Place is after the last message.
type Place struct {
	Anchor, Seq int64
}

// Bound limits how much of a transcript is read.
type Bound struct {
	Messages int
	Bytes    int // of content and thinking
}

// RunStatus is the status of a run.
type RunStatus string

// The statuses of runs.
const (
	RunQueued    RunStatus = "queued"
	RunRunning   RunStatus = "running"
	RunCompleted RunStatus = "completed"
	RunFailed    RunStatus = "failed"
	RunCancelled RunStatus = "cancelled"
)

// Active reports whether the run is queued or running.
func (s RunStatus) Active() bool { return s == RunQueued || s == RunRunning }

// Run is the making of one answer.
type Run struct {
	ID            string
	SessionID     int64
	UserID        string // who asked for it
	AgentID       string
	UserMessageID string
	AnswerID      string // the message of the answer, since the run has begun
	Status        RunStatus
	Order         int64     // the seq of the event that queued it
	Stream        bool      // whether a client watches the answer grow
	Holder        string    // the Runner that runs it, since it has begun
	LeaseUntil    time.Time // until when the holder is known to be alive
	CreatedAt     time.Time
	EndedAt       time.Time
	EndSeq        int64 // the seq of the event that ended it
	Compacted     bool  // whether it has ended and its pieces were removed
	ErrorCode     protocol.Code
	Error         string
	Usage         protocol.Usage
}

// Send is what was sent with one idempotency key.
type Send struct {
	UserID     string
	Key        string
	SessionKey string
	Digest     []byte // of what was sent
	RunID      string
	MessageID  string
	Seq        int64
	Epoch      string
}
