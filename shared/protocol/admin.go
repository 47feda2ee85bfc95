package protocol

// APIKey is what lists say of an API key; the key itself is shown once, when it
// is made.
type APIKey struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Prefix     string `json:"prefix"` // its first characters, to tell keys apart
	UserID     string `json:"userId"`
	Role       Role   `json:"role"`
	CreatedAt  Time   `json:"createdAt"`
	CreatedBy  string `json:"createdBy"`
	ExpiresAt  Time   `json:"expiresAt,omitempty"`
	LastUsedAt Time   `json:"lastUsedAt,omitempty"`
	RevokedAt  Time   `json:"revokedAt,omitempty"`
}

// KeysCreateParams makes an API key for a user. ExpiresIn is in seconds; absent
// or 0 is never.
type KeysCreateParams struct {
	Name      string `json:"name"`
	UserID    string `json:"userId"`
	Role      Role   `json:"role"`
	ExpiresIn int64  `json:"expiresIn,omitempty"`
}

// KeysCreateResult answers api_keys.create. Key is told here and never again.
type KeysCreateResult struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	Prefix    string `json:"prefix"`
	Name      string `json:"name"`
	UserID    string `json:"userId"`
	Role      Role   `json:"role"`
	ExpiresAt Time   `json:"expiresAt,omitempty"`
}

// KeysListResult answers api_keys.list: keys that hold first, newest first, then
// those that were revoked or have expired. More tells that not all fit the
// frame.
type KeysListResult struct {
	Keys []APIKey `json:"keys"`
	More bool     `json:"more,omitempty"`
}

// KeysRevokeParams names the key to revoke.
type KeysRevokeParams struct {
	ID string `json:"id"`
}

// KeysRevokeResult answers api_keys.revoke.
type KeysRevokeResult struct {
	Revoked bool `json:"revoked"`
}

// ClientsListResult answers clients.list, the latest connections first. More
// tells that not all fit the frame.
type ClientsListResult struct {
	Clients []ConnectedClient `json:"clients"`
	More    bool              `json:"more,omitempty"`
}

// ClientsDropParams names the connection to close.
type ClientsDropParams struct {
	ID string `json:"id"`
}

// ClientsDropResult answers clients.disconnect.
type ClientsDropResult struct {
	Disconnected bool `json:"disconnected"`
}

// AuditEntry is one line of the audit log: who did what to what, when, from
// where. Outcome is AuditDone or AuditFailed.
type AuditEntry struct {
	ID      int64  `json:"id"` // rises; gapless
	At      Time   `json:"at"`
	UserID  string `json:"userId"`
	Role    Role   `json:"role,omitempty"`
	Via     string `json:"via"` // token, key:PREFIX, device:ID, link, gateway
	Address string `json:"address"`
	Action  string `json:"action"`
	Target  string `json:"target,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Outcome string `json:"outcome"`
}

// Outcomes of what the audit log tells.
const (
	AuditDone   = "done"
	AuditFailed = "failed"
)

// AuditListParams asks for a page of the audit log, newest first. Before is an
// id. Empty filters take all; UserID, Action and Target match whole, Query any
// part of them, of the address and of the detail.
type AuditListParams struct {
	UserID string `json:"userId,omitempty"`
	Action string `json:"action,omitempty"`
	Target string `json:"target,omitempty"`
	Query  string `json:"query,omitempty"`
	Since  Time   `json:"since,omitempty"`
	Until  Time   `json:"until,omitempty"`
	Before int64  `json:"before,omitempty"`
	Limit  *int64 `json:"limit,omitempty"`
}

// AuditListResult answers audit.list.
type AuditListResult struct {
	Entries []AuditEntry `json:"entries"`
	HasMore bool         `json:"hasMore"`
}

// ConfigReloadResult answers config.reload: the keys that changed and are in
// force, and those that wait for a restart.
type ConfigReloadResult struct {
	Applied      []string `json:"applied"`
	NeedsRestart []string `json:"needsRestart"`
}

// AdminChanged tells admins which lists are not as they were; at most one a
// second. Topics are Topic… values.
type AdminChanged struct {
	Topics []string `json:"topics"`
}

// What admin.changed tells of.
const (
	TopicClients  = "clients"
	TopicSessions = "sessions"
	TopicKeys     = "keys"
	TopicAudit    = "audit"
	TopicConfig   = "config"
)
