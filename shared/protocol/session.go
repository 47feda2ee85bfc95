package protocol

// Session describes a session. The fields after UpdatedAt are those that v3 names in
// another way, or has in addition; only sessions.list sets them.
type Session struct {
	Key       string `json:"key"`
	AgentID   string `json:"agentId"`
	UserID    string `json:"userId"`
	Label     string `json:"label,omitempty"`
	Pinned    bool   `json:"pinned,omitempty"`
	IsRunning bool   `json:"isRunning,omitempty"`
	Epoch     string `json:"epoch"`
	LastSeq   int64  `json:"lastSeq"`
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`

	Created      Time   `json:"created,omitempty"` // CreatedAt
	Updated      Time   `json:"updated,omitempty"` // UpdatedAt
	User         string `json:"userID,omitempty"`  // UserID
	Channel      string `json:"channel,omitempty"` // ChannelWS
	Model        string `json:"model,omitempty"`   // of the agent
	MessageCount *int64 `json:"messageCount,omitempty"`
}

// NewSessionKey returns the key of a new session with an agent. id must be random.
func NewSessionKey(agentID, id string) string { return "agent:" + agentID + ":ws:direct:" + id }

// SessionsListParams asks for a page of the caller's sessions: pinned ones first, then by
// latest activity. Admins may ask for another user's sessions, or for all.
type SessionsListParams struct {
	UserID  string `json:"userId,omitempty"`
	All     bool   `json:"all,omitempty"`
	AgentID string `json:"agentId,omitempty"`
	Query   string `json:"query,omitempty"`
	Limit   *int64 `json:"limit,omitempty"`
	Cursor  string `json:"cursor,omitempty"`
	Channel string `json:"channel,omitempty"` // any but ChannelWS has no sessions
	Offset  int64  `json:"offset,omitempty"`  // sessions to skip, at most MaxListOffset
}

// SessionsListResult answers sessions.list; Cursor is empty on the last page. Total is how
// many sessions there are, exact up to MaxListOffset; with a Query or an AgentID, it is how
// many are known to be there so far. Limit and Offset repeat the params.
type SessionsListResult struct {
	Sessions []Session `json:"sessions"`
	Cursor   string    `json:"cursor,omitempty"`
	Total    int64     `json:"total"`
	Limit    int64     `json:"limit"`
	Offset   int64     `json:"offset"`
}

// SessionsPreviewParams asks for one session and its last messages. Key is an alias of
// SessionKey.
type SessionsPreviewParams struct {
	SessionKey string `json:"sessionKey"`
	Key        string `json:"key,omitempty"`
}

// SessionsPreviewResult answers sessions.preview. Key is the session's; Summary is always
// empty.
type SessionsPreviewResult struct {
	Key      string    `json:"key"`
	Summary  string    `json:"summary"`
	Session  Session   `json:"session"`
	Messages []Message `json:"messages"`
	OwnerID  string    `json:"ownerId,omitempty"`
}

// SessionsPatchParams changes a session's label or pin. Absent fields are not changed.
// Key is an alias of SessionKey.
type SessionsPatchParams struct {
	SessionKey string  `json:"sessionKey"`
	Key        string  `json:"key,omitempty"`
	Label      *string `json:"label,omitempty"`
	Pinned     *bool   `json:"pinned,omitempty"`
	Own        bool    `json:"own,omitempty"`
}

// SessionsPatchResult answers sessions.patch.
type SessionsPatchResult struct {
	OK      bool    `json:"ok"`
	Key     string  `json:"key"`
	Session Session `json:"session"`
	OwnerID string  `json:"ownerId,omitempty"`
}

// SessionsKeyParams names the session to delete or to reset.
type SessionsKeyParams struct {
	Key string `json:"key"`
	Own bool   `json:"own,omitempty"`
}

// SessionsDeleteResult answers sessions.delete.
type SessionsDeleteResult struct {
	Deleted bool   `json:"deleted"`
	OwnerID string `json:"ownerId,omitempty"`
}

// SessionsResetResult answers sessions.reset: the session with its new, empty
// log.
type SessionsResetResult struct {
	Session Session `json:"session"`
	OwnerID string  `json:"ownerId,omitempty"`
}

// SessionUpdated is the payload of session.updated. Change is one of the following. Label
// is the session's.
type SessionUpdated struct {
	SessionKey string   `json:"sessionKey"`
	Change     string   `json:"change"`
	Label      string   `json:"label,omitempty"`
	Session    *Session `json:"session,omitempty"`
}

// Values of SessionUpdated.Change.
const (
	SessionCreated = "created"
	SessionPatched = "patched"
	SessionReset   = "reset"
	SessionDeleted = "deleted"
)
