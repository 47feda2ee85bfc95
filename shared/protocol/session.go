package protocol

// Session describes a session.
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
}

// SessionsListResult answers sessions.list; Cursor is empty on the last page.
type SessionsListResult struct {
	Sessions []Session `json:"sessions"`
	Cursor   string    `json:"cursor,omitempty"`
}

// SessionsPreviewParams asks for one session and its last messages.
type SessionsPreviewParams struct {
	SessionKey string `json:"sessionKey"`
}

// SessionsPreviewResult answers sessions.preview.
type SessionsPreviewResult struct {
	Session  Session   `json:"session"`
	Messages []Message `json:"messages"`
	OwnerID  string    `json:"ownerId,omitempty"`
}

// SessionsPatchParams changes a session's label or pin. Absent fields are not changed.
type SessionsPatchParams struct {
	SessionKey string  `json:"sessionKey"`
	Label      *string `json:"label,omitempty"`
	Pinned     *bool   `json:"pinned,omitempty"`
	Own        bool    `json:"own,omitempty"`
}

// SessionsPatchResult answers sessions.patch.
type SessionsPatchResult struct {
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

// SessionUpdated is the payload of session.updated. Change is one of the following.
type SessionUpdated struct {
	SessionKey string   `json:"sessionKey"`
	Change     string   `json:"change"`
	Session    *Session `json:"session,omitempty"`
}

// Values of SessionUpdated.Change.
const (
	SessionCreated = "created"
	SessionPatched = "patched"
	SessionReset   = "reset"
	SessionDeleted = "deleted"
)
