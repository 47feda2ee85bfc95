package session

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store keeps sessions. Update and View may run their function more than once;
// store.Transactions says what they promise.
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. Look-ups of what does not exist give store.ErrNotFound.
type Tx interface {
	// Session finds a session by key, deleted ones included.
	Session(key string) (Record, error)
	// SessionByID finds a session by its row.
	SessionByID(id int64) (Record, error)
	// SaveSession inserts a record whose ID is 0, and sets it; else it updates
	// all but the key, the owner and what is derived.
	SaveSession(r *Record) error
	// Advance moves the last seq of a session on by n and gives it, if that run
	// of it is running; if not, store.ErrNotFound.
	Advance(id int64, runID string, n int) (lastSeq int64, err error)
	// ClearSession removes the events, messages and runs of a session, and frees
	// its files.
	ClearSession(id int64) error
	// Sessions lists what is not deleted, as List says.
	Sessions(q List) ([]Record, error)

	// AppendEvent adds an event under its seq, which must be free.
	AppendEvent(sessionID int64, e StoredEvent) error
	// Events gives the events with a seq above after, in order: as many as the
	// span allows, the first one whatever its size is.
	Events(sessionID, after int64, most Span) ([]StoredEvent, error)
	// RunEvents gives a run's agent events with a seq above after, up to and with
	// through, in order. It reads all of the log in between, so these should be
	// where the run began and where it ended.
	RunEvents(sessionID int64, runID string, after, through int64) ([]StoredEvent, error)
	// LastRunEvent gives the last of a run's agent events with a seq above after
	// that is of one of two types.
	LastRunEvent(sessionID, after int64, runID string, kinds [2]string) (StoredEvent, error)
	// RemoveEvents removes the oldest events with a seq up to and with through,
	// no more than limit. It gives how many it removed, and the seq of the last.
	RemoveEvents(sessionID, through int64, limit int) (removed int, last int64, err error)
	// RemovePieces does so with the pieces of a run that has ended: its chunk,
	// thinking and activity events with a seq above after.
	RemovePieces(r Run, after int64, limit int) (removed int, last int64, err error)

	// SaveMessage inserts the message, or updates what can change of it: content,
	// thinking, status, label and error. Its media never do.
	SaveMessage(sessionID int64, m Message) error
	// Message finds a message by id.
	Message(sessionID int64, id string) (Message, error)
	// MessageAt finds a message by its seq.
	MessageAt(sessionID, seq int64) (Message, error)
	// Messages gives the messages right before a place, in transcript order, and
	// whether there are older ones: as many as the bound allows, at least one.
	Messages(sessionID int64, before Place, most Bound) (messages []Message, more bool, err error)

	// SaveRun inserts the run, or updates what can change of it: answer, status,
	// lease, end, error and usage.
	SaveRun(r Run) error
	// Run finds a run by id.
	Run(id string) (Run, error)
	// ActiveRuns gives a session's queued and running runs in their order; with
	// session 0, everybody's.
	ActiveRuns(sessionID int64) ([]Run, error)
	// UserRuns is how many queued and running runs a user has, in all sessions.
	UserRuns(userID string) (int, error)
	// RenewLeases sets the end of the leases of a holder's running runs.
	RenewLeases(holder string, until time.Time) error
	// Unfolded gives up to limit runs that ended before that and are not Folded,
	// those first that ended first.
	Unfolded(endedBefore time.Time, limit int) ([]Run, error)
	// Untouched gives up to limit sessions that are not deleted, have no active
	// run and were last changed before that, in any order.
	Untouched(since time.Time, limit int) ([]Record, error)

	// File finds an uploaded file that was not freed.
	File(id string) (File, error)
	// AttachFile makes a file a session's.
	AttachFile(id string, sessionID int64) error

	// Send finds what a user's idempotency key made.
	Send(userID, key string) (Send, error)
	// SaveSend remembers what an idempotency key made; it must be new.
	SaveSend(s Send) error
}

// Record is a session's row.
type Record struct {
	ID        int64
	Key       string
	UserID    string
	AgentID   string
	Label     string
	Pinned    bool
	Epoch     string
	LastSeq   int64
	Floor     int64 // the highest seq that was removed from the log; 0: none
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero while it lives

	Running bool // derived: it has a queued or running run; not saved
}

// Wire is the record as clients see it.
func (r Record) Wire() protocol.Session {
	return protocol.Session{
		Key: r.Key, AgentID: r.AgentID, UserID: r.UserID, Label: r.Label, Pinned: r.Pinned,
		IsRunning: r.Running, Epoch: r.Epoch, LastSeq: r.LastSeq,
		CreatedAt: protocol.At(r.CreatedAt), UpdatedAt: protocol.At(r.UpdatedAt),
	}
}

// List selects sessions: pinned first, then those changed last.
type List struct {
	UserID  string // whose; empty: everybody's
	AgentID string // with which agent; empty: any
	Query   string // part of the label, any case of ASCII letters; empty: any
	Wide    bool   // Query may also be part of the key or the user
	Limit   int
	After   *Position // start behind this one; nil: at the top
}

// Position is a record's place in a list.
type Position struct {
	Pinned    bool
	UpdatedAt int64 // milliseconds since 1970
	ID        int64
}

// StoredEvent is one entry of a log. Payload is the frame's payload, without
// formatted text.
type StoredEvent struct {
	Seq     int64
	Name    string // agent, chat, session.updated
	Kind    string // of an agent event, its type; otherwise empty
	RunID   string
	Payload []byte
}

// Message is an entry of a transcript with its place: Anchor is the seq of the
// user's message that an answer answers, otherwise the message's own. While an
// answer streams, its content is in its run's events, not here.
type Message struct {
	protocol.Message
	Anchor int64
}

// File is an uploaded file.
type File struct {
	ID        string
	UserID    string // who uploaded it
	SessionID int64  // whose messages have it; 0: nobody's yet
	Media     protocol.Media
}

// Place is where a message stands in its transcript, which is ordered by Anchor
// and then Seq. The zero Place is behind the last message.
type Place struct {
	Anchor, Seq int64
}

// Bound is how much is read of a transcript.
type Bound struct {
	Messages int
	Bytes    int // of content and thinking
}

// RunStatus is a run's place in its life.
type RunStatus string

// The statuses of runs.
const (
	RunQueued    RunStatus = "queued"
	RunRunning   RunStatus = "running"
	RunCompleted RunStatus = "completed"
	RunFailed    RunStatus = "failed"
	RunCancelled RunStatus = "cancelled"
)

// Active reports whether the run has yet to end.
func (s RunStatus) Active() bool { return s == RunQueued || s == RunRunning }

// Run is one answer being made, or made.
type Run struct {
	ID            string
	SessionID     int64
	UserID        string // who asked
	AgentID       string
	UserMessageID string
	AnswerID      string // once it runs
	Status        RunStatus
	Order         int64 // seq of the event that queued it
	Stream        bool
	Holder        string    // who answers, once it runs
	LeaseUntil    time.Time // until when it is known to be at it
	CreatedAt     time.Time
	EndedAt       time.Time
	EndSeq        int64 // seq of the event that ended it
	Folded        bool  // it has ended and its pieces are removed
	ErrorCode     protocol.Code
	Error         string
	Usage         protocol.Usage
}

// Send is what one idempotency key made.
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
