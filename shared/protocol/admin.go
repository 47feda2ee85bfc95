package protocol

// APIKey describes an API key. The key itself is given once, by KeysCreateResult.
type APIKey struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Prefix     string `json:"prefix"` // the key's first characters, to tell keys apart
	UserID     string `json:"userId"`
	Role       Role   `json:"role"`
	CreatedAt  Time   `json:"createdAt"`
	CreatedBy  string `json:"createdBy"`
	ExpiresAt  Time   `json:"expiresAt,omitempty"`
	LastUsedAt Time   `json:"lastUsedAt,omitempty"`
	RevokedAt  Time   `json:"revokedAt,omitempty"`
}

// KeysCreateParams creates an API key for a user. ExpiresIn is in seconds; absent or 0
// means never. OwnerID, Scopes and Expires are v3's names for UserID, Role and ExpiresIn:
// the role is the highest of the scopes operator.admin, operator.write (operator) and
// operator.read (viewer).
type KeysCreateParams struct {
	Name      string `json:"name"`
	UserID    string `json:"userId"`
	Role      Role   `json:"role"`
	ExpiresIn int64  `json:"expiresIn,omitempty"`

	OwnerID string   `json:"owner_id,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`
	Expires int64    `json:"expires_in,omitempty"`
}

// KeysCreateResult answers api_keys.create. It is the only answer that has the Key.
type KeysCreateResult struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	Prefix    string `json:"prefix"`
	Name      string `json:"name"`
	UserID    string `json:"userId"`
	Role      Role   `json:"role"`
	ExpiresAt Time   `json:"expiresAt,omitempty"`
}

// KeysListResult answers api_keys.list: valid keys, newest first, then those that were
// revoked or have expired. More reports that not all fit into the frame.
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

// ClientsListResult answers clients.list, the latest connections first. More reports
// that not all fit into the frame.
type ClientsListResult struct {
	Clients []ConnectedClient `json:"clients"`
	More    bool              `json:"more,omitempty"`
}

// ClientsDisconnectParams names the connection to close.
type ClientsDisconnectParams struct {
	ID string `json:"id"`
}

// ClientsDisconnectResult answers clients.disconnect.
type ClientsDisconnectResult struct {
	Disconnected bool `json:"disconnected"`
}

// AuditEntry is an entry of the audit log: who did what to which target, when and from
// where. Outcome is AuditDone or AuditFailed.
type AuditEntry struct {
	ID      int64  `json:"id"` // 1, 2, 3 …, without gaps
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

// Values of AuditEntry.Outcome.
const (
	AuditDone   = "done"
	AuditFailed = "failed"
)

// AuditListParams asks for a page of the audit log, newest first. An empty filter
// matches everything. UserID, Action and Target must match exactly; Query matches any
// part of these, of the address and of the detail. Before is an id.
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

// ConfigReloadResult answers config.reload: the changed keys that are active now, and
// those that need a restart.
type ConfigReloadResult struct {
	Applied      []string `json:"applied"`
	NeedsRestart []string `json:"needsRestart"`
}

// AdminChanged notifies admins of the lists that have changed, at most once a second.
// Topics are Topic… values.
type AdminChanged struct {
	Topics []string `json:"topics"`
}

// Values of AdminChanged.Topics.
const (
	TopicClients  = "clients"
	TopicSessions = "sessions"
	TopicKeys     = "keys"
	TopicAudit    = "audit"
	TopicConfig   = "config"
)
